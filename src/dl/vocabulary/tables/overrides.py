"""Where a parameter means something else than its name says elsewhere, keyed by the entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dl.vocabulary.tables.layers import RECURRENT_LAYER
from dl.vocabulary.tables.ranges import (
    ABOVE_ZERO,
    ANY_NUMBER,
    AXES,
    BOOLEAN,
    COUNT,
    FACTOR_OF_ONE,
    INTEGER,
    NOT_NEGATIVE,
    NUMBERS,
    SHARE,
    Row,
    borders,
    size,
)
from dl.vocabulary.types import Choice, Integer, ListOf, Nullable, Number, OneOf, ParameterType

_AVERAGE = Nullable(Choice(("micro", "macro", "weighted")))
_AVERAGE_IS = "How the classes are joined; none is the second of two classes, the mean of several."
_CAUSAL = Choice(("valid", "same", "causal"))
_INTERPOLATIONS = Choice(("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"))
_POOLINGS = tuple(f"{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3))
_NORMALIZATIONS = ("BatchNormalization", "GroupNormalization", "LayerNormalization")
_PARTLY = (
    "AugMix",
    "RandAugment",
    "RandomColorDegeneration",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomGaussianBlur",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomSaturation",
    "RandomSharpness",
)
_SEVERAL_AXES = (
    "LayerNormalization",
    "MaxNorm",
    "MinMaxNorm",
    "Softmax",
    "UnitNorm",
    "UnitNormalization",
)
_SPECTRA = Choice(("log", "magnitude", "psd", "real", "imag", "angle", "stft"))
_ZOOM = OneOf((Number(above=-1, maximum=1), ListOf(Number(above=-1, maximum=1), length=2)))
_WHOLE = Choice(("float16", "float32", "float64", "int32", "int64", "uint8", "bool"))


def _optional_size(rank: int) -> ParameterType:
    return Nullable(size(rank))


_Type = ParameterType | Callable[[int], ParameterType]

_ROWS: tuple[tuple[tuple[str, ...], str, _Type, str], ...] = (
    # Layers
    (_SEVERAL_AXES, "axis", AXES, "The axis, or axes, concerned; -1 is the last."),
    (("Normalization",), "axis", Nullable(AXES), "The axes that keep a mean of their own."),
    (("Bidirectional",), "layer", RECURRENT_LAYER, "The recurrent layer."),
    (("Conv1D",), "padding", _CAUSAL, "`causal` sees no later step; `valid` does not pad."),
    (
        ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
        "padding",
        borders,
        "How much to add at each border.",
    ),
    (_POOLINGS, "strides", _optional_size, "Step of the window; none is its size."),
    (
        ("GroupNormalization",),
        "groups",
        OneOf((COUNT, Integer(-1, -1))),
        "Number of groups of channels; -1 is one for each channel.",
    ),
    (("BatchNormalization",), "momentum", SHARE, "Share of the running values that is kept."),
    (_NORMALIZATIONS, "scale", BOOLEAN, "Learn a scale."),
    (("ReLU",), "max_value", Nullable(NOT_NEGATIVE), "Largest output; none is no limit."),
    (("ReLU",), "threshold", NOT_NEGATIVE, "Value below which the output falls off."),
    (("Masking",), "mask_value", ANY_NUMBER, "A step that has only this value is skipped."),
    (
        ("EinsumDense",),
        "output_shape",
        OneOf((COUNT, ListOf(Nullable(COUNT)))),
        "Shape of the output without the batch.",
    ),
    (("UpSampling2D",), "interpolation", _INTERPOLATIONS, "How pixels are interpolated."),
    (("Input",), "dtype", Nullable(_WHOLE), "Type of the numbers; none is float32."),
    # Preparation of images, sounds and whole numbers
    (_PARTLY, "factor", FACTOR_OF_ONE, "Strength: one number, or its lower and upper limit."),
    (("RandomGrayscale",), "factor", SHARE, "Share of the images that turn grey."),
    (
        ("RandomPosterization",),
        "factor",
        OneOf((Integer(1, 8), ListOf(Integer(1, 8), length=2))),
        "Bits of each channel that are kept.",
    ),
    (("RandomElasticTransform", "RandomErasing"), "scale", FACTOR_OF_ONE, "Size of the change."),
    (("RandomPerspective",), "scale", SHARE, "How far the corners move, as a share."),
    (("Rescaling",), "scale", NUMBERS, "What is multiplied, such as 0.00392157 (1/255)."),
    (
        ("RandomGaussianBlur",),
        "kernel_size",
        OneOf((COUNT, ListOf(COUNT, length=2))),
        "Size of the window, an odd number.",
    ),
    (("RandomErasing",), "fill_value", Nullable(NUMBERS), "Value of what is erased."),
    (("Resizing",), "fill_mode", Choice(("constant",)), "What fills the padding."),
    (("Resizing",), "interpolation", _INTERPOLATIONS, "How pixels are interpolated."),
    (("RandomZoom",), "height_factor", _ZOOM, "Range of the zoom; below 0 is nearer."),
    (("RandomZoom",), "width_factor", Nullable(_ZOOM), "Range of the horizontal zoom."),
    (("AugMix",), "alpha", ABOVE_ZERO, "Evenness of the mixture."),
    (("Hashing",), "dtype", Nullable(Choice(("int32", "int64"))), "Type of the output."),
    (("Hashing",), "mask_value", Nullable(INTEGER), "The whole number that is padding."),
    (("Normalization",), "mean", NUMBERS, "The mean."),
    (
        ("RandomFlip",),
        "mode",
        Choice(("horizontal", "vertical", "horizontal_and_vertical")),
        "Direction of the flip.",
    ),
    (("STFTSpectrogram",), "mode", _SPECTRA, "What is given for each frequency."),
    (("MelSpectrogram",), "fft_length", COUNT, "Length of the Fourier transform."),
    (
        ("CategoryEncoding",),
        "output_mode",
        Choice(("one_hot", "multi_hot", "count")),
        "Form of the output.",
    ),
    (
        ("IntegerLookup",),
        "output_mode",
        Choice(("int", "one_hot", "multi_hot", "count", "tf_idf")),
        "Form of the output.",
    ),
    # Initializers, regularizers and constraints
    (("VarianceScaling",), "scale", ABOVE_ZERO, "Factor of the variance."),
    (
        ("VarianceScaling",),
        "mode",
        Choice(("fan_in", "fan_out", "fan_avg")),
        "What the variance is divided by.",
    ),
    (("OrthogonalRegularizer",), "factor", NOT_NEGATIVE, "Weight of the penalty."),
    (("OrthogonalRegularizer",), "mode", Choice(("rows", "columns")), "What is made orthogonal."),
    (("MinMaxNorm",), "rate", SHARE, "How much of the constraint is enforced."),
    # Losses and metrics
    (("Dice", "Tversky"), "axis", Nullable(AXES), "The axes concerned; none is all."),
    (("BinaryFocalCrossentropy",), "alpha", SHARE, "Weight of the positive class."),
    (
        ("CategoricalFocalCrossentropy",),
        "alpha",
        OneOf((SHARE, ListOf(SHARE))),
        "Weight of the classes, or a list of them.",
    ),
    (("Tversky",), "alpha", NOT_NEGATIVE, "Weight of false positives."),
    (("Circle",), "gamma", ABOVE_ZERO, "Scale of the similarities."),
    (("FBetaScore",), "beta", ABOVE_ZERO, "Weight of recall against precision."),
    (("F1Score", "FBetaScore"), "average", _AVERAGE, _AVERAGE_IS),
    (
        ("F1Score", "FBetaScore"),
        "threshold",
        Nullable(Number(above=0, maximum=1)),
        "Probability from which a class is predicted; none decides as predictions do.",
    ),
    (("AUC",), "thresholds", Nullable(ListOf(SHARE)), "The thresholds to try."),
    # Optimizers, schedules and callbacks
    (("AdamW",), "weight_decay", NOT_NEGATIVE, "Share of the weights taken off at each step."),
    (("Lion",), "beta_1", Number(above=0, below=1), "Decay of the mean of the gradients."),
    (("Ftrl",), "beta", NOT_NEGATIVE, "Beta of the paper."),
    (
        ("CosineDecay", "CosineDecayRestarts"),
        "alpha",
        SHARE,
        "Learning rate at the end, as a share of the first.",
    ),
    (("CosineDecay",), "initial_learning_rate", NOT_NEGATIVE, "Learning rate at the start."),
    (
        ("ReduceLROnPlateau",),
        "factor",
        Number(above=0, below=1),
        "What the learning rate is multiplied by.",
    ),
)

OVERRIDES: Mapping[tuple[str, str], Row] = {
    (entry, name): (kind, description)
    for entries, name, kind, description in _ROWS
    for entry in entries
}
"""The rows that stand before those of the other tables, by entry and parameter."""
