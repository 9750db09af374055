"""Where the copy of a run goes, and whether it can go there at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec

from dl.config.load import Loaded
from dl.config.schema import Config
from dl.vocabulary.spec import Finding

_DEFAULT = "sqlite:///mlflow.db"
"""MLflow's own default: in the working directory, where `mlflow ui` looks."""
_PACKAGES = ("mlflow", "sqlalchemy", "alembic")


@dataclass(frozen=True, slots=True)
class Destination:
    """A store of MLflow, and what goes there.

    Attributes:
        uri: The store, as MLflow reads it.
        experiment: The experiment that gets the run.
        artifacts: Whether files go there too.
    """

    uri: str
    experiment: str
    artifacts: bool

    def text(self) -> str:
        """Returns it as an argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Destination:
        """Reads it from an argument of a command line."""
        return cls(**json.loads(text))


def destination_of(config: Config, environment: Mapping[str, str]) -> Destination | None:
    """Returns where the copies of a config's runs go; None where it has none.

    Args:
        config: The config.
        environment: The environment, in which MLFLOW_TRACKING_URI may name a store.
    """
    store = config.tracking.mlflow
    if store is None:
        return None
    uri = store.uri or environment.get("MLFLOW_TRACKING_URI") or _DEFAULT
    return Destination(uri, store.experiment or config.name, store.artifacts)


def check_packages(loaded: Loaded) -> None:
    """Raises `ConfigError` where a config names a store and MLflow is not installed."""
    if loaded.config.tracking.mlflow is None:
        return
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        finding = Finding(
            ("tracking", "mlflow"),
            f"needs the package {missing[0]}, which is not installed",
            hint="pip install 'dl-keras[mlflow]', or leave the section out",
        )
        raise loaded.error([finding])


def absolute_uri(uri: str) -> str:
    """Returns the URI with the path of an SQLite file made absolute, so that it holds elsewhere."""
    scheme, slashes, path = uri.partition(":///")
    if not slashes or not scheme.startswith("sqlite") or not path or path.startswith("/"):
        return uri
    return f"{scheme}:///{os.path.abspath(path)}"
