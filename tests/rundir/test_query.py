"""Conditions on runs and their order."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dl.errors import UsageError, error_text
from dl.rundir.query import (
    Entry,
    entries_of,
    parse_condition,
    read_entries,
    read_entry,
    select,
    shown,
    sort_rows,
)
from dl.rundir.settings import require_keys
from support.runs import make_run

ROW = {"status": "failed", "accuracy": 0.95, "age": 5400.0, "classes": ["a", "b"], "on": True}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("status=failed", True),
        ("status = FAILED", True),
        ("status!=failed", False),
        ("status~fai", True),
        ("accuracy>0.9", True),
        ("accuracy>=0.95", True),
        ("accuracy<0.95", False),
        ("accuracy=0.950", True),
        ("age<2h", True),
        ("age<30m", False),
        ("classes=[a, b]", True),
        ("on=true", True),
        ("accuracy>high", False),
        ("missing=1", False),
        ("missing!=1", True),
    ],
)
def test_condition_holds(text: str, holds: bool) -> None:
    assert parse_condition(text).holds(ROW) is holds


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("accuracy>0.97", False),
        ("accuracy>=0.97", True),
        ("accuracy=0.97", True),
        ("accuracy!=0.97", False),
        ("accuracy>0.9699", True),
        ("accuracy>0.970000", False),
        ("accuracy>0.97000001", True),  # more digits than are shown: the value itself
        ("accuracy<=0.9699", False),
    ],
)
def test_a_value_is_compared_as_it_is_shown(condition: str, holds: bool) -> None:
    shown_as_970 = 0.9700000286102295  # 0.97 in float32
    assert parse_condition(condition).holds({"accuracy": shown_as_970}) is holds


def test_large_values_are_compared_to_the_unit() -> None:
    assert parse_condition("mse>123456").holds({"mse": 123456.6})
    assert not parse_condition("mse>123457").holds({"mse": 123457.4})
    assert parse_condition("seed=12345678").holds({"seed": 12345678})


def test_condition_without_operator_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        parse_condition("accuracy")
    assert error_text(caught.value) == (
        "error: the filter accuracy is not a condition\n"
        "expected: KEY=VALUE, with one of = != < <= > >= ~ (contains)\n"
        "hint: for example: 'accuracy>=0.95' or status=completed"
    )


def test_require_keys_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        require_keys("--sort", ["acuracy"], [ROW])
    assert error_text(caught.value) == (
        "error: --sort acuracy: no run has this value\n"
        "expected: a column of the list, a metric (accuracy, test.loss) or a config path\n"
        "hint: did you mean accuracy?"
    )


def test_sort_rows_puts_rows_without_the_value_last() -> None:
    rows = [{"n": 2}, {}, {"n": 10}, {"n": float("nan")}]
    assert [str(row.get("n")) for row in sort_rows(rows, "n")] == ["nan", "2", "10", "None"]
    assert [str(row.get("n")) for row in sort_rows(rows, "-n")] == ["10", "2", "nan", "None"]


def entry(root: Path, **given: Any) -> Entry:
    return read_entry(make_run(root, **given))


def test_a_run_is_judged_by_the_part_that_tells_most(tmp_path: Path) -> None:
    found = entry(tmp_path)
    train, validation, test = ({"loss": value} for value in (0.1, 0.2, 0.3))

    def judged(**metrics: dict[str, float]) -> object:
        return replace(found, metrics=metrics).judged

    assert judged(train=train, validation=validation, test=test) == ("test", test)
    assert judged(train=train, validation=validation) == ("validation", validation)
    assert judged(train=train, test={}) == ("train", train)
    assert judged() is None


def test_values_of_the_judged_part_can_be_asked_for_without_its_name(tmp_path: Path) -> None:
    found = entry(tmp_path, minute=5)
    metrics = {"validation": {"loss": 0.2}, "test": {"loss": 0.3, "accuracy": 0.9}}
    midnight = datetime(2026, 1, 2, tzinfo=UTC)

    facts = replace(found, metrics=metrics, tags=("best", "final")).facts(
        midnight + timedelta(0, 600)
    )

    assert facts == {
        "run": "digits/0001",
        "name": "digits",
        "status": "completed",
        "started": "2026-01-02T00:05:00+00:00",
        "age": 300.0,
        "seconds": 2.5,
        "epochs": 3,
        "seed": 7,
        "tags": "best,final",
        "note": "",
        "loss": 0.3,
        "accuracy": 0.9,
        "validation.loss": 0.2,
        "test.loss": 0.3,
        "test.accuracy": 0.9,
    }


def test_runs_are_read_oldest_first_and_a_damaged_one_is_told_of(tmp_path: Path) -> None:
    late, early, damaged = (make_run(tmp_path, minute=minute) for minute in (9, 3, 5))
    damaged.record.write_text("{")

    found = read_entries(tmp_path)

    assert [each.run for each in found.readable] == [early, late]
    assert found.damaged == [f"{damaged.record} is damaged or was edited"]
    assert [each.run for each in read_entries(tmp_path, "digits").readable] == [early, late]
    assert read_entries(tmp_path, "others").readable == []


def test_a_run_that_is_removed_while_the_runs_are_read_is_left_out(tmp_path: Path) -> None:
    run, kept = make_run(tmp_path), make_run(tmp_path)
    shutil.rmtree(run.path)

    found = entries_of([run, kept])

    assert ([each.run for each in found.readable], found.damaged) == ([kept], [])


def test_select_keeps_what_fulfils_all_conditions_in_order(tmp_path: Path) -> None:
    entries = [entry(tmp_path, accuracy=value, batch=8) for value in (0.5, 0.9, 0.7, None)]
    rows = [each.facts(each.started) for each in entries]
    conditions = [parse_condition("accuracy>=0.6"), parse_condition("status=completed")]

    assert [each for each, _ in select(entries, rows, conditions, "-accuracy")] == [
        entries[1],
        entries[2],
    ]
    assert [row for _, row in select(entries, rows, (), "accuracy")][-1] == rows[3]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (1.5, "1.5"), ([1, [False, "a"]], "[1, [false, a]]")],
)
def test_values_are_shown_as_a_config_writes_them(value: object, text: str) -> None:
    assert shown(value) == text
