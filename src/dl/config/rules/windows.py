"""What is certainly wrong where the rows are a series: `data.window`, and what stands around it."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.data import Data, window_of
from dl.config.rules.facts import Facts, finding, keeps_axes
from dl.config.rules.probe import has_own, targets_of
from dl.config.schema import Model
from dl.vocabulary.spec import Finding


def windows_are_in_order(data: Data) -> Iterator[Finding]:
    """Windows that share rows are in one part: parts follow each other, or hold whole series."""
    window, split = window_of(data), data.split
    if window is None or split.order or split.column or (split.by and window.by):
        return
    drawn = {"validation": split.validation_share, "test": split.test}
    parts = tuple(p for p in ("validation", "test") if drawn[p] > 0 and not has_own(data, p))
    if parts:
        how = f"by the groups in {split.by}" if split.by else "by chance"
        yield finding(("data", "split"), "windows_are_in_order", how=how)


def windows_have_columns(data: Data) -> Iterator[Finding]:
    """The series of a row is neither what is predicted nor what orders the rows."""
    window = window_of(data)
    if window is None or window.by is None:
        return
    path = ("data", "window", "by")
    if window.by in targets_of(data):
        yield finding(path, "windows_have_columns.target", name=window.by)
    elif data.split.order and window.by == data.split.by:
        yield finding(path, "windows_have_columns.time", name=window.by)


def windows_are_no_duplicates(data: Data) -> Iterator[Finding]:
    """Windows are not compared across parts."""
    if window_of(data) is not None and data.duplicates.across_parts != "allow":
        path = ("data", "duplicates", "across_parts")
        yield finding(path, "windows_are_no_duplicates", found=data.duplicates.across_parts)


def outputs_fit_windows(data: Data, model: Model, facts: Facts) -> Iterator[Finding]:
    """A network whose outputs have one axis gives one for each step that is asked of it."""
    window, output, targets = window_of(data), facts.output, len(targets_of(data))
    if window is None or output is None or output.units is None or not facts.is_regression:
        return
    steps = len(window.target_rows)
    if steps == 1 or keeps_axes(model) is not False:
        return
    words = {"steps": steps, "units": output.units, "outputs": window.outputs, "targets": targets}
    if targets > 1:
        words["needed"] = steps * targets
        yield finding(output.units_path, "outputs_fit_windows.several", **words)
    elif output.units != steps:
        yield finding(output.units_path, "outputs_fit_windows.one", **words)
