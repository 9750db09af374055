"""Who may import whom. The table is the documentation; the test keeps it true."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import dl

ROOT = Path(dl.__file__).parent

LIGHT = {
    "errors",
    "finders",
    "imports",
    "progress",
    "stats",
    "system",
    "text",
    "variables",
    "vocabulary",
    "config",
    "rundir",
    "warm",
}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "finders": set(),
    "imports": {"errors"},
    "text": set(),
    "progress": {"text"},
    "system": set(),
    "stats": set(),
    "variables": set(),
    "warm": {"imports", "system", "variables"},
    "vocabulary": {"errors", "text"},
    "config": {"vocabulary", "errors", "system", "text"},
    "rundir": {"config", "vocabulary", "errors", "system", "text"},
    "data": LIGHT,
    "init": {"data", *LIGHT},
    "audit": {"init", "data", *LIGHT},
    "model": {"data", *LIGHT},
    "predict": {"model", "data", *LIGHT},
    "export": {"predict", "model", "data", *LIGHT},
    "training": {"predict", "model", "data", *LIGHT},
    "inspect": {"training", "predict", "model", "data", *LIGHT},
    "sweeps": {"training", "data", *LIGHT},
    "tracking": {"sweeps", *LIGHT},
    "report": {"inspect", "sweeps", "data", *LIGHT},
    "baselines": {"report", "predict", "model", "data", *LIGHT},
    "serve": {"report", "predict", "data", *LIGHT},
    "course": {"report", "training", "predict", "model", "data", *LIGHT},
    "play": {"report", "inspect", "training", "init", "model", "data", *LIGHT},
    "app": {
        "course",
        "export",
        "play",
        "serve",
        "audit",
        "baselines",
        "report",
        "sweeps",
        "inspect",
        "training",
        "predict",
        "model",
        "data",
        "tracking",
        *LIGHT,
    },
    "cli": {
        "app",
        "course",
        "export",
        "play",
        "serve",
        "audit",
        "baselines",
        "init",
        "report",
        "sweeps",
        "inspect",
        "training",
        "predict",
        "data",
        "tracking",
        *LIGHT,
    },
    "hosted": {"app", *LIGHT},
    "rows": {*LIGHT},
    "run": {"app", "export", "hosted", "predict", "report", "rows", "sweeps", *LIGHT},
    "api": {"app", "hosted", "inspect", "report", "rows", "run", "sweeps", "tracking", *LIGHT},
    "estimators": {"api", "run", *LIGHT},
    "__main__": {"cli", "variables", "warm"},
}
HEAVY = {
    "h5py",
    "keras",
    "matplotlib",
    "mlflow",
    "numpy",
    "optuna",
    "pandas",
    "PIL",
    "pyarrow",
    "ray",
    "scipy",
    "sklearn",
    "tensorflow",
}
LIGHT_FILES = {
    *(f"inspect/{name}.py" for name in ("__init__", "diagnose", "evidence", "changes")),
    *(f"course/{name}.py" for name in ("__init__", "exercise", "checks", "progress", "words")),
}
"""Files of heavy packages that judge numbers which others have measured."""
LAZY_IN_CLI = HEAVY | {"rich", "yaml"}
LAZY_MODULES = {
    "cli/live.py": ("rich", "dl.report.braille", "dl.report.palette"),
    "cli/texts.py": ("dl.report.terminal",),
    "cli/train_texts.py": ("dl.report.terminal",),
}
"""Modules that commands import inside their bodies, and what they may therefore load."""

COMMANDS = {"api", "app", "cli", "run", "__main__"}
"""Packages that load the heavy half, or what a command does not need, when a use needs it."""

CHILD = "report/process.py"
"""Its function runs in a child process, which loads what draws while the parent trains."""

READERS = {
    "cli",
    "inspect",
    "model",
    "predict",
    "report",
    "rundir",
    "sweeps",
    "tracking",
    "training",
}
"""Packages that read what lies in a run or a sweep."""

OPENERS = {
    "rundir/files.py": "the functions that never wait",
    "rundir/manifest.py": "writes to a temporary name of its own",
    "training/strategy.py": "a file of the package",
    "report/html.py": "files of the package",
    "cli/process.py": "/dev/null",
    "sweeps/journal.py": "adds to a file that it has read before",
    "sweeps/pools/transfer.py": "files of data, and its copies of them",
}
"""Files that open others themselves, and what."""


def test_a_package_imports_only_lower_ones() -> None:
    assert not [
        f"{place} imports dl.{target}"
        for package, place, target in _own_imports()
        if target != package and target not in ALLOWED[package]
    ]


def test_every_package_is_in_the_table() -> None:
    packages = {_package(path) for path in _files()}
    assert packages <= set(ALLOWED)


def test_the_table_has_no_cycle() -> None:
    above: set[str] = set()
    for package in reversed(ALLOWED):
        assert not ALLOWED[package] & (above | {package})
        above.add(package)


def test_light_packages_import_nothing_heavy_at_load() -> None:
    assert not [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in _files()
        if _package(path) in LIGHT | {"app"} or path.relative_to(ROOT).as_posix() in LIGHT_FILES
        for module in _at_load(path)
        if module.split(".")[0] in HEAVY
    ]


def test_commands_import_only_click_and_light_modules_at_load() -> None:
    assert not [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in _files()
        if _package(path) == "cli"
        for module in _at_load(path)
        if _is_lazy(module) and not module.startswith(_excepted(path))
    ]


def test_keras_is_loaded_by_the_package_that_does_it_quietly() -> None:
    assert not [
        f"{path.relative_to(ROOT)} imports {module}: take it from dl.model"
        for path in _files()
        if _package(path) in ("predict", "training", "inspect", "export")
        for module in _at_load(path)
        if module.split(".")[0] in ("keras", "tensorflow")
    ]


def test_own_modules_are_imported_inside_functions_only_by_commands_and_use_cases() -> None:
    assert not [
        f"{path.relative_to(ROOT)}:{node.lineno} hides an import of {module}"
        for path in _files()
        if _package(path) not in COMMANDS and path.relative_to(ROOT).as_posix() != CHILD
        for node, module in _hidden(path)
        if module.split(".")[0] == "dl"
    ]


def test_files_of_runs_are_opened_only_by_functions_that_never_wait() -> None:
    assert not [
        f"{path.relative_to(ROOT)}:{node.lineno} opens a file: dl.rundir.files does"
        for path in _files()
        if _package(path) in READERS and path.relative_to(ROOT).as_posix() not in OPENERS
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and _opens(node)
    ]


def _opens(call: ast.Call) -> bool:
    """Tells whether a call opens a path as it is: a named pipe would be waited for."""
    match call.func:
        case ast.Name(id="open"):
            return True
        case ast.Attribute(value=ast.Name(id="os"), attr="open"):
            return True
        case ast.Attribute(attr="read_bytes" | "read_text"):
            return True
        case ast.Attribute(attr="open", value=value):
            return not isinstance(value, ast.Name) or value.id not in ("tarfile", "Image")
    return False


def _is_lazy(module: str) -> bool:
    parts = module.split(".")
    own_heavy = parts[0] == "dl" and parts[1] not in LIGHT | {"cli", "app"}
    return own_heavy or parts[0] in LAZY_IN_CLI


def _excepted(path: Path) -> tuple[str, ...]:
    return LAZY_MODULES.get(path.relative_to(ROOT).as_posix(), ())


def _files() -> Iterator[Path]:
    return (path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py")


def _package(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _own_imports() -> Iterator[tuple[str, str, str]]:
    """Yields the importing package, the file, and the package that it imports."""
    for path in _files():
        for node in ast.walk(_tree(path)):
            for module in _modules(node):
                parts = module.split(".")
                if parts[0] == "dl" and len(parts) > 1:
                    yield _package(path), f"{path.relative_to(ROOT)}:{node.lineno}", parts[1]


def _modules(node: ast.AST) -> list[str]:
    """Returns the modules that a statement imports; `from dl import x` counts as `dl.x`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.level == 0, "imports are absolute"
    if node.module == "dl":
        return [f"dl.{alias.name}" for alias in node.names if alias.name != "__version__"]
    return [node.module or ""]


def _at_load(path: Path) -> Iterator[str]:
    """Yields the modules that are imported when the file is: not in functions, not for types."""
    waiting: list[ast.AST] = [_tree(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        yield from _modules(node)
        waiting += ast.iter_child_nodes(node)


def _hidden(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Yields the imports inside functions."""
    for function in ast.walk(_tree(path)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                for module in _modules(node):
                    if isinstance(node, ast.stmt):
                        yield node, module
