"""Hostile `.h5` files: no code of theirs is run, nothing outside is opened, and they are refused.

Each file is tried as the model of a run, whose manifest vouches for it, and as a model file of its
own. Python's audit hook watches the interpreter. Where `strace` is installed, all is done again
under it: HDF5 opens files without Python.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

from campaigns.command import options, report
from campaigns.hostile_files import ATTACKS, campaign, prepare
from campaigns.tracing import traced


def main() -> None:
    """Runs the campaign at the size of the command line: all attacks, or so many of them."""
    chosen = options(__doc__, len(ATTACKS))
    names = random.Random(chosen.seed).sample(sorted(ATTACKS), min(chosen.size, len(ATTACKS)))
    folder = Path(tempfile.mkdtemp(prefix="dl-hostile-"))
    prepare(folder, names)
    failures = campaign(names, folder)
    watched = "the interpreter's audit hook"
    if shutil.which("strace"):
        failures += traced(names, folder)
        watched += " and strace"
    if not failures:
        shutil.rmtree(folder)
    report(f"{len(names)} hostile .h5 files, each in a run and alone, under {watched}", failures)


if __name__ == "__main__":
    main()
