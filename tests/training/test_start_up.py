"""What the engine puts off or leaves out when it is imported changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_LIST = """
import json, tensorflow
from tensorflow.python.framework import ops
print(json.dumps(sorted(ops.gradient_registry.list())))
"""
_PUT_OFF = {
    "AudioMicrofrontend",
    "DebugGradientIdentity",
    "DebugGradientRefIdentity",
    "DebugIdentityV2",
}
"""Gradients of operations that exist only when the modules that are put off have run."""


def _gradients(before: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", before + _LIST], capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_no_gradient_is_missing() -> None:
    assert _gradients("") - _gradients("import dl.model\n") <= _PUT_OFF


@pytest.mark.slow
def test_public_names_of_tensorflow_are_what_they_are_without_dl() -> None:
    import tensorflow as tf

    assert tf.compat.v1.placeholder.__name__ == "placeholder"
    assert tf.distribute.MirroredStrategy.__name__ == "MirroredStrategy"


@pytest.mark.slow
def test_a_training_runs_nothing_that_was_put_off() -> None:
    program = (
        "import sys, dl.model, tensorflow as tf\n"
        "tf.function(lambda x: tf.nn.relu(x + 1), autograph=False)(1.0)\n"
        "print([m for m in ('scipy', 'tensorflow.python.keras')"
        " if m in sys.modules])"
    )
    assert _printed(program) == "[]\n"


@pytest.mark.slow
def test_folders_of_tensorflow_do_not_take_the_place_of_its_public_names() -> None:
    program = (
        "import dl.model, tensorflow as tf\n"
        "import tensorflow.lite.python.lite, tensorflow.distribute.experimental\n"
        "print(tf.lite.TFLiteConverter.__name__, tf.distribute.experimental.rpc.Client.__name__)"
    )
    assert _printed(program) == "TFLiteConverterV2 Client\n"


def _printed(program: str) -> str:
    """Returns what a program prints in a process of its own."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
