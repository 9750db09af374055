"""`dl lint`: advice on a config, without loading Keras."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import config_argument, json_option, set_option
from dl.cli.render import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dl.config.load import Loaded
    from dl.config.rules import Advice
    from dl.config.rules.notes import Note

_MOST_BYTES = 100_000_000
"""Larger data takes seconds to read; its advice is told when it is trained on."""


@click.command()
@config_argument
@set_option
@json_option
def lint(config: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Give advice on CONFIG: what is allowed but doubtful, why, and the line as it should be.

    A table or an .npz file is read for it. Advice is no error: the exit code is 0 with and without
    it, 2 if the config is wrong, 3 if its data cannot be used.
    A config that knows better names the advice to ignore: `lint: {ignore: [no-validation]}`.

    \b
    dl lint configs/digits.yaml
    dl lint configs/digits.yaml --set training.optimizer.learning_rate=5
    """
    from dl.config.load import load_config
    from dl.config.rules.notes import placed

    loaded = load_config(config, overrides)
    found = placed(loaded, _advice(loaded))
    if as_json:
        click.echo(_json(found))
    elif found:
        click.echo("\n\n".join(_text(note) for note in found))
    else:
        click.echo(f"{config}: no advice")


def _advice(loaded: Loaded) -> Iterable[tuple[str, Advice]]:
    """Returns the advice, with what the data tell where they are a file of moderate size."""
    from dl.config.rules import advise, facts_of
    from dl.config.sections.data import CsvData, NpzData, ParquetData

    data = loaded.config.data
    path = Path(data.path) if isinstance(data, CsvData | ParquetData | NpzData) else Path()
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return advise(facts_of(loaded.config, Path()))
    from dl.data.load import read_dataset
    from dl.data.rules import advice_for
    from dl.progress import SilentReporter

    return advice_for(loaded.config, read_dataset(loaded, SilentReporter()))


def _text(note: Note) -> str:
    lines = [f"{note.mark}: {note.rule}: {note.path} {note.message}", *excerpt(note.mark)]
    return "\n".join([*lines, f"why: {note.why}", f"write: {note.mended}"])


def _json(found: list[Note]) -> str:
    import json

    return json.dumps({"advice": [_plain(note) for note in found]}, ensure_ascii=False)


def _plain(note: Note) -> dict[str, object]:
    return {
        "rule": note.rule,
        "file": note.mark.source,
        "line": note.mark.line,
        "column": note.mark.column,
        "path": note.path,
        "message": note.message,
        "why": note.why,
        "mended": note.mended,
    }
