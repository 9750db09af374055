"""What a training leaves to look at: pictures and a page, made by another process meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dl.engine.workflow import Judged
    from dl.pages.drawing import Drawing
    from dl.report.input import PlotInput


class Looking:
    """The pictures and the page of one training.

    Args:
        drawing: The process that draws.
    """

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._judged: tuple[Judged, PlotInput] | None = None

    def draw(self, judged: Judged) -> None:
        """Has the pictures drawn; returns at once."""
        from dl.report.input import PlotInput
        from dl.report.outcome import with_outputs

        dataset, config = judged.prepared.dataset, judged.prepared.config
        known = PlotInput(
            name=judged.run.label,
            history=judged.history,
            task=dataset.info.task,
            loss=config.training.loss.type,
            part=judged.name,
            part_rows=len(dataset.parts[judged.name]),
            boundary=judged.boundary,
            path=judged.path,
        )
        judged.run.plots.mkdir(exist_ok=True)
        shown = with_outputs(known, judged.part, judged.outputs, dataset.preprocessing)
        self._drawing.begin(judged.run.plots, shown)
        self._judged = judged, shown

    def write_page(self) -> None:
        """Keeps the facts that the page needs, and has it written; returns before it is.

        The user has the result by then: the layers are looked at once more for it.

        Raises:
            DiskError: The facts cannot be written.
        """
        from dl.engine.inside.signals import measure
        from dl.engine.inside.summary import layer_rows
        from dl.engine.inside.weights_summary import weight_rows
        from dl.pages.facts import Network, facts_of, write_facts

        if self._judged is None:
            return
        judged, shown = self._judged
        prepared = judged.prepared
        signals = measure(prepared.model, prepared.dataset, prepared.config, trained=True)
        network = Network(layer_rows(prepared.model), weight_rows(prepared.model), signals)
        write_facts(judged.run, facts_of(prepared.dataset, judged.part, shown, network))
        self._drawing.write_page(judged.run)
