"""Build into dist/ what a release uploads: source, wheel, and the wheel for prediction alone.

All is built twice, once from the checkout and once from the archive of the source, and refused
where the bytes differ. Times in the archives are SOURCE_DATE_EPOCH, or the day of the release.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import yaml
from packaging.metadata import Metadata

TOP = Path(__file__).resolve().parents[1]
LIGHT = "dl-keras-predict"
_HEAVY = (
    *("cmaes", "h5py", "keras", "matplotlib", "optuna", "pandas", "scikit-learn", "scipy"),
    "tensorflow",
)
"""What is left out of the light package: `dl predict` by a run's lite copy loads none of it."""
_ABOUT_LIGHT = """\
> This package, `dl-keras-predict`, is `dl-keras` for prediction alone: the same command without
> TensorFlow. Install one of the two.

"""


def main() -> int:
    """Builds and checks all archives and prints their names, sizes and checksums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=TOP / "dist", help="default: dist/")
    folder = parser.parse_args().directory
    version, date = _release()
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(int(date.timestamp())))
    with tempfile.TemporaryDirectory() as scratch:
        source = _build(TOP, "sdist", folder)
        with tarfile.open(source) as archive:
            archive.extractall(scratch, filter="data")
        (unpacked,) = Path(scratch).iterdir()
        made = [source, _build(TOP, "wheel", folder)]
        again = [
            _build(unpacked, "sdist", unpacked / "d"),
            _build(unpacked, "wheel", unpacked / "d"),
        ]
        wrong = [
            f"{one.name} is built to other bytes from the source archive"
            for one, other in zip(made, again, strict=True)
            if _digest(one) != _digest(other)
        ]
        _make_light(unpacked)
        made.append(_build(unpacked, "wheel", folder))
    for wheel in made[1:]:
        wrong += _faults(wheel, version)
    for path in made:
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB  sha256 {_digest(path)}")
    for fault in wrong:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if wrong else 0


def _release() -> tuple[str, datetime]:
    """Returns the version and the day at the top of the changelog."""
    changes = (TOP / "CHANGELOG.md").read_text("utf-8")
    found = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", changes, re.MULTILINE)
    if found is None:
        raise SystemExit("error: CHANGELOG.md has no heading like `## 1.2.3 (2026-01-31)`")
    return found[1], datetime.fromisoformat(found[2]).replace(tzinfo=UTC)


def _build(tree: Path, target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target]
    done = subprocess.run(
        [*command, "--directory", folder], cwd=tree, check=True, capture_output=True, text=True
    )
    return tree / (done.stdout + done.stderr).splitlines()[-1]


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _make_light(tree: Path) -> None:
    """Makes the project in a folder the one for prediction alone."""
    readme, project = tree / "README.md", tree / "pyproject.toml"
    readme.write_text(_ABOUT_LIGHT + readme.read_text("utf-8"), "utf-8")
    text = project.read_text("utf-8").replace('"dl-keras"', f'"{LIGHT}"')
    text = text.replace("dl-keras = ", f"{LIGHT} = ")
    text = re.sub(
        r'^description = ".*"',
        'description = "Predict with networks that dl-keras has trained, without TensorFlow"',
        text,
        count=1,
        flags=re.M,
    )
    for name in _HEAVY:
        text, count = re.subn(rf'^  "{name}[<>=].*\n', "", text, count=1, flags=re.M)
        if not count:
            raise SystemExit(f"error: {name} is no dependency in pyproject.toml")
    text = re.sub(r"^\[project.optional-dependencies\]\n.*?(?=^\[)", "", text, flags=re.M | re.S)
    project.write_text(text, "utf-8")


def _faults(wheel: Path, version: str) -> Iterator[str]:
    """Yields what an index would refuse, or show wrongly."""
    with ZipFile(wheel) as archive:
        (entry,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        content = archive.read(entry)
    try:
        about = Metadata.from_email(content, validate=True)
    except ExceptionGroup as error:
        yield from (f"{wheel.name}: {each}" for each in error.exceptions)
        return
    cited = yaml.safe_load((TOP / "CITATION.cff").read_text("utf-8"))
    for place, named in (("metadata", str(about.version)), ("CITATION.cff", cited["version"])):
        if named != version:
            yield f"{wheel.name}: {place} says version {named}, CHANGELOG.md {version}"
    if about.description_content_type != "text/markdown":
        yield f"{wheel.name}: README.md is told as {about.description_content_type}"


if __name__ == "__main__":
    sys.exit(main())
