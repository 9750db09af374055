"""What layers, activations, losses, metrics, optimizers and the data sets with a name are like: one
place for all facts that the catalog of Keras does not tell.

A name belongs in every set that it fits; a test compares all names with the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dl.vocabulary.spec import Spec


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Layers

RECURRENT = _names("LSTM GRU SimpleRNN RNN Bidirectional")
GATES: Mapping[str, int] = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
"""How many matrices of units x units a recurrent layer has at least."""
WITH_UNITS = _names("Dense LSTM GRU SimpleRNN")
"""Layers whose parameter `units` is the number of their outputs."""
HIDDEN = _names("Dense Conv1D Conv2D Conv3D")
"""Layers that networks are made of, and that have an activation of their own."""
ENDS_WITH_ACTIVATION = _names("""
    Dense EinsumDense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose
    DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
""")
"""Layers that apply their activation last, to what is called their pre-activation."""
ACTIVATION_LAYERS: Mapping[str, str] = {
    "Softmax": "softmax",
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
    "PReLU": "leaky_relu",
}
"""Layers that are an activation and nothing else."""
SPATIAL_DROPOUT = _names("SpatialDropout1D SpatialDropout2D SpatialDropout3D")
DROPPING = _names("Dropout AlphaDropout GaussianDropout") | SPATIAL_DROPOUT
NOISE = DROPPING | {"GaussianNoise"}
"""Layers that do something in training alone."""
NORMALIZING = _names("BatchNormalization LayerNormalization GroupNormalization")
SCALING = _names("Rescaling Normalization BatchNormalization LayerNormalization")
"""Layers that make a number of any size a small one."""
BY_NUMBER = _names("""
    Activation BatchNormalization Dropout GaussianDropout GaussianNoise Normalization Rescaling
""")
"""Layers that change the numbers of a row, but neither its shape nor their order."""
RESHAPING = _names("Flatten Reshape Identity Permute")
CROPPING_OR_REPEATING = _names("""
    Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D
""")
"""Layers that leave out or repeat steps and pixels: what each of them holds stays what it was."""
MOVING = (
    RESHAPING
    | CROPPING_OR_REPEATING
    | _names("Input Masking RepeatVector ZeroPadding1D ZeroPadding2D ZeroPadding3D")
)
"""Layers that leave each number as it is; some leave numbers out, or put zeros between them."""
SEEN_THROUGH = (
    NOISE
    | RESHAPING
    | CROPPING_OR_REPEATING
    | {"ActivityRegularization", "Activation", *ACTIVATION_LAYERS}
)
"""Layers behind which outputs mean what they did, but for an activation."""
SPREADING = _names("RepeatVector TimeDistributed Embedding")
"""Layers that give a row of several axes, whatever they get."""
OF_STEPS_OR_PIXELS = (
    *("Conv", "SeparableConv", "DepthwiseConv"),
    *("UpSampling", "MaxPooling", "AveragePooling"),
)
"""How the names of layers begin that take and give rows of several axes."""
PER_POSITION = _names("TimeDistributed Dense EinsumDense")
"""Layers that compute the same at each step or pixel, beside the convolutions."""
OF_PICTURES = _names("""
    AugMix AutoContrast CenterCrop Equalization RandAugment Resizing Solarization
""")
"""Layers without weights that take pictures, beside those that are called `Random…`."""
MOVING_PIXELS = _names("""
    AugMix RandAugment RandomCrop RandomElasticTransform RandomFlip RandomPerspective
    RandomRotation RandomShear RandomTranslation RandomZoom
""")
"""Layers that bring what a picture shows to other places, each time to others."""
TABLES: Mapping[str, str] = {
    "Embedding": "input_dim",
    "ReversibleEmbedding": "input_dim",
    "CategoryEncoding": "num_tokens",
}
"""Layers that look up numbers from 0 on, and the parameter that says how many there are."""
ANY_NUMBER = _names("Hashing IntegerLookup")
"""Layers that look up every whole number."""
LOOKING_UP = ANY_NUMBER | set(TABLES)
USES_MASK = _names("""
    BatchNormalization Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GlobalAveragePooling1D
    LSTM RNN SimpleRNN Softmax TimeDistributed
""")
"""Layers that compute something else where a step is masked."""
PASSES_MASK = NOISE | _names("""
    Activation ActivityRegularization Dense ELU GroupNormalization Identity LayerNormalization
    LeakyReLU Masking Normalization PReLU ReLU Rescaling UnitNormalization
