"""Settings of several runs that differ, in one row what belongs together.

That is all of what only some of the runs have below a path: a layer, a callback, or the columns of
other data.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from dl.rundir.query import shown
from dl.text import plural

Table = Mapping[str, tuple[object, ...]]
"""The value of each run by the path of a setting; None where a run has none."""

# Names below one path that only some of the runs have: as many are columns of other data.
_MANY_NAMES = 4
_MOST_TOLD = 3
"""Settings of one thing that are told one by one; of more, how many."""


def folded(settings: Table, differing: Table) -> dict[str, tuple[object, ...]]:
    """Returns the rows of settings that differ.

    Args:
        settings: All settings.
        differing: Those that differ, in the order of the rows.
    """
    groups = _groups(settings, differing)
    places = {path: place for place, path in enumerate(differing)}
    ordered = sorted(groups.items(), key=lambda item: places[item[1][0]])
    return {
        paths[0] if len(paths) == 1 else top: tuple(
            _said(dict(zip(paths, values, strict=True)))
            for values in zip(*(differing[path] for path in paths), strict=True)
        )
        for top, paths in ordered
    }


def _groups(settings: Table, differing: Table) -> dict[str, list[str]]:
    """Returns the paths that share a row, by the path that is written there."""
    own: list[set[str]] = [set() for _ in next(iter(settings.values()), ())]
    for path, values in settings.items():
        for run, value in enumerate(values):
            own[run].update(_prefixes(path) if value is not None else ())
    parents = {prefix for path in settings for prefix in _prefixes(path)[:-1]}
    groups: dict[str, list[str]] = {}
    beside: dict[str, list[str]] = {}
    for path, values in differing.items():
        if path in parents and all(value in (None, []) for value in values):
            continue  # an empty list beside a list whose items have rows of their own
        lacking = [run for run, value in enumerate(values) if value is None]
        whole = [p for p in _prefixes(path) if not any(p in own[run] for run in lacking)]
        top = whole[0] if lacking and whole else path
        groups.setdefault(top, []).append(path)
        if lacking and top == path:
            beside.setdefault(path.rpartition(".")[0], []).append(path)
    for parent, names in beside.items():
        if "." in parent and len(names) >= _MANY_NAMES:  # a section itself stays as it is
            groups[parent] = [path for name in names for path in groups.pop(name)]
    return groups


def _prefixes(path: str) -> list[str]:
    """Returns `a`, `a.b` and `a.b.c` of `a.b.c`."""
    return list(accumulate(path.split("."), lambda before, part: f"{before}.{part}"))


def _said(values: Mapping[str, object]) -> object:
    """Returns what a run says of some settings: the value of one, a type, or how many."""
    if len(values) == 1:
        return next(iter(values.values()))
    given = {path: value for path, value in values.items() if value is not None}
    kind = next((value for path, value in given.items() if path.endswith(".type")), None)
    if not given:
        return None
    others = {path: value for path, value in given.items() if not path.endswith(".type")}
    if len(others) > _MOST_TOLD or len(given) - len(others) > 1:
        told = [plural(len(given) - (kind is not None), "setting")]
    else:
        told = [f"{path.rpartition('.')[2]} {shown(value)}" for path, value in others.items()]
    return ", ".join([*([] if kind is None else [shown(kind)]), *told])
