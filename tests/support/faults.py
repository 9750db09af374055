"""The faults that a command meets in its files: what is wrong, and the exit code.

Each function changes a folder that holds `good.yaml`, `rows.csv` and a trained run, and returns
the arguments of the command. The whole text that it then prints is in `expected/`, by its name.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
from PIL import Image

from dl.rundir.manifest import publish

CASES = Path(__file__).resolve().parents[1] / "cases/bad"
GOOD = """\
name: good
data: {source: csv, path: rows.csv, target: y}
model: {layers: [{type: Dense, units: 1}]}
training: {loss: mse, epochs: 1}
"""
ROWS = ["a,b,y", *(f"{i},{'red' if i % 2 else 'blue'},{i / 2}" for i in range(20))]
CLASSES = """\
name: classes
data: {source: csv, path: rows.csv, target: b}
model: {layers: [{type: Dense, units: 2, activation: softmax}]}
training: {loss: sparse_categorical_crossentropy, epochs: 1}
"""
PICTURES = """\
name: pictures
data: {source: images, path: pictures, image_size: [4, 4]}
model: {layers: [Flatten, {type: Dense, units: 2, activation: softmax}]}
training: {loss: sparse_categorical_crossentropy, epochs: 1}
"""
RUN = Path("runs/good/0001")

Arguments = tuple[object, ...]
Make = Callable[[Path], Arguments]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its number in docs/reliability.md, a name, the exit code, and how it is made."""

    number: int
    name: str
    code: int
    make: Make

    @property
    def id(self) -> str:
        """The name of its expected text."""
        return f"{self.number:02}-{self.name}"


def _bad(name: str) -> Fault:
    """Returns a fault of a config in `tests/cases/bad`."""
    number = _NUMBERS[name]

    def make(folder: Path) -> Arguments:
        shutil.copy(CASES / f"{name}.yaml", folder)
        return ("train", f"{name}.yaml")

    return Fault(number, name, 2, make)


def _rows(*lines: str | bytes, config: str = GOOD) -> Make:
    """Writes these lines as the data."""

    def make(folder: Path) -> Arguments:
        encoded = [line if isinstance(line, bytes) else line.encode() for line in lines]
        (folder / "rows.csv").write_bytes(b"\n".join(encoded) + (b"\n" if encoded else b""))
        (folder / "good.yaml").write_text(config)
        return ("train", "good.yaml")

    return make


def _more(*lines: str, config: str = GOOD) -> Make:
    """Appends lines to the good data."""
    return _rows(*ROWS, *lines, config=config)


def _path(make_path: Callable[[Path], object]) -> Make:
    def make(folder: Path) -> Arguments:
        (folder / "rows.csv").unlink()
        make_path(folder / "rows.csv")
        return ("train", "good.yaml")

    return make


def _with(*options: str) -> Make:
    return lambda folder: ("train", "good.yaml", *options)


def _picture(spoil: Callable[[Path], object]) -> Make:
    def make(folder: Path) -> Arguments:
        for kind in ("cat", "dog"):
            (folder / "pictures" / kind).mkdir(parents=True)
            for number in range(10):
                picture = Image.effect_noise((32, 32), 50)
                picture.save(folder / f"pictures/{kind}/{number}.png")
        spoil(folder / "pictures/cat/3.png")
        (folder / "good.yaml").write_text(PICTURES)
        return ("train", "good.yaml")

    return make


def _large_config(folder: Path) -> Arguments:
    (folder / "good.yaml").write_text(GOOD + "# " + "x" * 2**20)
    return ("train", "good.yaml")


def _large_grid(folder: Path) -> Arguments:
    values = [*range(1, 102)]
    (folder / "sweep.yaml").write_text(
        "base: good.yaml\nmethod: grid\nparameters:\n"
        f"  training.epochs: {values}\n  training.batch_size: {values}\n"
    )
    return ("sweep", "sweep.yaml")


def _empty_class(picture: Path) -> None:
    shutil.rmtree(picture.parent)
    picture.parent.mkdir()


def _on_run(spoil: Callable[[Path], object], command: Arguments = ("evaluate", "good")) -> Make:
    def make(folder: Path) -> Arguments:
        spoil(folder / RUN)
        return command

    return make


