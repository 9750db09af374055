"""`dl export`: a run as a file for another program, kept once that program's runtime has run it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dl import __version__
from dl.data.features import CategoricalFeature, TextFeature
from dl.data.load import load_parts, load_with_raw, read_part, read_split
from dl.data.target import Target, unscale
from dl.data.types import Array, Part, Raw, RawTable
from dl.errors import UsageError
from dl.export import RefusedError, beside, check
from dl.export.check import MOST_ROWS, TOLERANCE, Answers, answers_of
from dl.export.graph import DATE, MISSING, UNSEEN, Graph
from dl.export.onnx_file import write_onnx
from dl.export.script import notebook_of, script_of, sections_of
from dl.export.tensorflow_files import with_texts, write_litert, write_saved_model
from dl.predict.evaluate import SavedRun
from dl.predict.lite import Outputs
from dl.progress import Reporter
from dl.rundir.files import TEMPORARY, disk_errors
from dl.rundir.manifest import file_sha256, sha256
from dl.rundir.query import JUDGING_PARTS
from dl.rundir.record import read_metrics
from dl.text import listing, number

Format = Literal["onnx", "saved_model", "litert", "litert-int8", "keras", "script", "notebook"]
ABOUT = "dl.json"
"""What says the inputs, outputs and classes of an export, in a file or folder that has room."""
_BESIDE = "beside"
"""What a file that lies beside an export is called until that is kept."""
_ROUNDED = 1024
"""Weights of a layer from which LiteRT rounds them, where activations are not rounded."""
_SAMPLE = 256
"""Training rows by which activations are rounded to 8 bits."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that was kept.

    Attributes:
        to: Its format.
        path: The file or folder.
        bytes: Its size.
        sha256: Of the file; of a folder, of the lines `<SHA-256>  <name>` of its files, sorted.
        rows: Rows of the run on which it was compared with `dl predict`.
        part: Their part.
        difference: The greatest difference that was found; see `check.TOLERANCE`.
        rows_per_second: Rows that its runtime predicted in a second, in batches.
        note: What else there is to say, in words.
    """

    to: str
    path: Path
    bytes: int
    sha256: str
    rows: int
    part: str
    difference: float
    rows_per_second: float | None = None
    note: str = ""


Compared = tuple[int, str, float, float | None, str]
"""What is told of a comparison: the fields of `Exported` from `rows` on."""


class Exporter:
    """Writes a run in one format after the other; its rows are read once.

    Args:
        saved: The run.
        outputs: What `dl predict` computes its outputs by.
        reporter: Is told what happens.
    """

    def __init__(self, saved: SavedRun, outputs: Outputs, reporter: Reporter) -> None:
        self._saved, self._outputs, self._reporter = saved, outputs, reporter
        self._target: Target = saved.preprocessing.target

    def export(self, to: str, path: Path) -> Exported:
        """Writes the run to a path, in the place of what is there.

        Raises:
            UsageError: The format cannot hold the run, or its answers differ: nothing was written.
            DataError: The rows of the run cannot be read again.
            DiskError: It cannot be written.
        """
        _require(to)
        with self._reporter.stage(f"Exporting to {to}"):
            try:
                with _replaced(path, ".keras" if to == "keras" else "") as (new, scratch):
                    other = beside(to, path)
                    found = self._write(to, new, scratch, other.name if other else "")
                    if other is not None:
                        os.replace(scratch / _BESIDE, other)
                    size, checksum = _size_and_sha256(new)
                    return Exported(to, path, size, checksum, *found)
            except RefusedError as error:
                raise UsageError(
                    f"{self._saved.run.label} cannot be exported to {to}: {error}",
                    hint="nothing was written; docs/export.md says what each format holds",
                ) from error

    def _write(self, to: str, path: Path, scratch: Path, other: str) -> Compared:
        match to:
            case "litert" | "litert-int8":
                return self._litert(to, path, scratch)
            case "script" | "notebook":
                return self._script(to, path, scratch, other)
            case "keras":
                model = with_texts(self._graph, self._target)
                model.save(path)
                with zipfile.ZipFile(path, "a") as file:
                    file.writestr(ABOUT, json.dumps(self._about(self._graph), indent=2))
            case "saved_model":
                model = with_texts(self._graph, self._target, keep_tokens=True)
                write_saved_model(self._graph, model, path)
                extra = path / "assets.extra"
                extra.mkdir()
                (extra / ABOUT).write_text(json.dumps(self._about(self._graph), indent=2))
            case "onnx":
                about = self._about(self._graph)
                told = {key: v if isinstance(v, str) else json.dumps(v) for key, v in about.items()}
                write_onnx(self._graph, self._target, told, path)
        return self._checked(to, path, self._graph, as_text=True)

    def _litert(self, to: str, path: Path, scratch: Path) -> Compared:
        graph, rounded = self._numbers, to == "litert-int8"
        # Columns of a table are of too many sizes for 8 bits: of them only weights are rounded.
        sample = (
            None if not rounded else [] if isinstance(self._raw, RawTable) else self._sample(graph)
        )
        batch = write_litert(graph, path, scratch, sample)
        about = self._about(graph) | {"rows_at_once": batch}
        told = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
        (scratch / _BESIDE).write_text(told, encoding="utf-8")
        return self._checked("litert", path, graph, as_text=False, batch=batch, rounded=rounded)

    def _script(self, to: str, path: Path, scratch: Path, name: str) -> Compared:
        """Writes a script, and compares the arrays and the network that it makes with the run's."""
        saved = self._saved
        parts = read_split(saved.config, self._reporter).parts.named
        own_test = "test" in parts and not saved.preprocessing.split.test
        listed = [
            f"{row},{part}"
            for part, raw in parts.items()
            if not (own_test and part == "test")
            for row in raw.rows.tolist()
        ]
        (scratch / _BESIDE).write_text("\n".join(["row,part", *listed]) + "\n")
        label = " ".join(saved.run.label.split())  # the names of folders: a line may end in one
        sections = sections_of(saved.config, saved.preprocessing, label, name, own_test)
        about = f"Trains the network of {label} by plain Keras; run it beside {name}."
        text = (script_of if to == "script" else notebook_of)(sections, about)
        path.write_text(text, encoding="utf-8")
        made = check.made_by([each.lines for each in sections[:3]], scratch / _BESIDE, name)
        difference, rows = 0.0, 0
        for part, own in load_parts(saved.config, saved.preprocessing, self._reporter).items():
            for said, true in zip(made[part], (own.x[:], own.y[:]), strict=True):
                if said.shape != true.shape:
                    raise RefusedError(f"its {part} rows are others than those of the run")
                difference = max(difference, check.greatest(np.abs(said - true.astype(said.dtype))))
            rows += len(own)
        weights = [tuple(weight.shape) for weight in saved.model.weights]
        if not difference <= TOLERANCE or made["weights"] != weights:
            raise RefusedError(f"what it trains differs from the run (by {difference:.1e})")
        note = "the rows and the network are those of the run; how it learns is up to chance"
        return rows, "all", difference, None, note

    def _checked(
        self,
        kind: str,
        path: Path,
        graph: Graph,
        *,
        as_text: bool,
        batch: int | None = None,
        rounded: bool = False,
    ) -> Compared:
        rows = check.raw_inputs(graph, self._raw, as_text=as_text)
        by_tensor = kind in ("saved_model", "litert")
        rows = {
            graph.tensors[name] if by_tensor else name: values[: len(self._x)]
            for name, values in rows.items()
        }
        found, speed = check.run(kind, path, rows, self._target, batch)
        expected = answers_of(self._outputs(self._x), self._target)
        difference = check.compared(found, expected, self._target)
        note = "takes one row at a time" if batch == 1 else ""
        if rounded:
            difference = check.largest(found, expected)
            note = "; ".join(filter(None, [self._loss_by_rounding(found, expected), note]))
        elif not difference <= TOLERANCE:
            what = (
                "a class is another one" if difference == float("inf") else f"by {difference:.1e}"
            )
            raise RefusedError(
                f"its answers differ from those of dl predict ({what}; {TOLERANCE:.0e} is allowed)"
            )
        return len(self._x), self._part_name, difference, speed, note

    def _loss_by_rounding(self, found: Answers, expected: Answers) -> str:
        """Returns what the rounded file reaches beside `dl predict`, in words."""
        truth = self._truth  # of quantiles, each is of the same number
        measures = []
        for answers in (expected, found):
            said = answers.prediction.reshape(len(truth), *expected.prediction.shape[1:])
            if self._target.form == "numbers":
                measures.append(number(float(np.abs(said - truth).mean())))
            else:
                measures.append(number(float((said == truth).mean())))
        name = "mean absolute error" if self._target.form == "numbers" else "accuracy"
        told = f"{name} {measures[1]}, unrounded {measures[0]}"
        sizes = [int(np.prod(weight.shape)) for weight in self._saved.model.weights]
        is_small = isinstance(self._raw, RawTable) and max(sizes, default=0) < _ROUNDED
        return f"{told}; no layer is large enough to be rounded" if is_small else told

    # What all formats need

    @cached_property
    def _part_name(self) -> str:
        known = read_metrics(self._saved.run)
        return next(part for part in JUDGING_PARTS if part in known)

    @cached_property
    def _read(self) -> tuple[Raw, Part]:
        saved = self._saved
        raw, part = load_with_raw(
            saved.config, saved.preprocessing, self._part_name, self._reporter
        )
        if raw.windows is None and len(raw) > MOST_ROWS:
            raw = raw.take(np.arange(MOST_ROWS))
        return raw, part.take(slice(0, MOST_ROWS))

    @property
    def _raw(self) -> Raw:
        return self._read[0]

    @cached_property
    def _x(self) -> Array:
        return np.asarray(self._read[1].x[:])

    @property
    def _truth(self) -> Array:
        """What is true of the rows, as an answer tells it."""
        y, target = np.asarray(self._read[1].y[:]), self._target
        if target.form == "numbers":
            return unscale(y.reshape(len(y), *(target.places or (-1,))), target)
        if target.form == "multilabel":
            return y.astype(int)
        if target.form == "labels":
            return np.asarray(np.array(target.classes)[y])
        positions = y[..., 0].astype(int) if target.form == "single" else y.argmax(axis=-1)
        return np.asarray(np.array(target.classes)[positions])

    @cached_property
    def _graph(self) -> Graph:
        return self._built("float64")

    @cached_property
    def _numbers(self) -> Graph:
        return self._built("float32")

    def _built(self, floats: str) -> Graph:
        kind = "float32" if isinstance(self._raw, RawTable) else self._raw.x.dtype.name
        if kind not in ("uint8", "float32"):
            kind = "int32" if kind.startswith(("int", "uint")) else floats
        return Graph(self._saved.preprocessing, self._saved.model, floats, kind)

    def _sample(self, graph: Graph) -> Iterator[Mapping[str, Array]]:
        saved = self._saved
        raw = read_part(saved.config, saved.preprocessing, "train", self._reporter)
        if raw.windows is None:
            raw = raw.take(np.linspace(0, len(raw) - 1, min(_SAMPLE, len(raw))).astype(int))
        rows = check.raw_inputs(graph, raw, as_text=False)
        for row in range(min(_SAMPLE, len(next(iter(rows.values()))))):
            yield {graph.tensors[name]: values[row : row + 1] for name, values in rows.items()}

    def _about(self, graph: Graph) -> dict[str, Any]:
        """Returns what says how the export is used, as plain data."""
        target, as_text = self._target, graph is self._graph
        outputs = {
            name: {"type": str(each.dtype), "shape": ["rows", *each.shape[1:]]}
            for name, each in graph.model.output.items()
        }
        if as_text and target.classes and target.form != "multilabel":
            outputs["prediction"]["type"] = "string"
        return {
            "run": self._saved.run.label,
            "dl": __version__,
            "model_sha256": file_sha256(self._saved.run.model),
            "task": target.task,
            "targets": list(target.names),
            "classes": list(target.classes),
            "inputs": [_input(each, graph, as_text) for each in graph.inputs],
            "outputs": outputs,
        }


