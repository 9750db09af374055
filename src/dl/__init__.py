"""Train neural networks from YAML files, on Keras and TensorFlow.

For notebooks and scripts, see `docs/python.md`; the command is `dl`.
"""

from typing import TYPE_CHECKING, Any

from dl.variables import is_own_process, take_process

if TYPE_CHECKING:
    from dl.api import baseline as baseline
    from dl.api import describe as describe
    from dl.api import learning_rates as learning_rates
    from dl.api import load as load
    from dl.api import resume as resume
    from dl.api import train as train
    from dl.api import validate as validate
    from dl.errors import BusyError as BusyError
    from dl.errors import ConfigError as ConfigError
    from dl.errors import DataError as DataError
    from dl.errors import DiskError as DiskError
    from dl.errors import DlError as DlError
    from dl.errors import NumericError as NumericError
    from dl.errors import RunError as RunError
    from dl.errors import UsageError as UsageError
    from dl.estimators import Classifier as Classifier
    from dl.estimators import Regressor as Regressor
    from dl.run import Description as Description
    from dl.run import Run as Run
    from dl.run import Sweep as Sweep

__version__ = "0.2.0"

_MODULES = {
    "api": "Description Run Sweep baseline describe learning_rates load resume runs sweep train "
    "validate",
    "estimators": "Classifier Regressor",
    "errors": "BusyError ConfigError DataError DiskError DlError NumericError RunError UsageError",
}
_PUBLIC = {name: module for module, names in _MODULES.items() for name in names.split()}
"""The public names and the modules that hold them, which are imported when a name is used."""

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'dl' has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"dl.{_PUBLIC[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


if is_own_process():
    take_process()
