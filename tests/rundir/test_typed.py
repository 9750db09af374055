"""What others may have written: JSON of any type, size and depth is a value or a named place."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from conftest import Dl
from dl.errors import RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import publish
from dl.rundir.record import RunRecord, read_history, read_record, write_record
from dl.rundir.typed import Count, Duration, Finite, Keys, MisfitError, Moment, parse_as, read_as
from support.runs import make_run


@dataclass(frozen=True)
class Cat:
    """A kind among others."""

    name: str
    kind: Literal["cat"] = "cat"


@dataclass(frozen=True)
class Dog:
    """Another kind."""

    age: Count
    kind: Literal["dog"] = "dog"


Pets = tuple[Cat | Dog, ...]
Some = Annotated[dict[str, Any], Keys({"rows": Count})]
Whole = Annotated[dict[str, Any], Keys({"rows": Count}, required=True)]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (float, "1", 1),
        (float, "NaN", pytest.approx(float("nan"), nan_ok=True)),
        (float | None, "null", None),
        (str | float, "2.5", 2.5),
        (tuple[int, ...], "[1, 2]", (1, 2)),
        (list[Count | None], "[1, null]", [1, None]),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (dict[str, tuple[int, ...]], '{"a": [1]}', {"a": (1,)}),
        (Pets, '[{"kind": "dog", "age": 3}, {"kind": "cat", "name": "a"}]', (Dog(3), Cat("a"))),
        (Cat, '{"name": "a", "of a later version": [[]]}', Cat("a")),
        (Some, '{"more": {"a": [1]}}', {"more": {"a": [1]}}),
        (Moment, '"2026-01-02T03:04:05+01:00"', "2026-01-02T03:04:05+01:00"),
        (str, '"ä\\ud83d\\ude00"', "ä\U0001f600"),
    ],
)
def test_a_value_of_the_type_is_read(kind: Any, text: str, value: object) -> None:
    assert parse_as(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (float, '"1"', "it must be a number"),
        (float, "true", "it must be a number"),
        (float, "1" + "0" * 400, "it must be a number"),
        (float, "9" * 5_000, "it must be JSON"),
        (int, "1.0", "it must be a whole number"),
        (int, str(2**63), "it must be a whole number"),
        (bool, "1", "it must be true or false"),
        (str, '"\\ud800"', "it must be text"),
        (str, "null", "it must be text"),
        (Finite, "NaN", "it must be a finite number"),
        (Duration, "-1", "it must be a number of seconds from 0"),
        (Duration, "Infinity", "it must be a number of seconds from 0"),
        (Count, "-1", "it must be a whole number from 0"),
        (Moment, '"2026-01-02T03:04:05"',
         "it must be a time in ISO 8601 with the offset from UTC"),
        (Literal["a", "b"], '"c"', "it must be a or b"),
        (Literal["a", "b"], "[]", "it must be a or b"),
        (float | None, '""', "it must be a number"),
        (tuple[int, ...], '"12"', "it must be a list"),
        (tuple[int, ...], '[1, "2"]', "`[1]` must be a whole number"),
        (tuple[int, str], "[1]", "it must be a list of 2"),
        (dict[str, dict[str, float]], '{"test": {"loss": "x"}}', "`test.loss` must be a number"),
        (Pets, '[{"kind": "cow"}]', "`[0].kind` must be cat or dog"),
        (Pets, '[{"kind": "dog", "age": -1}]', "`[0].age` must be a whole number from 0"),
        (Cat, "[]", "it must be an object"),
        (Cat, "{}", "`name` is missing"),
        (Some, '{"rows": null}', "`rows` must be a whole number"),
        (Some, '{"\\ud800": 1}', "`\\ud800` must be text"),
        (Whole, "{}", "`rows` is missing"),
        (Any, "[" * 65 + "]" * 65, "it is nested too deeply"),
        (Any, "[" * 10_000 + "]" * 10_000, "it must be JSON"),
        (Any, '{"a": [' + "1" + "0" * 400 + "]}", "it must be a whole number"),
        (str, "", "it must be JSON"),
    ],
)  # fmt: skip
def test_another_value_is_told_with_its_place(kind: Any, text: str, said: str) -> None:
    with pytest.raises(MisfitError) as caught:
        parse_as(kind, text)
    assert str(caught.value) == said


def test_a_record_of_an_earlier_version_is_read() -> None:
    """It had none of the keys that have a default."""
    process = {"host": "a", "pid": 1, "started": 0}
    first = {"name": "a", "status": "completed", "started": "2026-01-02T03:04:05+00:00"}
    rest = {"process": process, "seed": 0, "command": ["dl"], "fingerprint": ""}
    assert read_as(RunRecord, {**first, **rest}).epochs == 0


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("seconds", "1", "`seconds` must be a number"),
        ("epochs", -1, "`epochs` must be a whole number from 0"),
        ("started", "", "`started` must be a time in ISO 8601 with the offset from UTC"),
        ("status", "ended", "`status` must be running or completed or interrupted or failed"),
        ("command", "dl", "`command` must be a list"),
        ("process", {"host": "a", "pid": 2**40, "started": 0},
         "`process.pid` must be the number of a process"),
        ("machine", {"gpus": 7}, "`machine.gpus` must be a list"),
        ("data", {"train": {"rows": 1}}, "`data.train.inputs` is missing"),
    ],
)  # fmt: skip
def test_a_forged_record_is_a_line_of_the_list_and_refused_when_named(
    dl: Dl, tmp_path: Path, key: str, value: object, said: str
) -> None:
    good, forged = make_run(tmp_path), make_run(tmp_path, minute=1)
    content = {**json.loads(forged.record.read_bytes()), key: value}
    publish(forged.record, json.dumps(content).encode())
    listed = dl("list", "--runs", tmp_path)
    assert listed.code == 0
    assert good.label in listed.out
    assert listed.err.splitlines()[0] == f"warning: {forged.record} is damaged: {said}"
    shown = dl("show", forged.label, "--runs", tmp_path)
    assert (shown.code, shown.out) == (4, "")
    assert shown.err == (
        f"error: {forged.record} is damaged: {said}\nhint: restore it from a copy\n"
    )


@pytest.mark.parametrize(
    "content",
    [b"epoch,loss\n2,0.5\n", b"epoch,loss,loss\n1,0.5,0.5\n", b"loss\n0.5\n", b"epoch\n\xff\n",
     b"epoch,loss\n1\n", b'epoch,loss\n1,"', b"epoch,loss\nnan,0.5\n"],
)  # fmt: skip
def test_a_forged_history_is_refused(tmp_path: Path, content: bytes) -> None:
    run = make_run(tmp_path)
    publish(run.history, content)
    with pytest.raises(RunError, match=r"history.csv is damaged"):
        read_history(run)


def test_an_empty_history_has_no_rows(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    publish(run.history, b"")
    assert read_history(run) == []


def test_a_record_comes_back(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    record = replace(read_record(run), machine={"gpus": ["a"], "more": {"b": [1.5]}})
    write_record(run, record)
    assert read_record(RunDirectory(run.path)) == record


@pytest.mark.parametrize(
    "command", [("summary",), ("reproduce",), ("show",), ("train", "--resume")], ids=" ".join
)
def test_a_forged_config_of_a_run_is_a_run_that_is_damaged(
    dl: Dl, tmp_path: Path, command: tuple[str, ...]
) -> None:
    run = make_run(tmp_path)
    publish(run.resolved, b"name: digits\nmodel: 7\n")
    outcome = dl(*command, run.label, "--runs", tmp_path)
    assert outcome.code == 4
    assert f"error: {run.resolved} is damaged: " in outcome.err
