"""`dl init` finds what stands for a missing value, says so, and writes a config that bears it."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dl.config.load import load_config
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset
from dl.init.draft import first_config
from dl.init.plan import WIDTH
from support.streaming import Notes
from support.tables import told

SOME = {"a": 8, "when": 30, "y": 15}
"""Of 60 rows, those that lack a value, by column."""


def table(words: dict[str, str], rows: int = 60) -> str:
    """Returns a table of numbers, dates and categories, in which these words stand for nothing."""
    chance = random.Random(2)
    columns = {
        "a": [f"{chance.random():.3f}" for _ in range(rows)],
        "b": [f"{chance.random():.3f}" for _ in range(rows)],
        "when": [
            f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}" for _ in range(rows)
        ],
        "sort": [chance.choice(["x", "z", "NA"]) for _ in range(rows)],
        "y": [f"{chance.random():.3f}" for _ in range(rows)],
    }
    for name, word in words.items():
        for row in chance.sample(range(rows), SOME[name]):
            columns[name][row] = word
    lines = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


def proposed(folder: Path, text: str, target: str = "y") -> tuple[str, Config]:
    """Returns the first config for a table, as text and loaded."""
    path = folder / "rows.csv"
    path.write_text(text)
    config = first_config(path, [target])
    (folder / "rows.yaml").write_text(config)
    return config.replace(f"{folder}/", ""), load_config(folder / "rows.yaml").config


def loaded(config: Config) -> tuple[Dataset, Notes]:
    notes = Notes()
    return load_dataset(config, notes), notes


@pytest.mark.parametrize(
    "word", ["NA", "N/A", "NaN", "nan", "null", "None", "?", "-", ".", "\\N", "#N/A", "unknown"]
)
def test_texts_for_a_missing_value_are_found_at_any_share(tmp_path: Path, word: str) -> None:
    text, config = proposed(tmp_path, table({"a": word, "when": word, "y": word}))
    kinds = {"a": "numeric", "b": "numeric", "when": "date", "sort": "categorical"}
    dataset, notes = loaded(config)
    features = dataset.preprocessing.columns
    assert {feature.name: feature.kind for feature in features} == kinds
    assert [f.categories for f in features if f.kind == "categorical"] == [("NA", "x", "z")]
    assert "  missing_target: drop            # 15 rows without a target: nothing to" in text
    assert notes.notes[-1] == f"{tmp_path}/rows.csv: 15 of 60 rows left out: lack a target"
    if word in ("NaN", "nan"):  # among numbers it is missing anyway
        assert f"  # `{word}` means missing in 30 rows of `when`\n" in text
    else:
        told_of = f"`{word}` means missing in 8 rows of `a`, 30 rows of `when`, 15 rows of `y`"
        assert f"  # {told_of}\n" in text


def test_text_that_is_a_category_elsewhere_is_named_by_column(tmp_path: Path) -> None:
    text, config = proposed(tmp_path, table({"a": "NA"}))
    assert (
        "  # `NA` means missing in 8 rows of `a`\n"
        "  missing_values:\n"
        "    a: [NA]\n"
        "  # `NA` is a category of `sort`; list it in missing_values if it is not\n"
    ) in text
    assert config.data.missing_values == {"a": ("NA",)}  # type: ignore[union-attr]


def test_text_that_is_no_category_is_named_for_all_columns(tmp_path: Path) -> None:
    text, config = proposed(tmp_path, table({"a": "?", "when": "-"}))
    assert '  missing_values: ["?", "-"]\n' in text
    assert config.data.missing_values == ("?", "-")  # type: ignore[union-attr]


def test_later_row_may_lack_any_value(tmp_path: Path) -> None:
    text, config = proposed(tmp_path, table({}))
    assert "  missing: median                 # none yet; fills what a later row may lack\n" in text
    dataset, _ = loaded(config)
    rows = io.BytesIO(b"sort,when,b,a\n,,,\nx,2024-01-01,1,2\n")
    chunks = open_blocks(config, dataset.preprocessing, rows, Notes())
    (part,) = chunks.read(lambda done: None)
    assert part.x.shape == (2, len(dataset.preprocessing.feature_names))
    assert np.isfinite(part.x[:]).all()


def test_months_may_lack_a_value(tmp_path: Path) -> None:
    months = ["NA" if i % 9 == 4 else f"{1949 + i // 12}-{i % 12 + 1:02}" for i in range(60)]
    rows = [f"{month},{i / 7:.3f},{i / 3:.3f}" for i, month in enumerate(months)]
    text, config = proposed(tmp_path, "\n".join(["month,a,y", *rows]))
    assert "  # `NA` means missing in 7 rows of `month`\n" in text
    dataset, _ = loaded(config)
    assert [feature.kind for feature in dataset.preprocessing.features] == ["date", "numeric"]


@pytest.mark.parametrize("bad", ["2024-02-30", "soon"])
def test_column_that_cannot_be_read_is_told_in_whole_words(tmp_path: Path, bad: str) -> None:
    reason = "rows.csv:31: column 'when' is a date, but this is not one that can be read"
    lines = table({}).splitlines()
    cells = lines[30].split(",")
    lines[30] = ",".join([*cells[:2], bad, *cells[3:]])
    text, _ = proposed(tmp_path, "\n".join(lines))
    comment = " ".join(line.strip(" #") for line in text.splitlines() if line.startswith("  #"))
    assert f"Left out: `when` cannot be read yet ({reason}: '{bad}')" in comment
    assert all(len(line) <= WIDTH for line in text.splitlines() if line.startswith("  #"))


def test_money_is_told_as_a_number_that_is_written_otherwise(tmp_path: Path) -> None:
    rows = [f'"${1000 + 7 * i:,}.50",{i},{i / 7:.3f}' for i in range(40)]
    text, _ = proposed(tmp_path, "\n".join(["price,b,y", *rows]))
    line = '    price: {kind: numeric, thousands: ",", unit: "$"}  # `$1,000.50` is 1000.50\n'
    assert line in text
    assert line in first_config(tmp_path / "rows.csv", ["price"])


def test_money_of_several_currencies_is_told_as_it_is_for_a_training(tmp_path: Path) -> None:
    rows = [f'"{"$€"[i % 2]}{1000 + 7 * i:,}.50",{i},{i / 7:.3f}' for i in range(40)]
    text, _ = proposed(tmp_path, "\n".join(["price,b,y", *rows]))
    comment = " ".join(line.strip(" #") for line in text.splitlines() if line.startswith("  #"))
    assert "rows.csv:2: column 'price': '$1,000.50' is not a number; write 1000.50)" in comment
    path = tmp_path / "rows.csv"
    assert told(lambda: first_config(path, ["price"]), tmp_path) == (
        "rows.csv:2: column 'price': '$1,000.50' is not a number; write 1000.50\n"
        "expected: a number: digits, a point before the decimals, and nothing else\n"
        "hint: correct all values of the column, state in `data.columns` how they are written, or "
        "name another column with --target"
    )


def test_target_without_any_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,\n2,\n")
    assert told(lambda: first_config(path, ["y"]), tmp_path) == (
        "rows.csv: no row has a target\nhint: name another with --target"
    )


def test_a_first_config_is_yaml_that_any_reader_takes_alike(tmp_path: Path) -> None:
    words = {"a": "null", "when": "~", "y": "-"}
    text, config = proposed(tmp_path, table({name: words[name] for name in ("a", "y")}))
    document: dict[str, Any] = yaml.safe_load(text)
    assert document["data"]["missing_values"] == ["null", "-"]
    assert config.data.missing_values == ("null", "-")  # type: ignore[union-attr]