def _cut(run: Path) -> None:
    content = (run / "model.h5").read_bytes()
    (run / "model.h5").write_bytes(content[: len(content) // 2])


def _flipped(run: Path) -> None:
    content = bytearray((run / "model.h5").read_bytes())
    content[-100] ^= 1
    (run / "model.h5").write_bytes(content)


def rewritten(change: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    """Changes the model as somebody would who writes the checksum, too."""

    def spoil(run: Path) -> None:
        copy = run.parent / "copy.h5"
        shutil.copy(run / "model.h5", copy)
        with h5py.File(copy, "r+") as file:
            change(file)
        publish(run / "model.h5", copy.read_bytes())
        copy.unlink()

    return spoil


def _kernel(file: h5py.File) -> tuple[h5py.Group, str]:
    names: list[str] = []
    file["model_weights"].visit(lambda name: names.append(name) if "kernel" in name else None)
    folder, _, name = names[0].rpartition("/")
    return file["model_weights"][folder], name


def _external(file: h5py.File) -> None:
    group, name = _kernel(file)
    del group[name]
    group[name] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(file: h5py.File) -> None:
    group, name = _kernel(file)
    del group[name]
    group[name] = h5py.SoftLink("/model_weights")


def _virtual(file: h5py.File) -> None:
    group, name = _kernel(file)
    shape = group[name].shape
    del group[name]
    layout = h5py.VirtualLayout(shape, "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape)
    group.create_virtual_dataset(name, layout)


def _other_shape(file: h5py.File) -> None:
    group, name = _kernel(file)
    values = group[name][()]
    del group[name]
    group[name] = values[:-1]


def _other_name(file: h5py.File) -> None:
    group, name = _kernel(file)
    group.move(name, "kern")


def _link_out(run: Path) -> None:
    outside = run.parents[2] / "outside"
    run.rename(outside)
    run.symlink_to(outside)


def _newer(run: Path) -> None:
    text = (run / "run.json").read_text()
    publish(run / "run.json", text.replace('"schema": ', '"schema": 9').encode())


def _by_keras(version: str) -> Callable[[Path], None]:
    """Says in a run's record that another Keras trained it."""

    def spoil(run: Path) -> None:
        text = (run / "run.json").read_text()
        other = re.sub(r'"keras": "[^"]*"', f'"keras": "{version}"', text)
        publish(run / "run.json", other.encode())

    return spoil


def _forged(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Changes a value in a file of a run, and lets the checksum fit."""

    def spoil(run: Path) -> None:
        text = (run / name).read_text()
        changed = re.sub(old, new, text, count=1)
        assert changed != text
        publish(run / name, changed.encode())

    return spoil


def _changed_data(run: Path) -> None:
    with (run.parents[2] / "rows.csv").open("a") as rows:
        rows.write("1,red,2\n")


def _unknown_column(folder: Path) -> Arguments:
    return ("train", "good.yaml", "--set", "data.features=[aa]")


_LONGER = ("train", "--resume", "good", "--epochs", "2")
_NUMBERS = {
    **dict.fromkeys(["empty", "scalar", "list"], 2),
    **dict.fromkeys(["two-documents"], 3),
    **dict.fromkeys(["unclosed-bracket"], 4),
    **dict.fromkeys(["tab-indent"], 5),
    **dict.fromkeys(["duplicate-key"], 6),
    **dict.fromkeys(["unknown-key", "unknown-parameter"], 7),
    **dict.fromkeys(["on-as-text"], 9),
    **dict.fromkeys(["clock", "leading-zero"], 10),
    **dict.fromkeys(["boolean-for-number", "boolean-units"], 11),
    **dict.fromkeys(["nan-learning-rate", "infinite-learning-rate"], 12),
    **dict.fromkeys(["negative-epochs", "zero-batch"], 12),
    **dict.fromkeys(["python-tag", "set-tag", "binary-tag", "date"], 13),
    **dict.fromkeys(["alias-cycle", "alias-bomb"], 14),
    **dict.fromkeys(["too-deep"], 15),
    **dict.fromkeys(["nul", "latin-1"], 16),
    **dict.fromkeys(["monitor-misspelt", "monitor-without-validation"], 17),
    **dict.fromkeys(["linear-output", "softmax-of-one-unit"], 18),
    **dict.fromkeys(["too-large-for-memory"], 20),
}
"""The faults that a config of `tests/cases/bad` has."""

FAULTS = [
    Fault(1, "missing", 2, lambda folder: ("train", "god.yaml")),
    *map(_bad, _NUMBERS),
    Fault(15, "large", 2, _large_config),
    Fault(19, "grid", 2, _large_grid),
    Fault(21, "missing", 3, _path(lambda path: None)),
    Fault(21, "folder", 3, _path(Path.mkdir)),
    Fault(21, "pipe", 3, _path(os.mkfifo)),
    Fault(22, "url", 3, _with("--set", "data.path=https://example.org/rows.csv")),
    Fault(23, "empty", 3, _rows()),
    Fault(23, "header-only", 3, _rows("a,b,y")),
    Fault(24, "target", 3, _with("--set", "data.target=z")),
    Fault(24, "feature", 3, _unknown_column),
    Fault(25, "header", 3, _rows("a,a,y", "1,2,3")),
    Fault(26, "longer", 3, _more("1,red,2,3")),
    Fault(26, "shorter", 3, _more("1,red")),
    Fault(27, "nul", 3, _more("1,r\0d,2")),
    Fault(28, "encoding", 3, _rows(*ROWS, "1,gr\xfcn,2".encode("latin-1"))),
    Fault(29, "delimiter", 3, _rows(*(line.replace(",", ";") for line in ROWS))),
    Fault(30, "text", 3, _more("many,red,2")),
    Fault(30, "missing-value", 3, _more(*["NA,red,2"] * 30)),
    Fault(30, "money", 3, _rows("a,b,y", *(f'"${i},500.75",red,{i}' for i in range(1, 20)))),
    Fault(30, "date", 3, _rows("a,b,y", *(f"2024-02-{i},red,{i}" for i in range(10, 31)))),
    Fault(31, "nan", 3, _rows(*ROWS[:3], *["nan,red,2"] * 20)),
    Fault(31, "inf", 3, _more("inf,red,2")),
    Fault(32, "integer", 3, _more("9007199254740993,red,2")),
    Fault(36, "split", 3, _rows("a,b,y", "1,red,2", "2,red,3")),
    Fault(37, "one-class", 3, _rows("a,b", *[f"{i},red" for i in range(20)], config=CLASSES)),
    Fault(38, "changed", 4, _on_run(_changed_data)),
    Fault(39, "truncated", 3, _picture(lambda path: path.write_bytes(path.read_bytes()[:500]))),
    Fault(41, "no-picture", 3, _picture(lambda path: path.write_text("no picture"))),
    Fault(41, "empty-class", 3, _picture(_empty_class)),
    Fault(43, "unknown-run", 4, lambda folder: ("evaluate", "god")),
    Fault(44, "name-upwards", 2, _with("--name", "../x")),
    Fault(44, "name-absolute", 2, _with("--name", "/x")),
    Fault(44, "name-nul", 2, _with("--name", "a\0b")),
    Fault(44, "name-long", 2, _with("--name", "x" * 101)),
    Fault(45, "link", 4, _on_run(_link_out)),
    Fault(46, "truncated", 4, _on_run(_cut)),
    Fault(47, "flipped", 4, _on_run(_flipped)),
    Fault(48, "external", 4, _on_run(rewritten(_external))),
    Fault(48, "soft", 4, _on_run(rewritten(_soft))),
    Fault(48, "virtual", 4, _on_run(rewritten(_virtual))),
    Fault(50, "shape", 4, _on_run(rewritten(_other_shape))),
    Fault(50, "name", 4, _on_run(rewritten(_other_name))),
    Fault(53, "newer", 4, _on_run(_newer, ("show", "good"))),
    Fault(53, "newer-evaluated", 4, _on_run(_newer)),
    Fault(53, "newer-keras", 4, _on_run(_by_keras("99.1.0"))),
    Fault(53, "newer-keras-resumed", 4, _on_run(_by_keras("99.1.0"), _LONGER)),
    Fault(53, "older-keras-resumed", 4, _on_run(_by_keras("3.0.1"), _LONGER)),
    Fault(64, "no-header", 3, _rows(*ROWS[1:])),
    Fault(71, "record", 4, _on_run(_forged("run.json", r'"epochs": 1', '"epochs": "1"'))),
    Fault(
        71, "learned", 4, _on_run(_forged("preprocess.json", r'"center": [^,]+', '"center": NaN'))
    ),
    Fault(71, "history", 4, _on_run(_forged("history.csv", "\n1,", "\n7,"), ("show", "good"))),
    Fault(
        71,
        "metrics",
        4,
        _on_run(_forged("metrics.json", r'"train": ', '"train": 7, "x": '), ("show", "good")),
    ),
]
