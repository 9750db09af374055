"""Which source reads what: one table of the sources, and where their rows are held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dl.config.data import (
    INPUTS,
    PATHS,
    Arrays,
    ColumnKind,
    Data,
    FilesData,
    ImagesData,
    TableFile,
    target_is_input,
    weight_of,
    window_of,
)
from dl.config.files import own_paths
from dl.config.rules.probe import targets_of
from dl.config.schema import Config
from dl.data.dataset import Preprocessing
from dl.data.files import fingerprint_files, unchanged
from dl.data.formats import form_of, read_table, table_files
from dl.data.requirements import Requirements, requirements_of
from dl.data.sources import audio, characters, csv, images, nifti, numpy, other, parquet, texts
from dl.data.sources.found import Medium, listed_files, media_files, root_of
from dl.data.sources.masks import read_masked, read_masked_part
from dl.data.sources.media import FileReader
from dl.data.sources.named import make_synthetic, read_builtin, read_keras
from dl.data.sources.numpy import read_npz, read_npz_inputs, read_npz_part
from dl.data.sources.other import OTHERS, STREAMED
from dl.data.tables import Wanted, require
from dl.data.target import Target
from dl.data.types import Raw, RawArrays, RawParts, RawTable, Role, Storage
from dl.progress import Reporter
from dl.system import available_memory
from dl.text import listing
from dl.vocabulary.spec import Findings
from dl.vocabulary.traits import TAKES_CLASSES

_AUTO_SHARE = 10
"""A resident training takes about eight times the size of the numbers: the values as read, as
float64, as float32, and as tensors."""
_BYTES_PER_NUMBER = 4
_MEGABYTE = 1_000_000
_CLASSIFICATION = ("binary", "multiclass", "multilabel")


@dataclass(frozen=True, slots=True)
class _Task:
    """What is asked of the data that are read, whether they are held on the disk, what the run has
    fitted that reads them, and columns that are handed on as they stand."""

    needs: Requirements
    reporter: Reporter
    streamed: bool
    fitted: Preprocessing | None = None
    kept: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What a source can do; the first argument of all is the section `data`.

    Attributes:
        parts: Reads all rows of the section.
        labelled: Reads another labelled file, for sources of arrays.
        inputs: Reads arrays to predict.
        numbers: Estimates how many numbers a file holds; None where all rows are kept in memory.
    """

    parts: Callable[[Any, _Task], RawParts]
    labelled: Callable[[Any, Path, _Task], RawArrays] = lambda data, path, task: (
        read_npz_inputs if target_is_input(data) else read_npz_part
    )(path, getattr(data, "arrays", Arrays()))
    inputs: Callable[[Any, Path, _Task], RawArrays] = lambda data, path, task: read_npz_inputs(
        path, getattr(data, "arrays", Arrays())
    )
    numbers: Callable[[Any, Path], int] | None = None


def read_parts(config: Config, reporter: Reporter) -> RawParts:
    """Reads all rows of the config's data, into memory or onto the disk: see `storage_of`."""
    needs = requirements_of(config)
    for named in filter(None, (getattr(needs.data, key, None) for key in PATHS)):
        if isinstance(needs.data, TableFile):
            table_files(named, needs.data)  # refuses a folder that is none of files
    storage = storage_of(needs)
    task = _Task(needs, reporter, storage.streamed)
    return replace(SOURCES[config.data.source].parts(config.data, task), storage=storage)


def read_labelled(config: Config, fitted: Preprocessing, path: Path, reporter: Reporter) -> Raw:
    """Reads another labelled file, for a model that was trained on the config's data.

    A model trained on a table takes a table, one trained on an image folder another folder or an
    `.npz` file, any other an `.npz` file.
    """
    source, task = task_for(config, path, reporter)
    if fitted.array is None:
        form = form_of(table_files(str(path), config.data)[0], config.data.source)
        return read_table(
            form, config.data, str(path), wanted_by(config.data, fitted), task.streamed
        )
    return source.labelled(config.data, path, replace(task, fitted=fitted))


def read_arrays(
    config: Config, path: Path, reporter: Reporter, kept: Sequence[str] = ()
) -> RawArrays:
    """Reads arrays or images to predict; targets are ignored.

    Args:
        config: The config of the run.
        path: A file or folder.
        reporter: Is told what happens.
        kept: Columns that are handed on as they stand, of a table that lists files.

    Raises:
        DataError: The rows cannot be read.
    """
    source, task = task_for(config, path, reporter)
    return source.inputs(config.data, path, replace(task, kept=kept))


def source_title(config: Config) -> str:
    """Words for the config's data: its file, or the name of the data set."""
    path: Any = getattr(config.data, "path", None) or getattr(config.data, "dataset", "")
    return path if isinstance(path, str) else listing(path, "and", most=2)


