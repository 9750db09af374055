"""Flipped bits and cut files: what a run's files say is as it was written, or it is refused.

A bit of a file of a finished run is flipped, or the file is cut at every hundredth of its length.
A command that reads the file must then print what it printed before, or exit with an error; or
do without the file, and say so: `list` leaves out a damaged run, `predict` a damaged lite copy.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from campaigns.command import Outcome, dl, options, report, with_progress
from campaigns.hostile_files import prepare

RUN = "model/0001"
_SHOW = ("show", RUN, "--json")
_LIST = ("list", "--json")
_EVALUATE = ("evaluate", RUN, "--json")
_PREDICT = ("predict", RUN, "rows.csv")
_DIAGNOSE = ("diagnose", RUN)
_RESUME = ("train", "--resume", RUN, "--epochs", "2", "--json")
READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "config.yaml": (_SHOW, _PREDICT),
    "resolved.yaml": (_EVALUATE, _PREDICT, ("show", RUN)),
    "preprocess.json": (_EVALUATE, _PREDICT),
    "model.h5": (_EVALUATE, _PREDICT),
    "model.tflite": (_PREDICT,),
    "model.tflite.json": (_PREDICT,),
    "run.json": (_SHOW, _LIST),
    "history.csv": (_SHOW, ("show", RUN)),
    "metrics.json": (_SHOW, _LIST),
    "facts.json": (_DIAGNOSE,),
    "outputs.npz": (_DIAGNOSE, ("compare", RUN, RUN)),
    "manifest.json": (_SHOW, _PREDICT),
    "checkpoint/epoch-000001.checkpoint": (_RESUME,),
}
"""The files of a run, and the commands that read each of them."""
_REFUSED = (2, 3, 4)


def campaign(seed: int, size: int, cuts: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """Flips `size` bits, spread over the files, and cuts each file at `cuts` lengths.

    Args:
        seed: Fixes which bits.
        size: How many bits.
        cuts: How many lengths.
        folder: An empty folder to work in.

    Returns:
        How often a command refused or gave the same, and what broke.
    """
    chance = random.Random(seed)
    prepare(folder, [])
    with contextlib.chdir(folder):
        names = [name for name in READERS if (Path("runs") / RUN / name).is_file()]
        before = {command: _run(command) for name in names for command in READERS[name]}
        without = {command: _without(command) for command in (_LIST, _PREDICT)}
        found: Counter[str] = Counter()
        failures: list[str] = []
        for name, damage, content in _damages(chance, size, cuts, names):
            command = chance.choice(READERS[name])
            result = _tried(name, content, command, (before[command], without.get(command)))
            found[result] += 1
            if result not in ("refused", "same", "said"):
                failures.append(f"{name}, {damage}, dl {' '.join(command)}: {result}")
    return found, failures


def _damages(
    chance: random.Random, size: int, cuts: int, names: list[str]
) -> Iterator[tuple[str, str, bytes]]:
    for number in with_progress(range(size)):
        name = names[number % len(names)]
        content = bytearray((Path("runs") / RUN / name).read_bytes())
        bit = chance.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        yield name, f"bit {bit}", bytes(content)
    for share in with_progress(range(cuts)):
        for name in names:
            content = bytearray((Path("runs") / RUN / name).read_bytes())
            yield name, f"cut at {share}/{cuts}", bytes(content[: len(content) * share // cuts])


def _without(command: tuple[str, ...]) -> Outcome:
    """Returns what a command prints when the file that it can do without is not there."""
    path = Path("runs") / RUN / ("run.json" if command is _LIST else "model.tflite")
    content = path.read_bytes()
    path.unlink()
    try:
        return _run(command)
    finally:
        path.write_bytes(content)


def _tried(
    name: str, content: bytes, command: tuple[str, ...], before: tuple[Outcome, Outcome | None]
) -> str:
    """Returns `refused`, `same`, `said` or what is wrong.

    Args:
        name: The file.
        content: Its damaged content.
        command: What reads it.
        before: What the command gave before, and what it gives without the file, if it can.
    """
    path = Path("runs") / RUN / name
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        after = _run(command)
    finally:
        path.write_bytes(whole)
    if after.broken:
        return after.broken
    if after.code in _REFUSED:
        return "refused"
    whole_result, without = before
    if (after.code, after.out) == (whole_result.code, whole_result.out):
        return "same"
    if without and after.out == without.out and f"warning: {RUN}" in _relative(after.err):
        return "said"
    return f"exit code {after.code}, and another result: {after.out[:300]!r}"


def _relative(text: str) -> str:
    return text.replace("warning: runs/", "warning: ")


def _run(command: tuple[str, ...]) -> Outcome:
    """Runs a command; one that writes into the run does so in a copy."""
    if command is not _RESUME:
        return dl(*command)
    shutil.rmtree("copy", ignore_errors=True)
    shutil.copytree("runs", "copy/runs")
    outcome = dl(*command, "--runs", "copy/runs", "-q")
    weights = Path("copy/runs") / RUN / "model.h5"
    return Outcome(outcome.code, str(hash(weights.read_bytes())), outcome.err, outcome.seconds)


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 10_000)
    folder = Path(tempfile.mkdtemp(prefix="dl-bits-"))
    found, failures = campaign(chosen.seed, chosen.size, 100, folder)
    shutil.rmtree(folder)
    words = f"{found['refused']} times refused, {found['same']} the same, {found['said']} said"
    report(f"{chosen.size} flipped bits and every file cut at every 1 %: {words}", failures)


if __name__ == "__main__":
    main()
