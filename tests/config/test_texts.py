"""The texts of the rules: each is that of a rule, and of each case that the rule knows."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from dl.config import rules
from dl.config.load import load_config
from dl.config.rules import facts
from dl.config.schema import ADVICE, Config
from dl.errors import ConfigError
from dl.vocabulary.sections import keys

CASES = Path(__file__).parents[1] / "cases" / "bad"
TEXTS = tomllib.loads(facts.TEXTS.read_text(encoding="utf-8"))
ERRORS = {rule.__name__: rule for rule in rules.ERRORS}


def cases(node: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, below in node.items():
        if isinstance(below, dict):
            yield f"{name}.{key}".strip("."), below
            yield from cases(below, f"{name}.{key}".strip("."))


def test_every_text_is_that_of_a_rule() -> None:
    assert set(TEXTS) == set(ERRORS) | {name.replace("-", "_") for name in ADVICE}


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_has_a_message(name: str) -> None:
    leaves = list(dict(cases({name: TEXTS[name]}, "")).values())
    for case in leaves:
        nested = any(isinstance(below, dict) for below in case.values())
        assert nested or "message" in {**TEXTS[name], **case}


def test_words_of_texts_can_be_filled_in() -> None:
    for name, case in cases(TEXTS, ""):
        for text in case.values():
            if isinstance(text, str):
                fields = [field for _, field, _, _ in Formatter().parse(text)]
                assert "" not in fields, name


def test_an_inherited_text_gives_way_to_that_of_the_case() -> None:
    words = {"needed": 3, "units": 2, "source": "the data", "labels": ""}
    found = facts.finding(("model",), "units_fit_target.classes_in_data", **words)
    assert found.message == TEXTS["units_fit_target"]["message"]
    assert found.hint is not None
    assert found.hint.startswith("write units: 3; if")


def test_rules_ask_for_what_facts_have() -> None:
    for rule in (*rules.ERRORS, *rules.ADVICE):
        for name in inspect.signature(rule).parameters:
            assert name in ("facts", "output", *keys(Config))


def test_every_error_has_a_bad_case(monkeypatch: pytest.MonkeyPatch) -> None:
    told: set[str] = set()
    filled = facts._filled

    def heard(text: str, *others: Any) -> dict[str, Any]:
        told.add(text.partition(".")[0])
        return filled(text, *others)

    monkeypatch.setattr(facts, "_filled", heard)
    for path in sorted(CASES.glob("*.yaml")):
        monkeypatch.chdir(CASES)
        with pytest.raises(ConfigError):
            load_config(Path(path.name))
    assert set(ERRORS) <= told
