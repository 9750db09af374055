"""Write docs/metrics.md, which metric measures which target; with --check, only compare."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dl.config.rules.metrics import Measurable, misfits, values_of
from dl.config.rules.probe import Form
from dl.vocabulary.catalog import checked_object, entries
from dl.vocabulary.spec import Kind, Spec

PAGE = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"


@dataclass(frozen=True, slots=True)
class Case:
    """A form of target under a loss, with the activation of the outputs.

    Attributes:
        name: A word for tests.
        form: The form.
        count: How many classes, labels or numbers there are.
        loss: The name of the loss.
        activation: That of the outputs.
        from_logits: Whether the loss takes logits.
        scaling: How numbers are scaled.
        steps: Whether each step of a row has an answer.
    """

    name: str
    form: Form
    count: int
    loss: str
    activation: str = "linear"
    from_logits: bool = False
    scaling: str = "none"
    steps: bool = False

    @property
    def loss_value(self) -> object:
        """The loss as a config has it."""
        return {"type": self.loss, "from_logits": True} if self.from_logits else self.loss

    @property
    def measurable(self) -> Measurable:
        """What there is to measure."""
        loss = checked_object(Kind.LOSS, self.loss_value)
        return Measurable(self.form, self.count, values_of(loss, self.activation), loss)


_BINARY, _ONE_HOT = "binary_crossentropy", "categorical_crossentropy"
_SPARSE, _SQUARES = "sparse_categorical_crossentropy", "mean_squared_error"

COLUMNS: Mapping[str, tuple[Case, ...]] = {
    "one output": (
        Case("one-probabilities", "one", 2, _BINARY, "sigmoid"),
        Case("one-logits", "one", 2, _BINARY, from_logits=True),
        Case("one-of-steps", "one", 2, _BINARY, "sigmoid", steps=True),
        Case("one-of-steps-logits", "one", 2, _BINARY, from_logits=True, steps=True),
    ),
    "two outputs": (
        Case("two-one-hot", "two", 2, _ONE_HOT, "softmax"),
        Case("two-one-hot-logits", "two", 2, _ONE_HOT, from_logits=True),
        Case("two-sparse", "two", 2, _SPARSE, "softmax"),
        Case("two-sparse-logits", "two", 2, _SPARSE, from_logits=True),
        Case("two-of-steps", "two", 2, _SPARSE, "softmax", steps=True),
    ),
    "classes": (
        Case("several-one-hot", "several", 3, _ONE_HOT, "softmax"),
        Case("several-one-hot-logits", "several", 3, _ONE_HOT, from_logits=True),
        Case("several-sparse", "several", 3, _SPARSE, "softmax"),
        Case("several-sparse-logits", "several", 3, _SPARSE, from_logits=True),
        Case("several-one-hot-of-steps", "several", 3, _ONE_HOT, "softmax", steps=True),
        Case("several-sparse-of-steps", "several", 3, _SPARSE, "softmax", steps=True),
        Case("several-of-steps-logits", "several", 3, _SPARSE, from_logits=True, steps=True),
    ),
    "classes apart": (
        Case("several-apart", "several", 3, _BINARY, "sigmoid"),
        Case("several-apart-logits", "several", 3, _BINARY, from_logits=True),
    ),
    "labels": (
        Case("labels-probabilities", "labels", 3, _BINARY, "sigmoid"),
        Case("labels-logits", "labels", 3, _BINARY, from_logits=True),
        Case("labels-of-steps", "labels", 3, _BINARY, "sigmoid", steps=True),
    ),
    "hinge, one output": (Case("one-margins", "one", 2, "hinge"),),
    "hinge, classes": (Case("several-margins", "several", 3, "categorical_hinge"),),
    "hinge, labels": (Case("labels-margins", "labels", 3, "hinge"),),
    "squares, one output": (Case("one-scores", "one", 2, _SQUARES),),
    "squares, classes": (Case("several-scores", "several", 3, _SQUARES),),
    "number": (
        Case("number", "number", 1, _SQUARES),
        Case("number-standardized", "number", 1, _SQUARES, scaling="standardize"),
        Case("number-minmax", "number", 1, _SQUARES, scaling="minmax"),
        Case("number-log1p", "number", 1, _SQUARES, scaling="log1p"),
        Case("number-of-steps-log1p", "number", 1, _SQUARES, scaling="log1p", steps=True),
        Case("number-of-steps", "number", 1, _SQUARES, steps=True),
        Case(
            "number-of-steps-standardized",
            "number",
            1,
            _SQUARES,
            "linear",
            False,
            "standardize",
            True,
        ),
    ),
    "numbers": (
        Case("numbers", "numbers", 2, _SQUARES),
        Case("numbers-standardized", "numbers", 2, _SQUARES, scaling="standardize"),
        Case("numbers-log1p", "numbers", 2, _SQUARES, scaling="log1p"),
    ),
}
"""The columns of the table, and the cases that each stands for."""

_HEAD = """# Metrics

