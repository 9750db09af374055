"""Where a parameter means something else than its name says elsewhere, keyed by the entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dl.vocabulary.spec import Kind
from dl.vocabulary.tables.ranges import (
    ABOVE_ZERO,
    ANY_NUMBER,
    AXES,
    BOOLEAN,
    COUNT,
    FACTOR_OF_ONE,
    NOT_NEGATIVE,
    NUMBERS,
    SHARE,
    Row,
    between,
    borders,
    size,
)
from dl.vocabulary.types import (
    Choice,
    Integer,
    ListOf,
    Nullable,
    Number,
    Object,
    OneOf,
    ParameterType,
)

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")


def _same(entries: Iterable[str], name: str, row: Row) -> dict[tuple[str, str], Row]:
    return {(entry, name): row for entry in entries}


_RECURRENT_LAYER = Object(Kind.LAYER, only=RECURRENT)
_ODD: ParameterType = OneOf((COUNT, ListOf(COUNT, length=2)))
_AVERAGE = Choice(("micro", "macro", "weighted"))
_BICUBIC = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
_STRENGTH = "Strength: one number, or its lower and upper limit."

OVERRIDES: Mapping[tuple[str, str], Row] = {
    **_same(
        (
            "LayerNormalization",
            "UnitNormalization",
            "Softmax",
            "MaxNorm",
            "MinMaxNorm",
            "UnitNorm",
        ),
        "axis",
        (AXES, "The axis, or axes, concerned; -1 is the last."),
    ),
    **_same(
        ("Dice", "Tversky", "Normalization"),
        "axis",
        (Nullable(AXES), "The axis, or axes, concerned; none is all."),
    ),
    **_same(
        ("BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"),
        "alpha",
        (SHARE, "Weight of the positive class."),
    ),
    **_same(
        ("CosineDecay", "CosineDecayRestarts"),
        "alpha",
        (SHARE, "Learning rate at the end, as a share of the first."),
    ),
    ("Tversky", "alpha"): (NOT_NEGATIVE, "Weight of false positives."),
    ("AugMix", "alpha"): (ABOVE_ZERO, "Evenness of the mixture."),
    ("celu", "alpha"): (ABOVE_ZERO, "Scale below zero."),
    ("FBetaScore", "beta"): (ABOVE_ZERO, "Weight of recall against precision."),
    ("Ftrl", "beta"): (NOT_NEGATIVE, "Beta of the paper."),
    ("CosineDecay", "initial_learning_rate"): (NOT_NEGATIVE, "Learning rate at the start."),
    **_same(
        (
            "AugMix",
            "RandAugment",
            "RandomContrast",
            "RandomElasticTransform",
            "RandomErasing",
            "RandomGaussianBlur",
            "RandomHue",
            "RandomInvert",
            "RandomPerspective",
            "RandomSharpness",
            "RandomSaturation",
            "RandomColorDegeneration",
        ),
        "factor",
        (FACTOR_OF_ONE, _STRENGTH),
    ),
    ("RandomGrayscale", "factor"): (SHARE, "Share of the images that turn grey."),
    ("RandomPosterization", "factor"): (
        OneOf((Integer(1, 8), ListOf(Integer(1, 8), length=2))),
        "Bits of each channel that are kept.",
    ),
    ("OrthogonalRegularizer", "factor"): (NOT_NEGATIVE, "Weight of the penalty."),
    ("ReduceLROnPlateau", "factor"): (
        Number(above=0, below=1),
        "What the learning rate is multiplied by.",
    ),
    **_same(
        ("RandomElasticTransform", "RandomErasing"),
        "scale",
        (FACTOR_OF_ONE, "Size of the change, as a share of the image."),
    ),
    ("RandomPerspective", "scale"): (SHARE, "How far the corners move, as a share."),
    ("VarianceScaling", "scale"): (ABOVE_ZERO, "Factor of the variance."),
    ("Rescaling", "scale"): (NUMBERS, "What is multiplied, such as 0.00392157 (1/255)."),
    **_same(
        ("BatchNormalization", "GroupNormalization", "LayerNormalization"),
        "scale",
        (BOOLEAN, "Learn a scale."),
    ),
    **_same(("RandomShear",), "x_factor", (FACTOR_OF_ONE, "Range of the horizontal shear.")),
    **_same(("RandomShear",), "y_factor", (FACTOR_OF_ONE, "Range of the vertical shear.")),
    **_same(
        ("Solarization",),
        "addition_factor",
        (FACTOR_OF_ONE, "Range of what is added, as a share of the value range."),
    ),
    **_same(
        ("Solarization",),
        "threshold_factor",
        (FACTOR_OF_ONE, "Range of the threshold, as a share of the value range."),
    ),
    **_same(
        ("RandomColorJitter",),
        "contrast_factor",
        (Nullable(FACTOR_OF_ONE), "Range of the change of contrast."),
    ),
    **_same(
        ("RandomColorJitter",),
        "saturation_factor",
        (Nullable(FACTOR_OF_ONE), "Range of the change of saturation."),
    ),
    **_same(
        ("RandomColorJitter",),
        "hue_factor",
        (Nullable(FACTOR_OF_ONE), "Range of the change of hue."),
    ),
    ("RandomGaussianBlur", "kernel_size"): (_ODD, "Size of the window, an odd number."),
    ("RandomGaussianBlur", "sigma"): (FACTOR_OF_ONE, "Width of the blur."),
    ("RandomErasing", "fill_value"): (
        Nullable(NUMBERS),
        "Value of the erased pixels; none is random.",
    ),
    ("Resizing", "fill_mode"): (Choice(("constant",)), "What fills the padding."),
    ("Resizing", "interpolation"): (Choice(_BICUBIC), "How pixels are interpolated."),
    ("UpSampling2D", "interpolation"): (Choice(_BICUBIC), "How pixels are interpolated."),
    ("RandomZoom", "width_factor"): (
        Nullable(between(-1, 1)),
        "Range of the horizontal change; none keeps the proportions.",
    ),
    **_same(
        ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
        "padding",
        (borders, "How much to add at each border."),
    ),
    **_same(
        (f"{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (1, 2, 3)),
        "strides",
        (lambda rank: Nullable(size(rank)), "Step of the window; none is its size."),
    ),
    ("GroupNormalization", "groups"): (
        OneOf((COUNT, Integer(-1, -1))),
        "Number of groups of channels; -1 is one for each channel.",
    ),
    ("BatchNormalization", "momentum"): (SHARE, "Share of the running values that is kept."),
    ("MinMaxNorm", "rate"): (SHARE, "How much of the constraint is enforced."),
    **_same(("ReLU", "relu"), "max_value", (Nullable(NOT_NEGATIVE), "Largest output.")),
    **_same(("ReLU", "relu"), "threshold", (NOT_NEGATIVE, "Value below which it is off.")),
    **_same(
        ("hard_shrink", "soft_shrink"),
        "threshold",
        (NOT_NEGATIVE, "Values nearer to zero become zero."),
    ),
    **_same(
        ("BinaryAccuracy", "BinaryIoU"),
        "threshold",
        (SHARE, "Probability from which a row counts as positive."),
    ),
    **_same(
        ("F1Score", "FBetaScore"),
        "threshold",
        (
            Nullable(Number(above=0, maximum=1)),
            "Probability from which a class is predicted; none takes the largest.",
        ),
    ),
    **_same(("F1Score", "FBetaScore"), "average", (_AVERAGE, "How the classes are joined.")),
    ("AUC", "thresholds"): (Nullable(ListOf(SHARE)), "The thresholds to try."),
    ("Circle", "gamma"): (ABOVE_ZERO, "Scale of the similarities."),
    ("Masking", "mask_value"): (ANY_NUMBER, "A step that has only this value is skipped."),
    ("Hashing", "mask_value"): (Nullable(Integer()), "The whole number that is padding."),
    ("Normalization", "mean"): (NUMBERS, "The mean."),
    ("RandomFlip", "mode"): (
        Choice(("horizontal", "vertical", "horizontal_and_vertical")),
        "Direction of the flip.",
    ),
    ("STFTSpectrogram", "mode"): (
        Choice(("log", "magnitude", "psd", "real", "imag", "angle", "stft")),
        "What is given for each frequency.",
    ),
    ("VarianceScaling", "mode"): (
        Choice(("fan_in", "fan_out", "fan_avg")),
        "What the variance is divided by.",
    ),
    ("OrthogonalRegularizer", "mode"): (Choice(("rows", "columns")), "What shall be orthogonal."),
    ("Bidirectional", "layer"): (_RECURRENT_LAYER, "The recurrent layer."),
    ("Bidirectional", "backward_layer"): (
        Nullable(_RECURRENT_LAYER),
        "The layer for the backward direction; none is a copy.",
    ),
    ("EinsumDense", "output_shape"): (
        OneOf((COUNT, ListOf(Nullable(COUNT)))),
        "Shape of the output without the batch.",
    ),
    ("CategoryEncoding", "output_mode"): (
        Choice(("one_hot", "multi_hot", "count")),
        "Form of the output.",
    ),
    ("IntegerLookup", "output_mode"): (
        Choice(("int", "one_hot", "multi_hot", "count", "tf_idf")),
        "Form of the output.",
    ),
    ("MelSpectrogram", "fft_length"): (COUNT, "Length of the Fourier transform."),
    ("Input", "dtype"): (
        Nullable(Choice(("float16", "float32", "float64", "int32", "int64", "uint8", "bool"))),
        "Type of the numbers.",
    ),
}
