"""What PyTorch, scikit-learn, pandas and older versions of Keras call the words of a config."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dl.errors import closest, without_separators

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "linear": ("Dense",),
    "fullyconnected": ("Dense",),
    "affine": ("Dense",),
    "convolution": ("Conv2D",),
    "conv": ("Conv2D",),
    "maxpool": ("MaxPooling2D",),
    "batchnorm1d": ("BatchNormalization",),
    "batchnorm2d": ("BatchNormalization",),
    "layernorm": ("LayerNormalization",),
    "lrelu": ("leaky_relu", "LeakyReLU"),
    "logistic": ("sigmoid", "binary_crossentropy"),
    "bceloss": ("binary_crossentropy",),
    "bcewithlogitsloss": ("binary_crossentropy",),
    "logloss": ("binary_crossentropy",),
    "neglogloss": ("binary_crossentropy",),
    "crossentropyloss": ("crossentropy",),
    "nllloss": ("crossentropy",),
    "l1": ("mean_absolute_error", "L1"),
    "l1loss": ("mean_absolute_error",),
    "l2loss": ("mean_squared_error",),
    "mseloss": ("mean_squared_error",),
    "squarederror": ("mean_squared_error",),
    "absoluteerror": ("mean_absolute_error",),
    "negmeansquarederror": ("mean_squared_error",),
    "negmeanabsoluteerror": ("mean_absolute_error",),
    "huberloss": ("huber",),
    "smoothl1loss": ("huber",),
    "rmse": ("RootMeanSquaredError",),
    "negrootmeansquarederror": ("RootMeanSquaredError",),
    "r2": ("R2Score",),
    "f1": ("F1Score",),
    "f1macro": ("F1Score",),
    "fscore": ("F1Score",),
    "rocauc": ("AUC",),
    "rocaucscore": ("AUC",),
    "top5accuracy": ("TopKCategoricalAccuracy",),
    "xavieruniform": ("glorot_uniform",),
    "xaviernormal": ("glorot_normal",),
    "kaiminguniform": ("he_uniform",),
    "kaimingnormal": ("he_normal",),
    "momentum": ("SGD",),
    "gradientdescent": ("SGD",),
    "reducelr": ("ReduceLROnPlateau",),
    "cosineannealinglr": ("CosineDecay",),
    "exponentiallr": ("ExponentialDecay",),
    "minimum": ("min",),
    "minimize": ("min",),
    "maximum": ("max",),
    "maximize": ("max",),
    "number": ("numeric",),
    "numerical": ("numeric",),
    "float": ("numeric",),
    "float64": ("numeric",),
    "int": ("numeric",),
    "int64": ("numeric",),
    "category": ("categorical",),
    "string": ("categorical",),
    "str": ("categorical",),
    "object": ("categorical",),
    "bool": ("categorical",),
    "datetime": ("date", "parts"),
    "datetime64": ("date",),
    "timestamp": ("date",),
    "onehotencoder": ("one_hot",),
    "dummies": ("one_hot",),
    "ordinalencoder": ("ordinal",),
    "standardscaler": ("standardize",),
    "standard": ("standardize",),
    "zscore": ("standardize",),
    "minmaxscaler": ("minmax",),
    "mode": ("most_frequent",),
    "classification": ("multiclass",),
    "tsv": ("csv",),
    "excel": ("csv",),
    "folder": ("images",),
    "imagefolder": ("images",),
    "numpy": ("npz",),
    "npy": ("npz",),
    "sklearn": ("builtin",),
    "tfdatasets": ("keras",),
    "gray": ("grayscale",),
    "greyscale": ("grayscale",),
    "bayesian": ("tpe",),
    "randomsearch": ("random",),
    "gridsearch": ("grid",),
}
"""Keras' words by those of others, in lower case without separators.

Of several, the first one that can stand in the place is meant.
"""


def other_word(word: str, known: Collection[str]) -> str | None:
    """Returns the known word for what another tool calls `word`."""
    ours = SYNONYMS.get(without_separators(word), ())
    return next((name for name in ours if name in known), None)


def meant(word: str, known: Collection[str]) -> str | None:
    """Returns the known word that another tool calls `word`, or else the one nearest to it."""
    return other_word(word, known) or closest(word, known)
