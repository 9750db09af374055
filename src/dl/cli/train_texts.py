"""What `dl train` says around the epochs: the data, the network, how it ended, and what now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from dl.cli.texts import metrics_text
from dl.report.terminal import text_width
from dl.text import duration, listing, painted, plural, shape, shortened

if TYPE_CHECKING:
    from dl.app.training import Result
    from dl.config.schema import Config
    from dl.data.dataset import Dataset
    from dl.inspect import LayerRow
    from dl.rundir.record import RunRecord
    from dl.vocabulary.spec import Spec

_APART = " · "
_LONGEST = 16
_FEW_CLASSES = 3
"""So many are told one by one; of more, the rarest and the commonest."""
_SHOWN_ENDS = 3
"""Layers at each end of a network that is too long for two lines."""


def data_line(name: str, dataset: Dataset) -> str:
    """Returns the data in a line or two: `digits · 1,258 train · 64 numbers → 10 classes`."""
    rows = [f"{len(part):,} {part_name}" for part_name, part in dataset.parts.items()]
    return "\n".join(_wrapped([name, *rows, f"{_inputs(dataset)} → {_targets(dataset)}"]))


def _inputs(dataset: Dataset) -> str:
    fitted, row = dataset.preprocessing, dataset.train.x.shape[1:]
    sizes = shape(row) or "1"
    if fitted.window is not None:
        return f"{fitted.window.length} steps of {math.prod(row[1:])} numbers"
    if fitted.array is not None and fitted.source == "nifti":
        return f"{sizes} voxels"
    if fitted.array is not None and fitted.array.image:
        return f"{sizes} pixels"
    if dataset.train.x.dtype.kind in "iu":
        return f"{sizes} tokens"
    return "1 number" if sizes == "1" else f"{sizes} numbers"


def _targets(dataset: Dataset) -> str:
    target, part = dataset.target, dataset.train
    if part.y is part.x:
        return "the inputs again"
    where = f" at each of {' x '.join(map(str, target.places))} places" if target.places else ""
    if not target.classes:
        return f"{listing(map(_short, target.names), 'and', most=3)}{where}"
    if target.form == "multilabel":
        return f"{len(target.classes)} labels{where}"
    return f"{len(target.classes)} classes{where}{_balance(dataset)}"


def _balance(dataset: Dataset) -> str:
    """Returns how the rows of the training part are spread over the classes."""
    import numpy as np

    target, y = dataset.target, dataset.train.y
    if target.places or not isinstance(y, np.ndarray):
        return ""
    of_class = y.argmax(axis=1) if target.form == "one_hot" else y.reshape(-1).astype(int)
    counts = [int(count) for count in np.bincount(of_class, minlength=len(target.classes))]
    if len(counts) <= _FEW_CLASSES:
        pairs = zip(counts, target.classes, strict=True)
        return f" ({listing((f'{count:,} {_short(name)}' for count, name in pairs), '')})"
    least, most = f"{min(counts):,}", f"{max(counts):,}"
    return f" ({least} each)" if least == most else f" ({least} to {most} each)"


def _short(name: str) -> str:
    return shortened(name, _LONGEST)


def network_line(config: Config, layers: Sequence[LayerRow]) -> str:
    """Returns the network in a line or two: its parameters, and its layers from input to output."""
    total = sum(layer.parameters for layer in layers)
    words = list(map(_layer, config.model.layers))
    lines = _wrapped([f"{total:,} parameters", *words])
    if len(lines) > 2 and len(words) > 2 * _SHOWN_ENDS:
        left = f"{len(words) - 2 * _SHOWN_ENDS} more layers"
        words = [*words[:_SHOWN_ENDS], left, *words[-_SHOWN_ENDS:]]
        lines = _wrapped([f"{total:,} parameters", *words])
    return "\n".join(lines)


def _layer(layer: Spec) -> str:
    """Returns a layer as short as people write it down: `Conv2D 32 3x3 relu`."""
    return " ".join([layer.type, *_chosen(layer)])


def _chosen(layer: Spec) -> Iterator[str]:
    from dl.vocabulary.names import chosen
    from dl.vocabulary.spec import Kind, Spec

    for name, value in chosen(layer):
        if name in ("name", "seed", "dtype") or value is None:
            continue
        if isinstance(value, Spec):
            if value.kind in (Kind.ACTIVATION, Kind.LAYER):
                yield _layer(value)
        elif isinstance(value, tuple):
            yield "x".join(map(str, value))
        elif not isinstance(value, bool):
            yield str(value)


def _wrapped(words: Sequence[str], taken: int = 0) -> list[str]:
    """Returns lines that break between words alone, as wide as the screen but for what is taken."""
    lines = [words[0]]
    for word in words[1:]:
        joined = f"{lines[-1]}{_APART}{word}"
        if len(joined) <= text_width() - taken:
            lines[-1] = joined
        else:
            lines.append(f"  {word}")
    return lines


def end_text(result: Result, record: RunRecord, more: Sequence[str] = ()) -> str:
    """Returns what came of a training, and what to type next; its last line is the directory.

    Args:
        result: What came of it.
        record: The record of the run.
        more: Blocks that stand below the metrics.
    """
    run, said = result.run, result.verdict
    useless = said.good is False
    mark = painted("✗", "bold red") if useless else painted("✓", "bold green")
    took = duration(record.seconds) + (" in all" if record.ended_by else "")
    ended = "\n".join(_wrapped([*_ended(record), took], taken=2))
    sentences = [f"{each}." for each in (said.result, said.confuses, said.health) if each]
    told = fill(" ".join(sentences), text_width(), break_on_hyphens=False)
    next_ = {"report": str(run.report), "more": f"dl show {run.typed}"}
    if record.judgement is not None and record.judgement.findings:
        next_["try"] = f"dl diagnose {run.typed}"
    steps = [f"{painted(f'{name:8}', 'dim')}{text}" for name, text in next_.items()]
    blocks = [f"{mark} {ended}\n{told}", metrics_text(result.metrics, result.trivial), *more]
    return "\n\n".join([*filter(None, blocks), "\n".join([*steps, str(run.path)])])


def _ended(record: RunRecord) -> Iterator[str]:
    """Yields how the epochs ended, and which weights were kept if not the last ones."""
    ending, done = record.ending, f"{record.epochs:,}"
    of = f"{done} of {plural(record.planned, 'epoch')}" if record.planned else done
    if record.ended_by:
        yield f"ended after {of} by their {record.ended_by}"
    elif ending is not None and ending.early and ending.best is not None:
        yield f"stopped early after {of}"
    elif ending is not None and ending.why:
        yield f"ended after {of}: {ending.why}"
    else:
        yield f"trained for {plural(record.epochs, 'epoch')}"
    if ending is not None and ending.kept not in (None, record.epochs):
        yield f"weights of epoch {ending.kept:,} kept"
