"""Mutated configs: whatever a config says, `dl validate` accepts it or says what is wrong.

Every config of `configs/` and `tests/cases/` is changed in bytes, words, lines and values. Each
result is checked; one in a hundred of those that are valid is built as well, with its data.
"""

from __future__ import annotations

import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from campaigns.command import dl, options, report, with_progress

TOP = Path(__file__).resolve().parents[1]
GOOD = sorted([*(TOP / "configs").rglob("*.yaml"), *(TOP / "tests/cases/good").rglob("*.yaml")])
BAD = sorted((TOP / "tests/cases/bad").rglob("*.yaml"))
BUILD_EVERY = 100
_WORD = re.compile(r"[^\s:,\[\]{}#]+")
_SCALARS = """
    0 -1 1 2 3 1e-3 1e308 1e400 -0.0 .nan .inf -.inf nan inf 017 0x1f 0b1 12:30 1_000 1,5 1e
    1e1000000 99999999999999999999 9223372036854775808 4294967296 2147483648 1000000 true false
    yes no on off null ~ "" '' [] {} [[]] [1,2] {a:1} {type:Dense} {type:Dense,units:3} relu
    softmax Dense Conv2D LSTM Flatten Embedding Bidirectional Reshape Lambda TFSMLayer adam sgd
    mse csv npz images keras builtin synthetic moons iris !!python/object:os.system !!set
    !!binary &a *a << ? - | > % @ ` \\ / ../x /dev/zero /dev/null /etc/passwd
    http://example.org/x.csv é \u202e \ufeff \0 😀 balanced full label type name units data
    model training layers loss optimizer metrics callbacks extends split
""".split()  # noqa: SIM905 - as a list they would fill the page
_VALUES = [None, True, 0, -1, 1.5, "", "x", [], {}, [[1]], {"type": "Dense"}, 10**20]
_INSERTED = [b"\t", b"\0", b":", b"- ", b"\xff", b"'", b"&"]
_DEEP = ["[" * 70 + "]" * 70, "{a: " * 70 + "}" * 70, "x" * 5000, "9" * 5000, "- " * 200 + "1"]


def bytes_changed(text: str, chance: random.Random) -> bytes:
    """Changes, inserts, drops or repeats a few bytes."""
    content = bytearray(text.encode())
    for _ in range(_few(chance)):
        place = chance.randrange(len(content) + 1)
        match chance.randrange(4):
            case 0:
                content[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                content[place:place] = chance.choice(
                    [b"\t", b"\0", b":", b"- ", b"\xff", b"'", b"&"]
                )
            case 2:
                del content[place : place + chance.randint(1, 8)]
            case _:
                content[place:place] = content[place : place + chance.randint(1, 40)]
    return bytes(content)


def words_changed(text: str, chance: random.Random) -> bytes:
    """Puts other values in the place of a few words."""
    for _ in range(_few(chance)):
        words = list(_WORD.finditer(text))
        if not words:
            break
        word = chance.choice(words)
        other = chance.choice(_SCALARS if chance.random() < 0.95 else _DEEP)
        text = text[: word.start()] + other + text[word.end() :]
    return text.encode("utf-8", "surrogatepass")


def lines_changed(text: str, chance: random.Random) -> bytes:
    """Drops, repeats, moves or indents a few lines."""
    lines = text.splitlines()
    for _ in range(_few(chance)):
        place = chance.randrange(len(lines) + 1)
        match chance.randrange(4):
            case 0:
                del lines[place : place + 1]
            case 1:
                lines[place:place] = lines[place : place + chance.randint(1, 5)]
            case 2:
                lines.insert(place, lines.pop(chance.randrange(len(lines))) if lines else "a: 1")
            case _:
                lines[place : place + 1] = [
                    " " * chance.randint(0, 4) + x for x in lines[place:][:1]
                ]
    return "\n".join(lines).encode()


def values_changed(text: str, chance: random.Random) -> bytes:
    """Moves whole values to other places of the document, or puts plain ones there."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return words_changed(text, chance)
    places = list(_places(document))
    for _ in range(_few(chance)):
        if not places:
            break
        holder, key = chance.choice(places)
        other, from_key = chance.choice(places)
        kept = chance.random() < 0.5 and from_key in _keys(other)
        holder[key] = other[from_key] if kept else chance.choice(_VALUES)
    try:
        # Aliases are kept where a value was moved below itself: a cycle.
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
    except (yaml.YAMLError, RecursionError, ValueError):
        return b"a: &a [*a]\n"


def _few(chance: random.Random) -> int:
    return chance.choice([1, 1, 1, 2, 4])


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Returns every holder and key of a value, each holder once: aliases make cycles."""
    found, waiting, seen = [], [value], set()
    while waiting:
        holder = waiting.pop()
        if id(holder) not in seen:
            seen.add(id(holder))
            found += [(holder, key) for key in _keys(holder)]
            waiting += [holder[key] for key in _keys(holder)]
    return found


def _keys(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


MUTATORS: list[Callable[[str, random.Random], bytes]] = [
    bytes_changed,
    words_changed,
    lines_changed,
    values_changed,
]


def campaign(seed: int, size: int, folder: Path) -> tuple[Counter[int], list[str]]:
    """Tries `size` configs.

    Returns:
        How often each exit code came, and what broke: the case's file and what it showed.
    """
    chance = random.Random(seed)
    good, bad = ([text for path in paths if (text := _text(path))] for paths in (GOOD, BAD))
    codes: Counter[int] = Counter()
    failures = []
    for number in with_progress(range(size)):
        path = _place(folder, chance)
        text = chance.choice(bad if chance.random() < 0.2 else good)
        path.write_bytes(chance.choice(MUTATORS)(text, chance))
        outcome = dl("validate", path)
        codes[outcome.code] += 1
        builds = outcome.code == 0 and codes[0] % BUILD_EVERY == 0
        broken = outcome.broken or (dl("validate", path, "--build").broken if builds else None)
        if broken:
            kept = shutil.copy(path, folder / f"failure-{number}.yaml")
            failures.append(f"{kept}\n{broken}")
    return codes, failures


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def _place(folder: Path, chance: random.Random) -> Path:
    """Returns a path beside the shipped data, so that relative paths of the configs lead to it."""
    return folder / chance.choice(["configs", "cases/good", "cases/bad"]) / "case.yaml"


def copy_sources(folder: Path) -> None:
    """Copies all configs with the data beside them."""
    shutil.copytree(TOP / "configs", folder / "configs")
    shutil.copytree(TOP / "tests/cases", folder / "cases")


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 100_000)
    folder = Path(tempfile.mkdtemp(prefix="dl-configs-"))
    copy_sources(folder)
    codes, failures = campaign(chosen.seed, chosen.size, folder)
    if not failures:
        shutil.rmtree(folder)
    report(f"{chosen.size} mutated configs, {codes[0]} valid, {codes[2]} refused", failures)


if __name__ == "__main__":
    main()
