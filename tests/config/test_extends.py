"""Configs on top of other configs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dl.config.document import Document
from dl.config.nodes import place, plain
from dl.config.overrides import MOST_FILES, read_with_bases
from dl.errors import ConfigError, error_text


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(**files: str) -> Document:
    """Writes files (`__` in a name stands for a slash) and reads c.yaml with all its bases."""
    for name, text in files.items():
        path = Path(name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_with_bases(Path("c.yaml"), Path("c.yaml").read_bytes())


def problems(**files: str) -> str:
    """Returns the full text of the problems of c.yaml and its bases."""
    return error_text(ConfigError.of(read(**files).problems))


def test_mappings_merge_and_lists_and_scalars_replace() -> None:
    document = read(
        base="a: {x: 1, y: [1, 2]}\nb: 1\nc: {u: 1}\n",
        c="extends: base.yaml\na: {y: [3], z: 4}\nb: 2\nc: null\n",
    )
    assert document.problems == ()
    assert plain(document.root) == {"a": {"x": 1, "y": [3], "z": 4}, "b": 2, "c": None}


def test_marks_stay_with_the_file_of_each_value() -> None:
    root = read(base="a:\n  x: 1\n  y: 2\n", c="extends: base.yaml\na:\n  y: 3\n").root
    assert str(place(root, ("a", "x"))) == "base.yaml:2:6"
    assert str(place(root, ("a", "y"))) == "c.yaml:3:6"
    assert str(place(root, ("a", "y"), at_key=True)) == "c.yaml:3:3"


def test_base_is_relative_to_the_file_that_names_it() -> None:
    document = read(
        c="extends: d/one.yaml\n", d__one="extends: e/two.yaml\na: 1\n", d__e__two="a: 2\nb: 2\n"
    )
    assert plain(document.root) == {"a": 1, "b": 2}
    assert place(document.root, ("b",)).source == "d/e/two.yaml"


def test_later_bases_win_over_earlier_ones() -> None:
    document = read(x="a: 1\nb: 1\n", y="b: 2\nc: 2\n", c="extends: [x.yaml, y.yaml]\nc: 3\n")
    assert plain(document.root) == {"a": 1, "b": 2, "c": 3}


def test_one_base_by_two_ways_is_no_cycle() -> None:
    document = read(
        x="extends: z.yaml\na: 1\n",
        y="extends: z.yaml\nb: 1\n",
        z="z: 1\n",
        c="extends: [x.yaml, y.yaml]\n",
    )
    assert document.problems == ()
    assert plain(document.root) == {"z": 1, "a": 1, "b": 1}


def test_mapping_of_another_type_replaces() -> None:
    document = read(
        base="training: {optimizer: {type: adam, beta_1: 0.8, learning_rate: 0.1}}\n",
        c="extends: base.yaml\ntraining: {optimizer: {type: sgd, momentum: 0.9}}\n",
    )
    assert plain(document.root) == {"training": {"optimizer": {"type": "sgd", "momentum": 0.9}}}


def test_mapping_of_the_same_type_merges() -> None:
    document = read(
        base="training: {optimizer: {type: Adam, beta_1: 0.8}}\n",
        c="extends: base.yaml\ntraining: {optimizer: {type: adam, learning_rate: 0.1}}\n",
    )
    assert plain(document.root) == {
        "training": {"optimizer": {"type": "adam", "beta_1": 0.8, "learning_rate": 0.1}}
    }


def test_mapping_without_a_type_adds_to_a_bare_name() -> None:
    document = read(
        base="training: {optimizer: adam}\n",
        c="extends: base.yaml\ntraining: {optimizer: {learning_rate: 0.1}}\n",
    )
    optimizer = {"type": "adam", "learning_rate": 0.1}
    assert plain(document.root) == {"training": {"optimizer": optimizer}}


def test_data_of_another_source_replace() -> None:
    document = read(
        base="data: {source: csv, path: a.csv, target: y}\n",
        c="extends: base.yaml\ndata: {source: builtin, dataset: iris}\n",
    )
    assert plain(document.root) == {"data": {"source": "builtin", "dataset": "iris"}}


def test_missing_base_is_reported_at_the_line_that_names_it() -> None:
    assert problems(base="a: 1\n", c="a: 1\nextends: bsae.yaml\n") == (
        "error: c.yaml:2:10: extends: bsae.yaml: there is no such file\n"
        "    2 | extends: bsae.yaml\n"
        "      |          ^^^^^^^^^\n"
        "hint: did you mean base.yaml?"
    )


def test_directory_and_fifo_as_base_are_refused(tmp_path: Path) -> None:
    os.mkfifo("fifo")
    assert problems(c="extends: [., fifo]\n") == (
        "error: c.yaml:1:11: extends: . is a directory, not a config\n"
        "    1 | extends: [., fifo]\n      |           ^\n"
        "hint: name a YAML file\n\n"
        "error: c.yaml:1:14: extends: fifo cannot be read: it is not a regular file\n"
        "    1 | extends: [., fifo]\n      |              ^^^^\n\n"
        "2 errors in c.yaml"
    )


def test_file_that_extends_itself_is_reported() -> None:
    assert problems(c="extends: x.yaml\n", x="extends: ./c.yaml\n") == (
        "error: x.yaml:1:10: extends: c.yaml extends itself\n"
        "    1 | extends: ./c.yaml\n      |          ^^^^^^^^"
    )


def test_long_chain_is_refused() -> None:
    files = {f"f{i}": f"extends: f{i + 1}.yaml\n" for i in range(MOST_FILES + 2)}
    assert f"extends: more than {MOST_FILES} files" in problems(c="extends: f0.yaml\n", **files)


@pytest.mark.parametrize("value", ["3", "{a: 1}", "[x.yaml, 3]", "[]", "''", "null"])
def test_extends_must_name_files(value: str) -> None:
    text = problems(c=f"extends: {value}\n", x="a: 1\n")
    assert "extends must be a file, or a list of files" in text


def test_problems_of_a_base_are_reported_in_the_base() -> None:
    text = problems(c="extends: [x.yaml, y.yaml]\na: no\n", x="b: 1\nb: 2\n", y="- 1\n")
    assert [line for line in text.splitlines() if line.startswith("error")] == [
        "error: c.yaml:2:4: a: `no` is ambiguous: YAML 1.1 reads it as false, YAML 1.2 as text",
        "error: x.yaml:2:1: b is given twice, first on line 1",
        "error: y.yaml:1:1: the config is a list",
    ]
