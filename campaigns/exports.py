"""Every kind of run to every format of `dl export`: kept, or refused with a reason.

`python -m campaigns.exports` trains each kind for an epoch, has each file run by its own runtime in
a process of its own, and prints a table in Markdown.
"""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from campaigns.command import options, report, with_progress
from dl import Run, train
from dl.errors import DlError

FORMATS = ("keras", "saved_model", "onnx", "litert", "litert-int8", "script", "notebook")
ROWS = 240
DENSE = {"type": "Dense", "units": 6, "activation": "relu"}
SOFTMAX = {"type": "Dense", "units": 3, "activation": "softmax"}
SPARSE = "sparse_categorical_crossentropy"
TABLE = ["age", "city", "income (k)", "joined", "seen", "kind"]


def _one(units: int = 1, activation: str = "linear") -> dict[str, Any]:
    return {"type": "Dense", "units": units, "activation": activation}


def _case(
    data: dict[str, Any], layers: Sequence[Any], loss: str, **preprocess: Any
) -> dict[str, Any]:
    data = {"split": {"validation": 0.1, "test": 0.25}, **data}
    return {
        "data": data,
        "preprocess": preprocess,
        "model": {"layers": list(layers)},
        "training": {"loss": loss, "epochs": 2, "batch_size": 32},
    }


def _table(target: Any, *features: str, **more: Any) -> dict[str, Any]:
    chosen = list(features or TABLE)
    return {"source": "csv", "path": "rows.csv", "target": target, "features": chosen, **more}