""")
"""Layers that hand a mask on; behind any other there is none."""

# Initializers

NOT_DRAWN = _names("Zeros Ones Constant Identity")
"""Initializers that draw nothing at random."""

# Activations

LINEAR = "linear"
SIGMOIDS = _names("sigmoid hard_sigmoid")
PROBABILITIES = SIGMOIDS | _names("softmax sparsemax sparse_sigmoid")
"""Activations whose values lie between 0 and 1."""
OF_CLASSES = SIGMOIDS | _names("softmax heaviside")
"""Activations of outputs that stand for classes."""
UNBOUNDED = _names("linear relu leaky_relu elu softplus exponential")
SATURATING = SIGMOIDS | _names("tanh hard_tanh softsign")
"""Activations that flatten out on both sides."""

# Losses

BINARY = _names("BinaryCrossentropy BinaryFocalCrossentropy")
ONE_HOT = _names("CategoricalCrossentropy CategoricalFocalCrossentropy")
SPARSE = _names("SparseCategoricalCrossentropy CategoricalGeneralizedCrossEntropy")
FITTING = frozenset({"crossentropy"})
"""The loss of `dl` that is binary for one output and categorical for several."""
CROSS_ENTROPIES = BINARY | ONE_HOT | SPARSE | FITTING
HINGES = _names("Hinge SquaredHinge CategoricalHinge")
CLASSIFICATION = CROSS_ENTROPIES | HINGES | {"KLDivergence"}
"""Losses that rules take for a sign of classes."""
PERCEPTRON = "Perceptron"
"""The loss of the perceptron, whose outputs are 0 or 1 already: its rule takes the rows in turn,
and its rate only sets the scale."""
EMBEDDING = "Circle"
"""The loss whose outputs are near to each other for one class, but name none."""
SEQUENCES = "CTC"
"""The loss whose outputs are no answer before they are decoded."""
WITHOUT_ANSWER = frozenset({EMBEDDING, SEQUENCES})
REGRESSION = _names("""
    MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError
    Huber LogCosh Quantile
""")
OF_DIFFERENCES = _names("MeanSquaredError MeanAbsoluteError Huber LogCosh Quantile")
"""Losses that see target and output by their difference alone."""
TAKES_CLASS_NUMBERS = SPARSE | {EMBEDDING}
TAKES_ONE_HOT = ONE_HOT | {"CategoricalHinge"}
ONE_OF_MANY = TAKES_CLASS_NUMBERS | TAKES_ONE_HOT
"""Losses of which an output belongs to one of several classes."""
TAKES_SHARES = BINARY | {"Dice", "Tversky"}
"""Losses of targets of 0 and 1, or between them."""
OF_WHOLE_BATCHES = _names("Dice Tversky")
"""Losses that compare sums over all places and rows, so that no place can count more."""
TAKES_SIDES = frozenset({"Hinge", "SquaredHinge", PERCEPTRON})
"""Losses that make -1 and 1 of 0 and 1 themselves, or compare sides of a border."""
TAKES_CLASSES = ONE_OF_MANY | TAKES_SHARES | TAKES_SIDES | FITTING
"""Losses under which the values of one target column are classes."""

# Metrics

ACCURACIES = _names("accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy")
ENTROPIES = _names("BinaryCrossentropy CategoricalCrossentropy SparseCategoricalCrossentropy")
OF_DECISIONS = ACCURACIES | _names("""
    TopKCategoricalAccuracy SparseTopKCategoricalAccuracy AUC F1Score FBetaScore Precision Recall
""")
"""Metrics that classifiers are compared by."""
RISING = OF_DECISIONS | _names("""
    BinaryIoU ConcordanceCorrelation CosineSimilarity IoU MeanIoU OneHotIoU OneHotMeanIoU
    PearsonCorrelation PrecisionAtRecall R2Score RecallAtPrecision SensitivityAtSpecificity
    SpecificityAtSensitivity
