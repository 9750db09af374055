"""A model card: what somebody has to know who is to use a network, or to write about it.

M. Mitchell et al., "Model cards for model reporting", FAT* (2019). It is made of what the run
keeps, so it needs no TensorFlow, and says of nothing more than was measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from dl.config.data import weight_of
from dl.config.load import load_resolved
from dl.config.nodes import flow
from dl.config.schema import Config
from dl.config.summary import changed, hyperparameters
from dl.errors import RunError
from dl.report.ranking import model_of, read_audit, read_ranking
from dl.report.verdict import HEALTH, is_share, lead_of, toughest, verdict
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import check, read_checked, sha256
from dl.rundir.query import Entry, read_entry
from dl.rundir.record import read_json
from dl.rundir.typed import Count, Keys
from dl.stats import LEVEL, wilson
from dl.text import cut, duration, listing, measured, number, one_line, percent, plural, shape
from dl.vocabulary.labels import PARTS, metric_label

if TYPE_CHECKING:
    from jinja2 import Template

_Layer = Annotated[dict[str, Any], Keys({"parameters": Count}, required=True)]
_Facts = Annotated[dict[str, Any], Keys({"layers": list[_Layer]})]
"""What a card needs of `facts.json`; the rest of it is for pages, and loads NumPy."""
_SPECIAL = re.compile(r"(`[^`]*`)|([\\*<|\[\]]|(?<!\w)_|_(?!\w))")
_NO_PURPOSE = ("yaml-language-server", "A first config, written by", "Editors complete and check")
"""How lines of the comment at the top begin that `dl init` writes."""
_LONGEST = 120
"""Characters of a setting: of a list of hundreds of columns the first ones do."""
_TRAINING = ("loss", "optimizer", "learning rate", "batch size", "callbacks", "phases", "solver")


def card(run: RunDirectory) -> str:
    """Returns the model card of a run, as Markdown.

    Raises:
        RunError: It has no results, or a file of it is damaged.
    """
    entry = read_entry(run)
    # One that was resumed and is not done has the metrics of before, beside the epochs of now.
    if entry.judged is None or entry.record.status != "completed":
        raise _without_results(entry)
    record, (part, metrics) = entry.record, entry.judged
    original, resolved = read_checked(run.config), read_checked(run.resolved)
    config = load_resolved(run.resolved, resolved).config
    ranking, known, chosen = read_ranking(run), changed(config), hyperparameters(config)
    parts = [(PARTS.get(name, name), values) for name, values in entry.metrics.items()]
    last = list(entry.metrics)[-1]
    return _template().render(
        entry=entry,
        record=record,
        part=PARTS.get(part, part),
        metrics=metrics,
        told=verdict(entry),
        purpose=_purpose(original.decode(errors="replace")),
        settings={
            section: {
                path: cut(one_line(value), _LONGEST)
                for path, value in known.items()
                if path.startswith(f"{section}.")
            }
            for section in ("data", "preprocess")
        },
        chosen=chosen,
        used=[f"{name} {'; '.join(chosen[name])}" for name in _TRAINING if name in chosen],
        parameters=_parameters(run),
        parts=PARTS,
        rows=[f"{of['rows']:,} {PARTS.get(name, name)}" for name, of in record.data.items()],
        results=_table([*parts, *(record.trivial.beside(last) if record.trivial else ())]),
        interval=_interval(entry, config),
        simple=record.trivial and toughest(record.trivial, part, lead_of(metrics), metrics),
        ranking=ranking,
        models=_table([(each.name, each.metrics) for each in ranking.models] if ranking else []),
        machine=[f"{key} {flow(value)}" for key, value in record.machine.items() if value],
        audit=read_audit(run),
        health=HEALTH,
        sums=_checksums(run, original, resolved, record.fingerprint),
    )


def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("dl.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {"plain": _plain, "reached": _reached, "duration": duration}
    templates.filters |= {"listing": listing, "plural": plural, "shape": shape}
    return templates.get_template("card.md")


def _without_results(entry: Entry) -> RunError:
    run, record = entry.run, entry.record
    hint = run.command_to_resume if record.status == "interrupted" else f"dl show {run.typed}"
    return RunError(
        f"{run.label} has no results to make a card of",
        expected="a run whose training has ended",
        found=verdict(entry).stopped or record.status,
        hint=hint,
    )


def _purpose(config: str) -> str:
    """Returns the first paragraph of the comment at the top of a config: its author's words."""
    lines = []
    for line in config.splitlines():
        words = line.removeprefix("#").strip()
        if words.startswith(_NO_PURPOSE):
            continue
        if not (line.startswith("#") and words):
            break
        lines.append(words)
    return " ".join(lines)


def _table(results: Sequence[tuple[str, Mapping[str, float]]]) -> list[list[str]]:
    """Returns the rows of a table of metrics, the first being its head."""
    names = list(dict.fromkeys(name for _, values in results for name in values))
    rows = [[words, *(measured(values.get(name)) for name in names)] for words, values in results]
    return [["", *map(metric_label, names)], ["---"] * (1 + len(names)), *rows]


def _interval(entry: Entry, config: Config) -> str:
    """Returns the interval of the fraction of right answers, where each row is one answer.

    Windows of a series overlap, and weighted rows count differently: the formula is not for them.
    """
    part, metrics = entry.judged or ("", {})
    lead, known = lead_of(metrics), entry.record.judgement
    rows = int(entry.record.data.get(part, {}).get("rows", 0))
    if known is None or known.places or known.rows == "windows" or weight_of(config.data):
        return ""
    if not rows or not is_share(lead):
        return ""
    low, high = wilson(metrics[lead], rows)
    return (
        f"{percent(1 - LEVEL)} interval of the {metric_label(lead)}: {number(low)} "
        f"to {number(high)}"
    )


def _reached(metric: tuple[str, float]) -> str:
    name, value = metric
    return f"{metric_label(name)} {measured(value)}"


def _parameters(run: RunDirectory) -> int | None:
    if not run.facts.exists():
        return None
    layers = read_json(run.facts, _Facts).get("layers")
    return sum(layer["parameters"] for layer in layers) if layers else None


def _checksums(
    run: RunDirectory, original: bytes, resolved: bytes, fingerprint: str
) -> dict[str, str]:
    found = {
        run.config.name: sha256(original),
        run.resolved.name: sha256(resolved),
        "data": fingerprint,
    }
    if run.model.exists():
        check(run.model)
        found[run.model.name] = model_of(run)
    return found


def _plain(text: object) -> str:
    """Returns a text on one line in which Markdown means nothing, but for words in backquotes."""
    return _SPECIAL.sub(lambda found: found[1] or f"\\{found[2]}", one_line(str(text)))
