"""Whatever a config says, the check answers with a spec or with findings, and never raises."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dl.vocabulary.catalog import entries, names
from dl.vocabulary.spec import Kind, document
from support.vocabulary import check_object

EVERY_NAME = sorted({name for kind in Kind for name in names(kind)})
EVERY_PARAMETER = sorted(
    {name for kind in Kind for entry in entries(kind).values() for name in entry.parameters}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(EVERY_NAME)
)
MAPPINGS = st.dictionaries(
    st.sampled_from(["type", *EVERY_PARAMETER]) | st.text(max_size=4) | st.integers(),
    st.deferred(lambda: VALUES),
    max_size=5,
)
VALUES = SCALARS | st.lists(st.deferred(lambda: VALUES), max_size=4) | MAPPINGS


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(Kind), VALUES)
def test_check_never_raises(kind: Kind, value: object) -> None:
    spec, findings = check_object(kind, value)

    assert (spec is None) == bool(findings)
    assert [f for f in findings if not f.message or len(f.found or "") > 60] == []


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from([entry for kind in Kind for entry in entries(kind).values()]))
def test_checked_spec_stays_the_same(data: st.DataObject, entry: object) -> None:
    drawn = data.draw(st.dictionaries(st.sampled_from([*entry.parameters, "type"]), VALUES))  # type: ignore[attr-defined]
    spec, _ = check_object(entry.kind, {**drawn, "type": entry.name})  # type: ignore[attr-defined]

    if spec is not None:
        assert check_object(spec.kind, document(spec)) == (spec, [])
