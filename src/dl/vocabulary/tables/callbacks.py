"""The parameters of callbacks."""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.tables.ranges import (
    AMOUNT,
    ANY_NUMBER,
    BOOLEAN,
    COUNT,
    NOT_NEGATIVE,
    Row,
)
from dl.vocabulary.types import Choice, Nullable, OneOf, Text

_METRIC_NAME = Text("the name of a metric", r"[A-Za-z][A-Za-z0-9_-]*")
_RUN_FILE = r"[A-Za-z0-9_-](?:[A-Za-z0-9_.-]|\{[a-z_0-9]+(?::[0-9.]*[defg]?)?\})*"

_OWN = r"(?:checkpoint|plots|[^/]*\.(?:csv|h5|html|json|keras|npz|tflite|txt|yaml))"
"""What stands in the folder of a run already, or is to."""

CALLBACKS: Mapping[str, Row] = {
    "baseline": (Nullable(ANY_NUMBER), "Stop if the metric does not become better than this."),
    "cooldown": (AMOUNT, "Epochs to wait after a reduction."),
    "embeddings_freq": (AMOUNT, "Epochs between two records of the embeddings; 0 is never."),
    "filepath": (
        Text(
            "the plain name of a file that ends in .keras or .weights.h5",
            rf"{_RUN_FILE}(?:\.keras|\.weights\.h5)",
        ),
        "Name of the file in the run's folder.",
    ),
    "histogram_freq": (AMOUNT, "Epochs between two histograms; 0 is never."),
    "initial_value_threshold": (Nullable(ANY_NUMBER), "Save only what is better than this."),
    "log_dir": (
        Text(
            "a folder below the run's, without `..`, and not one of its own",
            rf"(?!{_OWN}(?:/|$))[A-Za-z0-9_-][\w.-]{{0,99}}(?:/[\w-][\w.-]{{0,99}}){{0,9}}",
        ),
        "Folder of the logs, in the run's folder.",
    ),
    "min_delta": (NOT_NEGATIVE, "Least change that counts as better."),
    "min_lr": (NOT_NEGATIVE, "Least learning rate."),
    "mode": (Choice(("auto", "min", "max")), "Whether smaller or larger is better."),
    "monitor": (_METRIC_NAME, "The metric to watch, such as val_loss."),
    "patience": (AMOUNT, "Epochs without a better value to wait."),
    "profile_batch": (AMOUNT, "The batch to profile; 0 is none."),
    "raise_error": (BOOLEAN, "Stop with an error."),
    "restore_best_weights": (BOOLEAN, "Go back to the weights of the best epoch."),
    "save_best_only": (BOOLEAN, "Save only when the metric is better."),
    "save_freq": (OneOf((COUNT, Choice(("epoch",)))), "When to save: each epoch, or in batches."),
    "save_weights_only": (BOOLEAN, "Save the weights only."),
    "start_from_epoch": (AMOUNT, "Epochs to wait at the start."),
    "swap_on_epoch": (BOOLEAN, "Swap at the end of each epoch."),
    "update_freq": (OneOf((COUNT, Choice(("epoch", "batch")))), "When to write."),
    "write_graph": (BOOLEAN, "Write the graph."),
    "write_images": (BOOLEAN, "Write the weights as images."),
    "write_steps_per_second": (BOOLEAN, "Write the speed."),
}
