"""The verdict: what came of a run in one sentence, said everywhere in the same words.

It is made of the record and the metrics of a run alone, so that a list of a thousand runs has it at
once; what only the training knew is in the record as `Judgement` and `Ending`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from dl.report.charts import VALIDATION, History, measures
from dl.rundir.query import Entry
from dl.rundir.record import Judgement, RunRecord, Trivial
from dl.text import number, percent, plural, shortened
from dl.vocabulary.labels import metric_label, metric_of, rises

HEALTH: Mapping[str, str] = {
    "diverged": "Diverged",
    "exploding-gradients": "Gradients explode",
    "vanishing-gradients": "Gradients vanish",
    "dead-units": "Many dead units",
    "saturated-units": "Many saturated units",
    "rising-loss": "Training loss rose",
    "jumping-loss": "Training loss jumps",
    "one-answer": "Always the same answer",
    "no-better-than-guessing": "Learned next to nothing",
    "no-better-than-the-commonest": "No better than the commonest class",
    "unfinished": "Still learning at its end",
    "plateau": "Half of the epochs gained nothing",
    "overfitting": "Overfits",
    "generalization-gap": "Far better on its training rows",
}
"""What `dl diagnose` finds, in few words."""
_USELESS = frozenset(
    {"diverged", "one-answer", "no-better-than-guessing", "no-better-than-the-commonest"}
)
"""Findings of which one suffices: such a network is no use."""
_COMMON = 0.6
"""A class of so many rows is named, where its share is said: of fewer, guessing says enough."""
_RARE = 0.1
"""A share below which whole percents say too little."""
_LEAST_EPOCHS = 10
"""Of fewer, `dl diagnose` cannot tell whether a loss still falls: to find nothing says nothing."""
_LONGEST = 24
_DIGITS = 3
"""Digits of a value in a sentence: the table beside it has one more."""


STYLES: Mapping[bool | None, str] = {True: "green", False: "red", None: ""}
"""The style of a verdict on a terminal, by what it says of the network; its words say it, too."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a run.

    Attributes:
        sentence: All of it: `98.1% of 359 unseen digits; guessing gives 10%. Stopped early, best at
            56. Confuses 9 with 5. Healthy.`
        result: What it reached on the part that tells most, beside the best simple answer.
        stopped: How it ended, if not as planned, and which epoch's weights it has.
        confuses: Its most frequent mistake between two classes.
        health: The most important finding, `Healthy` without one; empty where nobody looked into
            the layers.
        good: Whether the network is of use: better than simple answers, and healthy; False if it
            is no better or has failed; None if it is neither, or not known.
    """

    sentence: str = field(init=False)
    result: str = ""
    stopped: str = ""
    confuses: str = ""
    health: str = ""
    good: bool | None = None

    def __post_init__(self) -> None:
        said = (self.result, self.stopped, self.confuses, self.health)
        sentence = " ".join(f"{each}." for each in said if each)
        object.__setattr__(self, "sentence", sentence)

    def __str__(self) -> str:
        return self.sentence


Result = tuple[str, str, float | None]
"""The part of the data, the metric, and its value, if there is one."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What a simple answer reaches: what it is called, in which metric, its value."""

    words: str
    metric: str
    value: float


def verdict(entry: Entry) -> Verdict:
    """Returns what came of a run, as far as it is known: of earlier versions less is."""
    record = entry.record
    if record.status == "running":
        return Verdict(stopped="In training")
    stopped = _stopped(record)
    if entry.judged is None:
        return Verdict(stopped=stopped, good=False if record.status == "failed" else None)
    part, metrics = entry.judged
    known = record.judgement or Judgement()
    lead = lead_of(metrics)
    simple = toughest(record.trivial, part, lead, metrics) if record.trivial else None
    beats = known.beats
    if beats is None and simple is not None:
        beats = _seems(simple, metrics)
    health = _health(record, part, simple, beats, metrics)
    by_chance = beats is False and simple is not None and _seems(simple, metrics)
    useless = (beats is False and not by_chance) or bool(_USELESS & set(known.findings))
    mistakes = known.confuses
    return Verdict(
        result=_result(part, lead, metrics[lead], record, simple),
        stopped=stopped,
        confuses=""
        if mistakes is None or useless
        else f"Confuses {_name(mistakes.true)} with {_name(mistakes.predicted)}",
        health=health,
        good=False if useless else True if health == "Healthy" and beats else None,
    )


def lead_of(metrics: Mapping[str, float]) -> str:
    """Returns the metric that stands for a part: the first that was asked for, else the loss."""
    return list(metrics)[min(1, len(metrics) - 1)]


def result_of(entry: Entry) -> Result:
    """Returns what a run is judged by, of the part that tells most: its first metric, or loss."""
    if entry.judged is None:
        return "", "", None
    part, metrics = entry.judged
    name = lead_of(metrics)
    return part, name, metrics[name]


def now_of(history: History) -> Result:
    """Returns the same of a run that trains, after its last epoch."""
    names = measures(history)
    if not names:
        return "", "", None
    last = history[-1]
    name = lead_of({name: last.get(name) or 0.0 for name in names})
    validated = last.get(VALIDATION + name)
    return ("train", name, last.get(name)) if validated is None else ("validation", name, validated)