_FILLED: dict[str, Any] = {"numeric": "standardize", "missing": "median"}
_SERIES = {"source": "csv", "path": "series.csv", "target": "load", "window": {"length": 6}}
_NPZ = {"source": "npz", "path": "pictures.npz"}
_COLUMNS: dict[str, Any] = {
    "age": {"indicator": True, "clip": 0.05},
    "income (k)": {"scale": "log1p"},
    "joined": {
        "parts": {"year": "number", "month": "cyclic", "weekday": "categories", "day": "number"}
    },
    "seen": {"parts": {"hour": "cyclic", "minute": "number", "day_of_year": "number"}},
}
_IMAGES = {"source": "images", "path": "images", "image_size": [32, 32]}
_CONV = {"type": "Conv2D", "filters": 3, "kernel_size": 3, "padding": "same"}
ALIKE = {
    **dict.fromkeys(("parquet", "jsonl", "feather", "stata", "sas", "spss", "excel"), "csv"),
    **{"text": "csv", "npy": "npz", "nifti": "npz", "keras": "npz", "synthetic": "builtin"},
}
"""Sources that are not tried, and those whose runs are the same to an export."""
KINDS: dict[str, dict[str, Any]] = {
    "binary": _case(
        _table("label"),
        [DENSE, _one(1, "sigmoid")],
        "binary_crossentropy",
        **_FILLED,
        columns=_COLUMNS,
    ),
    "binary on logits": _case(
        _table("label"),
        [DENSE, _one()],
        {"type": "BinaryCrossentropy", "from_logits": True},
        **_FILLED,  # type: ignore[arg-type]
    ),
    "three classes": _case(_table("grade"), [DENSE, SOFTMAX], SPARSE, **_FILLED),
    "three classes, one-hot": _case(
        _table("grade"), [DENSE, SOFTMAX], "categorical_crossentropy", **_FILLED
    ),
    "labels": _case(
        _table(["tall", "rich"]), [DENSE, _one(2, "sigmoid")], "binary_crossentropy", **_FILLED
    ),
    "number": _case(
        _table("price"), [DENSE, _one()], "mean_squared_error", **_FILLED, target="standardize"
    ),
    "number, logarithm": _case(
        _table("income (k)", "age", "city"),
        [DENSE, _one()],
        "mean_squared_error",
        **_FILLED,
        target="log1p",
    ),
    "several numbers": _case(
        _table(["price", "height"]),
        [DENSE, _one(2)],
        "mean_squared_error",
        **_FILLED,
        target="minmax",
        target_range=[-1, 1],
    ),
    "quantiles": _case(
        _table("price"),
        [DENSE, _one(3)],
        {"type": "Quantile", "quantiles": [0.1, 0.5, 0.9]},  # type: ignore[arg-type]
        **_FILLED,
        target="standardize",
    ),
    "hinge": _case(_table("label"), [_one(1, "tanh")], "hinge", **_FILLED),
    "missing values refused": _case(
        _table("grade", "height", "kind"), [DENSE, SOFTMAX], SPARSE, unseen="error"
    ),
    "buckets, cross, quantiles": _case(
        _table("grade"),
        [DENSE, SOFTMAX],
        SPARSE,
        missing="median",
        columns={"age": {"buckets": 4}, "income (k)": {"scale": "quantile"}},
        crosses=[["age", "city"]],
    ),
    "hashed": _case(
        _table("grade"), [DENSE, SOFTMAX], SPARSE, **_FILLED, columns={"city": {"hash": 8}}
    ),
    "pooled categories": _case(
        _table("grade"),
        [DENSE, SOFTMAX],
        SPARSE,
        missing="median",
        dates="drop",
        columns={"city": {"categories": 3}, "age": {"missing": "mean"}},
    ),
    "categories looked up": _case(
        _table("grade", "kind", "size"),
        [{"type": "Embedding", "input_dim": 8, "output_dim": 4}, "Flatten", SOFTMAX],
        SPARSE,
        categorical="ordinal",
        numeric="none",
    ),
    "texts, tokens": _case(
        _table("label", "text", columns={"text": {"kind": "text"}}),
        [{"type": "Embedding", "output_dim": 4}, "GlobalAveragePooling1D", _one(1, "sigmoid")],
        "binary_crossentropy",
        text={"length": 12},
    ),
    "texts, tf-idf": _case(
        _table("label", "text", "age", columns={"text": {"kind": "text"}}),
        [DENSE, _one(1, "sigmoid")],
        "binary_crossentropy",
        missing="median",
        columns={"text": {"text": {"output": "tf_idf", "ngrams": 2}}},
    ),
    "pictures": _case(
        _NPZ,
        [
            {"type": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu"},
            "Flatten",
            {"type": "Dropout", "rate": 0.2},
            SOFTMAX,
        ],
        SPARSE,
    ),
    "arrays": _case(
        {"source": "builtin", "dataset": "iris"}, [DENSE, SOFTMAX], SPARSE, numeric="standardize"
    ),
    "windows": _case(
        _SERIES,
        [{"type": "LSTM", "units": 4}, _one()],
        "mean_squared_error",
        numeric="standardize",
        target="standardize",
    ),
    "windows, changes": _case(
        {**_SERIES, "window": {"length": 6, "difference": True}},
        ["Flatten", _one()],
        "mean_squared_error",
        numeric="standardize",
        target="standardize",
    ),
    "masks": _case(
        {**_IMAGES, "masks": "masks", "mask_values": [1, 2, 3]},
        [_CONV, {**_CONV, "activation": "softmax"}],
        SPARSE,
        scale=255,
    ),
    "frozen base, streamed": {
        **_case(
            {**_IMAGES, "path": "classes", "image_size": [48, 48]},
            [
                {"type": "MobileNetV2", "weights": "none", "alpha": 0.35, "pooling": "avg"}
                | {"trainable": False},
                {**SOFTMAX, "units": 2},
            ],
            SPARSE,
        ),
        "engine": {"memory": 1},
    },
    "sounds": _case(
        {"source": "audio", "path": "sounds", "rate": 1000, "seconds": 0.1},
        [
            {"type": "Reshape", "target_shape": [100, 1]},
            {"type": "Conv1D", "filters": 4, "kernel_size": 5},
            "GlobalMaxPooling1D",
            _one(1, "sigmoid"),
        ],
        "binary_crossentropy",
    ),
    "table, streamed": {
        **_case(
            {**_table("price", "age", "height", "city"), "path": "many.csv"},
            [DENSE, _one()],
            "mean_squared_error",
            **_FILLED,
            target="standardize",
        ),
        "engine": {"memory": 1},
    },
    "characters": _case(
        {"source": "characters", "path": "text.txt", "window": {"length": 8}},
        [{"type": "GRU", "units": 4}, {**SOFTMAX, "units": 5}],
        SPARSE,
    ),
    "given back": _case(
        _table("inputs", "age", "height"),
        [_one(1, "relu"), _one(2)],
        "mean_squared_error",
        **_FILLED,
    ),
}


def write_rows(folder: Path, seed: int = 0) -> None:
    """Writes the data of all kinds: a table with gaps, pictures, sounds, a series and a text."""
    random = np.random.default_rng(seed)
    days = np.datetime64("2014-01-01") + random.integers(0, 3000, ROWS).astype("timedelta64[D]")
    times = days.astype("datetime64[s]") + random.integers(0, 86_400, ROWS).astype("timedelta64[s]")
    words = np.array(["good", "bad", "It's", "fine,", "GREAT!", "(dull)", "über", "42"])
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 12, ROWS).round(1),
            "height": random.normal(170, 9, ROWS).round(1),
            "city": random.choice(["Bern", "Basel", "Zürich", "Genève", "Chur"], ROWS),
            "kind": random.choice(["x", "y"], ROWS),
            "size": random.integers(0, 6, ROWS),
            "income (k)": random.lognormal(4, 1, ROWS).round(2),
            "joined": np.datetime_as_string(days),
            "seen": np.datetime_as_string(times),
            "text": [" ".join(random.choice(words, random.integers(2, 9))) for _ in range(ROWS)],
        }
    )
    frame["label"] = np.where(frame["age"] > 40, "yes", "no")
    frame["grade"] = np.select([frame["age"] < 34, frame["age"] < 46], ["low", "middle"], "high")
    frame["tall"], frame["rich"] = frame["height"] > 170, frame["income (k)"] > 55
    frame[["tall", "rich"]] = frame[["tall", "rich"]].astype(int)
    frame["price"] = (3 * frame["age"] + frame["income (k)"] / 2).round(2)
    for name in ("age", "city", "joined", "seen"):
        frame.loc[random.choice(ROWS, 20, replace=False), name] = np.nan
    frame.to_csv(folder / "rows.csv", index=False)
    pd.concat([frame] * 200).to_csv(folder / "many.csv", index=False)
    x = random.integers(0, 256, (ROWS, 8, 8), dtype=np.uint8)
    labels = random.integers(0, 3, ROWS)
    np.savez(folder / "pictures.npz", x_train=x, y_train=labels)
    load = np.cumsum(random.normal(size=ROWS)).round(3)
    series = {"load": load, "wind": random.normal(size=ROWS).round(3)}
    pd.DataFrame(series).to_csv(folder / "series.csv", index=False)
    (folder / "text.txt").write_text("".join(random.choice(list("abcd "), 2 * ROWS)))
    _write_media(folder, random)


