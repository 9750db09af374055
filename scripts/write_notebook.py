"""Writes `docs/notebook.ipynb`: runs its cells and stores what they show."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
CELLS: tuple[tuple[str, str], ...] = (
    (
        "text",
        "# Handwritten digits, from a config to predictions\n\n`digits.yaml` is a shipped config: "
        "`dl init --example digits > digits.yaml`. All that is done here, the command `dl` does, "
        "too; what each call can do is in [python.md](python.md).",
    ),
    ("code", "import dl\n\ndl.validate('digits.yaml')"),
    (
        "text",
        "## Train\n\nValues on top of the config are given by their paths. The run shows its "
        "result and its curves.",
    ),
    ("code", "run = dl.train('digits.yaml', {'training.epochs': 15})\nrun"),
    ("code", "run.history.tail(3).drop(columns='seconds').round(3)"),
    ("text", "## Look\n\nThe pictures of the run are files; its model is one of Keras."),
    (
        "code",
        "from IPython.display import Image\n\nImage(run.path / 'plots' / 'confusion_matrix.png', "
        "width=500)",
    ),
    ("code", "[layer.name for layer in run.model.layers]"),
    ("text", "## Predict\n\nRows in, predictions out, with the index of the rows."),
    (
        "code",
        "import pandas as pd\nfrom sklearn.datasets import load_digits\n\n"
        "digits = load_digits()\nrows = pd.DataFrame(digits.data, columns=digits.feature_names)\n"
        "found = run.predict(rows.iloc[:5])\nfound['prediction']",
    ),
    ("text", "## Compare\n\nA second run, with fewer units, and both as a table."),
    (
        "code",
        "dl.train('digits.yaml', {'training.epochs': 15, 'model.layers.hidden.units': 8})\n"
        "dl.runs(columns=['model.layers.hidden.units']).filter(regex='hidden|accuracy').round(3)",
    ),
    ("text", "## Cross-validate\n\nAn estimator of scikit-learn, with the same config."),
    (
        "code",
        "from sklearn.model_selection import cross_val_score\n\n"
        "classifier = dl.Classifier('digits.yaml', {'training.epochs': 5})\n"
        "cross_val_score(classifier, rows, digits.target, cv=3).round(2)",
    ),
)


def main() -> None:
    """Runs the cells in a folder of their own and writes the notebook with what they show."""
    make = {"text": new_markdown_cell, "code": new_code_cell}
    cells = [
        make[kind](text.replace("'", '"') if kind == "code" else text, id=f"cell-{i}")
        for i, (kind, text) in enumerate(CELLS)
    ]
    notebook = new_notebook(cells=cells)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "configs" / "digits.yaml", folder)
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}})
        client.execute()
    for cell in notebook.cells:
        cell.metadata = {}
    nbformat.write(notebook, ROOT / "docs" / "notebook.ipynb")


if __name__ == "__main__":
    main()