""")
"""Metrics that are better when they are larger."""
COUNTING = _names("FalseNegatives FalsePositives TrueNegatives TruePositives")
"""Metrics of which Keras does not know whether they should grow."""

# Optimizers

RATES: Mapping[str, tuple[float, float, float]] = {
    "SGD": (1e-5, 1.0, 0.1),
    "Adam": (1e-5, 0.05, 1e-3),
    "AdamW": (1e-5, 0.05, 1e-3),
    "Adamax": (1e-5, 0.05, 1e-3),
    "Nadam": (1e-5, 0.05, 1e-3),
    "RMSprop": (1e-5, 0.05, 1e-3),
    "Lion": (1e-6, 3e-3, 1e-4),
    "Adagrad": (1e-3, 1.0, 0.05),
    "Adadelta": (0.05, 10.0, 1.0),
    "Ftrl": (1e-4, 1.0, 0.05),
}
"""Least and greatest learning rate that make sense, and one to start from."""
LIMITS_OF_GRADIENTS = ("clipnorm", "global_clipnorm", "clipvalue")
"""Parameters of which an optimizer takes one."""


def quantiles_of(loss: Spec) -> tuple[float, ...]:
    """Returns the quantiles that a loss has an output for, each; empty for any other loss."""
    several = loss.parameters.get("quantiles")
    return tuple(map(float, several)) if isinstance(several, tuple | list) else ()


def from_logits(loss: Spec) -> bool:
    """Tells whether the loss applies the softmax or sigmoid itself."""
    return loss.parameters.get("from_logits") is True


# Data sets that have a name: what is known of each without loading it

_DIGITS = tuple("0123456789")
_NUMBERED = tuple(map(str, range(100)))


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set.

    Attributes:
        rows: Its rows, without a test part of its own; of made-up rows the default.
        shape: The shape of a row; None where the config sets it (texts).
        classes: The names of the classes in the order of their numbers; empty for numbers to
            predict.
        target: The column to predict, of a table.
        file: Where Keras keeps it, in its folder `datasets`.
        picture: Whether a row is a picture.
        noise: The default standard deviation of the noise of made-up rows.
    """

    rows: int
    shape: tuple[int, ...] | None
    classes: tuple[str, ...] = ()
    target: str = "target"
    file: str = ""
    picture: bool = False
    noise: float = 0.0


BUILTIN: Mapping[str, DataSet] = {
    "iris": DataSet(150, (4,), ("setosa", "versicolor", "virginica"), "species"),
    "wine": DataSet(178, (13,), ("class_0", "class_1", "class_2"), "cultivar"),
    "breast_cancer": DataSet(569, (30,), ("malignant", "benign"), "diagnosis"),
    "digits": DataSet(1797, (64,), _DIGITS, "digit"),
    "diabetes": DataSet(442, (10,), target="progression"),
}
"""scikit-learn's, which lie in its package: `sklearn.datasets.load_NAME`."""
KERAS: Mapping[str, DataSet] = {
    "mnist": DataSet(60_000, (28, 28), _DIGITS, file="mnist.npz", picture=True),
    "fashion_mnist": DataSet(
        60_000,
        (28, 28),
        (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        file="fashion-mnist/train-images-idx3-ubyte.gz and the three others",
        picture=True,
    ),
    "cifar10": DataSet(
        50_000,
        (32, 32, 3),
        (
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ),
        file="cifar-10-batches-py/",
        picture=True,
    ),
    "cifar100": DataSet(50_000, (32, 32, 3), _NUMBERED, file="cifar-100-python/", picture=True),
    "california_housing": DataSet(16_512, (8,), file="california_housing.npz"),
    "boston_housing": DataSet(404, (13,), file="boston_housing.npz"),
    "imdb": DataSet(25_000, None, ("negative", "positive"), file="imdb.npz"),
    "reuters": DataSet(8_982, None, _NUMBERED[:46], file="reuters.npz"),
}
"""Those that Keras downloads: `keras.datasets.NAME`; their test rows lie apart."""
_GATE = DataSet(4, (2,), ("0", "1"))
_CURVES = DataSet(1000, (2,), ("0", "1"), noise=0.1)
SYNTHETIC: Mapping[str, DataSet] = {
    "and": _GATE,
    "or": _GATE,
    "xor": _GATE,
    "moons": _CURVES,
    "circles": _CURVES,
    "spiral": _CURVES,
    "blobs": DataSet(1000, (2,), ("0", "1"), noise=1.0),
    "linear": DataSet(1000, (1,), noise=1.0),
}
"""Made-up rows."""
WORDS, LENGTH = 10_000, 200
"""Of data sets of texts: how many words are kept, and how many of each text."""
