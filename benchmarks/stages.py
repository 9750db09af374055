"""Where the time of a command goes: its functions by name, with the seconds of clock and processor.

python benchmarks/stages.py train digits.yaml -q

The command runs in this process; what is measured of a function is without the others of the list
that run inside it. Processor time is that of all threads of this process.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

START = time.perf_counter() - time.process_time()

FUNCTIONS = {
    "dl.config.load": ["load_config"],
    "dl.tracking": ["tracking"],
    "dl.app.training": ["_dataset", "_advise", "_finish", "_conduct"],
    "dl.data.load": ["read_dataset"],
    "dl.model.build": ["build_model", "compile_model", "check_phases"],
    "dl.training.setup": ["prepare", "choose_strategy"],
    "dl.training.workflow": ["train", "_fit", "_finish", "predict_outputs", "_first_record"],
    "dl.training.fit": ["fit"],
    "dl.training.steps": ["Trainer.prepare", "Trainer.steps"],
    "dl.report.stored": ["write_training_facts"],
    "dl.inspect.layers": ["measure", "layer_rows"],
    "dl.predict.evaluate": ["evaluate"],
    "dl.predict.convert": ["keep_lite"],
    "dl.report.process": ["ReportProcess.__init__", "ReportProcess.end"],
}
"""What is measured, by module."""

_inside: list[list[float]] = []
_spent: dict[str, list[float]] = {}
_events: list[tuple[float, str]] = []


class _Measured(Loader):
    """Has functions of a module tell how long they take."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        for name in FUNCTIONS[module.__name__]:
            owner: Any = module
            *path, last = name.split(".")
            for part in path:
                owner = getattr(owner, part)
            label = f"{module.__name__.removeprefix('dl.')}.{name}"
            setattr(owner, last, _measured(getattr(owner, last), label))


class _Finder:
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in FUNCTIONS else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Measured(spec.loader)
        return spec


def _measured(function: Callable[..., Any], label: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        begin = time.perf_counter(), time.process_time()
        _events.append((begin[0] - START, f"> {label}"))
        _inside.append([0.0, 0.0])
        try:
            return function(*arguments, **named)
        finally:
            took = time.perf_counter() - begin[0], time.process_time() - begin[1]
            inner = _inside.pop()
            total = _spent.setdefault(label, [0.0, 0.0])
            for place in (0, 1):
                total[place] += took[place] - inner[place]
                if _inside:
                    _inside[-1][place] += took[place]
            _events.append((time.perf_counter() - START, f"< {label}"))

    return call


def main() -> None:
    """Runs the command, and then tells."""
    sys.meta_path.insert(0, _Finder())
    import dl.cli  # noqa: F401 - makes the process one of `dl`
    from dl.variables import import_nothing_from_here

    import_nothing_from_here()
    from dl.cli.main import run

    _events.append((time.perf_counter() - START, "the commands are imported"))
    code = run(sys.argv[1:])
    end = time.perf_counter() - START, time.process_time()
    for at, what in _events:
        print(f"{at:8.3f}  {what}", file=sys.stderr)
    for label, (clock, processor) in sorted(_spent.items(), key=lambda item: -item[1][0]):
        print(f"{clock:8.3f} {processor:8.3f}  {label}", file=sys.stderr)
    print(f"{end[0]:8.3f} {end[1]:8.3f}  in all", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
