"""How the epochs of a training came to their end, and whose weights the model has then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dl.model import keras
from dl.model.build import inner_optimizer
from dl.model.objects import StopAtZeroErrors
from dl.rundir.record import Ending
from dl.text import plural
from dl.vocabulary.labels import column_label


def ending_of(model: Any, callbacks: Sequence[Any], epochs: int, planned: int) -> Ending:
    """Returns what the callbacks of the last phase say of its end.

    Args:
        model: The model, with the weights that it keeps.
        callbacks: Those of the config, after the training.
        epochs: The epochs that there were.
        planned: Those that the config asks for.
    """
    stopping = [c for c in callbacks if isinstance(c, keras.callbacks.EarlyStopping)]
    found = [c.best_epoch + 1 for c in stopping if c.best is not None]
    # Keras gives the best weights back at any end, not only where the training stopped for them.
    restored = [c for c in stopping if c.restore_best_weights and c.best_weights is not None]
    early = epochs < planned and bool(model.stop_training)
    kept = epochs or None
    if restored:
        kept = restored[-1].best_epoch + 1
    elif _keeps_means(model, callbacks):
        kept = None
    return Ending(_why(callbacks) if early else "", early, kept, found[0] if found else None)


def _keeps_means(model: Any, callbacks: Sequence[Any]) -> bool:
    """Tells whether the weights are at last replaced by their means over many steps."""
    swaps = any(isinstance(c, keras.callbacks.SwapEMAWeights) for c in callbacks)
    return swaps or bool(getattr(inner_optimizer(model), "use_ema", False))


def _why(callbacks: Sequence[Any]) -> str:
    for callback in callbacks:
        if isinstance(callback, StopAtZeroErrors) and callback.outcome.startswith("no "):
            return "every row was predicted right"
        if isinstance(callback, keras.callbacks.EarlyStopping) and callback.stopped_epoch:
            waited = plural(max(1, callback.patience), "epoch")
            return f"the {column_label(callback.monitor)} did not improve in {waited}"
    return "a callback ended it"
