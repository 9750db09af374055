"""Sections: what their annotations mean, and what is valid in one that is wrong."""

from __future__ import annotations

import json
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from dl.config.data import Window
from dl.config.preprocess import MOST_CATEGORIES, MOST_LENGTH
from dl.config.schema import Config
from dl.course.exercise import ExerciseFile
from dl.sweeps.definition import SweepFile
from dl.vocabulary import sections
from dl.vocabulary.composed import ListOf, MappingOf, Nullable, OneOf
from dl.vocabulary.sections import (
    Count,
    Section,
    Switch,
    UnknownValueError,
    if_valid,
    keys,
    read_section,
    sections_in,
    type_of,
    walk,
)
from dl.vocabulary.spec import Findings
from dl.vocabulary.types import Boolean, Choice, Integer


class Rule(Section):
    type: Literal["fast", "slow"]
    steps: Count = 3


class Table(Section):
    source: Literal["table"]
    path: str


class Image(Section):
    source: Literal["image"]
    size: tuple[Count, Count] = (4, 4)


class Store(Section):
    place: str = "here"


class Whole(Section):
    data: Table | Image
    rule: Rule = Rule(type="slow")
    store: Annotated[Store | None, Switch(Store)] = None
    weights: dict[str, float] = field(default_factory=dict)


TABLE = {"source": "table", "path": "a.csv"}


def findings_of(values: Any) -> dict[str, str]:
    with pytest.raises(Findings) as caught:
        read_section(Whole, values)
    return {".".join(map(str, each.path)): each.message for each in caught.value.findings}


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (bool, Boolean()),
        (Count, Integer(1)),
        (Count | None, Nullable(Integer(1))),
        (Literal["a", "b"], Choice(("a", "b"))),
        (Count | Literal["auto"], OneOf((Integer(1), Choice(("auto",))))),
        (tuple[Count, ...], ListOf(Integer(1), 0)),
        (tuple[Count, Count], ListOf(Integer(1), 0, length=2)),
        (dict[str, Count], MappingOf(Integer(1))),
    ],
)
def test_annotation_says_the_type(annotation: Any, kind: object) -> None:
    assert type_of(annotation) == kind


def test_defaults_are_filled_in() -> None:
    whole = read_section(Whole, {"data": TABLE})

    assert whole == Whole(data=Table(source="table", path="a.csv"))
    assert whole.weights == {}


def test_section_knows_what_was_written() -> None:
    whole = read_section(Whole, {"data": TABLE, "rule": {"type": "fast"}})

    assert (set(whole.written), set(whole.rule.written)) == ({"data", "rule"}, {"type"})
    assert Whole(data=whole.data).written == frozenset()


def test_source_decides_which_section_it_is() -> None:
    image = read_section(Whole, {"data": {"source": "image", "size": [8, 9]}}).data

    assert image == Image(source="image", size=(8, 9))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({}, {"data.source": "is missing"}),
        ({"source": "tabel"}, {"data.source": "must be a known source"}),
        ([], {"data": "must not be empty"}),
        (3, {"data": "must be a mapping"}),
        ({"source": "image", "path": "a"}, {"data.path": "is not known"}),
        ({"source": "table"}, {"data.path": "is missing"}),
        ({"source": "table", "paht": "a"}, {"data.paht": "is not known"}),
    ],
)
def test_wrong_section_is_told(data: Any, found: dict[str, str]) -> None:
    assert findings_of({"data": data}) == found


def test_section_with_a_type_is_written_as_a_name() -> None:
    assert read_section(Whole, {"data": TABLE, "rule": "fast"}).rule == Rule(type="fast")


@pytest.mark.parametrize(
    ("value", "store"),
    [(True, Store()), (False, None), (None, None), ({"place": "there"}, Store(place="there"))],
)
def test_switch_takes_true_for_all_defaults(value: object, store: Store | None) -> None:
    assert read_section(Whole, {"data": TABLE, "store": value}).store == store


def test_what_is_valid_in_a_wrong_section_can_be_asked() -> None:
    with pytest.raises(Findings) as caught:
        read_section(Whole, {"data": TABLE, "rule": {"type": "fast", "steps": 0}})
    valid = caught.value.valid

    assert isinstance(valid, Whole)
    assert isinstance(valid.rule, Rule)
    assert (valid.data.source, valid.rule.type) == ("table", "fast")
    with pytest.raises(UnknownValueError):
        _ = valid.rule.steps
    assert if_valid(getattr, valid.rule, "steps") is None


def test_default_stands_for_no_wrong_value() -> None:
    with pytest.raises(Findings) as caught:
        read_section(Whole, {"data": TABLE, "store": 3})

    assert if_valid(getattr, caught.value.valid, "store") is None
    assert if_valid(getattr, caught.value.valid, "rule") == Rule(type="slow")


def test_hint_says_what_a_value_is_for_and_an_example() -> None:
    with pytest.raises(Findings) as caught:
        read_section(Window, {"length": 3, "ahead": -1})

    [finding] = caught.value.findings
    about = "rows from the last step of a window to the first one to predict"
    assert finding.hint == f"`ahead`: {about}, for example 1"


def test_meanings_are_of_keys_that_there_are_and_name_their_limits() -> None:
    text = Path(sections.__file__).with_name("keys.json").read_text(encoding="utf-8")
    meanings = json.loads(text)
    every = {each for root in (Config, SweepFile, ExerciseFile) for _, each in walk(root)}
    classes = {base.__name__: base for each in every for base in each.__mro__}

    for name, told in meanings.items():
        own = classes[name].__annotations__
        declared = [key.removesuffix("_") for key in own if "ClassVar" not in own[key]]
        assert [*told] == [key for key in declared if key != "source"]
    assert {key.name for each in every for key in keys(each).values() if not key.description} == {
        "source"
    }
    assert f"at most {MOST_LENGTH}." in meanings["TextRules"]["length"]
    assert f"Default: {MOST_CATEGORIES} where" in meanings["ColumnRules"]["categories"]


def test_walk_finds_all_sections_with_their_paths() -> None:
    assert list(walk(Whole)) == [
        ((), Whole),
        (("data",), Table),
        (("data",), Image),
        (("rule",), Rule),
        (("store",), Store),
    ]
    assert sections_in(keys(Whole)["weights"].type) == ()
