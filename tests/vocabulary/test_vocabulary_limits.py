"""The limits of every parameter of every entry: a value that breaks them is refused."""

from __future__ import annotations

import pytest

from dl.vocabulary.catalog import Entry, entries
from dl.vocabulary.spec import Kind
from dl.vocabulary.types import accepts
from support.vocabulary import check_object, invalid

EVERY_ENTRY = [entry for kind in Kind for entry in entries(kind).values()]


@pytest.mark.parametrize("entry", EVERY_ENTRY, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_value_that_breaks_the_limits_is_refused(entry: Entry) -> None:
    broken = {name: invalid(parameter.type) for name, parameter in entry.parameters.items()}

    spec, findings = check_object(entry.kind, {"type": entry.name, **broken})

    assert spec is None or not broken
    assert {finding.path[0] for finding in findings} == set(entry.parameters)
    assert [finding for finding in findings if not _is_worded(finding.message)] == []


@pytest.mark.parametrize("entry", EVERY_ENTRY, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_default_is_right(entry: Entry) -> None:
    for parameter in entry.parameters.values():
        if not parameter.required:
            assert accepts(parameter.type, parameter.default), parameter.name


def _is_worded(message: str) -> bool:
    return message.startswith(("must ", "is not ", "needs ")) and len(message) < 200
