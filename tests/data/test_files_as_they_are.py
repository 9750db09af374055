"""Tables as they come: without a header, with blanks, only some rows or columns of them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest

from dl.config.data import CsvData
from dl.config.files import own_paths
from dl.config.load import load_config
from dl.config.rules.probe import probe
from dl.config.schema import Config
from dl.config.tables import check_headers
from dl.data.dataset import Dataset
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset, load_part, load_split
from dl.data.resolve import resolve_config
from dl.errors import DataError
from dl.progress import SilentReporter
from support.streaming import assert_same, both
from support.tables import config_for, config_with, told

SILENT = SilentReporter()
WORDS = {i: "two words" if i % 2 else "one" for i in range(1, 31)}
ROWS = [f'{i}.5   {i % 3}\t"{word}"   {2 * i}' for i, word in WORDS.items()]
COMMAS = [f"{i}.5,{i % 3},{word},{2 * i}" for i, word in WORDS.items()]
MODEL = "model: {layers: [{type: Dense, units: 1}]}\ntraining: {loss: mse}\n"
NO_SPLIT = {"split": {"validation": 0, "test": 0}}


def written(folder: Path, *lines: str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def load(path: Path, **data: Any) -> Dataset:
    return load_dataset(config_for(path, **NO_SPLIT, **data), SILENT)


def classes(path: Path, **data: Any) -> Dataset:
    said = {"source": "csv", "path": str(path), "target": "c3", **NO_SPLIT, **data}
    training = {"loss": "sparse_categorical_crossentropy"}
    layers = [{"type": "Dense", "units": 3, "activation": "softmax"}]
    return load_dataset(config_with(said, model={"layers": layers}, training=training), SILENT)


def inputs(config: Config, dataset: Dataset, path: Path | io.BytesIO) -> Any:
    blocks = open_blocks(config, dataset.preprocessing, path, SILENT).read(lambda size: None)
    return np.concatenate([block.x for block in blocks])


def features(dataset: Dataset) -> list[str]:
    return [feature.name for feature in dataset.preprocessing.columns]


def test_columns_without_a_header_are_numbered_or_get_the_names_of_the_config(
    tmp_path: Path,
) -> None:
    path, named = (
        written(tmp_path, *COMMAS),
        written(tmp_path, "a,b,c,y", *COMMAS, name="named.csv"),
    )
    expected = load(named)
    listed = load(path, header=["a", "b", "c", "y"])
    numbered = load(path, header=False, target="c4")
    assert features(listed) == ["a", "b", "c"]
    assert features(numbered) == ["c1", "c2", "c3"]
    for dataset in (listed, numbered):
        np.testing.assert_array_equal(dataset.train.x, expected.train.x)
        np.testing.assert_array_equal(dataset.train.y, expected.train.y)


@pytest.mark.parametrize("quoted", [True, False])
def test_blanks_are_runs_of_spaces_and_tabs_outside_of_quotes(tmp_path: Path, quoted: bool) -> None:
    lines = ROWS if quoted else [line.replace("two w", "two_w").replace('"', "") for line in ROWS]
    path = written(tmp_path, f"  {lines[0]} ", *lines[1:-1], f"{lines[-1]}\t \r")
    dataset = load(path, header=["a", "b", "c", "y"], separator="blanks")
    expected = load(written(tmp_path, "a,b,c,y", *COMMAS, name="named.csv"))
    np.testing.assert_array_equal(dataset.train.x, expected.train.x)
    category = dataset.preprocessing.columns[2]
    assert category.categories == ("one", "two words" if quoted else "two_words")  # type: ignore[union-attr]


def test_rows_are_the_first_ones_of_each_part(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,y", *COMMAS)
    assert len(load(path, rows=7).train) == 7
    assert len(load(path, rows=1000).train) == 30
    whole = load(path, rows=7, test_path=str(path))
    assert whole.test is not None
    assert len(whole.test) == 7


@pytest.mark.parametrize("form", ["numbered", "blanks", "rows"])
def test_such_files_are_streamed_as_they_are_read(tmp_path: Path, form: str) -> None:
    keys: dict[str, Any] = {
        "numbered": {"header": False, "target": "c4"},
        "blanks": {"header": False, "target": "c4", "separator": "blanks"},
        "rows": {"header": ["a", "b", "c", "y"], "rows": 12},
    }[form]
    path = written(tmp_path, *(ROWS if form == "blanks" else COMMAS))
    resident, streamed, *_ = both(config_for(path, **keys))
    assert_same(resident, streamed)


def test_excluded_columns_are_no_inputs(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,y", *COMMAS)
    assert features(load(path, exclude=["c", "a"])) == ["b"]
    assert features(load(path, exclude=["a"], features=["b"])) == ["b"]
    assert told(lambda: load(path, exclude=["d"]), tmp_path) == (
        "rows.csv: there is no column 'd'\nexpected: one of a, b, c, y"
    )


def test_the_config_of_a_run_has_the_names_that_were_made(tmp_path: Path) -> None:
    path = written(tmp_path, *COMMAS)
    config = config_for(path, header=False, target="c4", exclude=["c3"])
    data = resolve_config(config, load_dataset(config, SILENT)).data
    assert isinstance(data, CsvData)
    assert data.header == ("c1", "c2", "c3", "c4")
    assert (data.features, data.exclude) == (("c1", "c2"), ("c3",))


def test_rows_to_predict_may_lack_the_target_or_be_written_otherwise(tmp_path: Path) -> None:
    config = config_for(written(tmp_path, *COMMAS), header=False, target="c1", exclude=["c3"])
    dataset = load_dataset(config, SILENT)
    config = resolve_config(config, dataset)
    inner = [line.partition(",")[2] for line in COMMAS]
    expected = inputs(config, dataset, Path(config.data.path))  # type: ignore[union-attr]
    forms = {
        "no-target.csv": inner,
        "header.csv": ["c4;c2", *(";".join(line.split(",")[::-2]) for line in COMMAS)],
        "blanks.txt": ["c1 c2 c3 c4", *ROWS],
    }
    for name, lines in forms.items():
        found = inputs(config, dataset, written(tmp_path, *lines, name=name))
        np.testing.assert_array_equal(found, expected, err_msg=name)


NAMED = """\
error: rows.csv:1: the first line holds the names of the columns, not a row of data
expected: rows alone, as `data.header` says
"""


def test_a_header_where_none_is_to_be_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,y", *COMMAS)
    said = (
        f"{NAMED.removeprefix('error: ')}found: 'a,b,c,y'\nhint: remove `header` below `data`"
    ).replace("'a,b,c,y'", "a,b,c,y")
    other = "; if it is a row, list the names of the columns: `header: [c1, c2, c3, c4]`"
    assert told(lambda: load(path, header=False, target="c4"), tmp_path) == said + other
    assert told(lambda: load(path, header=["k", "l", "m", "y"]), tmp_path) == said
    config = config_for(path, header=False, target="c4").data
    assert told(lambda: check_headers(config), tmp_path) == said + other


def test_a_header_above_words_alone_is_found_unless_the_names_are_listed(tmp_path: Path) -> None:
    rows = [f"P{i % 4},k{i % 3},w{i % 2}" for i in range(40)]
    path = written(tmp_path, "city,kind,y", *rows)
    with pytest.raises(DataError, match="holds the names of the columns"):
        classes(path, header=False)
    assert len(classes(path, header=["c1", "c2", "c3"]).train) == 41
    for lines in (["city,k1,y", *rows], ["city,kind,y", *(f"n{i},k,w{i % 2}" for i in range(40))]):
        assert len(classes(written(tmp_path, *lines), header=False).train) == 41


def test_a_row_that_is_too_long_for_the_names_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, *COMMAS)
    assert told(lambda: load(path, header=["a", "y"]), tmp_path) == (
        "rows.csv:1: row has 4 values\nexpected: 2 values, one for each name in `data.header`"
    )
    other = written(tmp_path, *COMMAS[:5], "1,2", name="other.csv")
    assert told(lambda: load(other, header=False, target="c1"), tmp_path) == (
        "other.csv:6: row has 2 values\nexpected: 4 values, as in the first row\n"
        'hint: put a value that holds the separator in quotes: "a, b"'
    )


def test_a_mistake_has_its_line_also_without_a_header(tmp_path: Path) -> None:
    path = written(tmp_path, *ROWS[:20], ROWS[20].replace("21.5", "oops"), *ROWS[21:])
    text = told(lambda: load(path, header=False, target="c4", separator="blanks"), tmp_path)
    assert text.startswith("rows.csv:21: column 'c1' is numeric, but this is text\n")


def test_rows_without_names_are_refused_where_a_run_was_trained_with_names(tmp_path: Path) -> None:
    config = config_for(written(tmp_path, "a,b,c,y", *COMMAS))
    dataset = load_dataset(config, SILENT)
    bare = written(tmp_path, *COMMAS, name="bare.csv")
    assert told(lambda: load_part(config, dataset.preprocessing, bare, SILENT), tmp_path) == (
        "bare.csv:1: the first line is a row of data, not the names of the columns\n"
        "expected: a first line with a name for each column\n"
        "found: 1.5,1,two words,2\n"
        "hint: write the names of the columns in a line above it"
    )


def halves(
    folder: Path, names: tuple[str, str] = ("a.csv", "b.csv"), other: str = "a,b,c,y"
) -> Path:
    folder = folder / "parts"
    folder.mkdir()
    written(folder, "a,b,c,y", *COMMAS[:12], name=names[0])
    written(folder, other, *COMMAS[12:], name=names[1])
    return folder


@pytest.mark.parametrize("form", ["list", "pattern", "folder"])
def test_several_files_are_one_table(tmp_path: Path, form: str) -> None:
    whole = load(written(tmp_path, "a,b,c,y", *COMMAS))
    parts = halves(tmp_path)
    (parts / "_SUCCESS").touch()
    (parts / ".hidden").touch()
    named = [str(parts / "a.csv"), str(parts / "b.csv")]
    path: Any = {"list": named, "pattern": f"{parts}/*.csv", "folder": str(parts)}[form]
    config = config_with({"source": "csv", "path": path, "target": "y", **NO_SPLIT})
    dataset = load_dataset(config, SILENT)
    np.testing.assert_array_equal(dataset.train.x, whole.train.x)
    np.testing.assert_array_equal(dataset.train.y, whole.train.y)
    resolved = resolve_config(config, dataset)
    assert resolved.data.path == tuple(named)  # type: ignore[union-attr]
    again = load_split(resolved, dataset.preprocessing, "train", SILENT)
    np.testing.assert_array_equal(again.x, whole.train.x)
    assert_same(*both(config_with({"source": "csv", "path": path, "target": "y"}))[:2])
    np.testing.assert_array_equal(inputs(config, dataset, parts), dataset.train.x)
    part = load_part(config, dataset.preprocessing, parts, SILENT)
    np.testing.assert_array_equal(part.y, whole.train.y)


def test_paths_of_a_list_are_relative_to_the_config(tmp_path: Path) -> None:
    parts = halves(tmp_path)
    text = "data: {source: csv, path: [b.csv, ../parts/a.csv], target: y}\n" + MODEL
    (parts / "c.yaml").write_text(text)
    data = load_config(parts / "c.yaml").config.data
    assert own_paths(data) == [parts / "b.csv", parts / "a.csv"]


def test_rows_end_in_the_file_that_has_the_last_of_them(tmp_path: Path) -> None:
    parts = halves(tmp_path)
    for rows in (5, 12, 14):
        config = config_with(
            {"source": "csv", "path": str(parts), "target": "y", "rows": rows, **NO_SPLIT}
        )
        assert len(load_dataset(config, SILENT).train) == rows


def test_columns_of_several_files_are_found_by_name(tmp_path: Path) -> None:
    parts = halves(tmp_path)
    rows = [",".join(reversed(line.split(","))) for line in COMMAS[12:]]
    written(parts, "y,c,b,a", *rows, name="b.csv")
    whole = load(written(tmp_path, "a,b,c,y", *COMMAS))
    np.testing.assert_array_equal(load(parts).train.x, whole.train.x)


def test_mistakes_name_the_file_and_the_line(tmp_path: Path) -> None:
    parts = halves(tmp_path, other="a,b,d,y")
    assert told(lambda: load(parts), tmp_path) == (
        "parts/b.csv:1: has other columns than parts/a.csv\n"
        "expected: the same columns in all files, in any order\n"
        "found: lacks 'c', has besides 'd'"
    )
    written(parts, "a,b,c,y", *COMMAS[12:20], "oops,1,one,3", name="b.csv")
    assert told(lambda: load(parts), tmp_path).startswith(
        "parts/b.csv:10: column 'a' is numeric, but this is text\n"
    )
    written(parts, "a,b,c,y", *COMMAS[12:20], "1,one,3", name="b.csv")
    assert told(lambda: load(parts), tmp_path).startswith("parts/b.csv:10: row has 3 values\n")


def test_folders_and_patterns_that_are_no_table_are_refused(tmp_path: Path) -> None:
    parts = halves(tmp_path, names=("a.csv", "b.txt"))
    assert told(lambda: load(parts), tmp_path) == (
        "parts: holds files of several kinds\n"
        "expected: a folder of files of one kind\n"
        "found: .csv and .txt\n"
        "hint: name those to read by a pattern: parts/*.txt"
    )
    assert told(lambda: load(tmp_path / "*.parquet"), tmp_path) == (
        "*.parquet: no file fits this pattern"
    )
    assert told(lambda: load(tmp_path), tmp_path.parent) == (
        f"{tmp_path.name}: is a folder without files\n"
        "expected: a folder of files of one kind\n"
        f"hint: name another one; or files in its folders by a pattern: {tmp_path.name}/*/*"
    )


def test_the_names_of_a_header_are_as_many_as_the_values_of_a_row(tmp_path: Path) -> None:
    """Only rows to predict may lack the target."""
    path = written(tmp_path, *COMMAS)
    assert told(lambda: load(path, header=["a", "b", "c", "d", "y"]), tmp_path) == (
        "rows.csv:1: row has 4 values\nexpected: 5 values, one for each name in `data.header`"
    )


def test_a_first_row_that_repeats_the_names_of_the_config_is_no_row(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,y", *COMMAS)
    known = probe(config_for(path, header=["a", "b", "c", "y"]).data, tmp_path)
    assert known == probe(config_for(path).data, tmp_path)
    assert len(load(path, header=["a", "b", "c", "y"]).train) == len(COMMAS)


@pytest.mark.parametrize("separator", [";", "\t", "|", "   "])
def test_rows_to_predict_without_a_header_may_have_another_separator(
    tmp_path: Path, separator: str
) -> None:
    path = written(tmp_path, *COMMAS)
    config = config_for(path, header=["a", "b", "c", "y"], **NO_SPLIT)
    dataset = load_dataset(config, SILENT)
    for values in (4, 3):  # the last one is the target
        rows = (line.replace("two words", '"two words"').split(",")[:values] for line in COMMAS)
        other = written(tmp_path, *map(separator.join, rows), name="other.csv")
        np.testing.assert_array_equal(inputs(config, dataset, other), dataset.train.x)
    other = written(tmp_path, "1;2", "3;4", name="other.csv")
    assert told(lambda: inputs(config, dataset, other), tmp_path) == (
        "other.csv:1: row has 1 value\nexpected: 4 values, one for each name in `data.header`"
    )


def test_a_row_between_blanks_that_lacks_a_value_is_told_how_to_write_it(tmp_path: Path) -> None:
    path = written(tmp_path, "a b y", "1 2 3", "1 3")
    assert told(lambda: load(path, separator="blanks"), tmp_path) == (
        "rows.csv:3: row has 2 values\n"
        "expected: 3 values, as in the header\n"
        'hint: put a value that holds a blank in quotes, "a b"; a missing one is ""'
    )
    commas = written(tmp_path, "a,b,c,y", *COMMAS)
    assert told(lambda: load(commas, separator="blanks"), tmp_path) == (
        "rows.csv: has a single column, 'a,b,c,y'\n"
        "expected: columns separated by blanks\n"
        'hint: add `separator: ","` below `data`'
    )


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda text: pyarrow.compress(text, "zstd", asbytes=True),
}


@pytest.mark.parametrize("ending", PACKERS)
def test_packed_files_are_read_as_they_are(tmp_path: Path, ending: str) -> None:
    plain = written(tmp_path, "a,b,c,y", *COMMAS)
    text = plain.read_bytes()
    path = tmp_path / f"rows.csv.{ending}"
    path.write_bytes(PACKERS[ending](text))
    whole, dataset = load(plain), load(path)
    np.testing.assert_array_equal(dataset.train.x, whole.train.x)
    config = config_for(path)
    assert_same(*both(config)[:2])
    np.testing.assert_array_equal(inputs(config, dataset, path), whole.train.x)
    np.testing.assert_array_equal(
        inputs(config, dataset, io.BytesIO(path.read_bytes())), whole.train.x
    )
    path.write_bytes(path.read_bytes()[:-20])
    assert told(lambda: load(path), tmp_path) == (
        f"rows.csv.{ending}: is damaged: it cannot be unpacked to its end\n"
        "hint: copy it again from where it came, or pack it again"
    )


def test_a_mistake_in_a_packed_file_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["a,y", *["1,2"] * 30, "oops,3"]).encode()))
    assert told(lambda: load(path), tmp_path).startswith("rows.csv.gz:32: column 'a' is numeric")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_is_told_as_one(tmp_path: Path, mode: Any) -> None:
    inside, archive = written(tmp_path, *COMMAS), tmp_path / "rows.tar.gz"
    with tarfile.open(archive, mode) as file:
        file.add(inside, "rows.csv")
    assert told(lambda: load(archive), tmp_path) == (
        "rows.tar.gz: is a tar archive\nexpected: a table\nhint: unpack it: tar -xf rows.tar.gz"
    )
