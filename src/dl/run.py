"""A run as an object: its numbers, its model, its predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dl import app
from dl.config.schema import document_of
from dl.errors import RunError, UsageError
from dl.hosted import computed, noted
from dl.progress import SilentReporter
from dl.rows import Rows, rows_file
from dl.rundir.directory import RunDirectory, SweepDirectory
from dl.rundir.files import read_regular
from dl.rundir.query import JUDGING_PARTS
from dl.rundir.record import RunRecord, read_history, read_metrics, read_record

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from dl.export.files import Exported, Format
    from dl.sweeps.results import Results

Metrics = dict[str, float]


class Run:
    """A run: one training, with all that it left in its directory.

    Attributes:
        path: Its directory.
        label: `name/0001`, as all commands take it.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.path = directory.path
        self.label = directory.label

    @property
    def record(self) -> RunRecord:
        """Times, versions, seed, status: the content of `run.json`."""
        return noted(lambda: read_record(self.directory))

    @property
    def status(self) -> str:
        """`completed`, `interrupted`, `failed`, or `running` in another process."""
        return self.record.status

    @property
    def verdict(self) -> str:
        """What came of it: result beside a simple answer, how it stopped, what was found."""
        return noted(lambda: app.verdict_of(self.directory)).sentence

    @property
    def metrics(self) -> dict[str, Metrics]:
        """The final losses and metrics, by part: train, validation, test."""
        return noted(lambda: read_metrics(self.directory))

    @property
    def history(self) -> pd.DataFrame:
        """Losses, metrics, learning rate and seconds: a row for each epoch, which is the index."""
        import pandas as pd

        frame = pd.DataFrame(noted(lambda: read_history(self.directory)))
        return frame.astype({"epoch": int}).set_index("epoch") if len(frame) else frame

    @property
    def config(self) -> dict[str, Any]:
        """The config with every default and every value that was inferred."""
        return document_of(noted(lambda: app.config_of(self.directory, ())).config)

    @cached_property
    def model(self) -> keras.Sequential:
        """The trained model, with the weights of the run."""

        def build(reporter: SilentReporter) -> Any:
            from dl.predict.evaluate import open_run

            return open_run(self.directory, reporter).model

        return computed(build)

    @property
    def report(self) -> Path:
        """The page about the run; written if it is not there yet."""
        from dl.rundir.files import write_text

        page = self.directory.report
        if not page.exists():
            write_text(page, noted(lambda: app.page(self.directory)))
        return page

    def evaluate(
        self, data: Rows = None, *, split: str | None = None, threshold: float | None = None
    ) -> Metrics:
        """Measures the model on labelled rows, or on a part of the run's own data.

        Args:
            data: The rows, with the target. Default: a part of the run's own data.
            split: Which part: train, validation or test, which is the default.
            threshold: Probability from which a row is of the second class, or has a label.
        """
        if data is not None and split is not None:
            raise UsageError("data and split exclude each other", hint="leave one of them out")

        def measure(reporter: SilentReporter) -> Metrics:
            part = split or "test"
            with self._file(data, reporter) as path:
                return app.evaluate(self.directory, path, part, threshold, reporter).metrics

        return computed(measure)

    def predict(  # noqa: PLR0913 - one for each option of the command
        self,
        data: Rows = None,
        *,
        split: str | None = None,
        threshold: float | None = None,
        keep: Sequence[str] = (),
        name: str = "prediction",
        drift: Literal["ignore", "warn", "error"] = "warn",
        layer: str | None = None,
        error: bool = False,
        quantile: float | None = None,
        masks: str | Path | None = None,
        join: str | None = None,
        samples: int | None = None,
    ) -> pd.DataFrame:
        """Returns the predictions for rows, in their order; a DataFrame's index is kept.

        Of a series there is a row for each window, with the time or number of what it is for.

        Args:
            data: The rows; a target may be among the columns. Default: a part of the own data.
            split: Which part: train, validation or test, which is the default.
            threshold: Probability from which a row is of the second class, or has a label.
            keep: Columns of `data` that stand before the predictions, as they are; text where
                `data` is a CSV file.
            name: Name of the column `prediction`.
            drift: What to do about rows that the training part had nothing like.
            layer: A layer, whose outputs are returned instead: `<layer>_1`, `<layer>_2`…
            error: Add `error` and `unusual`, of a run with `target: inputs`; see `dl predict`.
            quantile: Fraction of the training rows whose errors are not unusual: 0.99.
            masks: A folder that gets a PNG for each row, of a class at each pixel.
            join: What stands between the classes of the steps of a row, in one column.
            samples: Predict each row so many times with dropout active: the mean, and the standard
                deviation in columns that end in `_std`.

        Returns:
            The column `prediction`, and for a classifier `probability_<class>` of each class.
        """
        import pandas as pd

        if data is not None and split is not None:
            raise UsageError("data and split exclude each other", hint="leave one of them out")

        def compute(reporter: SilentReporter) -> pd.DataFrame:
            from dl.predict.lite import Task

            with self._file(data, reporter) as path:
                folder = None if masks is None else Path(masks)
                forms = (False, layer, error, quantile, folder, join, samples)
                task = Task(path, split or "test", threshold, tuple(keep), name, drift, *forms)
                frames = [_frame(block) for block in app.predict(self.directory, task, reporter)]
            return pd.concat(frames, ignore_index=True)

        found = computed(compute)
        if isinstance(data, pd.DataFrame) and not self.config["data"].get("window"):
            found.index = data.index
            found[list(keep)] = data[list(keep)]  # not as the file between the two held them
        return found

    def export(self, to: Format, path: str | Path) -> Exported:
        """Writes the run for other programs, in the place of what is there; see `dl export`.

        Args:
            to: The format.
            path: The file, or the folder of a `saved_model`.

        Returns:
            Its size, SHA-256, speed, and the greatest difference from `predict`.
        """
        paths: dict[str, Path] = {to: Path(path)}
        return computed(lambda reporter: app.export(self.directory, paths, reporter))[0]

    @contextmanager
    def _file(self, rows: Rows, reporter: SilentReporter) -> Iterator[Path | None]:
        """Gives rows as a file of the kind that the run was trained on."""
        if rows is None or isinstance(rows, str | Path):
            yield None if rows is None else Path(rows)
            return
        from dl.predict.lite import open_files

        files = open_files(self.directory)
        source: Any = document_of(files.config)["data"]
        if getattr(files.config.data, "forms", None):  # a number is not written as one in CSV
            source = {**source, "source": "parquet"}
        columns = list(files.preprocessing.kinds)
        with rows_file(rows, source, reporter, columns) as path:
            yield path

    def __repr__(self) -> str:
        """Returns one line: label, status and the result."""
        record, parts = self.record, self.metrics
        part = next((name for name in JUDGING_PARTS if name in parts), None)
        values = parts[part] if part else {}
        told = "".join(f", {part} {name} {value:.4g}" for name, value in values.items())
        return f"<dl.Run {self.label}: {record.status}, {record.epochs} epochs{told}>"

    def _repr_html_(self) -> str:
        from dl.report.facts import png_uri
        from dl.report.html import filled

        metrics, page = self.metrics, self.directory.report
        picture = self.directory.plots / "learning_curves.png"
        shown = filled(
            "notebook",
            self.label,
            run=self,
            record=self.record,
            metrics=metrics,
            names=list(dict.fromkeys(name for values in metrics.values() for name in values)),
            picture=png_uri(read_regular(picture)) if picture.is_file() else "",
            report=page.absolute().as_uri() if page.is_file() else "",
        )
        return str(shown.html)


