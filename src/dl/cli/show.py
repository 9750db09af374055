"""`dl show` and `dl card`: what came of a run, the result first, and as a document for others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import (
    check_output,
    json_option,
    output_option,
    print_json,
    run_argument,
    runs_option,
    verbose_option,
)
from dl.rundir.directory import find_run
from dl.text import WIDTH, age, duration, listing, painted, plural, size, wrapped

if TYPE_CHECKING:
    from dl.report.verdict import Verdict
    from dl.rundir.query import Entry
    from dl.rundir.record import Origin, RunRecord

_KEY = 8
_BELOW = "\n" + " " * (_KEY + 1)
_TRAINED_MEANWHILE = (
    "The curves have the training part as it was met while the weights changed, with dropout if "
    "there is any; the table above has it after the last epoch."
)


@click.command()
@run_argument
@verbose_option("Also the files, the machine and the versions.")
@runs_option
@json_option
def show(run: str, verbose: bool, runs: Path, as_json: bool) -> None:
    """Show what came of a run, and how it came about."""
    from dl.report.ranking import read_ranking
    from dl.report.verdict import verdict
    from dl.rundir.query import read_entry

    directory = find_run(run, runs)
    entry, ranking = read_entry(directory), read_ranking(directory)
    told = verdict(entry)
    if as_json:
        more = {"metrics": entry.metrics, "baselines": ranking, "verdict": told}
        print_json({"run": directory}, entry.record, more)
        return
    blocks = [_head(entry, told), *_results(entry), *_making(entry)]
    blocks.append(_origin(entry, verbose))
    if verbose:
        blocks.append(_files(entry))
    click.echo("\n\n".join(filter(None, blocks)))


@click.command()
@run_argument
@output_option("Write the card there.")
@runs_option
def card(run: str, output: Path | None, runs: Path) -> None:
    """Print the model card of RUN, as Markdown.

    What it is for, its data, preparation, network and training, the results beside simple answers,
    its known limits, versions and checksums, and a paragraph for the methods section of a paper:
    all that the run has kept.

    \b
    dl card digits -o MODEL_CARD.md
    """
    from dl.report.card import card as card_of
    from dl.rundir.files import write_output

    directory = find_run(run, runs)
    if output is None:
        click.echo(card_of(directory), nl=False)
        return
    check_output(output, [directory])
    write_output(output, card_of(directory))
    click.echo(str(output))


def _head(entry: Entry, told: Verdict) -> str:
    """Returns which run it is, and the verdict on it."""
    from dl.report.verdict import STYLES
    from dl.rundir.query import utc_now
    from dl.rundir.record import read_history

    record, since = entry.record, (utc_now() - entry.started).total_seconds()
    if record.status == "running" and entry.run.history.exists():
        record = replace(record, epochs=len(read_history(entry.run)), seconds=since)
    ago = age(since)
    when = f"started {ago} ago" if ago != "now" else "started just now"
    planned = f" of {record.planned:,}" if record.epochs < record.planned else ""
    done = f"{record.epochs:,}{planned}"
    noun = "epoch" if done == "1" else "epochs"
    took = f", {done} {noun} in {duration(record.seconds)}" if record.epochs else ""
    status = "training" if record.status == "running" else record.status
    label = entry.run.label
    head = _fitted(f"{label}: {status}, {when}{took}").replace(label, painted(label, "bold"), 1)
    said = _fitted(told.sentence).split("\n")
    return "\n".join([head, *(painted(line, f"bold {STYLES[told.good]}") for line in said)])


def _fitted(text: str, indent: str = "") -> str:
    """Returns a text in lines of the terminal; a pipe gets it in one."""
    from dl.report.terminal import screen_width

    width = screen_width()
    return text if width is None else wrapped(text, min(width, WIDTH), indent)


def _results(entry: Entry) -> Iterator[str]:
    """Yields the metrics beside simple answers, the ranking among simple models, the curves."""
    from dl.cli.texts import metrics_text
    from dl.report.ranking import ranking_text, read_ranking
    from dl.report.terminal import learning_curves, text_width
    from dl.rundir.record import read_history

    if entry.metrics:
        yield metrics_text(entry.metrics, entry.record.trivial)
    ranking = read_ranking(entry.run)
    if ranking:
        yield ranking_text(ranking)
    if entry.run.history.exists():
        yield learning_curves(read_history(entry.run), text_width())
        if "train" in entry.metrics:
            yield painted(_fitted(_TRAINED_MEANWHILE), "dim")


def _making(entry: Entry) -> Iterator[str]:
    """Yields what a person chose, and the data."""
    from dl.cli.texts import data_text, hyperparameters_text
    from dl.config.load import load_resolved
    from dl.config.summary import hyperparameters
    from dl.rundir.manifest import read_checked

    resolved = entry.run.resolved
    if resolved.exists():
        config = load_resolved(resolved, read_checked(resolved)).config
        yield hyperparameters_text(hyperparameters(config))
    if entry.record.data:
        yield data_text(entry.record.data)


def _origin(entry: Entry, verbose: bool) -> str:
    """Returns where it came from and where it lies, a line each."""
    from dl.report.terminal import screen_width

    run, record = entry.run, entry.record
    findings = record.judgement.findings if record.judgement else ()
    facts = {
        "error": record.error if verbose else "",
        "stopped": _why(record),
        "weights": _weights(record),
        "started": f"{entry.started:%Y-%m-%d %H:%M}",
        "seed": str(record.seed),
        "commit": record.git_commit,
        "begun": "" if record.start is None else _begun(record.start),
        "command": " ".join(record.command),
        "tags": ", ".join(entry.tags),
        "note": entry.note,
        "folder": str(run.path),
        "page": str(run.report) if run.report.exists() else "",
        "try": f"dl diagnose {run.typed}" if findings or record.status == "failed" else "",
        "more": "" if verbose else f"dl show -v {run.typed}",
    }
    if verbose:
        machine = {**record.machine, **record.versions}
        facts |= {"machine": ", ".join(f"{name} {value}" for name, value in machine.items())}
    lines = [(key, " ".join(value.split("\n"))) for key, value in facts.items() if value]
    width = screen_width()
    if width is not None:
        room = max(width - _KEY - 1, _KEY)
        lines = [(key, wrapped(value, room, "").replace("\n", _BELOW)) for key, value in lines]
    return "\n".join(f"{painted(f'{key:{_KEY}}', 'dim')} {value}" for key, value in lines)


def _why(record: RunRecord) -> str:
    if record.ended_by:
        return f"by the {record.ended_by}"
    if record.ending is None or not record.ending.why:
        return ""
    return f"{'early: ' if record.ending.early else ''}{record.ending.why}"


def _weights(record: RunRecord) -> str:
    """Returns whose weights the model has, where that is not plain."""
    ending = record.ending
    if ending is None or ending.kept == record.epochs:
        return ""
    if ending.kept is None:
        none = record.status == "failed" or not record.epochs
        return "" if none else "means over steps, of no single epoch"
    return f"those of epoch {ending.kept:,}"


def _begun(start: Origin) -> str:
    left = [f"{name} ({why})" for name, why in start.left.items()]
    told = f"; not {listing(left, '')}" if left else ""
    return f"from {start.source}: {listing(start.taken, 'and')}{told}"


def _files(entry: Entry) -> str:
    path = entry.run.path
    found = sorted(each for each in path.rglob("*") if each.is_file())
    files = [each for each in found if not each.name.startswith(".")]
    total = size(sum(each.stat().st_size for each in files))
    names = [f"  {each.relative_to(path)}" for each in files]
    return "\n".join([f"{plural(len(files), 'file')}, {total}", *names])
