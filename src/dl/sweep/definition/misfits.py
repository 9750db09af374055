"""What does not fit together in a sweep's file, though each part of it is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dl.config.nodes import MapNode, find, place
from dl.errors import Mark, Problem
from dl.sweep.definition.listed import Listed
from dl.sweep.definition.parameters import Parameter
from dl.sweep.definition.schema import SweepFile
from dl.sweep.definition.space import grid_size

MOST_SETTINGS = 10_000
SEARCHES = ("random", "tpe", "cmaes", "qmc")
"""Methods without an end of their own."""


def misfits(
    file: SweepFile, parameters: Sequence[Parameter], listed: Sequence[Listed], root: MapNode
) -> Iterator[Problem]:
    """Yields what does not fit together, with its place in the tree of the file."""
    if file.method == "list":
        yield from _of_list(listed, parameters, root)
    else:
        yield from _of_parameters(file, parameters, root)
    if file.method in SEARCHES and file.trials is None:
        yield _problem(root, "trials", f"is missing: {file.method} has no end of its own")
    if file.folds is not None and file.repeats > 1:
        hint = "write one of them"
        yield _problem(root, "repeats", "and folds exclude each other", hint=hint)
    if file.method == "grid":
        yield from _of_grid(file, parameters, root)


def _of_list(
    listed: Sequence[Listed], parameters: Sequence[Parameter], root: MapNode
) -> Iterator[Problem]:
    if not listed and "settings" not in root.entries:
        expected = "a CSV file, or a list of mappings"
        yield _problem(root, "settings", "is missing", expected=expected)
    if parameters:
        yield _problem(root, "parameters", "is not used by the method list")


def _of_parameters(
    file: SweepFile, parameters: Sequence[Parameter], root: MapNode
) -> Iterator[Problem]:
    if "settings" in root.entries:
        yield _problem(root, "settings", "is for the method list only")
    if parameters:
        return
    if "parameters" not in root.entries:
        expected = "paths of the config with their values"
        yield _problem(root, "parameters", "is missing", expected=expected)
    elif not find(root, ("parameters",)) or not file.parameters:
        yield _problem(root, "parameters", "is empty")


def _of_grid(file: SweepFile, parameters: Sequence[Parameter], root: MapNode) -> Iterator[Problem]:
    for parameter in parameters:
        span = parameter.range
        if span is not None and span.points is None and span.step is None:
            yield Problem(
                f"parameters: {parameter.key} is a range, and a grid needs values",
                parameter.mark,
                hint="add `points: 5` to the range, write a list, or choose method: random",
            )
    size = grid_size(parameters)
    if size > MOST_SETTINGS and file.trials is None:
        yield _problem(
            root,
            "parameters",
            "make too large a grid",
            expected=f"at most {MOST_SETTINGS:,} settings, or a number of `trials`",
            found=f"{size:,}",
            hint="choose fewer values, or method: random",
        )


def _problem(
    root: MapNode,
    key: str,
    message: str,
    *,
    expected: str | None = None,
    found: str | None = None,
    hint: str | None = None,
) -> Problem:
    at = place(root, (key,), at_key=True) if key in root.entries else Mark(root.mark.source)
    return Problem(f"{key} {message}", at, expected, found, hint)
