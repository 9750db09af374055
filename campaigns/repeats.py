"""The same training again and again: the same bytes of `model.h5`, optimizer, metrics and history.

`python -m campaigns.repeats --size 20` trains so many times beside the first, each in a process of
its own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from campaigns.command import options, report
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
    failures = []
    for number in range(size):
        root = folder / f"again-{number}"
        code = small.wait(small.begin(root))
        failures += [f"training {number} ended with {code}"] if code else []
        failures += [f"training {number}: another {part}" for part in small.unequal(root)]
    return f"{size} repeats", failures


if __name__ == "__main__":
    main()
