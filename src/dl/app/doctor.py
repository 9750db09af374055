"""Whether this machine is one on which `dl` works: each thing that a run needs is tried."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dl
from dl.errors import DlError, ExitCode, first_line
from dl.progress import Reporter, SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.files import TEMPORARY, is_held, locked, read_regular, write_bytes
from dl.system import available_memory, physical_memory, processor_name, processors
from dl.text import listing, number, painted, plural, size
from dl.variables import RECORDED, environment_of_child, recorded, unheeded

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_PACKAGE = "dl-keras"
_LIGHT = "dl-keras-predict"
_SHOWN = ("keras", "tensorflow", "numpy", "h5py", "pandas", "pyarrow")
"""Libraries whose versions decide about bits and files."""
_LEAST_MEMORY = 1e9
"""TensorFlow with a small network and its data takes two thirds of it."""
_LEAST_DISK = 100e6
"""A run of a small network takes a few megabytes, one of a few million parameters this much."""
_NARROW = 60
"""Columns of a terminal below which tables leave columns out."""

_CONFIG: Mapping[str, Any] = {
    "name": "doctor",
    "seed": 1,
    "data": {"source": "builtin", "dataset": "iris"},
    "model": {
        "layers": [
            {"type": "Dense", "units": 16, "activation": "relu"},
            {"type": "Dense", "units": 3, "activation": "softmax"},
        ]
    },
    "training": {"loss": "sparse_categorical_crossentropy", "epochs": 20},
}
_LOSS = 0.7936110
"""The loss of that training on its test part."""
_TOLERANCE = 1e-3
"""Processors sum in their own order: without oneDNN the bits are others, but not these digits."""

_SAID = re.compile(r"^[IWEF]\S* .*?\] (.*(?:cuda|GPU|ROCm).*)$", re.MULTILINE | re.IGNORECASE)
"""A line of TensorFlow's log that is about accelerators, without time, thread and place."""
_LIST_DEVICES = "import tensorflow; tensorflow.config.list_physical_devices()"


@dataclass(frozen=True, slots=True)
class Check:
    """What one look has found.

    Attributes:
        part: What was looked at.
        text: What was found.
        good: Whether that is as it should be; None where it is worth knowing, but no fault.
        hint: What to do about it.
        code: The exit code, where it is a fault.
        values: The same for programs.
    """

    part: str
    text: str
    good: bool | None = True
    hint: str = ""
    code: ExitCode = ExitCode.DONE
    values: Mapping[str, Any] = field(default_factory=dict)


def examine(runs: Path, reporter: Reporter) -> list[Check]:
    """Looks at all that a training needs, and trains.

    Args:
        runs: The folder of all runs, which need not be there yet.
        reporter: Is told what happens.
    """
    found = [*versions(), *machine(), *folder(runs), *terminal(), *environment()]
    if any(check.part == "versions" and check.good is False for check in found):
        skipped = "not tried: first mend the versions"
        return [*found, Check("training", skipped, None)]
    if find_spec("tensorflow") is None:  # the packages are as `dl-keras-predict` asks for
        return [*found, Check("training", "not tried: dl is here for prediction alone", None)]
    with reporter.stage("Training twice"):
        trained = training(runs)
    if not trained.good:
        return [*found, trained]
    with reporter.stage("Looking for accelerators"):
        return [*found, accelerators(), trained]