def _input(each: Any, graph: Graph, as_text: bool) -> dict[str, Any]:
    texts = as_text and each.kind in ("category", "date", "text")
    shape = graph.steps if texts else (*graph.steps, *each.shape)
    kind = "string" if texts else each.dtype
    told = {"name": each.name, "kind": each.kind, "type": kind, "shape": ["rows", *shape]}
    if graph.tensors[each.name] != each.name:
        told["tensor"] = graph.tensors[each.name]
    match each.feature:
        case CategoricalFeature(edges=()) as feature:
            told["categories"] = list(feature.categories)
            if not as_text:
                told |= {"missing": MISSING, "new": UNSEEN}
                if feature.hash:
                    told["number"] = f"first 8 bytes of SHA-256, modulo {feature.hash}"
        case TextFeature() as feature if not as_text:
            told |= {"tokens": list(feature.tokens), "first_token": 2, "output": feature.output}
        case _ if each.kind == "date" and not as_text:
            told["numbers"] = list(DATE)
    return told


def _require(to: str) -> None:
    """Raises `UsageError` where a package is not installed."""
    packages = ("onnx", "onnxruntime", "tf2onnx") if to == "onnx" else ()
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        are = "is not installed" if len(missing) == 1 else "are not installed"
        raise UsageError(
            f"{to} needs {listing(missing, 'and')}, which {are}",
            hint=f"pip install 'dl-keras[{to}]'",
        )


@contextmanager
def _replaced(path: Path, ending: str) -> Iterator[tuple[Path, Path]]:
    """Gives a new path and an empty folder; what is there takes the place of `path` at the end.

    Where something is raised, nothing new is left. A folder that is no export, a `UsageError`,
    stays as it is.
    """
    is_folder = path.is_dir() and not path.is_symlink()
    if is_folder and os.listdir(path) and not (path / "saved_model.pb").is_file():
        raise UsageError(
            f"{path} is a folder that no export has made", hint="name another: nothing was written"
        )
    with disk_errors(f"writing {path}"):
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=path.parent))
        try:
            new, scratch = folder / f"new{ending}", folder / "scratch"
            scratch.mkdir()
            yield new, scratch
            if is_folder:
                os.replace(path, folder / "old")
            os.replace(new, path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _size_and_sha256(path: Path) -> tuple[int, str]:
    """Returns the size and the checksum of a file or a folder: see `Exported`."""
    if not path.is_dir():
        return path.stat().st_size, file_sha256(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    lines = [f"{file_sha256(each)}  {each.relative_to(path)}\n" for each in files]
    return sum(each.stat().st_size for each in files), sha256("".join(lines).encode())
