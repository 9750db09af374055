"""`dl doctor`: what each look finds, in words and exit codes."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import Message
from importlib import metadata
from pathlib import Path

import pytest

from conftest import Dl
from dl import __version__
from dl.app import doctor
from dl.app.doctor import Check
from dl.cli.doctor import doctor_text
from dl.errors import DataError, ExitCode
from dl.progress import SilentReporter

GOOD = [
    Check("versions", "dl 0.2.0, " + ", ".join(f"package{i} 1.2.3" for i in range(6))),
    Check("devices", "no accelerator; TensorFlow says: Could not find cuda drivers", None),
    Check("training", "as it should"),
]
BROKEN = [
    Check("versions", "dl 0.2.0"),
    Check("versions", "keras 3.9 is not <3.16", False, "pip install keras", ExitCode.RUN),
    Check("disk", "full", False, "free some space", ExitCode.DISK),
]


def parts(checks: Iterator[Check] | Sequence[Check]) -> list[tuple[str, bool | None]]:
    return [(check.part, check.good) for check in checks]


def test_the_first_line_is_the_answer() -> None:
    assert (
        doctor_text(GOOD)
        == f"""\
✓ dl {__version__} works here

versions  ✓ dl 0.2.0, package0 1.2.3, package1 1.2.3, package2 1.2.3, package3
            1.2.3, package4 1.2.3, package5 1.2.3
devices   \N{EN DASH} no accelerator; TensorFlow says: Could not find cuda drivers
training  ✓ as it should

For a bug report: all of this text, the config, the command, and all that it
wrote. A run's own record is shown by dl show -v RUN."""
    )


def test_what_is_broken_is_named_first_with_what_to_do() -> None:
    assert doctor_text(BROKEN).split("\n\n")[:2] == [
        f"✗ dl {__version__} does not work here: versions and disk",
        "versions  ✓ dl 0.2.0\n"
        "          ✗ keras 3.9 is not <3.16\n"
        "            hint: pip install keras\n"
        "disk      ✗ full\n"
        "            hint: free some space",
    ]


def test_a_narrow_terminal_gets_narrow_lines() -> None:
    assert max(map(len, doctor_text(GOOD, 40).splitlines())) <= 40


@pytest.mark.parametrize(("checks", "code"), [(GOOD, 0), (BROKEN, 4), (BROKEN[::2], 7)])
def test_exit_code_is_that_of_the_first_fault(
    checks: list[Check], code: int, dl: Dl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda runs, reporter: checks)
    done = dl("doctor", "--json")
    assert done.code == code
    told = json.loads(done.out)
    assert told["good"] == (code == 0)
    assert [each["part"] for each in told["checks"]] == [check.part for check in checks]


def test_versions_are_compared_with_what_the_package_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    about = Message()
    about["Requires-Python"] = ">=99"
    for line in (
        "keras<3.16,>=3.15",
        "numpy>=2",
        "gone>=1",
        'openpyxl; extra == "excel"',
        'ray; extra == "ray"',
        'absent; extra == "dev"',
    ):
        about["Requires-Dist"] = line
    installed = {"keras": "3.14.1", "numpy": "2.1.0", "ray": "2.60"}

    def version(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(metadata, "metadata", lambda name: about)
    monkeypatch.setattr(metadata, "version", version)
    python = sys.version.split()[0]
    assert [(check.good, check.text, check.hint) for check in doctor.versions()] == [
        (True, f"dl {__version__}, Python {python}, keras 3.14.1, numpy 2.1.0", ""),
        (False, f"Python {python} is not >=99", "use another Python"),
        (False, "keras 3.14.1 is not <3.16,>=3.15", 'pip install "keras<3.16,>=3.15"'),
        (False, "gone is not installed", 'pip install "gone>=1"'),
        (None, "not installed, of use for a few things: excel", 'pip install "dl-keras[excel]"'),
    ]


def test_this_installation_is_as_the_package_asks_for() -> None:
    assert all(check.good is not False for check in doctor.versions())


def test_wrong_versions_are_mended_before_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "versions", lambda: iter(BROKEN[1:2]))
    found = doctor.examine(tmp_path, SilentReporter())
    assert found[-1] == Check("training", "not tried: first mend the versions", None)


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    runs = tmp_path / "not" / "there"
    assert parts(doctor.folder(runs)) == [("disk", True), ("files", True), ("locks", True)]
    assert not list(tmp_path.iterdir())


def test_locks_that_hold_nobody_are_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dl.rundir.files.lock_file", lambda handle, **how: None)
    *_, locks = doctor.folder(tmp_path)
    assert (locks.good, locks.code) == (False, ExitCode.DISK)
    assert locks.text == "a lock keeps nobody out: two trainings could write into one run"


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(handle: int, **how: bool) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("dl.rundir.files.lock_file", none)
    *_, locks = doctor.folder(tmp_path)
    assert (locks.part, locks.good) == ("locks", None)


