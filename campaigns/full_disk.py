"""A training on a disk that is really full, at one size of the disk after the other.

`python -m campaigns.full_disk --size 0` makes file systems in memory of 4 kB, 8 kB, … until the
training fits; another size takes so many of them, drawn by the seed. Each that is too small must
give exit code 7 and leave files that verify; with more space the run must go on and end as the one
that was never disturbed. It needs Linux' `unshare` and `mount`.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from campaigns.command import options, report, with_progress
from campaigns.training import Small
from dl.errors import ExitCode

EPOCHS = 3
STEP = 4
"""Kilobytes: a page, the least that such a file system gives."""
_INSIDE = "DL_CAMPAIGN_INSIDE"


def main() -> None:
    """Runs the campaign, in a name space of its own where it may mount; prints its figure."""
    chosen = options(__doc__, 0)
    if _INSIDE not in os.environ:
        inside = ["unshare", "--map-root-user", "--mount", sys.executable, "-m", __spec__.name]
        ended = subprocess.run([*inside, *sys.argv[1:]], env={**os.environ, _INSIDE: "1"})
        sys.exit(ended.returncode)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.seed, chosen.size, Path(folder))
    report(f"full_disk: {tried}", failures)


def campaign(seed: int, size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    small = Small(folder, EPOCHS, eager=True)
    whole = _kilobytes(folder / "whole")
    sizes = list(range(STEP, 2 * whole, STEP))
    if size:
        too_small = [kilobytes for kilobytes in sizes if kilobytes < whole // 2]
        sizes = sorted(random.Random(seed).sample(too_small, size))
    full, failures = 0, []
    for number, kilobytes in enumerate(with_progress(sizes)):
        root = folder / f"disk-{number}"
        root.mkdir()
        with_disk = _try(small, root, kilobytes)
        code = next(with_disk)
        failures += [f"{kilobytes} kB: {problem}" for problem in with_disk]
        full += code == ExitCode.DISK.name
        if code == ExitCode.DONE.name and not size:
            break
    return f"{full} full disks of {sizes[0]} kB and more", failures


def _try(small: Small, root: Path, kilobytes: int) -> Iterator[str]:
    """Yields how the training ended, then what broke."""
    _mount(root, f"size={kilobytes}k")
    try:
        code = small.wait(small.begin(root))
        known = code in (ExitCode.DONE, ExitCode.DISK)
        yield ExitCode(code).name if known else f"exit code {code}"
        if not known:
            yield f"exit code {code}"
        yield from small.problems(root)
        _mount(root, "remount,size=64m")
        yield from small.ended(root)
    finally:
        subprocess.run(["umount", str(root)], check=True)


def _mount(root: Path, how: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(root)], check=True)


def _kilobytes(folder: Path) -> int:
    return sum(-(-path.stat().st_size // 1024) + STEP for path in folder.rglob("*"))


if __name__ == "__main__":
    main()