def is_better(metric: str, value: float, other: float) -> bool:
    """Tells whether a value of a metric, or of the loss, is better than another one."""
    return value > other if rises(metric) else value < other


def toughest(trivial: Trivial, part: str, lead: str, metrics: Mapping[str, float]) -> Beside | None:
    """Returns the best simple answer on a part, in the leading metric or else in the loss.

    None where no such answer has either of them.
    """
    for metric in dict.fromkeys((lead, "loss")):
        if metric != "loss" and metric_of(metric) is None:
            continue  # of a name of the user's own, nobody knows which way is better
        decided = trivial.words if is_share(metric) else trivial.called
        found = [
            Beside(decided if words == trivial.called else words, metric, values[metric])
            for words, values in trivial.beside(part)
            if metric in values and metric in metrics
        ]
        best = found[:1]
        for other in found[1:]:
            if is_better(metric, other.value, best[0].value):
                best = [other]
        if best:
            return best[0]
    return None


def _result(part: str, lead: str, value: float, record: RunRecord, simple: Beside | None) -> str:
    known = record.judgement or Judgement()
    count = _count(record, part)
    rows = {"test": "unseen", "validation": "validation", "train": "training"}.get(part, part)
    noun = plural(count, known.rows.removesuffix("s")) if count else f"the {known.rows}"
    noun = noun.replace(" ", f" {rows} ", 1)
    if known.places:
        noun = f"the {known.places} of {noun}"
    if is_share(lead):
        said = f"{percent(value, 1)} of {noun}"
    else:
        label = metric_label(lead)
        said = f"{label[0].upper()}{label[1:]} {number(float(value), _DIGITS)} on {noun}"
    if part == "train":
        said += ", none unseen"
    if simple is None or simple.metric != lead:
        return said
    decimals = int(simple.value < _RARE)
    beside = percent(simple.value, decimals) if is_share(lead) else number(simple.value, _DIGITS)
    return f"{said}; {_called(simple, record)} gives {beside}"


def _count(record: RunRecord, part: str) -> int:
    return int(record.data.get(part, {}).get("rows", 0))


def is_share(metric: str) -> bool:
    """Tells whether a metric is the fraction of answers that are right."""
    entry = metric_of(metric)
    return entry is not None and "ccuracy" in entry.name and "TopK" not in entry.name


def _called(simple: Beside, record: RunRecord) -> str:
    """Returns what a simple answer is called: of many classes none is common enough to be named."""
    of_classes = is_share(simple.metric) and simple.words.startswith("always ")
    return "guessing" if of_classes and simple.value < _COMMON else simple.words


def _health(
    record: RunRecord,
    part: str,
    simple: Beside | None,
    beats: bool | None,
    metrics: Mapping[str, float],
) -> str:
    known = record.judgement
    findings = () if known is None else known.findings
    if "diverged" in findings:
        return HEALTH["diverged"]
    if "one-answer" in findings:
        return f"No better than guessing: {HEALTH['one-answer'].lower()}"
    if beats is False and simple is not None:
        of_past = record.trivial and simple.words in (f.words for f in record.trivial.forecasts)
        said = f"No better than {simple.words if of_past else 'guessing'}"
        some = plural(_count(record, part), "row")
        return f"{said}, as far as {some} can tell" if _seems(simple, metrics) else said
    if findings:
        return HEALTH.get(findings[0], findings[0])
    told = known is not None and known.layers and record.epochs >= _LEAST_EPOCHS
    return "Healthy" if told else ""


def _seems(simple: Beside, metrics: Mapping[str, float]) -> bool:
    """Tells whether the network has the better number, be it by chance.

    Keras has counted in 32 bits, the simple answer in 64: what rounding tells apart is equal.
    """
    value = metrics[simple.metric]
    equal = math.isclose(value, simple.value, rel_tol=1e-6)
    return not equal and is_better(simple.metric, value, simple.value)


def _stopped(record: RunRecord) -> str:
    done, ending = record.epochs, record.ending
    of = f" of {record.planned:,}" if record.planned else ""
    if record.status == "failed":
        why = (record.error or "").partition("\n")[0]
        return f"Failed after {plural(done, 'epoch')}" + (f": {why}" if why else "")
    if record.status == "interrupted":
        return f"Interrupted after {done:,}{of} epochs"
    if record.ended_by:
        return f"Stopped by the {record.ended_by} at {done:,}{of} epochs"
    if ending is None:
        return ""
    best, kept = ending.best, ending.kept
    if ending.early and best is None:
        return f"Stopped at {done:,}{of}: {ending.why}"
    if ending.early:
        others = "means of weights" if kept is None else f"those of {kept:,}"
        return f"Stopped early, best at {best:,}{'' if kept == best else f', kept {others}'}"
    if ending.why:
        return f"{ending.why[0].upper()}{ending.why[1:]} at {done:,}{of} epochs"
    return f"Best at {kept:,} of {done:,} epochs" if kept is not None and kept < done else ""


def _name(name: str) -> str:
    return shortened(name, _LONGEST)
