"""What a process does once, so that TensorFlow has its first operations behind it: a tiny training.

Nothing is written, and nothing of it is left that a command could see: as where a sweep trains many
times in one process.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

_CONFIG = b"""\
data: {source: builtin, dataset: iris, split: {validation: 0.2, test: 0.2}}
preprocess: {numeric: standardize}
model:
  layers: [{type: Dense, units: 4, activation: relu}, {type: Dense, units: 3, activation: softmax}]
training:
  loss: sparse_categorical_crossentropy
  optimizer: adam
  metrics: [accuracy]
  epochs: 2
"""


def rehearse() -> bool:
    """Trains, evaluates, predicts and makes a lite copy; False where there is a GPU.

    It would be taken from whatever else runs on it.
    """
    from dl.config.load import load_text
    from dl.data.load import read_dataset
    from dl.model import tf
    from dl.predict.convert import lite_copy
    from dl.predict.evaluate import evaluate, predict
    from dl.progress import SilentReporter
    from dl.training.fit import fit
    from dl.training.setup import prepare

    if tf.config.list_physical_devices("GPU"):
        return False
    reporter = SilentReporter()
    loaded = load_text(Path("rehearsal.yaml"), _CONFIG)
    prepared = prepare(loaded, read_dataset(loaded, reporter), reporter)
    fit(prepared, reporter, lambda row: None)
    for part in prepared.dataset.parts.values():
        evaluate(prepared.model, part, prepared.config)
    predict(prepared.model, part.x, reporter)
    lite_copy(prepared.model, part.x)
    for name, module in list(sys.modules.items()):
        if name.startswith("__autograph_generated"):  # left where a copy is killed that stands by
            for path in (module.__file__, getattr(module, "__cached__", None)):
                with suppress(OSError):
                    os.remove(str(path))
    return True
