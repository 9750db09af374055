"""What a run keeps of later questions: its place among simple models, and where its data leak."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dl.report.terminal import table
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import publish, read_manifest
from dl.rundir.record import read_json
from dl.rundir.typed import Count, MisfitError
from dl.text import lapse, listing, measured, number, plural, signed

if TYPE_CHECKING:
    from dl.config.rules import Note

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A model in the ranking.

    Attributes:
        name: The run, or what the model is called.
        metrics: Loss and metrics on the rows, as `dl evaluate` measures them.
        rows: Training rows that it was fitted on; None for the network and the trivial answer.
        seconds: What that took.
    """

    name: str
    metrics: dict[str, float]
    rows: Count | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rows say of the network against a simple model.

    Attributes:
        model: The simple model.
        measure: `accuracy` or `mean absolute error`, by row.
        gain: By how much the network is better in it; below 0 where it is worse.
        low: Lower end of the interval of the gain.
        high: Its upper end.
        level: Share of such intervals that hold the true gain.
        p: The p-value, corrected for the number of comparisons.
        real: Whether the gain is more than chance.
    """

    model: str
    measure: str
    gain: float
    low: float
    high: float
    level: float
    p: float
    real: bool

    @property
    def sentence(self) -> str:
        """What it says in words: `0.3 better than boosted trees: not distinguishable (…)`."""
        said = f"{number(abs(self.gain), 3)} {'worse' if self.gain < 0 else 'better'} than"
        judged = "more than chance" if self.real else "not distinguishable"
        low, high = (signed(float(f"{end:.3g}")) for end in (self.low, self.high))
        return (
            f"{said if self.gain else 'level with'} {self.model}: {judged} "
            f"({low} to {high}, p {number(self.p, 2)})"
        )


@dataclass(frozen=True, slots=True)
class Ranking:
    """A network, if there is one, and simple models, the best first.

    Attributes:
        network: The label of the run; None where a config was asked for.
        part: The part of the data that all answered.
        rows: How many of its rows.
        part_rows: Rows of the part.
        train_rows: Rows of the training part.
        ranked_by: The metric that orders them.
        models: All of them.
        verdicts: Of the network against each simple model, in that order.
        left_out: Why a model is not there, by name.
    """

    network: str | None
    part: str
    rows: int
    part_rows: int
    train_rows: int
    ranked_by: str
    models: tuple[Standing, ...]
    verdicts: tuple[Verdict, ...]
    left_out: dict[str, str]

    @property
    def about(self) -> str:
        """What was compared, and how."""
        some = f"{self.rows:,} of " if self.rows < self.part_rows else ""
        rows = f"{self.part} part, {some}{plural(self.part_rows, 'row')}"
        return f"{rows}, by {self.ranked_by}; parts and preparation are the same for all"

    @property
    def summary(self) -> str:
        """Where the network stands: its place, and the verdict against the best simple model."""
        place = 1 + [model.name for model in self.models].index(self.network or "")
        said = f"place {place} of {len(self.models)} by {self.ranked_by} on the {self.part} part"
        return "; ".join([said, *(verdict.sentence for verdict in self.verdicts[:1])])

    @property
    def left_out_lines(self) -> list[str]:
        """A line for each reason why models are left out."""
        reasons: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            reasons.setdefault(reason, []).append(name)
        return [f"left out: {listing(names, 'and')}: {why}" for why, names in reasons.items()]

    def __post_init__(self) -> None:
        if self.network not in (None, *(model.name for model in self.models)):
            raise MisfitError("must be one of the models", ("network",))
        names = [set(model.metrics) for model in self.models]
        if not names or any(names[0] - others for others in names):
            raise MisfitError("must have the same metrics each", ("models",))


@dataclass(frozen=True, slots=True)
class _File:
    """The content of `baselines.json`: a ranking, and the SHA-256 of the `model.h5` in it."""

    model: str
    ranking: Ranking
    schema: int = SCHEMA


def model_of(run: RunDirectory) -> str:
    """Returns the SHA-256 of a run's model, as it was published; empty before there is one."""
    return read_manifest(run).get(run.model.name, ("",))[0]


def _keep(run: RunDirectory, path: Path, content: _File | Audit) -> None:
    text = json.dumps(asdict(content), indent=2, ensure_ascii=False)
    with locked(run):
        publish(path, f"{text}\n".encode())


def keep_ranking(run: RunDirectory, ranking: Ranking, model: str) -> None:
    """Keeps where a run stands in its directory.

    Args:
        run: The run.
        ranking: Where it stands.
        model: The SHA-256 of the model that was ranked: of another one, it is not shown.

    Raises:
        BusyError: Another process works on the run.
        DiskError: The file cannot be written.
    """
    _keep(run, run.baselines, _File(model, ranking))


def read_ranking(run: RunDirectory) -> Ranking | None:
    """Reads where a run stands; None if nobody asked, or the run was trained on since.

    Raises:
        RunError: The file is damaged.
    """
    if not run.baselines.exists():
        return None
    kept = read_json(run.baselines, _File)
    return kept.ranking if kept.model == model_of(run) else None


def ranking_text(ranking: Ranking) -> str:
    """Returns the ranking as a table, and the verdicts in words."""
    names, of, rows = list(ranking.models[0].metrics), ranking.train_rows, []
    for model in ranking.models:
        fitted = "" if model.rows is None else f"{model.rows:,} of {of:,} rows"
        if model.rows == of:
            fitted = plural(of, "row")
        took = "" if model.seconds is None else lapse(model.seconds)
        rows.append([model.name, *map(measured, map(model.metrics.get, names)), took, fitted])
    lines = [
        ranking.about,
        table(rows, ["model", *names, "took", "fitted on"]),
        *ranking.left_out_lines,
    ]
    if ranking.verdicts:
        measure = ranking.verdicts[0].measure
        lines += ["", f"{ranking.network}, row by row, by {measure} (with its interval):"]
        lines += [f"  {verdict.sentence}" for verdict in ranking.verdicts]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where a table leaks, or a doubtful column; see `Note`."""

    rule: str
    path: str
    message: str
    why: str
    mended: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The content of `audit.json`.

    Attributes:
        findings: What was found; none where nothing is doubtful.
        why_not: Why leaks were not looked for, in words; empty if they were.
    """

    findings: tuple[Finding, ...]
    why_not: str = ""
    schema: int = SCHEMA


def keep_audit(run: RunDirectory, notes: Sequence[Note], why_not: str) -> None:
    """Keeps what was found in the directory of a run.

    Raises:
        BusyError: Another process works on the run.
        DiskError: The file cannot be written.
    """
    findings = [Finding(n.rule, n.path, n.message, n.why, n.mended) for n in notes]
    _keep(run, run.audit, Audit(tuple(findings), why_not))


def read_audit(run: RunDirectory) -> Audit | None:
    """Reads what was found; None if nobody asked. Raises `RunError` if the file is damaged."""
    return read_json(run.audit, Audit) if run.audit.exists() else None
