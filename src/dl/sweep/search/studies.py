"""Studies of Optuna, in memory and silent; only this package's own loop works with them."""

from __future__ import annotations

import optuna
from optuna.pruners import BasePruner
from optuna.study import Study, StudyDirection

optuna.logging.set_verbosity(optuna.logging.ERROR)


def new_study(maximize: bool, pruner: BasePruner | None = None) -> Study:
    """Returns an empty study; its name is always the same, since Hyperband counts by it."""
    direction = StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE
    return optuna.create_study(direction=direction, pruner=pruner, study_name="sweep")
