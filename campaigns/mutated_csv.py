"""Mutated CSV files: every command that reads one takes it or says what is wrong with it.

Small tables of numbers, words and dates are changed in bytes, cells, rows and columns.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from campaigns import mutating

USE_EVERY = 20
_CONFIG = """\
data: {{source: csv, path: rows.csv, target: {target}}}
preprocess: {{missing: {missing}}}
model: {{layers: [{{type: Dense, units: {units}, activation: {activation}}}]}}
training: {{loss: {loss}, epochs: 1}}
"""
CONFIGS = {
    "classes": ("kind", 3, "softmax", "sparse_categorical_crossentropy"),
    "numbers": ("size", 1, "linear", "mse"),
}
_CELLS = ["", " ", "NA", "nan", "inf", "-inf", "1e400", "1e-400", "0", "-0", "00123", "1,5"]
_CELLS += ["9007199254740993", "99999999999999999999", "true", "=1+1", "@x", "12:30", "1_0", "é"]
_CELLS += ["2024-02-30", "2024-01-05T25:00", "0001-01-01", "9999-12-31", "apple", "\u202e", "0x1f"]
_CELLS += ['"', '""', '"a', 'a"b', '"a, b"', '"a\nb"', "\\", "'", ";", "\t", "\0", "\ufeff"]
_CELLS += ["x" * 9000, "9" * 9000]
_BYTES = [b"\0", b"\xff", b"\xfe\xff", b'"', b",", b"\n", b"\r", b"\r\n", b"\n\n", b"\x1a"]
_ENDS = ["\n", "\r", "\r\n", "\u2028"]


def table(chance: random.Random) -> list[list[str]]:
    """Returns a header and rows: numbers, a word, a date and a class that follows from them."""
    rows = [["size", "weight", "colour", "day", "kind"]]
    for number in range(chance.choice([3, 12, 40])):
        size = chance.random() + number % 3
        colour = ("red", "green", "blue")[number % 3]
        kind = ("apple", "pear", "plum")[number % 3]
        rows.append(
            [f"{size:.3f}", f"{2 * size:.2f}", colour, f"2024-01-{number % 28 + 1:02}", kind]
        )
    return rows


def text_of(rows: list[list[str]]) -> bytes:
    """Returns the rows as CSV, nothing quoted."""
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass") + b"\n"


def cells_changed(rows: list[list[str]], chance: random.Random) -> bytes:
    """Puts other values into a few cells."""
    for _ in range(_few(chance)):
        row = chance.choice(rows)
        row[chance.randrange(len(row))] = chance.choice(_CELLS)
    return text_of(rows)


def column_changed(rows: list[list[str]], chance: random.Random) -> bytes:
    """Puts other values into a whole column, its name aside or not."""
    column, values = chance.randrange(len(rows[0])), chance.choices(_CELLS, k=chance.randint(1, 3))
    for row in rows[chance.randrange(2) :]:
        row[column] = chance.choice(values)
    return text_of(rows)


def shape_changed(rows: list[list[str]], chance: random.Random) -> bytes:
    """Drops, repeats or lengthens rows and columns."""
    for _ in range(_few(chance)):
        place = chance.randrange(len(rows) + 1)
        match chance.randrange(5):
            case 0:
                del rows[place : place + chance.choice([1, 2, 50])]
            case 1:
                rows[place:place] = [list(row) for row in rows[place : place + 2]]
            case 2:
                rows[place : place + 1] = [[*row, "1"] for row in rows[place : place + 1]]
            case 3:
                rows[place : place + 1] = [row[:-1] for row in rows[place : place + 1]]
            case _:
                column = chance.randrange(5)
                rows = [row[:column] + row[column + 1 :] for row in rows]
    return text_of(rows)


def bytes_changed(rows: list[list[str]], chance: random.Random) -> bytes:
    """Changes, inserts and drops a few bytes."""
    content = bytearray(text_of(rows))
    for _ in range(_few(chance)):
        place = chance.randrange(len(content) + 1)
        match chance.randrange(4):
            case 0:
                content[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                content[place:place] = chance.choice(_BYTES)
            case 2:
                del content[place : place + chance.choice([1, 5, 500])]
            case _:
                content = content.replace(b",", chance.choice([b";", b"\t", b"|", b",,"]))
    return bytes(content)


def encoding_changed(rows: list[list[str]], chance: random.Random) -> bytes:
    """Writes the file in another encoding, or with other line ends."""
    text = text_of(rows).decode("utf-8", "replace")
    encoding = chance.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "cp037"])
    return text.replace("\n", chance.choice(["\n", "\r", "\r\n", "\u2028"])).encode(
        encoding, "replace"
    )


Mutator = Callable[[list[list[str]], random.Random], bytes]
MUTATORS: list[Mutator] = [
    cells_changed,
    column_changed,
    shape_changed,
    bytes_changed,
    encoding_changed,
]


def csv(chance: random.Random) -> bytes:
    """Returns a mutated table."""
    return chance.choice(MUTATORS)(table(chance), chance)


def config(chance: random.Random | None) -> str:
    """Returns a config that reads the table."""
    form = chance.choice(list(CONFIGS)) if chance else "classes"
    missing = chance.choice(["error", "drop", "mean", "most_frequent"]) if chance else "mean"
    target, units, activation, loss = CONFIGS[form]
    return _CONFIG.format(
        target=target, missing=missing, units=units, activation=activation, loss=loss
    )


def _begin() -> None:
    Path("rows.csv").write_bytes(text_of(table(random.Random(5))))


KINDS = {"csv": mutating.Kind("rows.csv", csv, config, _begin, "rows.csv", "kind")}


def _few(chance: random.Random) -> int:
    return chance.choice([1, 1, 1, 2, 4])


def main() -> None:
    """Runs the campaign at the size of the command line."""
    mutating.run(KINDS, "CSV", __doc__, 20_000, USE_EVERY)


if __name__ == "__main__":
    main()
