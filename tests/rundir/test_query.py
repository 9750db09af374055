"""Conditions on runs and their order."""

from __future__ import annotations

import pytest

from dl.errors import UsageError, error_text
from dl.rundir.query import parse_condition, sort_rows
from dl.rundir.settings import require_keys

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
