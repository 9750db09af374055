"""The keys that are asked of runs, where a metric may be called by any of its names.

Apart from `select`, since the vocabulary takes a third of the time of a plain `dl list`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dl.browse.select import Row
from dl.errors import UsageError
from dl.vocabulary.names import called_here, nearest_measured


def with_other_names(rows: Iterable[Row], keys: Iterable[str]) -> list[Row]:
    """Returns the rows with the values of metrics also under the other names that are asked for."""
    wanted = list(keys)

    def more(row: Row) -> Row:
        named = {key: called_here(key, row) for key in wanted}
        return {key: row[name] for key, name in named.items() if name in row}

    return [{**row, **more(row)} for row in rows]


def require_keys(option: str, keys: Iterable[str], rows: Sequence[Row]) -> None:
    """Refuses a key that no row has.

    Raises:
        UsageError: With the nearest key that there is.
    """
    known = {key for row in rows for key in row}
    for key in keys:
        if key not in known:
            near = nearest_measured(key, known)
            raise UsageError(
                f"{option} {key}: no run has this value",
                expected="a column of the list, a metric (accuracy, test.loss) or a config path",
                hint=f"did you mean {near}?" if near else "see them all: dl list --json",
            )
