"""Whether the model has as many outputs as the target needs.

Keras compares a target of shape (n, 1) with outputs of shape (n, 3) without a word.
"""

from __future__ import annotations

from dl.data.requirements import Requirements
from dl.data.targets.target import Target
from dl.vocabulary.spec import Findings
from dl.vocabulary.traits import TAKES_CLASS_NUMBERS


def check_units(target: Target, needs: Requirements) -> None:
    """Compares the units of the last layer with what the target needs, where both are known.

    Raises:
        Findings: They differ.
    """
    if target.units is None or needs.units is None or needs.units == target.units:
        return
    if target.places and target.form == "numbers":
        return  # the last axis may be that of the units; the built model shows it
    raise Findings.one(
        needs.units_path,
        "is not the number of outputs that the target needs",
        expected=f"{target.units}, {_reason(target)}",
        found=str(needs.units),
        hint=_hint(target, needs),
    )


def _reason(target: Target) -> str:
    title = ", ".join(f"`{name}`" for name in target.names[:3])
    if target.task == "regression":
        number = len(target.names)
        return f"one for each of {number} targets" if number > 1 else f"one for the target {title}"
    shown = ", ".join(target.classes[:5]) + (", ..." if len(target.classes) > 5 else "")
    if target.task == "multilabel":
        return f"one for each label: {shown}"
    if target.form == "single":
        return f"which tells the two classes apart: {shown}"
    return f"one for each class of {title}: {shown}"


def _hint(target: Target, needs: Requirements) -> str:
    write = f"write units: {target.units}"
    if target.task in ("regression", "multilabel"):
        return write
    if needs.units == 1 and len(target.classes) == 2:
        return f"{write} with activation: softmax, or use loss: binary_crossentropy"
    if needs.units == 1 and needs.loss not in TAKES_CLASS_NUMBERS:
        return (
            f"{write} with activation: softmax and loss: sparse_categorical_crossentropy; "
            "to predict the number itself, use loss: mean_squared_error and a linear output"
        )
    return f"{write}; if the data lacks some classes, name them all in data.classes"
