"""One loop over mutated data files: commands take each file or say what is wrong with it.

Each is read by `dl init` and by `dl validate --build`, which splits, prepares and builds, in memory
or streamed; some also by `dl predict` and `dl evaluate` with a model that was trained on a whole
file.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
import unittest.mock
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from campaigns.command import dl, options, report, with_progress
from dl.data import read


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data.

    Attributes:
        file: The file that is written.
        make: Returns the content of a mutated file.
        config: Returns a config that reads it; without chance the one that a model is trained by.
        begin: Writes a whole file, and what else the config reads.
        path: What the commands are given: the file, or a folder around it.
        target: The column that `dl init` is told to predict, for tables.
    """

    file: str
    make: Callable[[random.Random], bytes]
    config: Callable[[random.Random | None], str]
    begin: Callable[[], None]
    path: str
    target: str | None = None


def campaign(
    kinds: Mapping[str, Kind], seed: int, size: int, folder: Path, use_every: int
) -> tuple[Counter[int], list[str]]:
    """Tries `size` files, of which each `use_every`th one is predicted and evaluated, too.

    Returns:
        How often each exit code of the build came, and what broke: the file and what it showed.
    """
    chance = random.Random(seed)
    codes: Counter[int] = Counter()
    failures = []
    with contextlib.chdir(folder):
        for name, kind in kinds.items():
            _train(name, kind)
        for number in with_progress(range(size)):
            name = chance.choice(list(kinds))
            kind = kinds[name]
            Path(kind.file).write_bytes(kind.make(chance))
            Path(f"{name}.yaml").write_text(kind.config(chance))
            with _streamed() if chance.random() < 0.5 else contextlib.nullcontext():
                build = dl("validate", f"{name}.yaml", "--build")
            codes[build.code] += 1
            target = ["--target", kind.target] if kind.target else []
            broken = build.broken or dl("init", kind.path, *target).broken
            if number % use_every == 0:
                broken = broken or _used(name, kind)
            if broken:
                kept = shutil.copy(kind.file, folder / f"failure-{number}{Path(kind.file).suffix}")
                shutil.copy(f"{name}.yaml", folder / f"failure-{number}.yaml")
                failures.append(f"{kept}\n{broken}")
    return codes, failures


def run(kinds: Mapping[str, Kind], title: str, about: str | None, size: int, every: int) -> None:
    """Runs a campaign at the size of the command line."""
    chosen = options(about, size)
    folder = Path(tempfile.mkdtemp(prefix="dl-mutated-"))
    codes, failures = campaign(kinds, chosen.seed, chosen.size, folder, every)
    if not failures:
        shutil.rmtree(folder)
    refused = codes[2] + codes[3]
    report(f"{chosen.size} mutated {title} files, {codes[0]} read, {refused} refused", failures)


def _train(name: str, kind: Kind) -> None:
    kind.begin()
    Path(f"{name}.yaml").write_text(kind.config(None))
    trained = dl("train", f"{name}.yaml", "-q", waiting=600)
    if trained.code:
        raise RuntimeError(trained.err)


def _used(name: str, kind: Kind) -> str | None:
    run = f"runs/{name}/0001"
    predicted = dl("predict", run, kind.path, "-q")
    return predicted.broken or dl("evaluate", run, "--data", kind.path, "-q").broken


def _streamed() -> contextlib.AbstractContextManager[object]:
    """Has all that can be streamed from the disk be so."""
    return unittest.mock.patch.object(read, "memory_budget", return_value=0)
