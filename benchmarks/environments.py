"""The environments of those that `dl` is measured against: each is made once, below `build/`.

Nothing of them gets into the environment of `dl`, and Ludwig, which holds other versions of nearly
all packages, has one of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parent / "build" / "bench"
SHARED = {"others": ("tensorflow", "keras"), "ludwig": ()}
"""The packages of which an environment has the version of `dl`: else it would be compared, too."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment: its interpreter; None and why, where it could not be made."""

    python: str | None
    why: str = ""


def environment(name: str, folder: Path = FOLDER) -> Environment:
    """Returns the environment of `requirements-NAME.txt`, which is made if it is not there yet."""
    place = folder.resolve() / name
    python, done = place / "bin" / "python", place / "installed.txt"
    requirements = HERE / f"requirements-{name}.txt"
    same = [f"{package}=={version(package)}" for package in SHARED[name]]
    wanted = "\n".join([requirements.read_text(), *same])
    if done.exists() and done.read_text() == wanted:
        return Environment(str(python))
    print(f"Making {place}, once; that takes minutes and gigabytes", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements), *same]
    result = subprocess.run(install, capture_output=True, text=True, check=False)
    if result.returncode:
        told = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        return Environment(None, (told or ["pip failed"])[-1].removeprefix("ERROR: "))
    done.write_text(wanted)
    return Environment(str(python))
