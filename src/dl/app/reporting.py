"""What a training leaves to look at: pictures, page, and what is said of its network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dl.rundir.record import read_record, write_record

if TYPE_CHECKING:
    from dl.inspect import NetworkStatistics
    from dl.report.judging import Shown
    from dl.report.process import ReportProcess
    from dl.training.workflow import PartPredictions


@dataclass(slots=True)
class ReportJob:
    """What a training leaves to look at, made by another process meanwhile."""

    process: ReportProcess
    found: PartPredictions | None = None
    shown: Shown | None = None

    def draw(self, found: PartPredictions) -> None:
        """Has the pictures drawn; returns at once."""
        import numpy as np

        from dl.data.predictions import answers
        from dl.report.facts import RunFacts, answer_facts, pictures_of
        from dl.report.judging import Shown

        dataset, loss = found.prepared.dataset, found.prepared.config.training.loss.type
        y, weights = found.part.targets()
        trivial = read_record(found.run).trivial
        said = answers(y, found.outputs, dataset.target, weights)
        pictures = pictures_of(found.part, dataset.preprocessing)
        beside = found.part.y is found.part.x or said.places > 1
        facts = RunFacts(
            name=found.run.label,
            history=found.history,
            loss=loss,
            part=found.name,
            part_rows=len(dataset.parts[found.name]),
            surface=found.surface,
            path=found.path,
            pictures=None if beside else pictures,
            inputs=pictures if beside else None,
            **_errors(found, loss),
            simple=trivial.by_step(found.name) if trivial else {},
            **answer_facts(said, dataset.preprocessing),
        )
        found.run.plots.mkdir(exist_ok=True)
        self.process.begin(found.run.plots, facts)
        finite = bool(np.isfinite(found.outputs).all())
        self.found = found
        self.shown = Shown(found.name, found.part, said if finite else None, facts)

    @property
    def one_answer(self) -> str:
        """What the network answers to each row, in words; empty if its answers differ."""
        from dl.report.judging import one_answer_of

        if self.found is None:
            return ""
        return one_answer_of(self.shown, self.found.prepared.dataset.target)

    def write_page(self) -> tuple[str, ...]:
        """Keeps the facts that the page needs, and has it written; returns before it is.

        The user has the result by then: the layers are looked at once more for it.

        Returns:
            The ids of what is wrong with the layers, which the record has from now on, too.

        Raises:
            DiskError: The facts cannot be written.
        """
        from dl.inspect.layers import layer_rows, measure, weight_rows
        from dl.report.stored import Network, write_training_facts

        found = self.found
        if found is None or self.shown is None:
            return ()
        model, dataset = found.prepared.model, found.prepared.dataset
        signals = measure(model, dataset, found.prepared.config, trained=True)
        network = Network(layer_rows(model), weight_rows(model), signals, found.recording)
        write_training_facts(found.run, self.shown.facts, dataset, found.part, network)
        more = self._judge_layers(found, signals)
        self.process.write_page(found.run)
        return more

    def _judge_layers(self, found: PartPredictions, signals: NetworkStatistics) -> tuple[str, ...]:
        """Adds to the record what only the layers tell; returns it."""
        from dl.report.judging import findings_of

        record = read_record(found.run)
        judged = record.judgement
        if judged is None:
            return ()
        said = (self.one_answer, signals)
        known = findings_of(found.prepared.config, found.history, record.trivial, *said)
        judgement = replace(judged, findings=known, layers=True)
        write_record(found.run, replace(record, judgement=judgement))
        return tuple(name for name in known if name not in judged.findings)


def _errors(found: PartPredictions, loss: str) -> dict[str, Any]:
    """Returns the fields of `RunFacts` that tell how far rows came back from what they were."""
    from dl.data.row_errors import limit_of, read_errors, row_errors

    kept = read_errors(found.run)
    if kept is None or found.part.y is not found.part.x:
        return {}
    target = found.prepared.dataset.target
    errors = row_errors(loss, found.part.x[:], found.outputs, target)
    return {"errors": errors, "limit": limit_of(kept)}
