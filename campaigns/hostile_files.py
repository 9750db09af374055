"""Makes hostile `.h5` files, tries them, and judges what came of it; see `hostile_h5`."""

from __future__ import annotations

import gc
import random
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import h5py

from campaigns.command import Outcome, dl, with_progress
from campaigns.hostile_arrays import ARRAY_ATTACKS, Attack
from campaigns.hostile_settings import SETTINGS_ATTACKS
from campaigns.watching import Allowed, Watch

BEGINS = "campaign-of-hostile-files-begins"
"""Is written to stderr when Keras is loaded and the first hostile file comes."""
MOST_SECONDS = 2.0
_TRAINING = """\
name: model
data: {source: csv, path: rows.csv, target: kind, split: {validation: 0, test: 0.2}}
preprocess: {numeric: none}
model:
  layers:
    - {type: Dense, units: 8, activation: relu, name: dense}
    - {type: Dense, units: 3, activation: softmax, name: dense_1}
training: {loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 1}
"""
ATTACKS: dict[str, Attack] = {**ARRAY_ATTACKS, **SETTINGS_ATTACKS}


def prepare(folder: Path, names: Iterable[str]) -> None:
    """Makes a run, rows, files outside that nobody may open, and the hostile files, by name."""
    chance = random.Random(0)
    rows = [f"{','.join(f'{chance.random():.3f}' for _ in range(4))},{i % 3}" for i in range(60)]
    (folder / "rows.csv").write_text("\n".join(["a,b,c,d,kind", *rows]) + "\n")
    (folder / "model.yaml").write_text(_TRAINING)
    trained = dl("train", folder / "model.yaml", "--runs", folder / "runs", "-q", waiting=600)
    if trained.code:
        raise RuntimeError(trained.err)
    shutil.copy(_run(folder) / "model.h5", folder / "good.h5")
    outside = folder / "outside"
    (outside / "saved").mkdir(parents=True)
    (outside / "words.txt").write_text("1\n2\n")
    (outside / "secret.bin").write_bytes(bytes(4096))
    with h5py.File(outside / "secret.h5", "w") as file:
        file["kernel"] = [[0.0] * 8] * 4
    for name in names:
        shutil.copy(folder / "good.h5", folder / f"{name}.h5")
        with h5py.File(folder / f"{name}.h5", "r+") as file:
            ATTACKS[name](file, outside)


def tried(folder: Path, name: str, watch: Watch) -> list[str]:
    """Tries one file both ways; returns what went wrong."""
    path, rows = folder / f"{name}.h5", folder / "rows.csv"
    with watch as seen:
        alone = dl("evaluate", path, "--data", rows, "--target", "kind", "-q")
    wrong = [f"{name}, alone: {what}" for what in [*seen.wrong(), *_judged(alone, {4})]]
    _into_run(path, folder)
    expected = {4} if name in ARRAY_ATTACKS else {0}
    with watch as seen:
        of_run = dl("evaluate", _run(folder), "--data", rows, "-q")
    wrong += [f"{name}, in a run: {what}" for what in [*seen.wrong(), *_judged(of_run, expected)]]
    return wrong


def _judged(outcome: Outcome, expected: set[int]) -> list[str]:
    if outcome.broken:
        return [outcome.broken]
    found = []
    if outcome.code not in expected:
        found.append(f"exit code {outcome.code}, not {expected}: {outcome.err}{outcome.out}")
    if outcome.seconds > MOST_SECONDS:
        found.append(f"took {outcome.seconds:.1f} s")
    if "\x1b" in outcome.err or len(outcome.err) > 5000:
        found.append(f"unfit for a terminal: {outcome.err[:200]!r}")
    return found


def _into_run(path: Path, folder: Path) -> None:
    """Makes the file the model of the run, with its checksum in the manifest."""
    from dl.rundir.manifest import publish

    publish(_run(folder) / "model.h5", path.read_bytes())


def _run(folder: Path) -> Path:
    return folder / "runs/model/0001"


def campaign(names: Sequence[str], folder: Path) -> list[str]:
    """Tries the attacks of these names in a prepared folder; returns what went wrong."""
    # What is left of other tests, as an estimator's temporary folder, goes before, not meanwhile.
    gc.collect()
    watch = Watch(Allowed(folder))
    dl("evaluate", folder / "good.h5", "--data", folder / "rows.csv", "--target", "kind", "-q")
    sys.stderr.write(f"{BEGINS}\n")
    sys.stderr.flush()
    failures = [what for name in with_progress(names) for what in tried(folder, name, watch)]
    if (folder / "outside/owned").exists() or Path("owned").exists():
        failures.append("code of a file was run: there is a file `owned`")
    return failures