def storage_of(
    needs: Requirements, paths: Iterable[Path] | None = None, source: Source | None = None
) -> Storage:
    """Decides where the rows of a config are held, or those of other files read in its way.

    Raises:
        DataError: A file cannot be read.
    """
    numbers = (source or SOURCES[needs.data.source]).numbers
    if numbers is None:
        return Storage(False, f"the source {needs.data.source} is kept in memory")
    chosen = _with_rows(needs.data) if paths is None else paths
    files = list(chosen)
    size = _BYTES_PER_NUMBER * sum(numbers(needs.data, path) for path in files)
    if isinstance(needs.data, TableFile) and "text" in needs.data.kinds.values():
        size = max(size, sum(path.stat().st_size for path in files))  # as many as it has tokens
    budget = memory_budget(needs.memory)
    about = f"about {_megabytes(size)}" if size >= _MEGABYTE else "less than 1 MB"
    limit = f"the budget of {_megabytes(budget)} (engine.memory: {needs.memory})"
    if size <= budget:
        return Storage(False, f"{about} as numbers, within {limit}")
    if paths is None and needs.all_rows:
        reason = f"{about} as numbers, beyond {limit}, but each step needs all rows at once"
        return Storage(False, reason)
    return Storage(True, f"{about} as numbers, beyond {limit}")


def _with_rows(data: Data) -> list[Path]:
    """Returns the files and folders whose rows are read; a table stands for those it lists."""
    listed = isinstance(data, FilesData) and data.table is not None
    return own_paths(data)[1:] if listed else own_paths(data)


def memory_budget(setting: int | Literal["auto"]) -> float:
    """Returns the bytes that rows may take in memory, as float32."""
    return available_memory() // _AUTO_SHARE if setting == "auto" else setting * _MEGABYTE


def _megabytes(size: float) -> str:
    return f"{size / _MEGABYTE:,.1f} MB" if size < 100 * _MEGABYTE else f"{size / 1e6:,.0f} MB"


def task_for(config: Config, path: Path, reporter: Reporter) -> tuple[Source, _Task]:
    """Returns what reads another file; `.npz` may stand for a folder of pictures."""
    name, needs = config.data.source, requirements_of(config)
    source, paths = SOURCES[name], [path]
    if name == "images" and path.suffix.lower() == ".npz":
        source = SOURCES["npz"]
    elif isinstance(needs.data, TableFile):
        needs = replace(needs, data=replace(needs.data, rows=None))
        paths = table_files(str(path), needs.data)
        source = SOURCES[form_of(paths[0], name)]
    return source, _Task(needs, reporter, storage_of(needs, paths, source).streamed)


def wanted_by(data: Any, fitted: Preprocessing) -> Wanted:
    return Wanted(
        features=tuple(fitted.kinds),
        targets=() if target_is_input(data) else fitted.target.names,
        classes=fitted.target.values,
        kinds=fitted.kinds,
        missing_in=getattr(data, "missing_in", lambda name: ()),
        forms=getattr(data, "forms", {}),
        merged=getattr(data, "merged", {}),
        trained=True,
        others=others_of_series(data) | ({"weight": name} if (name := weight_of(data)) else {}),
        past=window_of(data) is not None,
    )


def others_of_series(data: Any) -> dict[Role, str]:
    """Returns the columns that order the rows of windows, and tell the series apart."""
    roles: tuple[Role, ...] = ("time", "series")
    return {r: name for r, name in _others(data).items() if r in roles} if window_of(data) else {}


def _others(data: Any) -> dict[Role, str]:
    """Returns the columns of a table that are neither inputs nor targets, by what they are for."""
    split = data.split
    named: dict[Role, str | None] = {
        "time" if split.order else "group": split.by,
        "part": split.column,
        "weight": data.weight,
        "series": data.window.by if data.window else None,
    }
    return {role: name for role, name in named.items() if name is not None}


def _table_parts(data: Any, task: _Task) -> RawParts:
    """Reads the files of a table; the first decides the kinds of columns."""
    strict = task.needs.loss not in TAKES_CLASSES | {"KLDivergence"}
    wanted = Wanted(
        features=data.features,
        targets=targets_of(data),
        kinds=data.kinds,
        forms=data.forms,
        strict_target=strict if data.task is None else data.task not in _CLASSIFICATION,
        classes=data.classes or (),
        missing_in=data.missing_in,
        merged=data.merged,
        exclude=data.exclude or (),
        rows=data.rows,
        others=_others(data),
        past=data.window is not None,
    )

    paths = own_paths(data)
    with unchanged(paths):
        train = read_table(data.source, data, data.path, wanted, task.streamed)
        if target_is_input(data) and INPUTS in train.columns:
            raise Findings.one(
                ("data", "target"),
                f"can be the inputs, or the column {INPUTS!r} of {train.source}",
                expected="one meaning",
                found=INPUTS,
                hint=f"write target: [{INPUTS}] for the column; for the inputs, rename the column",
            )
        inputs = [name for name in data.columns or () if name not in wanted.targets]
        require(train.source, inputs, tuple(train.columns), "input column")
        if isinstance(data.missing_values, dict):
            names = (*train.columns, *train.targets, *wanted.others.values())
            require(train.source, data.missing_values, names, "column")
        kinds = {name: c.kind for name, c in (*train.columns.items(), *train.targets.items())}
        wanted = replace(wanted, features=tuple(train.columns), kinds=kinds)
        others = _other_tables(data.source, data, wanted, task)
        return RawParts(train, *others, fingerprint=fingerprint_files(paths))