<!-- Written by scripts/generate_metrics.py. -->

A metric is the number that its name says, computed on the predictions that `dl predict` writes, in
the target's own unit; or the config is refused at the metric's line, with the metric to write
instead. A test computes each cell of this table by scikit-learn or NumPy.

- Metrics of probabilities (AUC, cross-entropies) get probabilities under logits, too.
- What counts decisions counts those of the predictions: `evaluation.threshold` cuts one output and
  labels, for `accuracy`, `BinaryAccuracy`, `BinaryIoU`, `F1Score`, `FBetaScore`, `Precision`,
  `Recall`, `TruePositives` and the like. A `threshold` of the metric's own is a probability, also
  where there are logits.
- Of two classes, precision, recall, F1, AUC and the like are those of the second class, as in
  scikit-learn, by one output or by two. `average` asks for the mean of both.
- Of several classes, `F1Score` is the mean of the classes' F1, by the predicted class; `Precision`,
  `Recall`, `TruePositives` and the like count each class with a probability above 0.5, all
  together, or one by `class_id`.
- `accuracy` and `BinaryAccuracy` of labels are the fraction of all labels that are right.
- `AUC`, `PrecisionAtRecall` and the like try `num_thresholds` probabilities between 0 and 1, which
  is near to the exact value; where all probabilities lie close together, raise `num_thresholds`.
- `R2Score`, `PearsonCorrelation` and `ConcordanceCorrelation` run over all rows, for each target by
  itself, and are the mean of these. The correlation with what is constant counts as 0.
- Errors of a scaled target are in its own unit. `MeanAbsolutePercentageError` is refused where the
  target holds 0, `MeanSquaredLogarithmicError` and `Poisson` where it is below 0.

The columns: `one output` is a sigmoid or logit for two classes; `two outputs`, `classes` a softmax
or logits, with one-hot or sparse classes; `classes apart` a sigmoid for each class under a binary
loss; `labels` several labels for each row; `hinge` the margins of a hinge loss; `squares` outputs
without activation under `mean_squared_error`. A class, labels or a number at each step or pixel is
measured like one for each row, over all steps or pixels.
"""


def metric_of(name: str, case: Case) -> Spec:
    """Returns a metric with the parameters that it needs in a case."""
    needed = entries(Kind.METRIC)[name].parameters
    values: dict[str, object] = {
        "num_classes": max(2, case.count),
        "target_class_ids": [1],
        "k": 1,
        "recall": 0.5,
        "precision": 0.5,
        "sensitivity": 0.5,
        "specificity": 0.5,
    }
    given = {
        key: values[key] for key, parameter in needed.items() if parameter.required or key == "k"
    }
    return checked_object(Kind.METRIC, {"type": name, **given})


def advice(name: str, case: Case) -> str | None:
    """Returns what to write instead of a metric in a case, or None where it is right."""
    findings = list(misfits((metric_of(name, case),), case.measurable))
    if not findings:
        return None
    hint = findings[0].hint or ""
    return hint.removeprefix("write ").split(",")[0].removeprefix("{type: ")


def counts() -> tuple[int, int]:
    """Returns how many cells are right, and how many are refused."""
    cells = [advice(name, case) for name in entries(Kind.METRIC) for case in cases()]
    right = sum(cell is None for cell in cells)
    return right, len(cells) - right


def cases() -> Iterator[Case]:
    """Yields all cases."""
    for several in COLUMNS.values():
        yield from several


def page() -> str:
    """Returns the page."""
    right, refused = counts()
    lines = [
        _HEAD,
        f"{len(entries(Kind.METRIC))} metrics in {len(list(cases()))} cases: {right} are measured, "
        f"{refused} refused with what to write (the name in the cell).",
        "",
        f"| Metric | {' | '.join(COLUMNS)} |",
        f"| --- | {' | '.join(['---'] * len(COLUMNS))} |",
    ]
    for name in entries(Kind.METRIC):
        cells = [advice(name, several[0]) for several in COLUMNS.values()]
        row = " | ".join("✓" if cell is None else f"`{cell}`" for cell in cells)
        lines.append(f"| `{name}` | {row} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the page, or with --check says that it is not fresh; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it is stale")
    check = parser.parse_args().check
    stale = not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page()
    if stale:
        print(f"{'stale' if check else 'wrote'}: {PAGE}", file=sys.stderr)
    if stale and not check:
        PAGE.write_text(page(), encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