def versions() -> Iterator[Check]:
    """Compares what is installed with what the package asks for."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    python = sys.version.split()[0]
    about = _about(_PACKAGE) or _about(_LIGHT)
    if about is None:
        told = f"dl {dl.__version__}, Python {python}; {_PACKAGE} itself is not installed"
        yield Check("versions", f"{told}: what it needs is not known", None)
        return
    wrong: list[Check] = []
    found: dict[str, str] = {}
    extras: set[str] = set()
    if not SpecifierSet(about["Requires-Python"]).contains(python, prereleases=True):
        told, hint = f"Python {python} is not {about['Requires-Python']}", "use another Python"
        wrong.append(Check("versions", told, False, hint, ExitCode.RUN))
    for wanted in map(Requirement, about.get_all("Requires-Dist") or ()):
        extra = re.search(r'extra == "(.*?)"', str(wanted.marker))
        if extra is not None and extra[1] in ("dev", "docs"):  # for work on dl itself
            continue
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            if extra is None:
                told = f"{wanted.name} is not installed"
                wrong.append(Check("versions", told, False, _install(wanted), ExitCode.RUN))
            else:
                extras.add(extra[1])
            continue
        found[wanted.name] = version
        if not wanted.specifier.contains(version, prereleases=True):
            told, hint = f"{wanted.name} {version} is not {wanted.specifier}", _install(wanted)
            wrong.append(Check("versions", told, False, hint, ExitCode.RUN))
    names = [f"{name} {found[name]}" for name in _SHOWN if name in found]
    told = listing([f"dl {dl.__version__}", f"Python {python}", *names], "")
    told += "" if wrong else f"; all {len(found)} packages are as dl needs them"
    yield Check("versions", told, values={"dl": dl.__version__, "python": python, **found})
    yield from wrong
    if extras:
        told = f"not installed, of use for a few things: {listing(sorted(extras), 'and')}"
        yield Check("versions", told, None, f'pip install "{_PACKAGE}[{min(extras)}]"')


def _about(package: str) -> metadata.PackageMetadata | None:
    try:
        return metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return None


def _install(wanted: Requirement) -> str:
    return f'pip install "{wanted.name}{wanted.specifier}"'


def machine() -> Iterator[Check]:
    """Tells the system, the processor and the memory."""
    import platform

    count, name = processors(), processor_name()
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    told = f"{system}, {plural(count, 'processor')}" + (f" ({name})" if name else "")
    yield Check("machine", told, values={"system": system, "processors": count, "processor": name})
    free, whole = available_memory(), physical_memory()
    if free == float("inf"):
        yield Check("memory", "the system does not tell", None)
        return
    told, scarce = f"{size(int(free))} of {size(int(whole))} are free", free < _LEAST_MEMORY
    hint = "close other programs: a training takes about 1 GB" if scarce else ""
    values = {"free": int(free), "all": int(whole)}
    yield Check("memory", told, None if scarce else True, hint, values=values)


def folder(runs: Path) -> Iterator[Check]:
    """Tries on the file system of the runs what runs rely on: room, whole files, locks."""
    place = _existing(runs)
    try:
        free = shutil.disk_usage(place).free
        with _trial_folder(place) as trial:
            write_bytes(trial / "file", b"whole")
            run = RunDirectory(trial)
            with locked(run):
                held = is_held(run)
            stays = is_held(run)
    except (OSError, DlError) as error:
        yield _fault("folder", error, ExitCode.DISK)
        return
    full = free < _LEAST_DISK
    hint = "free some space, or name another folder: --runs" if full else ""
    code = ExitCode.DISK if full else ExitCode.DONE
    told = f"{size(free)} are free where runs go"
    yield Check("disk", told, not full, hint, code, {"free": free})
    yield Check("files", "appear whole, and reach the disk before they do (fsync)")
    if not held:
        told = "a lock keeps nobody out: two trainings could write into one run"
        hint = "keep runs on another file system: --runs"
        yield Check("locks", told, False, hint, ExitCode.DISK)
    elif stays:
        told = "this file system has none: a run is known to be in use by its process alone"
        yield Check("locks", told, None, "train on one machine at a time there")
    else:
        yield Check("locks", "keep a second process out of a run, and end with it")


def _existing(path: Path) -> Path:
    """Returns the folder itself, or the nearest one above it that is there."""
    path = path.absolute()
    return next((each for each in (path, *path.parents) if each.is_dir()), path)


@contextmanager
def _trial_folder(place: Path) -> Iterator[Path]:
    """Gives a folder that no list of runs shows, and that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}doctor-", dir=place) as path:
        yield Path(path)


def _fault(part: str, error: Exception, code: ExitCode) -> Check:
    """Returns what is told of an error that a look has ended with."""
    if not isinstance(error, DlError):
        return Check(part, first_line(error), False, code=code)
    problem = error.problems[0]
    return Check(part, problem.message, False, problem.hint or "", error.exit_code)


