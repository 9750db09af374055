"""The same training again and again: the same bytes of `model.h5`, optimizer, metrics and history.

`python -m campaigns.repeats --size 20` trains so many times beside the first, each in a process of
its own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from campaigns.command import options, report, with_progress
from campaigns.training import Small

EPOCHS = 5


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 20)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.size, Path(folder))
    report(f"repeats: {tried}", failures)


def campaign(size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    small = Small(folder, EPOCHS, eager=False)
    failures = [
        f"training {number}: {problem}"
        for number in with_progress(range(size))
        for problem in small.ended(folder / f"again-{number}")
    ]
    return f"{size} repeats", failures


if __name__ == "__main__":
    main()
