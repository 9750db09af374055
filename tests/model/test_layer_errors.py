"""What a layer or TensorFlow cannot compute is told with the layer, never as a fault of `dl`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dl.data.dataset import Dataset
from dl.errors import DataError, first_line
from dl.inspect.trace import trace
from dl.model.checks import check_training, computing
from dl.predict.evaluate import evaluate, predict
from dl.progress import SilentReporter
from dl.training.fit import fit
from dl.training.two_inputs import Snapshots
from dl.vocabulary.spec import Finding, Findings
from support.training import built, config, dataset, inputs, number_target, ready

LOOKING = [{"type": "Rescaling", "scale": 1.0}, {"type": "Embedding", "input_dim": 4}]
LSTM = {"type": "LSTM", "units": 2}
DENSE = {"type": "Dense", "units": 1}
ROWS = 12


def case(*layers: Any, x: Any = None, **engine: Any) -> tuple[Any, Dataset, Any]:
    """Returns a config, data whose tenth row holds a 9, and the model."""
    chosen = config(
        [*layers, DENSE], engine={"compile": False, **engine}, loss="mse", shuffle=False
    )
    tokens = np.zeros((ROWS, 2), "float32")
    tokens[9, 1] = 9
    y = np.zeros((ROWS, 1), "float32")
    data = dataset(tokens if x is None else x, y, number_target())
    return chosen, data, built(chosen, data)


def looking_up() -> tuple[Any, Dataset, Any]:
    rescaling, embedding = LOOKING
    named = {**embedding, "output_dim": 2, "name": "words"}
    return case(rescaling, named, "Flatten")


TOLD = "the model cannot be run on these rows: layer `words` (Embedding): "


@pytest.mark.parametrize(
    "use",
    [
        lambda *made: fit(ready(*made), SilentReporter(), lambda row: None),
        lambda chosen, data, model: evaluate(model, data.train, chosen),
        lambda chosen, data, model: predict(model, data.train.x, SilentReporter()),
    ],
    ids=["fit", "evaluate", "predict"],
)
def test_row_that_a_layer_cannot_take_is_told_with_the_layer(use: Callable[..., Any]) -> None:
    with pytest.raises(DataError) as caught:
        use(*looking_up())

    message = str(caught.value)
    assert message.startswith(TOLD + "indices[")
    assert message.endswith("] = 9 is not in [0, 4)")


def test_traced_row_that_a_layer_cannot_take_is_told() -> None:
    chosen, data, model = looking_up()
    with pytest.raises(DataError, match=r"rows: indices\[9,1\] = 9 is not in \[0, 4\)$"):
        trace(model, data, chosen, rows=ROWS)


def problem_of(check: Callable[[], object]) -> Finding:
    with pytest.raises(Findings) as caught:
        check()
    (finding,) = caught.value.findings
    return finding


def test_mask_that_a_layer_cannot_take_is_told_at_the_layer() -> None:
    x = inputs(ROWS, 2, 3, 2)
    inner = {"type": "TimeDistributed", "layer": LSTM}
    chosen, data, model = case({"type": "Input", "shape": (2, 3, 2)}, "Masking", inner, LSTM, x=x)

    assert problem_of(lambda: check_training(model, data, chosen)) == Finding(
        ("model", "layers", 3),
        "LSTM cannot compute with an input of shape (2, 2)",
        found="condition [5,3], then [5,2], and else [5,2] must be broadcastable",
        hint="a mask of shape (2, 3) comes with it: leave out the layer that makes it (Masking, "
        "or mask_zero)",
    )


def test_layer_that_cannot_be_traced_is_told_at_the_layer() -> None:
    layer = "ContrastLimitedAdaptiveHistogramEqualization"
    chosen, data, model = case(layer, "Flatten", x=inputs(ROWS, 5, 3))

    finding = problem_of(
        lambda: fit(ready(chosen, data, model), SilentReporter(), lambda row: None)
    )

    assert finding == Finding(
        ("model", "layers", 0),
        f"{layer} cannot compute with an input of shape (5, 3)",
        found="Expected int32, but got 4.0 of type 'float'.",
    )


def test_memory_that_does_not_suffice_is_told_as_such() -> None:
    import tensorflow as tf

    _, _, model = looking_up()
    with pytest.raises(MemoryError), computing(model):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")


def test_no_decision_surface_is_drawn_between_tokens() -> None:
    _, data, model = looking_up()
    assert Snapshots(model, data, 2).surface(2) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Graph execution error:\n\nDetected at node while/model/a_1/GatherV2 defined at (most "
            'recent call last):\n  File "a.py", line 18, in <module>\n\n  File "b.py", line 3, in '
            "b\n\nindices[0] = 9 is not in [0, 4)\n\t [[{{node a}}]] [Op:__inference_1]",
            "indices[0] = 9 is not in [0, 4)",
        ),
        (
            "Exception encountered when calling LSTM.call().\n\n\x1b[1m{{function_node a}} no good "
            "[Op:SelectV2] name: \x1b[0m\n\nArguments received",
            "no good",
        ),
        ("x" * 200, "x" * 159 + "…"),
        ("", "ValueError"),
    ],
)
def test_first_line_of_a_library_has_nothing_internal(text: str, line: str) -> None:
    assert first_line(ValueError(text)) == line
