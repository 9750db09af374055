"""The environment variables that the libraries read: which of them act, which are taken away.

A library reads its variables when it is loaded, so a process of `dl` settles them before: the
command, and what it starts. Whatever begins like a variable of these libraries is taken away,
unless it stands in a table here; thus nothing that a shell happens to hold changes a result in
secret. A process that only imports `dl`, as a notebook does, keeps its environment: what may change
a result is recorded there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

TAKEN_AWAY = (
    # Of TensorFlow and its compilers: other kernels, other precision, other order of sums.
    "AUTOGRAPH_",
    "DTENSOR_",
    "MLIR_",
    "PJRT_",
    "TENSORFLOW_",
    "TF2_",
    "TFRT_",
    "TF_",
    "XLA_",
    # Of oneDNN, which multiplies matrices on processors: other instructions, other precision.
    "DNNL_",
    "MKLDNN_",
    "ONEDNN_",
    # Of what NumPy multiplies and sums with: other instructions, other order of sums.
    "GOTO_",
    "KMP_",
    "MKL_",
    "NPY_",
    "NUMPY_",
    "OMP_",
    "OPENBLAS_",
    # Of Keras: KERAS_MAX_EPOCHS and the like shorten a training without a word.
    "KERAS_",
    # Folders of code that HDF5 would load; another, slow implementation of protobuf.
    "HDF5_PLUGIN_",
    "PROTOCOL_BUFFERS_",
    # Warnings of libraries as errors; how pictures are drawn.
    "MPLBACKEND",
    "PYTHONWARNINGS",
    "SKLEARN_",
)
"""How the names of variables begin that no library gets to see."""

RECORDED = {
    "CUBLAS_WORKSPACE_CONFIG": "decides about the order of sums on a GPU",
    "GLIBC_TUNABLES": "chooses instructions of the mathematical library; acts before Python starts",
    "NVIDIA_TF32_OVERRIDE": "chooses the precision on a GPU",
    "OPENBLAS_CORETYPE": "chooses instructions, which some machines need to be told",
    "OPENBLAS_L2_SIZE": "chooses the size of blocks, which some machines need to be told",
    "TF_NUM_INTEROP_THREADS": "limits the operations at a time, as users of a machine must",
    "TF_NUM_INTRAOP_THREADS": "limits the threads of an operation, as users of a machine must",
    "TF_XLA_FLAGS": "may be needed for the compiler to find its tools",
    "XLA_FLAGS": "may be needed for the compiler to find its tools",
}
"""Variables that act, stand in `run.json`, and are compared when a run is resumed."""

HARMLESS = {
    "TF_CPP_MAX_VLOG_LEVEL": "says what is logged",
    "TF_CPP_MIN_LOG_LEVEL": "says what is logged",
    "TF_CPP_VMODULE": "says what is logged",
    "TF_ENABLE_ONEDNN_OPTS": "is in run.json as `onednn`",
    "TF_FORCE_GPU_ALLOW_GROWTH": "says how memory is taken",
    "TF_FORCE_UNIFIED_MEMORY": "says how memory is taken",
    "TF_GPU_ALLOCATOR": "says how memory is taken",
    "TF_GPU_HOST_MEM_LIMIT_IN_MB": "says how memory is taken",
    "TF_PER_DEVICE_MEMORY_LIMIT_MB": "says how memory is taken",
    "TF_PLUGGABLE_DEVICE_LIBRARY_PATH": "says where a device's library is",
}
"""Variables that may stay."""

_KERAS_FOLDER = "DL_KERAS_HOME"
"""Keeps what KERAS_HOME was, for the data sets."""

FIXED = {
    # A folder that cannot be: Keras, and another copy of it in TensorFlow, would read `keras.json`
    # there, whose settings (`floatx`, `image_data_format`, `epsilon`) build other networks.
    "KERAS_HOME": os.path.join(os.devnull, "keras"),
    "KERAS_BACKEND": "tensorflow",
    # A user's file for Matplotlib can have any content; pictures have settings of their own.
    "MATPLOTLIBRC": os.devnull,
}
"""Variables that have one value."""

_KEPT = (RECORDED, HARMLESS, FIXED)
_OF_OTHERS = (
    # Of Terraform, which begin like those of TensorFlow.
    "TF_CLI_",
    "TF_DATA_DIR",
    "TF_IN_AUTOMATION",
    "TF_INPUT",
    "TF_LOG",
    "TF_PLUGIN_",
    "TF_REGISTRY_",
    "TF_TOKEN_",
    "TF_VAR_",
    "TF_WORKSPACE",
    # Set by scikit-learn, TensorFlow and notebooks themselves, for the processes that they start.
    "HDF5_PLUGIN_PATH",
    "KMP_DUPLICATE_LIB_OK",
    "KMP_INIT_AT_FORK",
    "MPLBACKEND",
    "TF2_BEHAVIOR",
)
"""How the names of variables begin that are taken away too, but no user misses."""

_OWN = "DL_PROCESS"
"""Marks the environment of a process that is `dl`'s own, so that those it starts are, too."""

