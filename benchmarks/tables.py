"""The config of `dl init`, unedited, on tables: beside scikit-learn's MLP and boosted trees.

python benchmarks/tables.py FOLDER [--only NAME]… [--seeds 5] [--page docs/tables.md]

Each table of the folder, and those that scikit-learn brings, is drafted by `dl init`, trained and
measured on the test part. The other models get the same parts and the same preparation, and are
measured by the same metrics: accuracy, or the root mean squared error in the unit of the target.
With several seeds, each has a split and first weights of its own; the means are told.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from measure import last_json, run
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from dl.baselines.models import outputs_of
from dl.baselines.ranking import unchanged
from dl.data.load import load_parts
from dl.data.target import class_indexes
from dl.predict.evaluate import evaluate, open_run
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory

DL = [sys.executable, "-m", "dl"]
TARGETS = {
    "attrition": "Attrition",
    "auto-mpg": "c1",
    "diamonds": "price",
    "german": "risk",
    "iris-no-header": "c5",
    "pima-no-header": "c8",
    "sacramento": "price",
    "titanic": "Survived",
}
"""The column to predict, where it is not the last one or has no name."""
NO_INPUT = ("reviews",)
"""Free text is no column of a table to `dl init`."""
OWN = ("iris", "wine", "breast_cancer", "digits", "diabetes")
LEVEL = 0.02
"""Two models are level where their numbers lie within 2%."""
HEAD = """\
# `dl init` on tables

<!-- Written by benchmarks/tables.py. -->

What `dl init` drafts, trained without an edit, on the test part of each table; beside it an answer
that looks at no input, scikit-learn's `MLPClassifier` or `MLPRegressor` and `HistGradientBoosting`
as they are, on the same training rows and the same preparation. Accuracy: more is better; RMSE, in
the unit of the target: less is better.

The mean of three seeds, each with a split of its own. On small test parts 2% is a few rows: three
of 178 on `titanic`. `airline`, `taylor` and `temperatures` are series: drafted as windows over
their past, trained on the first rows and tested on the last; the others see the numbers of each
window, and the seeds differ in the first weights alone. Tables of free text alone are left out.

