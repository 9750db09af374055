"""Keys that other tools have, and what does the same here; paths of a config stand in backquotes.

Keras' `fit` and `compile`, Ludwig, scikit-learn, Lightning and pandas. A key that is only in the
wrong section of a config is not listed: that is found from the sections themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.spec import Path

_RATE = "write `training.optimizer`: {type: adam, learning_rate: 0.001}"
_EPOCHS = "write `training.epochs`"
_STOP = "write `training.callbacks`: [{type: EarlyStopping, patience: 10}]"
_STEPS = "an epoch is every training row once; `training.batch_size` decides how many steps that is"
_QUIET = "`dl train --quiet` shows nothing, `dl train --json` prints one object"
_SCHEDULE = (
    "write `training.callbacks`: [ReduceLROnPlateau], or a schedule such as "
    "{type: CosineDecay, initial_learning_rate: 0.001, decay_steps: 1000} in the place of "
    "`training.optimizer.learning_rate`"
)
_LAYERS = "write `model.layers`: [{type: Dense, units: 64, activation: relu}, ...]"
_IN_LAYER = "write it in the layer that it belongs to"
_FOLDS = "write `data.split`: {folds: 5}"
_TARGET = "write `data.target`"
_FEATURES = "write `data.features`"
_KINDS = "write `data.columns`: {COLUMN: numeric}, or categorical, or date"
_PATH = "write `data.path`"
_SCALING = "write `preprocess.numeric`: standardize, or minmax"
_MISSING = "write `preprocess.missing`: median, or mean, most_frequent, drop"
_RUNS = "the folder of all runs is named by `dl train --runs DIR`"
_AFTER_EACH = "the validation part is measured after every epoch"
_ALWAYS = "the same config, data and `seed` always give the same bits"
_KEPT = "every run keeps its best and its last state by itself; go on with `dl train --resume`"
_HEADER = "the first line of the file must hold the names of the columns: add one if it has none"
_MLFLOW = "write `tracking`: {mlflow: true}"
_ALL_ROWS = "every row of the file is read; take rows out of the file itself"
_DEVICES = (
    "a GPU is used where TensorFlow finds one; `engine.distribute`: mirrored uses all of them"
)

OTHER_TOOLS: Mapping[str, str] = {
    # Keras: fit and compile
    "lr": _RATE,
    "learning_rate": _RATE,
    "momentum": "write `training.optimizer`: {type: SGD, learning_rate: 0.01, momentum: 0.9}",
    "weight_decay": "write `training.optimizer`: {type: AdamW, weight_decay: 0.004}",
    "clipnorm": "write `training.optimizer`: {type: adam, clipnorm: 1.0}",
    "sample_weight": "rows have no weights of their own; `training.class_weight` weighs classes",
    "sample_weights": "rows have no weights of their own; `training.class_weight` weighs classes",
    "loss_weights": "a network has one loss: `training.loss`",
    "weighted_metrics": "write `training.metrics`",
    "validation_data": "write `data.validation_path`: FILE; of an npz file, "
    "`data.arrays.x_validation` and `data.arrays.y_validation`",
    "validation_split": "write `data.split.validation`",
    "val_split": "write `data.split.validation`",
    "validation_size": "write `data.split.validation`",
    "validation_steps": _AFTER_EACH,
    "validation_freq": _AFTER_EACH,
    "validation_batch_size": "the `training.batch_size` holds for every part",
    "steps_per_epoch": _STEPS,
    "initial_epoch": "`dl train --resume` goes on from the last epoch of a run",
    "verbose": _QUIET,
    "workers": "the rows are read ahead by themselves: nothing is to be set",
    "jit_compile": "write `engine.compile`",
    "steps_per_execution": "write `engine.steps_per_call`",
    "run_eagerly": "steps are always compiled to a graph; `dl trace` looks into them",
    "activation": _IN_LAYER,
    "kernel_regularizer": _IN_LAYER,
    "regularizer": "write kernel_regularizer in the layer that it belongs to",
    "regularization": "write kernel_regularizer: {type: L2, l2: 0.001} in a layer",
    "dropout": "write a layer in `model.layers`: {type: Dropout, rate: 0.5}",
    "early_stopping": _STOP,
    "patience": _STOP,
    "monitor": "write it in a callback: `training.callbacks`: [{type: EarlyStopping, "
    "monitor: val_loss}]",
    "checkpoint": _KEPT,
    "model_checkpoint": _KEPT,
    "reduce_lr": _SCHEDULE,
    "lr_scheduler": _SCHEDULE,
    "scheduler": _SCHEDULE,
    "augmentation": "write layers such as {type: RandomFlip, mode: horizontal} first in "
    "`model.layers`",
    # Ludwig
    "input_features": _FEATURES,
    "output_features": _TARGET,
    "output_feature": _TARGET,
    "combiner": _LAYERS,
    "trainer": "write `training`",
    "train": "write `training`",
    "fit": "write `training`",
    "preprocessing": "write `preprocess`",
    "backend": "write `engine`",
    "hyperopt": "a sweep is a file of its own: see `dl sweep run --help`",
    "early_stop": _STOP,
    "model_type": _LAYERS,
    # scikit-learn
    "max_iter": _EPOCHS,
    "n_iter": _EPOCHS,
    "hidden_layer_sizes": _LAYERS,
    "hidden_units": _LAYERS,
    "hidden_layers": _LAYERS,
    "alpha": "write kernel_regularizer: {type: L2, l2: 0.0001} in a layer of `model.layers`",
    "random_state": "write `seed`",
    "random_seed": "write `seed`",
    "learning_rate_init": _RATE,
    "n_iter_no_change": _STOP,
    "tol": "write `training.callbacks`: [{type: EarlyStopping, min_delta: 0.0001}]",
    "test_size": "write `data.split.test`",
    "test_split": "write `data.split.test`",
    "validation_fraction": "write `data.split.validation`",
    "train_size": "what `data.split.validation` and `data.split.test` leave is trained on",
    "cv": _FOLDS,
    "n_splits": _FOLDS,
    "kfold": _FOLDS,
    "n_jobs": "`dl sweep run --jobs N` trains several settings at once",
    "scoring": "write `training.metrics`",
    "criterion": "write `training.loss`",
    "objective": "write `training.loss`",
    "scaler": _SCALING,
    "scaling": _SCALING,
    "normalize": _SCALING,
    "normalization": _SCALING,
    "standardize": _SCALING,
    "imputer": _MISSING,
    "impute": _MISSING,
    "fillna": _MISSING,
    "encoder": "write `preprocess.categorical`: one_hot, or ordinal",
    "one_hot": "write `preprocess.categorical`: one_hot",
    "target_scaling": "write `preprocess.target`: standardize, or minmax",
    # PyTorch and Lightning
    "max_epochs": _EPOCHS,
    "min_epochs": _EPOCHS,
    "num_epochs": _EPOCHS,
    "n_epochs": _EPOCHS,
    "nb_epoch": _EPOCHS,
    "max_steps": _STEPS,
    "train_batch_size": "write `training.batch_size`",
    "loss_fn": "write `training.loss`",
    "loss_function": "write `training.loss`",
    "gradient_clip_val": "write `training.optimizer`: {type: adam, clipnorm: 1.0}",
    "accumulate_grad_batches": "write `training.optimizer`: {type: adam, "
    "gradient_accumulation_steps: 4}",
    "check_val_every_n_epoch": _AFTER_EACH,
    "accelerator": _DEVICES,
    "device": _DEVICES,
    "devices": _DEVICES,
    "gpus": _DEVICES,
    "strategy": _DEVICES,
    "deterministic": _ALWAYS,
    "enable_checkpointing": _KEPT,
    "default_root_dir": _RUNS,
    "output_dir": _RUNS,
    "log_dir": _RUNS,
    "logger": _MLFLOW,
    "num_workers": "the rows are read ahead by themselves: nothing is to be set",
    "drop_last": "the last batch of an epoch is trained on too, however small",
    "net": _LAYERS,
    "network": _LAYERS,
    "architecture": _LAYERS,
    # pandas, and where the rows are
    "sep": "write `data.separator`",
    "delimiter": "write `data.separator`",
    "header": _HEADER,
    "names": _HEADER,
    "column_names": _HEADER,
    "index_col": "leave it out: list the other columns in `data.features`",
    "usecols": _FEATURES,
    "drop_columns": "list the other columns in `data.features`",
    "dtype": _KINDS,
    "dtypes": _KINDS,
    "column_types": _KINDS,
    "parse_dates": "write `data.columns`: {COLUMN: date}",
    "skiprows": _ALL_ROWS,
    "nrows": _ALL_ROWS,
    "decimal": "write decimals with a point in the file: 3.14",
    "file": _PATH,
    "filename": _PATH,
    "filepath": _PATH,
    "csv": _PATH,
    "train_path": _PATH,
    "val_path": "write `data.validation_path`",
    "label": _TARGET,
    "labels": _TARGET,
    "label_column": _TARGET,
    "target_column": _TARGET,
    "inputs": _FEATURES,
    "class_names": "write `data.classes`",
    "num_classes": "the classes are counted in the data; `data.classes` names them",
    "type": "write `data.source`: csv, for example",
    "format": "write `data.source`: csv, for example",
    "target_size": "write `data.image_size`: [64, 64]",
    "color_mode": "write `data.color`: rgb, or grayscale",
    "description": "write it as a comment: # ...",
    "comment": "write it as a comment: # ...",
    "run_name": "write `name`",
}
"""What to write instead of a key of another tool."""

IN_PLACE: Mapping[Path, str] = {
    ("compile",): "write `training.loss`, `training.optimizer` and `training.metrics`",
    ("data", "ignore"): "list the other columns in `data.features`",
    ("data", "split", "shuffle"): "the rows are always shuffled by `seed` before they are split; "
    "for a split in order of time give the later rows as `data.validation_path` and "
    "`data.test_path`",
    ("data", "split", "train"): "what `data.split.validation` and `data.split.test` leave is "
    "trained on",
    ("data", "shuffle"): "the rows are shuffled by `seed` before they are split; whether each "
    "epoch takes them in another order is `training.shuffle`",
}
"""What to write instead of a key that has another meaning in this place."""

OF_SWEEPS: Mapping[str, str] = {
    "config": "write `base`: the config to vary",
    "program": "write `base`: the config to vary",
    "space": "write `parameters`",
    "search_space": "write `parameters`",
    "param_space": "write `parameters`",
    "params": "write `parameters`",
    "grid": "write `parameters`",
    "n_trials": "write `trials`",
    "max_trials": "write `trials`",
    "num_samples": "write `trials`",
    "run_cap": "write `trials`",
    "metric": "write `objective`: {metric: val_accuracy}",
    "goal": "write `objective`: {metric: val_accuracy, mode: max}",
    "direction": "write `objective`: {metric: val_accuracy, mode: max}",
    "mode": "write `objective`: {metric: val_accuracy, mode: max}",
    "sampler": "write `method`: tpe, or random, qmc, cmaes, grid, list",
    "search_alg": "write `method`: tpe, or random, qmc, cmaes, grid, list",
    "algorithm": "write `method`: tpe, or random, qmc, cmaes, grid, list",
    "pruner": "write `pruning`",
    "scheduler": "write `pruning`",
    "early_terminate": "write `pruning`",
    "timeout": "write `time_limit`: 1h",
    "time_budget_s": "write `time_limit`: 1h",
    "n_jobs": "write `jobs`",
    "max_concurrent_trials": "write `jobs`",
    "cv": "write `folds`: 5",
    "random_state": "write `seed`",
    "executions_per_trial": "write `repeats`",
}
"""What to write in a sweep instead of a key of Optuna, Ray Tune, Keras Tuner or W&B."""