_unheeded: list[str] = []

_DEFAULTS = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_CPP_MAX_VLOG_LEVEL": "0"}
"""TensorFlow is silent unless a user wants to hear it."""


def is_own_process() -> bool:
    """Tells whether this process is `dl`'s own: the command, or what it or the Python API starts.

    In any other one, `dl` is a guest: it changes nothing that the host shares with it.
    """
    return _OWN in os.environ


def take_process() -> None:
    """Makes this process `dl`'s own; before the libraries are loaded."""
    os.environ[_OWN] = "1"
    settle(os.environ)


def take_environment(environment: Mapping[bytes, bytes]) -> None:
    """Makes this process, a copy of one of `dl`'s own, that of a command with other variables."""
    os.environb.clear()
    os.environb.update(environment)
    _unheeded.clear()
    take_process()


def environment_of_child() -> dict[str, str]:
    """Returns the environment for a process of `dl` that this one starts."""
    environment = {**os.environ, _OWN: "1", "PYTHONSAFEPATH": "1"}
    settle(environment)
    return environment


def settle(environment: MutableMapping[str, str]) -> None:
    """Takes variables away and sets others, for this process and those that it starts."""
    environment.setdefault(_KERAS_FOLDER, _keras_home(environment))
    for name in list(environment):
        if _is_taken(name):
            del environment[name]
            if not name.startswith(_OF_OTHERS):
                _unheeded.append(name)
    if environment.get("KERAS_BACKEND", FIXED["KERAS_BACKEND"]) != FIXED["KERAS_BACKEND"]:
        _unheeded.append("KERAS_BACKEND")
    environment.update(FIXED)
    for name, value in _DEFAULTS.items():
        environment.setdefault(name, value)


@contextmanager
def silent_by_default(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Makes TensorFlow, which looks at these variables when it is loaded inside, silent for good.

    Afterwards the environment is as it was.
    """
    added = {name: value for name, value in _DEFAULTS.items() if name not in environment}
    environment.update(added)
    try:
        yield
    finally:
        for name in added:
            environment.pop(name, None)


def unheeded() -> list[str]:
    """Returns the variables that were set, and that nothing heeds."""
    return sorted(set(_unheeded))


def recorded(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that act, or may act, on the bits of a result and are set."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if value and (name in RECORDED or (_is_taken(name) and not name.startswith(_OF_OTHERS)))
    }


def data_sets_of_keras(environment: Mapping[str, str]) -> str:
    """Returns the folder in which Keras keeps its data sets, whatever KERAS_HOME is by now."""
    return os.path.join(environment.get(_KERAS_FOLDER) or _keras_home(environment), "datasets")


def _is_taken(name: str) -> bool:
    return name.startswith(TAKEN_AWAY) and not any(name in kept for kept in _KEPT)


def _keras_home(environment: Mapping[str, str]) -> str:
    """Returns the folder of Keras, as Keras itself finds it."""
    home = os.path.expanduser("~")
    own = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return environment.get("KERAS_HOME", own)


def import_nothing_from_here() -> None:
    """Takes the current folder out of where this process and those that it starts import from.

    A user's `random.py` or `matplotlib/` is no part of `dl`. Python puts the folder first for
    `python -m`, and in the place of an empty entry of PYTHONPATH. A folder that holds `dl` stays.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # the folder has been removed
        return
    if here == os.path.dirname(os.path.dirname(os.path.realpath(__file__))):
        return
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) != here]
    if "PYTHONPATH" in os.environ:
        listed = os.environ["PYTHONPATH"].split(os.pathsep)
        kept = [path for path in listed if os.path.realpath(path) != here]
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)
