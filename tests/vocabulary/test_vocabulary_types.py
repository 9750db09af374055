"""The parameter types: what they take, what they refuse and how they word it."""

from __future__ import annotations

import math

import pytest

from dl.vocabulary.catalog import Object
from dl.vocabulary.composed import ListOf, Nullable, OneOf
from dl.vocabulary.spec import Finding, Findings, Kind, Spec
from dl.vocabulary.types import Boolean, Choice, Integer, Number, ParameterType, Text
from support.vocabulary import invalid

COUNT = Integer(1)
SHARE = Number(minimum=0, below=1)
SIZE = OneOf((COUNT, ListOf(COUNT, length=2)))


def findings_of(kind: ParameterType, value: object) -> tuple[Finding, ...]:
    try:
        kind.check(value)
    except Findings as error:
        return error.findings
    return ()


EVERY_TYPE = [
    COUNT,
    Integer(),
    Integer(maximum=0),
    Number(),
    SHARE,
    Number(above=0),
    Number(maximum=0),
    Boolean(),
    Text(),
    Choice(("a", "b")),
    ListOf(COUNT),
    SIZE,
    Nullable(COUNT),
    Object(Kind.LOSS),
]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (COUNT, "a whole number above 0"),
        (Integer(), "a whole number"),
        (Integer(0), "a whole number of 0 or more"),
        (Integer(1, 8), "a whole number from 1 to 8"),
        (Integer(-1, -1), "-1"),
        (Number(), "a number"),
        (Number(minimum=0), "a number of 0 or more"),
        (Number(maximum=0), "a number of 0 or less"),
        (Number(above=0), "a number above 0"),
        (Number(below=2), "a number below 2"),
        (Number(0, 1), "a number from 0 to 1"),
        (SHARE, "a number from 0 up to, but not including, 1"),
        (Number(above=0, below=1), "a number above 0 and below 1"),
        (Number(above=0, maximum=1), "a number above 0, up to 1"),
        (Boolean(), "true or false"),
        (Choice(("a", "b", "c")), "a, b or c"),
        (ListOf(COUNT), "a list of whole numbers above 0"),
        (SIZE, "a whole number above 0, or a list of 2 of them"),
        (Nullable(COUNT), "a whole number above 0, or null"),
        (Object(Kind.OPTIMIZER), "an optimizer"),
        (Object(Kind.LAYER, only=("LSTM", "GRU")), "a layer (LSTM or GRU)"),
    ],
)
def test_expected_is_plain_english(kind: ParameterType, words: str) -> None:
    assert kind.expected == words


@pytest.mark.parametrize("kind", EVERY_TYPE, ids=str)
def test_invalid_is_refused(kind: ParameterType) -> None:
    findings = findings_of(kind, invalid(kind))

    assert findings


@pytest.mark.parametrize(
    ("kind", "value", "canonical"),
    [
        (COUNT, 3, 3),
        (SHARE, 0, 0.0),
        (Choice(("valid", "same")), "SAME", "same"),
        (ListOf(COUNT), [1, 2], (1, 2)),
        (SIZE, [1, 2], (1, 2)),
        (SIZE, 3, 3),
        (Nullable(COUNT), None, None),
    ],
)
def test_check_returns_the_canonical_value(
    kind: ParameterType, value: object, canonical: object
) -> None:
    checked = kind.check(value)

    assert (checked, type(checked)) == (canonical, type(canonical))


def test_whole_number_becomes_a_float_where_any_number_is_fine() -> None:
    checked = Number().check(1)

    assert isinstance(checked, float)


@pytest.mark.parametrize("value", [True, False, "3", 3.0, None, [3], {}])
def test_integer_refuses_what_is_no_whole_number(value: object) -> None:
    findings = findings_of(COUNT, value)

    assert [finding.message for finding in findings] == ["must be a whole number above 0"]


@pytest.mark.parametrize("value", [True, "0.5", None, math.nan, math.inf, -math.inf, [0.5]])
def test_number_refuses_what_is_no_finite_number(value: object) -> None:
    findings = findings_of(Number(), value)

    assert [finding.message for finding in findings] == ["must be a number"]


@pytest.mark.parametrize(("kind", "value"), [(COUNT, 10**30), (Number(), 10**400), (COUNT, 2**31)])
def test_number_that_no_tensor_holds_is_too_large(kind: ParameterType, value: int) -> None:
    findings = findings_of(kind, value)

    assert findings[0].message.startswith("must be at most ")
    assert len(findings[0].found or "") <= 60


@pytest.mark.parametrize(
    ("kind", "value", "hint"),
    [
        (COUNT, "10", "write 10, without quotes"),
        (COUNT, "9" * 5000, None),
        (COUNT, 128.0, "write 128, without a decimal point"),
        (Number(), "1e-3", "write 1e-3, without quotes"),
        (Boolean(), "yes", "write true, without quotes"),
        (Choice(("valid", "same")), "vald", "did you mean valid?"),
        (Text(), 5, "put it in quotes"),
    ],
)
def test_hint_says_what_to_write(kind: ParameterType, value: object, hint: str | None) -> None:
    findings = findings_of(kind, value)

    assert findings[0].hint == hint


def test_list_blames_the_item() -> None:
    findings = findings_of(ListOf(COUNT), [1, 0, -2])

    assert [finding.path for finding in findings] == [(1,), (2,)]


def test_alternatives_blame_the_item_of_the_list_that_was_meant() -> None:
    findings = findings_of(SIZE, [3, 0])

    assert [(finding.path, finding.message) for finding in findings] == [
        ((1,), "must be a whole number above 0")
    ]


def test_alternatives_name_all_where_none_was_meant() -> None:
    findings = findings_of(SIZE, True)

    assert findings[0].message == "must be a whole number above 0, or a list of 2 of them"


def test_null_stands_for_the_default_object() -> None:
    checked = Object(Kind.ACTIVATION, default="linear").check(None)

    assert checked == Spec(Kind.ACTIVATION, "linear")


@pytest.mark.parametrize(
    "kind", [Object(Kind.LAYER, only=("LSTM", "GRU")), Object(Kind.LAYER, never=("Flatten",))]
)
def test_object_that_does_not_fit_here_is_refused(kind: Object) -> None:
    findings = findings_of(kind, "Flatten")

    assert findings[0].message == "cannot be Flatten here"


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (COUNT, {"type": "integer", "minimum": 1}),
        (SHARE, {"type": "number", "minimum": 0, "exclusiveMaximum": 1}),
        (Boolean(), {"type": "boolean"}),
        (Text("a name", "[a-z]+"), {"type": "string", "minLength": 1, "pattern": "^([a-z]+)$"}),
        (Choice(("a", "b")), {"enum": ["a", "b"]}),
        (
            ListOf(COUNT, length=2),
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 1},
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (Object(Kind.LOSS), {"$ref": "#/$defs/loss"}),
        (Nullable(Boolean()), {"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
    ],
)
def test_schema_is_json_schema(kind: ParameterType, schema: dict[str, object]) -> None:
    assert kind.schema() == schema
