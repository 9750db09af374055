"""Builds, stores and checks Keras models. Importing it imports Keras and TensorFlow, quietly.

What they say at import is thrown away, unless the import fails; the variables that they read then
are settled in `dl.variables`. All other packages take `keras` and `tf` from here, so that nothing
imports them in another way.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from dl.finders import compiled_once, deferred, hidden, lent, patched
from dl.imports import check_keras, quiet_stderr, uncollected
from dl.variables import is_own_process, silent_by_default

__all__ = ["keras", "tf"]

# Keras imports these for its adapters where it finds them: a third of its start-up, for nothing
# that `dl` uses.
_OPTIONAL = ("IPython", "jax", "matplotlib", "pandas", "scipy", "sklearn", "torch")

# TensorFlow's public names, gathered from all its parts, for its second version and for its first
# two times over. What `dl` and Keras use of them is loaded without it.
_PUT_OFF = ("tensorflow._api.v2.",)

# What Keras imports for tables of layers, for a callback and to look at the memory.
_LENT = ("psutil", "requests", "rich", "rich.console", "rich.markup", "rich.table")

# TensorFlow has folders of these names, too. Each takes the place of what is gathered as soon as
# the first module of it is imported, as by TensorBoard; so one is imported before. The second looks
# for the folder by the name.
_ALSO_FOLDERS = {
    "lite": "tensorflow.lite.python",
    "distribute": "tensorflow.python.distribute.experimental.rpc.rpc_ops",
}

# `tf.nn`, which every layer asks for, gathers three cells of TensorFlow 1 from here, and with them
# its whole Keras, SciPy and more: a fifth of what `dl summary` loaded.
_OLD_CELLS = "tensorflow.python.keras.layers.rnn_cell_wrapper_v2"


class _Without(ModuleType):
    """Stands for a module whose names nobody uses: each is None."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


@contextmanager
def _put_off() -> Iterator[None]:
    """Puts off what only gathers names, also what is below a module that runs late itself."""
    with quiet_stderr(), deferred(_PUT_OFF, _put_off):
        yield


def _raw(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Returns an operation of `tf.raw_ops`, of which TensorFlow would inspect all 1,400 first."""

    @functools.wraps(operation, updated=())  # what is exported is noted in its attributes
    def raw(**arguments: Any) -> Any:
        return operation(**arguments)

    return raw


_LIBRARY = "libtensorflow_cc.so.*"


def _open_library() -> None:
    """Opens TensorFlow's library, a fifth of its import, while other threads go on.

    An import would keep Python's lock for it. What it calls is looked up when it calls it: it
    never calls most.
    """
    found = find_spec("tensorflow")
    for folder in (found and found.submodule_search_locations) or ():
        for path in Path(folder).glob(_LIBRARY):
            with suppress(OSError):  # the import tells it better
                ctypes.CDLL(str(path), os.RTLD_LAZY)


with ExitStack() as around:
    around.enter_context(quiet_stderr())
    _open_library()
    if is_own_process():  # a host has its own use for what is left out
        around.enter_context(uncollected())
        around.enter_context(hidden(_OPTIONAL))
        around.enter_context(_put_off())
        around.enter_context(lent(_LENT))
        around.enter_context(compiled_once())
        around.enter_context(patched("tensorflow.python.framework.ops", "to_raw_op", _raw))
        sys.modules.setdefault(_OLD_CELLS, _Without(_OLD_CELLS))
    else:
        around.enter_context(silent_by_default(os.environ))
    import absl.logging
    import keras
    import tensorflow as tf

if is_own_process():
    for name, inside in _ALSO_FOLDERS.items():
        gathered = getattr(tf, name)
        import_module(inside)
        setattr(tf, name, gathered)
    absl.logging.set_verbosity(absl.logging.ERROR)
    tf.get_logger().setLevel("ERROR")
    keras.utils.disable_interactive_logging()
    warnings.filterwarnings("ignore", module=r"keras\.src")
else:
    check_keras()
