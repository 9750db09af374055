"""Runs that somebody else wrote: every value of every file changed, with checksums that fit.

`python -m campaigns.forged_runs --seed 1 --size 2000`: small runs and a sweep are trained. Then a
value in one of their files becomes one of another type, size or number (or is gone, or nested ten
thousand deep), and the manifest says that this is in order. Commands and pages of the board that
read the file answer, or refuse it with exit code 4 and the file's name; `dl list` and the page of
all runs do without the run. No command may end with 1 or a traceback, or print what a terminal
would obey.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from campaigns.command import dl, options, report, with_progress
from dl.report.board import board
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import (
    manifest_text,
    read_checkpoint,
    read_manifest,
    sha256,
    write_checkpoint,
)

_ROWS = 60
_MODEL = """\
name: {name}
data: {data}
model:
  layers: [{{type: Dense, units: 4, activation: relu}}, {last}]
training: {{loss: {loss}, optimizer: adam, metrics: [{metric}], batch_size: 16, epochs: 2}}
"""
_MOONS = "{source: synthetic, dataset: moons, rows: 60, split: {validation: 0.2, test: 0.2}}"
_TABLE = "{source: csv, path: rows.csv, target: y, split: {validation: 0.2, test: 0.2}}"
_CONFIGS = {
    "moons": (_MOONS, "{type: Dense, units: 1, activation: sigmoid}", "bce", "accuracy"),
    "table": (_TABLE, "{type: Dense, units: 1}", "mse", "mae"),
    "three": (
        "{source: builtin, dataset: iris, split: {validation: 0.2, test: 0.2}}",
        "{type: Dense, units: 3, activation: softmax}",
        "sparse_categorical_crossentropy",
        "accuracy",
    ),
}
_SWEEP = """\
base: moons.yaml
repeats: 2
objective: {metric: val_accuracy}
parameters: {training.optimizer.learning_rate: [0.1, 0.01]}
"""
_SLOW = 0.2
"""How many of the cases are also tried on a command that builds the model."""
_COPY = "copy"
"""The folder of runs for a command that writes."""
_DEEP = "@deep@"
_RAW = {
    f'"{_DEEP}"': "[" * 10_000 + "]" * 10_000,
    '"@huge@"': "1" + "0" * 400,
    '"@digits@"': "9" * 5_000,
    '"@half@"': '"\\ud800"',
}
"""JSON that Python would not write, by what stands for it."""
_HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    7,
    10**18,
    2**63,
    1e308,
    -1e308,
    5e-324,
    float("nan"),
    float("inf"),
    "",
    "nan",
    "a\nb",
    "\x1b[31mred",
    "x" * 5_000,
    "../../../etc/passwd",
    "<script>alert(1)</script>",
    [],
    [[]],
    [None],
    {},
    {"": None},
    ["a", 1, None],
    *(json.loads(text) for text in _RAW),
)
_LINES = (*("null", "true", "-1", "1e400", ".nan", "[]", "{}", "''", "'x'", "[1, [2]]"), "99999999")
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

Command = tuple[str, ...]


def prepare(folder: Path, names: Iterable[str] = _CONFIGS) -> None:
    """Trains the runs and the sweep that are forged."""
    chance = random.Random(0)
    rows = [_row(chance, number) for number in range(_ROWS)]
    (folder / "rows.csv").write_text("a,b,color,day,y\n" + "".join(rows), encoding="utf-8")
    (folder / "points.csv").write_text("x1,x2\n0.5,0.5\n", encoding="utf-8")
    with contextlib.chdir(folder):
        for name in names:
            data, last, loss, metric = _CONFIGS[name]
            text = _MODEL.format(name=name, data=data, last=last, loss=loss, metric=metric)
            Path(f"{name}.yaml").write_text(text, encoding="utf-8")
            _done(dl("train", f"{name}.yaml", "-q"))
        Path("search.yaml").write_text(_SWEEP, encoding="utf-8")
        _done(dl("sweep", "search.yaml", "-q"))
        for name in names:
            _done(dl("tag", name, "good"))
        shutil.copytree("runs/moons/0001", "runs/moons/0002")


def _row(chance: random.Random, number: int) -> str:
    color = chance.choice(["red", "green", "blue"])
    day = f"2024-{1 + number % 9:02d}-{1 + number % 28:02d}"
    return f"{chance.random():.3f},{chance.random():.2f},{color},{day},{chance.random():.3f}\n"


def _done(outcome: Any) -> None:
    if outcome.code:
        raise SystemExit(f"could not be prepared: {outcome.err}")


def campaign(seed: int, size: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """Forges `size` times a file of the runs in a folder; returns what was answered, and broke."""
    chance = random.Random(seed)
    found: Counter[str] = Counter()
    failures: list[str] = []
    with contextlib.chdir(folder):
        client = TestClient(board(Path("runs"), ["testserver"]))
        files = sorted(path for path in Path("runs").rglob("*") if _is_forged(path))
        for _ in with_progress(range(size)):
            path = chance.choice(files)
            said = forged(chance, path)
            try:
                for answer, broken in _answers(chance, path, client):
                    found[answer] += 1
                    failures += [f"{path}, {said}: {answer}: {broken}"] if broken else []
            finally:
                _restore()
    return found, failures


def _is_forged(path: Path) -> bool:
    kinds = (".json", ".jsonl", ".csv", ".npz", ".checkpoint")
    return path.suffix in kinds or path.name in ("resolved.yaml", ".lock")


_KEPT: dict[Path, bytes] = {}
"""What the files held that were forged."""


def _restore() -> None:
    for path, content in _KEPT.items():
        path.write_bytes(content)
    _KEPT.clear()


def forged(chance: random.Random, path: Path) -> str:
    """Changes a value in a file, and the manifest with it; returns what was changed."""
    run = RunDirectory(path.parent)
    for each in (path, *([run.manifest] if run.manifest.is_file() else [])):
        _KEPT.setdefault(each, each.read_bytes())
    if path.suffix == ".checkpoint":
        return _forged_checkpoint(chance, path)
    if path.name == "manifest.json":
        return _forged_manifest(chance, run)
    how: Callable[[random.Random, bytes], tuple[bytes, str]] = {
        ".json": _forged_json,
        ".jsonl": _forged_lines,
        ".csv": _forged_table,
        ".npz": _forged_arrays,
        ".yaml": _forged_yaml,
    }.get(path.suffix, _forged_json)
    content, said = how(chance, path.read_bytes())
    path.write_bytes(content)
    if run.manifest.is_file():
        sums = read_manifest(run)
        if path.name in sums:
            run.manifest.write_text(manifest_text({**sums, path.name: (sha256(content),)}))
    return said


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield from _places(item, (*path, key))


def _changed(chance: random.Random, value: Any) -> tuple[Any, str]:
    """Returns plain data with another value somewhere, or without it."""
    places = list(_places(value))
    place = chance.choice(places)
    new = chance.choice(_HOSTILE)
    if not place:
        return new, f"whole file becomes {new!r:.40}"
    *outer, key = place
    inside = value
    for step in outer:
        inside = inside[step]
    match chance.randrange(6):
        case 0:
            del inside[key]
            return value, f"{place} is gone"
        case 1 if isinstance(inside, list):
            inside.append(new)
            return value, f"{place[:-1]} gets {new!r:.40}"
        case 1:
            inside[chance.choice(["", "\x1b[2J", "schema", "kind"])] = new
            return value, f"{place[:-1]} gets a key with {new!r:.40}"
        case _:
            inside[key] = new
            return value, f"{place} becomes {new!r:.40}"


def _json(value: Any) -> bytes:
    text = json.dumps(value)
    for stands, raw in _RAW.items():
        text = text.replace(stands, raw)
    return text.encode()


def _forged_json(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    value, said = _changed(chance, json.loads(content))
    return _json(value), said


def _forged_lines(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    lines = content.splitlines()
    place = chance.randrange(len(lines))
    value, said = _changed(chance, json.loads(lines[place]))
    lines[place] = _json(value)
    return b"\n".join(lines) + b"\n", f"line {place + 1}, {said}"


def _forged_table(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    rows = [line.split(",") for line in content.decode().splitlines()]
    row = chance.choice(rows)
    column = chance.randrange(len(row))
    new = chance.choice(
        ["", "nan", "inf", "-1", "1e400", "x", '"', "epoch", "\x1b[1m", "\0", "9" * 99]
    )
    match chance.randrange(5):
        case 0:
            rows.remove(row)
        case 1:
            del row[column]
        case 2:
            row.insert(column, new)
        case _:
            row[column] = new
    return "".join(",".join(row) + "\n" for row in rows).encode(), f"{new[:20]!r} at {column}"


def _forged_yaml(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    lines = content.decode().splitlines()
    places = [place for place, line in enumerate(lines) if re.search(r": .", line)]
    place = chance.choice(places)
    new = chance.choice(_LINES)
    lines[place] = re.sub(r": .*", lambda _: f": {new}", lines[place])
    return "\n".join([*lines, ""]).encode(), f"{lines[place].strip()!r}"


def _forged_arrays(chance: random.Random, content: bytes) -> tuple[bytes, str]:
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    name = chance.choice(sorted(arrays))
    array = arrays[name]
    changed: list[tuple[str, Any]] = [
        ("gone", None),
        ("no row", array[:0] if array.ndim else np.zeros(0)),
        ("a number", np.array(3.0)),
        ("one row less", array[1:] if array.ndim else np.array("")),
        ("text", np.full(array.shape, "x")),
        ("NaN", np.full(array.shape, np.nan, "f4")),
        ("infinite", np.full(array.shape, np.inf, "f4")),
        ("negative", np.full(array.shape, -7, "f4")),
        ("large", np.full(array.shape, 1e30, "f4")),
        ("complex", np.full(array.shape, 1j)),
        ("times", np.full(array.shape, np.datetime64("2024-01-01"))),
        ("another axis", np.zeros((*array.shape, 3), "f4")),
        ("flat", np.zeros(int(np.prod(array.shape)) or 1, "i8")),
        ("columns", np.zeros((len(array) if array.ndim else 1, 9), "f4")),
        ("structured", np.zeros(array.shape, [("a", "f4")])),
    ]
    said, new = chance.choice(changed)
    out = io.BytesIO()
    np.savez(out, **{key: item for key, item in {**arrays, name: new}.items() if item is not None})
    return out.getvalue(), f"{name} is {said}"


def _forged_checkpoint(chance: random.Random, path: Path) -> str:
    whole = read_checkpoint(path)
    blobs = list(whole.blobs)
    if chance.random() < 0.2:
        blobs[chance.randrange(len(blobs))] = memoryview(b"abc")
        header, said = dict(whole.header), "an array of three bytes"
    else:
        header, said = _changed(chance, json.loads(json.dumps(whole.header)))
    if not isinstance(header, dict):
        header = {"history": header}
    write_checkpoint(
        RunDirectory(path.parent.parent), int(path.stem.partition("-")[2]), header, blobs
    )
    return said


def _forged_manifest(chance: random.Random, run: RunDirectory) -> str:
    sums: dict[str, Any] = dict(read_manifest(run))
    name = chance.choice(sorted(sums))
    match chance.randrange(3):
        case 0:
            del sums[name]
        case 1:
            sums[name] = (chance.choice(["", "0" * 64, "\x1b[1m"]),)
        case _:
            sums[chance.choice(["../x", "\x1b[1m", "", "a\0b"])] = ("0" * 64,)
    run.manifest.write_text(manifest_text(sums))
    return f"the sum of {name}"


def _answers(
    chance: random.Random, path: Path, client: TestClient
) -> Iterator[tuple[str, str | None]]:
    """Yields what commands and pages answer, and what was wrong with it."""
    label = "/".join(path.parts[1:3]) if len(path.parts) > 3 else "moons/0001"
    commands, pages = _of_run(label) if "search" not in path.parts else _of_sweep()
    slow = [chance.choice(_slow(label))] if chance.random() < _SLOW else []
    for command in [("list",), *chance.sample(commands, 3), *slow]:
        if command[-1] == _COPY:
            shutil.rmtree(_COPY, ignore_errors=True)
            shutil.copytree("runs", _COPY)
        outcome = dl(*command)
        broken = outcome.broken
        if _OBEYED.search(outcome.out + outcome.err):
            broken = f"prints {(outcome.out + outcome.err)!r}"
        if "Warning: " in outcome.err:
            broken = outcome.err
        if command[0] == "list" and outcome.code:
            broken = f"ends with {outcome.code}: {outcome.err}"
        yield f"dl {' '.join(command)} {outcome.code}", broken
    for page in ["/api/runs", *chance.sample(pages, min(2, len(pages)))]:
        wanted = (200,) if page == "/api/runs" else (200, 404)
        try:
            code = client.get(page).status_code
        except Exception:
            yield f"{page} 500", traceback.format_exc()
        else:
            yield f"{page} {code}", None if code in wanted else "is refused"


def _of_run(label: str) -> tuple[list[Command], list[str]]:
    rows = "rows.csv" if label.startswith("table") else "points.csv"
    commands: list[Command] = [
        ("list", "--json"),
        ("list", "--filter", "accuracy>0", "--sort", "training.batch_size"),
        ("show", label),
        ("show", label, "--json"),
        ("report", label),
        ("compare", label, "moons/2"),
        ("compare", "moons/2", label, "--json"),
        ("predict", label, rows),
        ("predict", label, "-q"),
        ("tag", label),
        ("summary", label),
        ("prune", "--dry-run", "--keep", "0"),
    ]
    pages = [f"/run/{label}", f"/api/curves/{label}", f"/compare?run={label}&run=moons/0002"]
    return commands, pages


def _slow(label: str) -> list[Command]:
    """Returns the commands that build the model."""
    return [
        ("evaluate", label),
        ("diagnose", label),
        ("trace", label),
        ("reproduce", label, "-q"),
        ("train", "--resume", label, "--epochs", "3", "-q", "--runs", _COPY),
    ]


def _of_sweep() -> tuple[list[Command], list[str]]:
    trial = "search/1/1"
    commands: list[Command] = [
        ("compare", "search"),
        ("compare", "search", "--json"),
        ("report", "search"),
        ("sweep", "best", "search"),
        ("list", "search"),
        ("show", trial),
        ("predict", trial, "points.csv"),
    ]
    return commands, ["/sweep/search/0001", "/run/search/0001/trials/0001/0001"]


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 2_000)
    folder = Path(tempfile.mkdtemp(prefix="dl-forged-"))
    prepare(folder)
    found, failures = campaign(chosen.seed, chosen.size, folder)
    shutil.rmtree(folder)
    refused = sum(count for answer, count in found.items() if answer.endswith((" 4", " 404")))
    report(
        f"forged_runs: {chosen.size} files, {found.total()} answers, {refused} refused", failures
    )


if __name__ == "__main__":
    main()