def test_a_disk_that_does_not_sync_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("dl.rundir.files.sync", fail)
    (fault,) = doctor.folder(tmp_path)
    assert (fault.part, fault.good, fault.code) == ("folder", False, ExitCode.DISK)
    assert fault.text.endswith("failed: Input/output error")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refuse(place: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(place))
        yield place

    monkeypatch.setattr(doctor, "_trial_folder", refuse)
    (fault,) = doctor.folder(tmp_path)
    assert (fault.text, fault.code) == (
        f"[Errno 13] Permission denied: '{tmp_path}'",
        ExitCode.DISK,
    )


def test_little_room_and_memory_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "available_memory", lambda: 3e8)
    assert [(check.part, check.good) for check in doctor.machine()] == [
        ("machine", True),
        ("memory", None),
    ]
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: type("", (), {"free": 5_000_000}))
    disk, *_ = doctor.folder(tmp_path)
    assert (disk.good, disk.code) == (False, ExitCode.DISK)
    assert disk.text == "5.0 MB are free where runs go"


def test_variables_that_act_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "unheeded", list)
    monkeypatch.setattr(doctor, "recorded", lambda environment: {})
    assert [check.good for check in doctor.environment()] == [True]
    monkeypatch.setattr(doctor, "unheeded", lambda: ["OMP_NUM_THREADS"])
    monkeypatch.setattr(doctor, "recorded", lambda environment: {"XLA_FLAGS": "--x", "KMP_A": "1"})
    assert [(check.good, check.text) for check in doctor.environment()] == [
        (None, "XLA_FLAGS=--x may be needed for the compiler to find its tools"),
        (None, "KMP_A=1 may change the bits of a result"),
        (None, "OMP_NUM_THREADS: set, but not heeded"),
    ]


def test_a_terminal_is_told_with_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", Screen(io.BytesIO(), encoding="latin-1"))
    (found,) = doctor.terminal()
    assert found.text == "50 columns, no signs beyond latin-1, no colours (NO_COLOR or TERM)"
    assert found.good is None
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys, "stdout", Screen(io.BytesIO(), encoding="utf-8"))
    (found,) = doctor.terminal()
    assert (found.text, found.good) == ("100 columns, all signs, colours", True)


SAID = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795980047.08 4653 port.cc:153] oneDNN custom operations are on.
W0000 00:00:1795980047.08 4653 gpu_device.cc:2342] Cannot dlopen some GPU libraries.
Skipping registering GPU devices...
"""


def test_tensorflow_says_why_there_is_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 0, "", SAID)
    monkeypatch.setattr("dl.training.setup.machine", lambda: {"gpus": []})
    monkeypatch.setattr(doctor.subprocess, "run", lambda *given, **how: done)
    found = doctor.accelerators()
    assert found.text == "no accelerator; TensorFlow says: Cannot dlopen some GPU libraries."
    assert found.good is None
    done.stderr = ""
    assert doctor.accelerators().text == "no accelerator, and TensorFlow does not say why"
    monkeypatch.setattr("dl.training.setup.machine", lambda: {"gpus": ["Tesla V1", "Tesla V2"]})
    assert doctor.accelerators().text == "Tesla V1 and Tesla V2"


def test_a_training_that_cannot_be_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise DataError("no data", hint="find some")

    monkeypatch.setattr("dl.app.training.train", fail)
    assert doctor.training(tmp_path) == Check("training", "no data", False, "find some", 3)


@pytest.mark.slow
def test_two_trainings_have_the_known_loss_and_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = doctor.training(tmp_path)
    assert (found.good, found.code) == (True, 0), found.text
    assert found.text.startswith("a network trained twice, to the loss 0.7936 as it should")
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(doctor, "_LOSS", 0.5)
    found = doctor.training(tmp_path)
    assert found.text == "a network trained twice, to the loss 0.7936, where it should be 0.5"
    assert (found.good, found.code) == (False, ExitCode.NUMERIC)


def test_a_package_for_prediction_alone_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = Message()
    about["Requires-Python"] = ">=3.11"
    about["Requires-Dist"] = "click>=8"
    about["Requires-Dist"] = "numpy>=2"

    def metadata_of(name: str) -> Message:
        if name != "dl-keras-predict":
            raise metadata.PackageNotFoundError(name)
        return about

    monkeypatch.setattr(metadata, "metadata", metadata_of)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    *others, last = doctor.examine(tmp_path / "runs", SilentReporter())
    assert last == Check("training", "not tried: dl is here for prediction alone", None)
    assert others[0].text.endswith("; all 2 packages are as dl needs them")


def test_a_package_that_is_missing_is_no_bug(dl: Dl, monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(runs: Path, reporter: object) -> None:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn.datasets")

    monkeypatch.setattr(doctor, "examine", examine)
    done = dl("doctor")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: this needs sklearn, which is not installed\n"
        "expected: all packages of dl-keras; dl-keras-predict has those for prediction alone\n"
        "hint: pip install dl-keras\n"
    )