"""


@dataclass(frozen=True, slots=True)
class Row:
    """A table and what each model reaches on its test part."""

    table: str
    rows: int
    metric: str
    trivial: float
    dl: float
    mlp: float
    trees: float

    def level(self, other: float) -> bool:
        """Tells whether the network is at least level with another model."""
        if self.metric == "accuracy":
            return self.dl >= other * (1 - LEVEL)
        return self.dl <= other * (1 + LEVEL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="Mean of so many.")
    parser.add_argument("--page", type=Path, help="Write the table there, too.")
    options = parser.parse_args()
    # Each table has a model of its own to measure with: TensorFlow warns of tracing each.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # scikit-learn's network is measured as it is, which is often before it has converged.
    warnings.simplefilter("ignore", ConvergenceWarning)
    found = []
    with tempfile.TemporaryDirectory() as work:
        for path, target in tables(options.folder, Path(work)):
            if not options.only or path.stem in options.only:
                each = [measured(path, target, Path(work), 42 + n) for n in range(options.seeds)]
                found.append(mean_of(each))
                print(line(found[-1]), flush=True)
    text = page(found)
    print(text)
    if options.page is not None:
        options.page.write_text(HEAD + text, encoding="utf-8")


def tables(folder: Path, work: Path) -> Iterator[tuple[Path, str]]:
    """Yields the tables with the column to predict."""
    for name in OWN:
        path = work / f"{name}.csv"
        getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(path, index=False)
        yield path, "target"
    for path in sorted(each for each in folder.iterdir() if each.stem not in NO_INPUT):
        header = path.read_text(encoding="utf-8").splitlines()[0]
        last = header.split(",")[-1].strip().strip('"')
        yield path.resolve(), TARGETS.get(path.stem, last)


def mean_of(rows: list[Row]) -> Row:
    """Returns the mean over the seeds of one table."""
    measures = ("trivial", "dl", "mlp", "trees")
    means = {name: float(np.mean([getattr(row, name) for row in rows])) for name in measures}
    return replace(rows[0], **means)


def measured(path: Path, target: str, work: Path, seed: int) -> Row:
    """Drafts, trains, and measures all models of a table; the seed is also that of its split."""
    config, runs = work / f"{path.stem}.yaml", work / "runs"
    config.write_text(run([*DL, "init", str(path), "--target", target]), encoding="utf-8")
    seeded = ["--set", f"seed={seed}", "--runs", str(runs), "-q", "--json"]
    trained = last_json(run([*DL, "train", str(config), *seeded]))
    ranking: dict[str, Any] = json.loads(
        run([*DL, "baseline", str(trained["run"]), "--runs", str(runs), "-q", "--json"])
    )
    models = {model["name"]: model["metrics"] for model in ranking["models"]}
    names = models[ranking["network"]]
    metric = "accuracy" if "accuracy" in names else "RootMeanSquaredError"
    always = next(name for name in models if name.startswith("always"))
    return Row(
        table=path.stem,
        rows=ranking["train_rows"],
        metric=metric,
        trivial=models[always][metric],
        dl=names[metric],
        mlp=multilayer(RunDirectory(Path(str(trained["run"]))), seed)[metric],
        trees=models["boosted trees"][metric],
    )


def multilayer(directory: RunDirectory, seed: int) -> dict[str, float]:
    """Returns the metrics of scikit-learn's own network on the test part of a run."""
    saved = open_run(directory, SilentReporter())
    target, config = saved.preprocessing.target, saved.config
    parts = load_parts(config, saved.preprocessing, SilentReporter())
    train, test = parts["train"], parts["test"]
    # A window is a row of numbers to it, as a network begins with `Flatten`.
    x, rows = (part.x[:].reshape(len(part), -1) for part in (train, test))
    if target.form == "numbers":
        said = MLPRegressor(random_state=seed).fit(x, train.y.ravel()).predict(rows)[:, np.newaxis]
    else:
        classes = class_indexes(train.y, target)
        model = MLPClassifier(random_state=seed).fit(x, classes)
        said = np.zeros((len(rows), len(target.classes)))
        said[:, model.classes_] = model.predict_proba(rows)
    outputs = outputs_of(said, target)
    same = unchanged(outputs.shape[1:], config, target)
    return evaluate(same, replace(test, x=outputs), config)


def page(rows: list[Row]) -> str:
    """Returns the table in Markdown, and how often the network is at least level."""
    text = io.StringIO()
    text.write("| table | training rows | metric | trivial | MLP | boosted trees | `dl init` |\n")
    text.write("|---|---|---|---|---|---|---|\n")
    for row in rows:
        text.write(line(row) + "\n")
    text.write("\n")
    for name, each in (("the MLP", _mlp), ("boosted trees", _trees)):
        behind = [row.table for row in rows if not row.level(each(row))]
        level = f"{len(rows) - len(behind)} of {len(rows)} tables"
        told = f"; behind on {', '.join(behind)}" if behind else ""
        text.write(f"- At least level ({LEVEL:.0%}) with {name} on {level}{told}.\n")
    return text.getvalue()


def _mlp(row: Row) -> float:
    return row.mlp


def _trees(row: Row) -> float:
    return row.trees


def line(row: Row) -> str:
    """Returns a row of the table; the network's number is bold where it is the best."""
    others = (row.mlp, row.trees)
    best = row.dl >= max(others) if row.metric == "accuracy" else row.dl <= min(others)
    own = f"**{row.dl:.4g}**" if best else f"{row.dl:.4g}"
    metric = "accuracy" if row.metric == "accuracy" else "RMSE"
    return (
        f"| {row.table} | {row.rows:,} | {metric} | {row.trivial:.4g} | {row.mlp:.4g} "
        f"| {row.trees:.4g} | {own} |"
    )


if __name__ == "__main__":
    main()
