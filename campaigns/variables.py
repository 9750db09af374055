"""Environment variables of the libraries: none changes a bit of a training.

The names come from the binaries of TensorFlow, with oneDNN in it, of NumPy and of its BLAS, and
from the tables of `dl.variables`. Each gets an odd value, one at a time, and a training must end
with the same `model.h5`, or, for one that acts, with another entry in `run.json`.
"""

from __future__ import annotations

import functools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from campaigns.command import options, report, with_progress
from campaigns.training import CONFIG, NAME
from dl.variables import FIXED, HARMLESS, RECORDED

_EPOCHS = 2
_FAMILIES = ("TF", "TF2", "XLA", "ONEDNN", "DNNL", "TFRT", "PJRT", "MLIR", "OMP", "KMP", "MKL")
_FAMILIES += ("NPY", "OPENBLAS", "GOTO", "TENSORFLOW")
_REST = re.compile(rb"[A-Z0-9_]{3,50}(?=\0)")
_PACKAGES = {"tensorflow": "*.so*", "numpy": "*.so"}
_VALUES = ("1", "0", "true", "64", "odd", "/nowhere")
_ONEDNN = ("MAX_CPU_ISA", "DEFAULT_FPMATH_MODE", "CPU_ISA_HINTS", "PRIMITIVE_CACHE_CAPACITY")
_ONEDNN += ("VERBOSE", "JIT_DUMP", "JIT_PROFILE", "EXPERIMENTAL")
"""oneDNN puts the first part of the name before these itself."""
_KERAS = ("HOME", "MAX_EPOCHS", "MAX_STEPS_PER_EPOCH", "NNX_ENABLED", "BACKEND", "TORCH_DEVICE")


@functools.cache
def names() -> list[str]:
    """Returns the names of all variables that are tried."""
    found = {name for path in _binaries() for name in names_in(path.read_bytes())}
    found |= {f"{first}_{name}" for first in ("ONEDNN", "DNNL") for name in _ONEDNN}
    found |= {f"KERAS_{name}" for name in _KERAS}
    return sorted(found | {*RECORDED, *HARMLESS, *FIXED})


def names_in(binary: bytes) -> Iterator[str]:
    """Yields the names among the texts of a binary; a search for each is faster than a pattern."""
    for family in _FAMILIES:
        begins = f"\0{family}_".encode()
        place = binary.find(begins)
        while place >= 0:
            place += len(begins)
            if rest := _REST.match(binary, place):
                yield f"{family}_{rest.group().decode()}"
            place = binary.find(begins, place)


def _binaries() -> Iterator[Path]:
    for package, pattern in _PACKAGES.items():
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent
            yield from folder.rglob(pattern)
            yield from folder.with_name(f"{package}.libs").glob("*.so*")


def campaign(seed: int, size: int, folder: Path, listed: Sequence[str]) -> tuple[int, list[str]]:
    """Tries `size` of these variables in an empty folder; returns how many act, and what broke."""
    chance = random.Random(seed)
    (folder / "small.yaml").write_text(CONFIG.format(epochs=_EPOCHS), encoding="utf-8")
    usual, _ = _trained(folder, "usual", {})
    acting, failures = 0, []
    for name in with_progress(chance.sample(listed, min(size, len(listed)))):
        value = chance.choice(_VALUES)
        model, machine = _trained(folder, name, {name: value})
        if name in RECORDED:
            acting += 1
            if machine.get(name) != value:
                failures.append(f"{name}={value} is not in run.json: {machine}")
        elif model != usual:
            failures.append(f"{name}={value}: another model")
    return acting, failures


def _trained(folder: Path, run: str, variables: dict[str, str]) -> tuple[bytes, dict[str, object]]:
    """Trains with these variables; returns the model and the machine of the record."""
    command = [sys.executable, "-m", "dl", "train", "small.yaml", "-q", "--runs", f"runs-{run}"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    made = folder / f"runs-{run}" / NAME / "0001"
    if done.returncode:
        return f"{done.returncode}: {done.stderr}".encode(), {}
    record = json.loads((made / "run.json").read_bytes())
    return (made / "model.h5").read_bytes(), record["machine"]


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 10_000)
    with tempfile.TemporaryDirectory(prefix="dl-variables-") as folder:
        acting, failures = campaign(chosen.seed, chosen.size, Path(folder), names())
    tried = min(chosen.size, len(names()))
    report(f"{tried} variables, {acting} of them recorded", failures)


if __name__ == "__main__":
    main()
