"""Commands cold and warm, in turn: when the result stands there, and when the prompt is back.

python benchmarks/warm.py DIGITS.csv [--rounds 5]

It starts a warm process of its own, in a folder of its own, and ends it. The load of the machine is
printed with each pair: seconds on a busy one are upper bounds, and only pairs can be compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from commands import DIGITS
from models import DL

Waits = tuple[float, float]
_REST = 1.6
"""Seconds before each command: a copy stands by for it."""
_COLD, _WARM = {"DL_WARM": "0"}, {"DL_WARM": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("digits", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        os.chdir(folder)
        Path("digits.yaml").write_text(DIGITS.format(table=options.digits.resolve()))
        begin = time.perf_counter()
        subprocess.run([DL, "warm", "-q"], check=True, stdout=subprocess.DEVNULL)
        print(f"dl warm: {time.perf_counter() - begin:.2f} s")
        try:
            _table(options.rounds)
        finally:
            subprocess.run([DL, "warm", "--stop"], check=True, stdout=subprocess.DEVNULL)


def _table(rounds: int) -> None:
    subprocess.run([DL, "train", "digits.yaml", "-q"], check=True, stdout=subprocess.DEVNULL)
    print("| command | cold, s | warm, s | warm / cold | worst pair |\n|---|---|---|---|---|")
    train = ("train", "digits.yaml", "-q")
    pairs = [(_waits(train, _COLD), _waits(train, _WARM)) for _ in range(rounds)]
    _row("dl train digits: result", [(cold[0], warm[0]) for cold, warm in pairs])
    _row("dl train digits: prompt", [(cold[1], warm[1]) for cold, warm in pairs])
    for command in ("evaluate", "trace", "summary", "diagnose", "report"):
        on = "digits.yaml" if command in ("trace", "summary") else "digits-csv"
        look = (command, on)
        pairs = [(_waits(look, _COLD), _waits(look, _WARM)) for _ in range(rounds)]
        _row(f"dl {command}", [(cold[1], warm[1]) for cold, warm in pairs])
    _row("dl list (never warm)", [(_fastest(_WARM), _fastest(_COLD)) for _ in range(rounds)])


def _fastest(variables: dict[str, str]) -> float:
    return min(_waits(("list",), variables)[1] for _ in range(3))


def _waits(command: Sequence[str], variables: dict[str, str]) -> Waits:
    """Returns the seconds until a command shows its result, and until it has ended."""
    time.sleep(_REST)
    begin = time.perf_counter()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, **variables}
    with subprocess.Popen([DL, *command], env=environment, **streams) as process:
        lines = iter(process.stdout or ())
        next(lines, None)
        result = time.perf_counter() - begin
        for _ in lines:
            pass
    if process.returncode != 0:
        raise SystemExit(f"dl {' '.join(command)} ended with {process.returncode}")
    return result, time.perf_counter() - begin


def _row(name: str, pairs: Sequence[tuple[float, float]]) -> None:
    middle: Callable[[Sequence[float]], float] = statistics.median
    cold, warm = middle([pair[0] for pair in pairs]), middle([pair[1] for pair in pairs])
    worst = max(warm / cold for cold, warm in pairs)
    print(f"| {name} | {cold:.2f} | {warm:.2f} | {warm / cold:.2f} | {worst:.2f} |", flush=True)
    print(f"  load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