class Description:
    """A table at a glance.

    Attributes:
        sizes: Rows of each part, by its name.
    """

    def __init__(self, described: app.Described) -> None:
        self._described = described
        self.sizes = dict(described.table.sizes)

    @property
    def columns(self) -> pd.DataFrame:
        """A row for each column: use, kind, missing, distinct, doubt, least, mean, most, …"""
        import pandas as pd

        return pd.DataFrame(map(asdict, self._described.columns)).set_index("name")

    @property
    def findings(self) -> pd.DataFrame:
        """A row for each leak, and what `dl lint` says of columns: rule, path, message, why, …"""
        import pandas as pd

        names = ["rule", "path", "message", "why", "mended"]
        return pd.DataFrame(map(asdict, self._described.findings), columns=names)

    def __repr__(self) -> str:
        title, found = self._described.table.title, self._described.findings
        return f"<dl.Description {title}: {sum(self.sizes.values())} rows, {len(found)} findings>"

    def _repr_html_(self) -> str:
        frames = [self.columns, self.findings] if len(self.findings) else [self.columns]
        return "\n".join(frame.to_html() for frame in frames)


class Sweep:
    """A sweep: many settings of a config, each trained, and ranked.

    Attributes:
        path: Its directory.
        label: `name/0001`.
    """

    def __init__(self, directory: SweepDirectory) -> None:
        self.directory = directory
        self.path = directory.path
        self.label = directory.label

    @property
    def leaderboard(self) -> pd.DataFrame:
        """The settings, the best first: rank, mean, spread, p value, verdict, what they set."""
        import pandas as pd

        rows = {
            trial.trial: {
                "rank": trial.rank,
                **trial.setting.values,
                "mean": trial.mean,
                "spread": trial.spread,
                "p_value": trial.p_value,
                "verdict": trial.verdict or trial.status,
                "error": trial.error,
            }
            for trial in self._results.trials
        }
        frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("trial")
        return frame.astype({"rank": "Int64"}) if rows else frame

    @property
    def best(self) -> Run:
        """The first training of the best setting.

        Raises:
            RunError: No setting is complete.
        """
        best = self._results.best
        if best is None:
            raise RunError(f"{self.label} has no setting that is complete")
        return Run(self.directory.run(best.trial, 1))

    @property
    def _results(self) -> Results:
        from dl.sweeps.results import read_results

        return noted(lambda: read_results(self.directory))

    def __repr__(self) -> str:
        """Returns one line: label and status."""
        results = self._results
        return f"<dl.Sweep {self.label}: {results.record.status}, {len(results.trials)} settings>"


def _frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    arrays = (c if isinstance(c, np.ndarray) else c.to_pandas() for c in columns.values())
    return pd.DataFrame(dict(zip(columns, arrays, strict=True)))