def terminal() -> Iterator[Check]:
    """Tells what the terminal shows of texts."""
    from dl.report.terminal import screen_width

    width, encoding = screen_width(), sys.stdout.encoding
    if codecs.lookup(encoding).name == "ascii":  # which click takes for a mistake
        encoding = "utf-8"
    try:
        "━✓●⣿".encode(encoding)
        signs = "all signs"
    except UnicodeError:
        signs = f"no signs beyond {encoding}"
    if width is None:
        yield Check("terminal", f"none: stdout is a pipe or a file, with {signs}", None)
        return
    colours = "colours" if painted("x", "bold") != "x" else "no colours (NO_COLOR or TERM)"
    values = {"columns": width, "encoding": encoding, "colours": colours == "colours"}
    hint = f"tables need {_NARROW} columns to be shown whole" if width < _NARROW else ""
    good = None if hint or len(signs) > len("all signs") else True
    told = f"{width} columns, {signs}, {colours}"
    yield Check("terminal", told, good, hint, values=values)


def environment() -> Iterator[Check]:
    """Tells the variables that act on results, and those that would elsewhere and do not here."""
    acting, ignored = recorded(os.environ), unheeded()
    for name, value in acting.items():
        why = RECORDED.get(name, "may change the bits of a result")
        yield Check("variables", f"{name}={value} {why}", None, values={name: value})
    if ignored:
        yield Check("variables", f"{listing(ignored, 'and')}: set, but not heeded", None)
    if not acting and not ignored:
        yield Check("variables", "none is set that would change a result")


def accelerators() -> Check:
    """Tells the accelerators, or what TensorFlow says of why there is none."""
    from dl.model import tf
    from dl.training.setup import machine

    names = machine()["gpus"]
    if names:
        return Check("devices", listing(names, "and"), values={"gpus": names})
    # TensorFlow was loaded in silence, and tells its reasons only when it is loaded.
    loud = {**environment_of_child(), "TF_CPP_MIN_LOG_LEVEL": "0"}
    command = [sys.executable, "-c", _LIST_DEVICES]
    try:
        done = subprocess.run(command, env=loud, capture_output=True, text=True, timeout=60)
        said = _SAID.search(done.stderr)
    except (OSError, subprocess.TimeoutExpired):
        said = None
    reason = f"; TensorFlow says: {said[1]}" if said else ", and TensorFlow does not say why"
    hint = ""
    if Path("/proc/driver/nvidia").exists():  # the driver is there: its libraries are missing
        hint = f'pip install "tensorflow[and-cuda]=={tf.__version__}"'
    return Check("devices", f"no accelerator{reason}", None, hint, values={"gpus": []})


def training(runs: Path) -> Check:
    """Trains a small network twice, where runs go: to the same bits, and to the known loss."""
    try:
        from dl.app.training import Caller, train
        from dl.config.load import load_mapping

        loaded = load_mapping(_CONFIG)
        caller = Caller(
            SilentReporter(), ("dl", "doctor"), lambda: nullcontext(lambda: None), report=False
        )
        with _trial_folder(_existing(runs)) as trial:
            results = [train(loaded, trial, caller) for _ in range(2)]
            models = [sha256(read_regular(each.run.model)).hexdigest() for each in results]
    except (ImportError, OSError, DlError) as error:
        return _fault("training", error, ExitCode.RUN)
    loss = results[0].metrics["test"]["loss"]
    values = {"loss": loss, "model": models[0], "seconds": results[1].seconds}
    told = f"a network trained twice, to the loss {number(loss)}"
    if abs(loss - _LOSS) > _TOLERANCE:
        told += f", where it should be {number(_LOSS)}"
    elif models[0] != models[1]:
        told += ", but to other bits the second time"
    else:
        told += f" as it should, and to the same bits (SHA-256 {models[0][:8]})"
        return Check("training", told, values=values)
    hint = "report it, with all of this text: results cannot be relied on here"
    return Check("training", told, False, hint, ExitCode.NUMERIC, values)