def _write_media(folder: Path, random: np.random.Generator) -> None:
    """Writes pictures of two classes, pictures with masks, and sounds."""
    for number in range(80):
        pixels = random.integers(0, 256, (48, 48, 3), dtype=np.uint8)
        made = {
            f"classes/{'ab'[number % 2]}/{number}.png": pixels,
            f"images/{number}.png": pixels[:32, :32],
            f"masks/{number}.png": random.integers(1, 4, (32, 32), dtype=np.uint8),
        }
        for name, values in made.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(folder / name)
        sound = folder / "sounds" / "ab"[number % 2] / f"{number}.wav"
        sound.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(sound), "wb") as file:
            file.setparams((1, 2, 1000, 0, "NONE", ""))
            file.writeframes(random.integers(-9000, 9000, 100, dtype=np.int16).tobytes())


def trained(kind: str, folder: Path) -> Run:
    """Trains a kind of run on the data of a folder."""
    document = {**KINDS[kind], "name": kind.replace(" ", "-").replace(",", "")}
    data = document["data"]
    paths = {key: str(folder / data[key]) for key in ("path", "masks") if key in data}
    document["data"] = {**data, **paths}
    if data["source"] == "characters":
        document["data"]["split"] = {"validation": 0.1, "test": 0.25, "order": "rows"}
    elif data.get("window"):
        split = {"validation": 0.1, "test": 0.25, "order": "rows"}
        document["data"] |= {"features": ["load", "wind"], "split": split}
    return train(document, runs=folder / "runs")


def campaign(
    kinds: Sequence[str], formats: Sequence[str], folder: Path, seed: int = 0
) -> tuple[list[list[str]], list[str]]:
    """Returns a row for each kind, with what came of each format; and what broke."""
    write_rows(folder, seed)
    table, failures = list[list[str]](), list[str]()
    for kind in with_progress(kinds):
        run, row = trained(kind, folder), [kind]
        for to in formats:
            path = folder / "exported"
            try:
                found = run.export(to, path)  # type: ignore[arg-type]
                row.append(found.note if "int8" in to else f"{found.difference:.0e}")
            except DlError as error:
                row.append(f"refused: {str(error).partition(f'to {to}: ')[2] or error}")
                if path.exists() or list(folder.glob(".new-*")):
                    failures.append(f"{kind} to {to}: something is left behind")
            except Exception as error:
                failures.append(f"{kind} to {to}: {error!r}")
            path.unlink(missing_ok=True) if not path.is_dir() else _removed(path)
        table.append(row)
    return table, failures


def _removed(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


def main() -> None:
    """Runs the campaign and prints its table and its figure."""
    chosen = options(__doc__, len(KINDS))
    with tempfile.TemporaryDirectory() as folder:
        kinds = list(KINDS)[: chosen.size]
        table, failures = campaign(kinds, FORMATS, Path(folder), chosen.seed)
    print("\n".join("| " + " | ".join(row) + " |" for row in [["kind", *FORMATS], *table]))
    report(f"exports: {len(table)} kinds to {len(FORMATS)} formats", failures)


if __name__ == "__main__":
    main()
