"""Try what is in dist/ as users get it: in an empty environment of each Python.

make dist builds dist/. The archives are found there by pip and uv as they would be on an index
(PIP_FIND_LINKS, UV_FIND_LINKS). Each environment takes some minutes and 3 GB, which are freed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
DIST = TOP / "dist"
PYTHONS = ("3.11", "3.12", "3.13")
STEPS = (
    ("doctor",),
    ("train", "iris.yaml", "-q"),
    ("evaluate", "iris", "-q", "--json"),
    ("predict", "iris", "--split", "test", "-q", "-o", "predicted.csv"),
    ("report", "iris"),
)
REFUSED = """\
expected: all packages of dl-keras; dl-keras-predict has those for prediction alone
hint: pip install dl-keras
"""


class Environment:
    """An empty virtual environment, and a folder to work in."""

    def __init__(self, python: str, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "env" / "bin"
        _run([python, "-m", "venv", folder / "env"], folder)

    def install(self, *what: object) -> float:
        """Installs something with pip; returns how many seconds it took."""
        began = time.perf_counter()
        _run([self.bin / "python", "-m", "pip", "install", "--quiet", *what], self.folder)
        return time.perf_counter() - began

    def dl(self, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs the command; ends all with what it wrote where its exit code is another."""
        return _run([self.bin / "dl", *arguments], self.folder, code)

    def start(self) -> float:
        """Returns the processor time in seconds of `dl --version`, the least of five."""
        return min(self._processor_time("--version") for _ in range(5))

    def _processor_time(self, *arguments: str) -> float:
        before = os.times()
        self.dl(*arguments)
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])

    def megabytes(self) -> float:
        """Returns how much is installed, without pip, which was there before."""
        files = (self.folder / "env").rglob("*")
        return sum(p.stat().st_size for p in files if p.is_file() and not p.is_symlink()) / 1e6


def _run(command: list[object], folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    told = list(map(str, command))
    done = subprocess.run(
        told, cwd=folder, env=_surroundings(), capture_output=True, text=True, check=False
    )
    if done.returncode != code:
        raise SystemExit(
            f"error: {' '.join(told)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done


def _surroundings() -> Mapping[str, str]:
    """Returns the environment, in which pip and uv find the archives, and Python no other code."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for name, between in (("PIP_FIND_LINKS", " "), ("UV_FIND_LINKS", ",")):
        kept[name] = between.join(filter(None, (str(DIST), kept.get(name))))
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def try_python(python: str, folder: Path) -> dict[str, object]:
    """Installs the wheel with this Python and does all that one begins with; then the source."""
    env = Environment(python, folder)
    seconds = env.install("dl-keras")
    version = env.dl("--version").stdout.split()[-1]
    (folder / "iris.yaml").write_text(env.dl("init", "--example", "iris").stdout, "utf-8")
    said = {step[0]: env.dl(*step).stdout for step in STEPS}
    for made in ("predicted.csv", "runs/iris/0001/report.html", "env/share/man/man1/dl-train.1"):
        if not (folder / made).stat().st_size:
            raise SystemExit(f"error: {made} is empty")
    found = {
        "installed_s": round(seconds),
        "megabytes": round(env.megabytes()),
        "start_s": round(env.start(), 2),
        "version": version,
        "test_accuracy": json.loads(said["evaluate"])["metrics"]["accuracy"],
        "weights": sha256((folder / "runs/iris/0001/model.h5").read_bytes()).hexdigest()[:12],
    }
    (source,) = DIST.glob("dl_keras-*.tar.gz")
    env.install("--no-deps", "--force-reinstall", source)
    env.dl("--version")
    env.dl("train", "iris.yaml", "-q")
    env.install("--no-deps", "--dry-run", "--require-hashes", "-r", TOP / "requirements.run.lock")
    return found


def try_light(python: str, folder: Path, run: Path) -> dict[str, object]:
    """Installs the package for prediction alone, and predicts with a run of the whole one."""
    env = Environment(python, folder)
    seconds = env.install("dl-keras-predict")
    shutil.copytree(run, folder / "runs" / "iris" / "0001")
    rows = (
        "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5.1,3.5,1.4,0.2\n"
    )
    (folder / "rows.csv").write_text(rows, "utf-8")
    began = env._processor_time("predict", "iris", "rows.csv", "-q", "-o", "out.csv")
    if not re.match("prediction,.*\nsetosa,", (folder / "out.csv").read_text("utf-8")):
        raise SystemExit("error: it predicts something else")
    for step in (
        ("list",),
        ("show", "iris"),
        ("card", "iris"),
        ("doctor",),
        ("validate", run / "config.yaml"),
    ):
        env.dl(*step)
    refused = env.dl("train", run / "config.yaml", "-q", code=2).stderr
    if not refused.endswith(REFUSED):
        raise SystemExit(f"error: dl train says:\n{refused}")
    return {
        "installed_s": round(seconds),
        "megabytes": round(env.megabytes()),
        "start_s": round(env.start(), 2),
        "predict_s": round(began, 2),
    }


def readme_lines() -> list[str]:
    """Returns the lines with which the README says to install or to run it at once."""
    text = (TOP / "README.md").read_text("utf-8")
    return re.findall(r"^((?:pip install|uvx|uv tool|pipx run) .*?)(?: +#.*)?$", text, re.MULTILINE)


def try_lines(python: str, folder: Path) -> Iterator[str]:
    """Runs these lines as they stand there; yields what was run, and what could not be."""
    env = Environment(python, folder)
    os.environ["PATH"] = f"{env.bin}:{os.environ['PATH']}"
    os.environ.setdefault("UV_TOOL_DIR", str(folder / "tools"))
    os.environ.setdefault("UV_TOOL_BIN_DIR", str(folder / "tool-bin"))
    for line in readme_lines():
        if shutil.which(line.split()[0]) is None:
            yield f"not tried, without {line.split()[0]}: {line}"
            continue
        _run(["sh", "-c", line], folder)
        yield line


def main() -> int:
    """Tries all, prints what was found as JSON, and ends at the first failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="*", help="programs; default: each of 3.11 to 3.13 found")
    named = parser.parse_args().pythons
    pythons = named or [p for v in PYTHONS if (p := shutil.which(f"python{v}"))]
    with tempfile.TemporaryDirectory(prefix="dl-release-") as scratch:
        folders = (Path(tempfile.mkdtemp(dir=scratch)) for _ in iter(int, 1))
        kept = Path(scratch) / "run"
        for python in pythons:
            folder = next(folders)
            print(python, json.dumps(try_python(python, folder)), flush=True)
            if not kept.exists():
                shutil.copytree(folder / "runs/iris/0001", kept)
            shutil.rmtree(folder)
        print("light", json.dumps(try_light(pythons[0], next(folders), kept)), flush=True)
        for line in try_lines(pythons[0], next(folders)):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
