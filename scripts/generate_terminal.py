"""Write docs/images/terminal.svg: what `dl train` shows on a terminal of 80 columns; or --check.

What came of the training is in terminal.json, since its last bits are another machine's elsewhere;
everything that is seen of it is made by `dl`. `--record` trains again.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from dl.app.training import Result
from dl.cli.live import FitDisplay
from dl.cli.train_texts import data_line, end_text, network_line
from dl.config.load import load_config
from dl.data.load import read_dataset
from dl.inspect import LayerRow
from dl.progress import SilentReporter
from dl.report.verdict import verdict
from dl.rundir.directory import RunDirectory
from dl.rundir.files import Process
from dl.rundir.query import Entry
from dl.rundir.record import RunRecord, read_history, read_metrics, read_record
from dl.rundir.typed import read_as

TOP = Path(__file__).resolve().parents[1]
CONFIG = TOP / "configs" / "digits.yaml"
PICTURE = TOP / "docs" / "images" / "terminal.svg"
RECORDING = PICTURE.with_suffix(".json")
KEPT = ["name", "status", "started", "seconds", "seed", "epochs", "planned", "data"]
KEPT += ["trivial", "ending", "judgement"]
COLUMNS, LINES = 80, 40


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def record() -> dict[str, Any]:
    """Trains, and returns what the picture needs of it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "dl", "train", str(CONFIG), "--runs", folder, "-q"]
        subprocess.run(command, check=True)
        run = RunDirectory(Path(folder, "digits", "0001"))
        from dl.inspect.layers import layer_rows
        from dl.predict.evaluate import open_run

        values = asdict(read_record(run))
        return {
            "record": {key: values[key] for key in KEPT},
            "history": read_history(run),
            "metrics": read_metrics(run),
            "layers": [asdict(row) for row in layer_rows(open_run(run, SilentReporter()).model)],
        }


def picture(recording: dict[str, Any]) -> str:
    """Returns the terminal as SVG."""
    loaded = load_config(CONFIG)
    dataset, layers = read_dataset(loaded, SilentReporter()), recording["layers"]
    rows = [read_as(LayerRow, row) for row in layers]
    plain = {"command": (), "fingerprint": "", "process": asdict(Process.current())}
    known = read_as(RunRecord, {**recording["record"], **plain})
    run, metrics = RunDirectory(Path("runs/digits/0001")), recording["metrics"]
    said = verdict(Entry(run, known, metrics, ()))
    result = Result(run, known.status, known.epochs, known.seconds, metrics, known.trivial, said)
    console = Console(
        file=io.StringIO(),
        record=True,
        width=COLUMNS,
        height=LINES,
        force_terminal=True,
        color_system="truecolor",
    )
    with _terminal():
        console.print(Text("$ dl train digits.yaml", style="bold"))
        console.print(Text(data_line(known.name, dataset)))
        console.print(Text(network_line(loaded.config, rows)))
        console.print()
        console.print(_display(console, recording["history"], loaded.config.training.epochs))
        console.print()
        console.print(Text.from_ansi(end_text(result, known)))
        console.print()
    drawn = console.export_svg(title="dl train", theme=SVG_EXPORT_THEME)
    # rich's own font lies on a server, which pages do not ask for a picture.
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL).replace(
        "Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
    )


def _display(console: Console, history: list[dict[str, float]], epochs: int) -> FitDisplay:
    seconds = [0.0, *accumulate(row["seconds"] for row in history)]
    display = FitDisplay(console, epochs, 1, clock=iter((0.0, seconds[-1])).__next__)
    for row in history:
        display.epoch(int(row["epoch"]), row)
    return display


@contextmanager
def _terminal() -> Iterator[None]:
    """Has texts made as for a terminal of this width, whatever this one is."""
    size = {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
    with mock.patch.dict(os.environ, size), redirect_stdout(_Screen()):
        os.environ.pop("NO_COLOR", None)
        yield


def main() -> int:
    """Writes the picture, or with `--check` returns 1 where it is another one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--record", action="store_true", help="train again, then write")
    chosen = parser.parse_args()
    if chosen.record:
        RECORDING.write_text(json.dumps(record(), indent=1) + "\n", encoding="utf-8")
    made = picture(json.loads(RECORDING.read_text(encoding="utf-8")))
    if not chosen.check:
        PICTURE.write_text(made, encoding="utf-8")
    elif PICTURE.read_text(encoding="utf-8") != made:
        print(f"{PICTURE.name} is stale: run {Path(__file__).name}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
