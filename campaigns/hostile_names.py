"""Hostile names and links: whatever a run, file or option is called, and wherever a link leads.

Names come as arguments of every command, and as folders, files, links and pipes inside `runs/`.
A command must neither fail in an unforeseen way nor wait, write nothing outside, and print nothing
that a terminal would obey.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from campaigns.command import Outcome, dl, options, report, with_progress
from campaigns.hostile_files import prepare

_PARTS = ["..", ".", "a", "model", "0001", "1", "runs", "~", "*", "?", "%s", "{0}", "$(id)", "`id`"]
_PARTS += ["é", "\u202e", "\ufeff", "\udcff", "\x1b[2J", "\x1b]0;x\x07", "\n", "\r", "\t", " ", "'"]
_PARTS += ["-", "--", "-q", "--help", "CON", "nul", "a" * 255, "a" * 5000, "9" * 40, "-1", "0x1"]
_PARTS += ["/dev/zero", "/dev/null", "/proc/self/mem", "/etc/passwd", "file://x", "http://x", "\\"]
_RUN_COMMANDS = ["show", "evaluate", "predict", "summary", "report", "diagnose", "compare", "tag"]
_RUN_COMMANDS += ["list", "rm"]
_FILES = ["run.json", "manifest.json", "history.csv", "metrics.json", "resolved.yaml", "model.h5"]
_FILES += [
    "preprocess.json",
    "columns.json",
    "tags.json",
    "outputs.npz",
    "facts.json",
    ".lock",
    "plots",
]
_CODES = {0, 2, 3, 4, 5, 7}

Case = tuple[str, ...]


def name(chance: random.Random) -> str:
    """Returns a name of one to three parts."""
    return chance.choice(["/", "/", ""]).join(chance.choices(_PARTS, k=chance.randint(1, 3)))


def named(chance: random.Random) -> Case:
    """Returns a command with a hostile name somewhere."""
    hostile = name(chance)
    match chance.randrange(7):
        case 0 | 1:
            return (chance.choice(_RUN_COMMANDS), hostile)
        case 2:
            return (chance.choice(["validate", "lint", "init", "train"]), hostile)
        case 3:
            return ("train", "model.yaml", "--dry-run", "--name", hostile)
        case 4:
            return (chance.choice(_RUN_COMMANDS), "model", "--runs", hostile)
        case 5:
            return ("validate", "model.yaml", "--set", f"{name(chance)}={hostile}")
        case _:
            return ("validate", "model.yaml", "--set", f"data.path={hostile}", "--build")


def _link(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


_THINGS: list[Callable[[Path], object]] = [
    os.mkfifo,
    Path.mkdir,
    Path.touch,
    _link("/"),
    _link("/dev/zero"),
    _link("/etc/passwd"),
    _link("."),
    _link(".."),
    _link("../../../outside"),
    _link("nothing"),
    _link("0001"),
]


def linked(chance: random.Random, runs: Path) -> tuple[str, Case]:
    """Puts a link, pipe, folder or file where `dl` looks for its own; says what, and a command."""
    run = runs / "model/0001"
    places = [run / chance.choice(_FILES), runs / "model/0002", runs / "other", run, runs / "model"]
    path = chance.choices(places, weights=[12, 3, 3, 1, 1])[0]
    if chance.random() < 0.1:
        odd = "".join(c for c in name(chance) if c not in "/\0").encode("utf-8", "ignore")[:200]
        path = runs / (odd.decode("utf-8", "ignore").strip(".") or "x")
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    thing = chance.randrange(len(_THINGS))
    _THINGS[thing](path)
    note = f"{path} is thing {thing}"
    return note, (
        chance.choice(_RUN_COMMANDS),
        chance.choice(["model", "model/1", "model/2", "other"]),
    )


def campaign(seed: int, size: int, folder: Path) -> tuple[Counter[int], list[str]]:
    """Tries `size` names and links in an empty folder.

    Returns:
        How often each exit code came, and what broke.
    """
    chance = random.Random(seed)
    prepare(folder, [])
    outside = _contents(folder / "outside")
    codes: Counter[int] = Counter()
    failures = []
    with contextlib.chdir(folder):
        shutil.move("runs", "kept")
        for _ in with_progress(range(size)):
            _renewed()
            by_name = chance.random() < 0.6
            note, case = ("", named(chance)) if by_name else linked(chance, Path("runs"))
            outcome = dl(*case)
            codes[outcome.code] += 1
            wrong = _judged(outcome)
            if _contents(folder / "outside") != outside:
                wrong = "something outside was changed"
            if wrong:
                failures.append(f"{note} {case!r:.300}: {wrong}")
    return codes, failures


def _judged(outcome: Outcome) -> str | None:
    if outcome.broken:
        return outcome.broken
    if outcome.code not in _CODES:
        return f"exit code {outcome.code}"
    printed = outcome.out + outcome.err
    obeyed = [c for c in printed if not c.isprintable() and c not in "\n\t\ufeff\u202e"]
    return f"prints {obeyed[0]!r}: {printed[:300]!r}" if obeyed else None


def _renewed() -> None:
    """Brings `runs/` back as it was."""
    path = Path("runs")
    if path.is_symlink() or path.is_file():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree("kept", path)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 5_000)
    folder = Path(tempfile.mkdtemp(prefix="dl-names-"))
    codes, failures = campaign(chosen.seed, chosen.size, folder)
    shutil.rmtree(folder)
    refused = sum(codes[code] for code in (2, 3, 4))
    report(f"{chosen.size} hostile names and links, {refused} refused, {codes[0]} done", failures)


if __name__ == "__main__":
    main()
