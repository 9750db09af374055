"""Checks a named thing of a config against the catalog, without Keras."""

from __future__ import annotations

from collections.abc import Mapping

from dl.errors import closest
from dl.text import cut, listing
from dl.vocabulary.catalog import Entry, Parameter, entries, find, left_out
from dl.vocabulary.hints import (
    former_name,
    left_out_parameter,
    nearest_name,
    other_kind,
    parameter_hint,
    required_hint,
)
from dl.vocabulary.rules import broken_rules
from dl.vocabulary.spec import Finding, Kind, Spec
from dl.vocabulary.words import found_text, kind_noun, kind_words

MOST_LISTED = 12


def check_object(kind: Kind, value: object) -> tuple[Spec | None, list[Finding]]:
    """Checks a name, or a mapping with `type`, and everything nested in it.

    Returns:
        The spec with every parameter explicit, or None where there are findings; and all findings,
        their paths relative to the value.
    """
    if isinstance(value, str):
        return _check_bare(kind, value)
    if not isinstance(value, Mapping):
        return None, [_no_object(kind, value)]
    if "type" not in value:
        return None, [_no_type(kind, value)]
    spelled = value["type"]
    if not isinstance(spelled, str):
        expected = f"the name of {kind_words(kind)}"
        return None, [Finding(("type",), f"must be {expected}", expected, found_text(spelled))]
    entry = find(kind, spelled)
    if entry is None:
        return None, [_unknown(kind, spelled).below(("type",))]
    return _check_parameters(entry, {key: item for key, item in value.items() if key != "type"})


def _check_bare(kind: Kind, spelled: str) -> tuple[Spec | None, list[Finding]]:
    entry = find(kind, spelled)
    if entry is None:
        return None, [_unknown(kind, spelled)]
    spec, findings = _check_parameters(entry, {})
    if spec is not None and kind is Kind.METRIC:
        # Keras calls a metric that is given by a name by that very name: `mae`, not its class'.
        spec = Spec(kind, spec.type, {**spec.parameters, "name": spelled})
    return spec, findings


def _check_parameters(
    entry: Entry, given: Mapping[str, object]
) -> tuple[Spec | None, list[Finding]]:
    unknown = [str(key) for key in given if key not in entry.parameters]
    findings = [_unknown_parameter(entry, key) for key in unknown]
    meant = {_nearest(entry, key) for key in unknown}
    missing = [
        parameter
        for parameter in entry.parameters.values()
        if parameter.required and parameter.name not in given and parameter.name not in meant
    ]
    if missing:
        findings.append(_missing(entry, missing))
    checked: dict[str, object] = {}
    for name, parameter in entry.parameters.items():
        if name in given:
            checked[name], wrong = _check_value(parameter, given[name])
            findings += [finding.below((name,)) for finding in wrong]
        elif not parameter.required:
            checked[name], _ = parameter.type.check(parameter.default, check_object)
    if not findings:
        findings = broken_rules(checked)
    spec = Spec(entry.kind, entry.name, checked, frozenset(str(key) for key in given))
    return (None, findings) if findings else (spec, [])


def _check_value(parameter: Parameter, value: object) -> tuple[object, list[Finding]]:
    canonical, findings = parameter.type.check(value, check_object)
    hint = f"`{parameter.name}` is: {parameter.description}"
    return canonical, [
        finding if finding.hint or finding.path else _with_hint(finding, hint)
        for finding in findings
    ]


def _with_hint(finding: Finding, hint: str) -> Finding:
    return Finding(finding.path, finding.message, finding.expected, finding.found, hint)


def _no_object(kind: Kind, value: object) -> Finding:
    expected = kind_words(kind)
    hint = "write its name, or a mapping with `type`"
    return Finding((), f"must be {expected}", expected, found_text(value), hint)


def _no_type(kind: Kind, value: Mapping[str, object]) -> Finding:
    expected = f"`type`, the name of {kind_words(kind)}"
    named = next((key for key, item in value.items() if _names_thing(kind, key, item)), None)
    hint = f"write {{type: {named or 'NAME'}, ...}}"
    return Finding((), "has no `type`", expected, found_text(value), hint)


def _names_thing(kind: Kind, key: object, value: object) -> bool:
    """Tells whether an entry is a name with its parameters below: `Dense: {units: 3}`."""
    below = value is None or isinstance(value, Mapping)
    return below and isinstance(key, str) and find(kind, key) is not None


def _unknown(kind: Kind, spelled: str) -> Finding:
    reason = left_out(kind, spelled)
    expected = _expected_names(kind)
    if reason is not None:
        return Finding((), f"names {spelled}, which is left out: {reason}", expected, spelled)
    near = nearest_name(kind, spelled)
    hint = f"did you mean {near}?" if near else other_kind(kind, spelled)
    message = f"is not a known {kind_noun(kind)}"
    return Finding((), message, expected, found_text(spelled), hint)


def _expected_names(kind: Kind) -> str:
    known = list(entries(kind))
    if len(known) <= MOST_LISTED:
        return listing(known)
    return f"the name of {kind_words(kind)}, as Keras spells it"


def _nearest(entry: Entry, key: str) -> str | None:
    return former_name(entry, key) or closest(key, entry.parameters)


def _unknown_parameter(entry: Entry, key: str) -> Finding:
    known = list(entry.parameters)
    expected = listing(known) if known else "no parameter"
    reason = left_out_parameter(entry, key)
    if reason is not None:
        message = f"is left out: {reason}"
        return Finding((key,), message, expected, cut(key), at_key=True)
    message = f"is not a parameter of {entry.name}"
    near = _nearest(entry, key)
    hint = parameter_hint(entry, key) or (f"did you mean {near}?" if near else None)
    return Finding((key,), message, expected, cut(key), hint, at_key=True)


def _missing(entry: Entry, missing: list[Parameter]) -> Finding:
    needed = listing((f"`{parameter.name}`" for parameter in missing), "and")
    expected = "; ".join(f"{parameter.name}: {parameter.type.expected}" for parameter in missing)
    return Finding((), f"needs {needed}", expected, None, required_hint(entry, missing))