def _other_tables(
    form: str, data: Any, wanted: Wanted, task: _Task
) -> tuple[RawTable | None, RawTable | None]:
    """Reads the files of the parts that have some of their own, to validate and to test."""
    validation, test = (
        None if path is None else read_table(form, data, path, wanted, task.streamed)
        for path in (data.validation_path, data.test_path)
    )
    return validation, test


def _text_parts(data: Any, task: _Task) -> RawParts:
    """Reads a folder of texts as a table."""
    files = texts.check_classes(data)
    kinds: dict[str, ColumnKind] = {texts.TEXT: "text", texts.CLASS: "categorical"}
    wanted = Wanted((texts.TEXT,), (texts.CLASS,), kinds)
    with unchanged(files):
        train = read_table("text", data, data.path, wanted, task.streamed)
        others = _other_tables("text", data, wanted, task)
        return RawParts(train, *others, fingerprint=fingerprint_files(files))


def _media(medium: Callable[[Any, Requirements | None], Medium]) -> Source:
    """Returns what a source of files can do that hold a row each.

    Args:
        medium: Returns how a file is read, for a section `data` and what is asked of it.
    """

    def reader(data: FilesData, task: _Task) -> FileReader:
        skip = data.corrupt == "skip"
        return FileReader(medium(data, task.needs), task.reporter, task.streamed, skip)

    def parts(data: FilesData, task: _Task) -> RawParts:
        if data.table is None:
            return reader(data, task).parts(data)
        form: Any = form_of(Path(data.table), "csv")
        tables = _table_parts(replace(data.listing, source=form), replace(task, streamed=False))
        return reader(data, task).listed_parts(tables, data)

    def labelled(data: FilesData, path: Path, task: _Task) -> RawArrays:
        targets = task.fitted.target if task.fitted else None
        if not is_listing(data, path):
            own, files = target_is_input(data), reader(data, task)
            return (files.inputs if own else files.part)(path)
        return reader(data, task).listed(_listed(data, path, targets), data)

    def inputs(data: FilesData, path: Path, task: _Task) -> RawArrays:
        if not is_listing(data, path):
            return reader(data, task).inputs(path)
        return reader(data, task).listed(_listed(data, path, kept=task.kept), data)

    def numbers(data: FilesData, path: Path) -> int:
        kind = medium(data, None)
        if not is_listing(data, path):
            return kind.numbers(media_files(path, kind))
        table = _listed(data, path)
        return kind.numbers(listed_files(table, data, root_of(table, data)))

    return Source(parts, labelled, inputs, numbers)


def is_listing(data: Data | FilesData, path: Path) -> bool:
    """Tells whether a path is that of a table that lists files."""
    listed = isinstance(data, FilesData) and data.table is not None
    return listed and path.is_file() and form_of(path, "") != ""


def _listed(
    data: FilesData, path: Path, target: Target | None = None, kept: Sequence[str] = ()
) -> RawTable:
    """Reads the names of the files of another table, and perhaps the targets and more columns."""
    table = data.listing
    wanted = Wanted(
        features=table.features or (),
        targets=target.names if target else (),
        classes=target.values if target else (),
        kinds=table.kinds,
        trained=True,
        kept=kept,
    )
    return read_table(form_of(path, "csv"), table, str(path), wanted)


def _images() -> Source:
    """Returns what the source of pictures can do: beside what all files can, with masks."""
    plain = _media(lambda data, needs: images.medium(data))

    def parts(data: ImagesData, task: _Task) -> RawParts:
        if data.masks is None:
            return plain.parts(data, task)
        return read_masked(data, task.reporter, task.streamed)

    def labelled(data: ImagesData, path: Path, task: _Task) -> RawArrays:
        if data.masks is None:
            return plain.labelled(data, path, task)
        return read_masked_part(path, data, task.reporter, task.streamed)

    return replace(plain, parts=parts, labelled=labelled)


SOURCES = {
    "csv": Source(_table_parts, numbers=csv.numbers),
    "characters": Source(_table_parts, numbers=characters.numbers),
    "parquet": Source(_table_parts, numbers=parquet.numbers),
    **{s: Source(_table_parts, numbers=other.numbers if s in STREAMED else None) for s in OTHERS},
    "builtin": Source(lambda data, task: read_builtin(data)),
    "npz": Source(lambda data, task: read_npz(data, task.reporter)),
    "images": _images(),
    "npy": _media(lambda data, needs: numpy.medium()),
    "nifti": _media(lambda data, needs: nifti.medium(data)),
    "audio": _media(lambda data, needs: audio.medium(data, flat=needs is not None and needs.flat)),
    "text": Source(_text_parts, numbers=texts.numbers),
    "keras": Source(lambda data, task: read_keras(data, task.reporter)),
    "synthetic": Source(lambda data, task: make_synthetic(data, task.needs.seed)),
}
