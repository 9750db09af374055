"""The section `tracking`: where else a run is written down; it changes nothing of the training."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from dl.config.sections.base import Section, Text, Worded


class Mlflow(Section):
    """A store of MLflow that gets a copy of the run; needs the extra `dl-keras[mlflow]`."""

    uri: Text | None = Field(
        default=None,
        description="Where the store is: a server (`http://localhost:5000`) or a database "
        "(`sqlite:///mlflow.db`). Default: what MLFLOW_TRACKING_URI says, else "
        "`sqlite:///mlflow.db` in the working directory.",
    )
    experiment: Text | None = Field(
        default=None, description="The experiment that gets the run. Default: the config's name."
    )
    artifacts: bool = Field(
        default=True, description="Whether the files go there too: model, history, plots, report."
    )


def _written_out(value: object) -> object:
    """Takes `true` for all defaults, and `false` for none at all."""
    if isinstance(value, bool):
        return {} if value else None
    return value


class Tracking(Section):
    """Where a copy of each run goes, beside its own directory."""

    mlflow: Annotated[
        Mlflow | None,
        BeforeValidator(_written_out, bool | Mlflow | None),
        Worded("true, or a mapping"),
    ] = Field(default=None, description="Copy runs to a store of MLflow; `true` for all defaults.")
