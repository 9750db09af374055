"""What is trained on the page: a config as plain data, and the changes that the page may ask for.

Every change is one of a config, which `dl` checks as it checks a file; so what the page shows can
be taken away as YAML. Light: no Keras, and no data is read but a table's that becomes a config.
"""

from __future__ import annotations

import csv
import io
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from dl.config.load import Loaded, load_text
from dl.config.nodes import plain, yaml_text
from dl.config.schema import RATE, Config, key_order, schedule_of
from dl.errors import DlError, UsageError
from dl.init.columns import likely_target, open_table, read_table
from dl.init.draft import first_config
from dl.rundir.files import write_bytes
from dl.vocabulary.spec import document

MOST_POINTS, MOST_LAYERS, MOST_UNITS, MOST_CLASSES, MOST_EPOCHS = 2000, 8, 16, 7, 20_000
MOST_BYTES = 4_000_000
"""Of a request: a table of some ten thousand rows."""
TABLE = "points.csv"
"""The file of the page's own points, beside its config."""
LAYERS = ("Dense", "Dropout", "BatchNormalization", "LayerNormalization", "GaussianNoise")
"""The layers that the page may add; an opened config can have others."""
PRESETS: Mapping[str, dict[str, Any]] = tomllib.loads(
    files("dl.play").joinpath("presets.toml").read_text(encoding="utf-8")
)
"""Each made-up data set: its rows, hidden units, activation, optimizer, batch."""

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Setting:
    """What is to be trained.

    Attributes:
        document: The config as plain data, without what `optimizer` and `batch_size` say.
        optimizer: The optimizer, as plain data.
        batch_size: Rows of a step, or `full`.
        folder: The folder that its paths begin in.
        table: The content of `points.csv`, where the rows are the page's own.
        axes: The two inputs that the plane shows; None for the first two.
        left_out: What an opened config has that the page does without.
        fixed: Whether the plane stays as it was: its points were moved by hand.
        header: The columns of a table, any of which can be an input or the target.
    """

    document: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    batch_size: int | str
    folder: Path
    table: bytes = b""
    axes: tuple[str, str] | None = None
    left_out: tuple[str, ...] = ()
    fixed: bool = False
    header: tuple[str, ...] = ()

    def text(self, stretches: Sequence[Stretch]) -> str:
        """Returns the config as YAML, trained for these stretches of epochs."""
        first = stretches[0]
        training = {
            **self.document["training"],
            "optimizer": dict(first.optimizer),
            "batch_size": first.batch_size,
        }
        if len(stretches) == 1:
            training["epochs"] = first.epochs
        else:
            training["phases"] = [_phase(*pair) for pair in zip(stretches, (None, *stretches))]  # noqa: B905
        whole = {**self.document, "training": training}
        return yaml_text({key: whole[key] for key in key_order(Config) if key in whole})

    def load(self, stretches: Sequence[Stretch]) -> Loaded:
        """Returns it as a checked config that can wait between steps; raises `ConfigError`."""
        text, file = self.text(stretches).encode(), self.folder / "play.yaml"
        return load_text(file, text, ("engine.steps_per_call=1",))

    def with_steps_of(self, other: Setting) -> Setting:
        """Returns it with the optimizer and the batches of another, seen as that is seen."""
        return replace(
            self, optimizer=other.optimizer, batch_size=other.batch_size, axes=other.axes
        )


@dataclass(frozen=True)
class Stretch:
    """Epochs with one optimizer and one size of batches."""

    epochs: int
    optimizer: Mapping[str, Any]
    batch_size: int | str


def _phase(now: Stretch, before: Stretch | None) -> dict[str, Any]:
    """Returns a phase of the config; of an optimizer whose rate alone is new, the rate."""
    phase: dict[str, Any] = {"epochs": now.epochs}
    if before is None:
        return phase
    if now.optimizer != before.optimizer:
        rate = now.optimizer.get(RATE[-1])
        same = {**before.optimizer, RATE[-1]: rate} == now.optimizer
        phase |= {RATE[-1]: rate} if same else {"optimizer": dict(now.optimizer)}
    return phase | {"batch_size": now.batch_size}


def preset(name: str, folder: Path) -> Setting:
    """Returns a made-up problem with a network that can solve it."""
    if name not in PRESETS:
        raise UsageError("there is no such problem", hint=f"one of {', '.join(PRESETS)}")
    made = PRESETS[name]
    hidden = [
        {"type": "Dense", "units": units, "activation": made["activation"]}
        for units in made["units"]
    ]
    given = {
        "name": f"play-{name}",
        "seed": 0,
        "data": {"source": "synthetic", "dataset": name, **made["data"]},
        "model": {"layers": [*hidden, {"type": "Dense", "units": 1, "activation": "sigmoid"}]},
        "training": {"loss": "binary_crossentropy", "metrics": ["accuracy"]},
        "engine": {"compile": False},
    }
    return Setting(given, made["optimizer"], made["batch_size"], folder)


def opened(loaded: Loaded) -> Setting:
    """Returns a config that was opened; what a person does here in its place is left out."""
    given: Any = plain(loaded.root)
    training, config = dict(given["training"]), loaded.config.training
    left = [
        key for key in ("callbacks", "phases", "time_limit", "solver") if training.pop(key, None)
    ]
    optimizer = document(config.optimizer)
    known = training.get("optimizer")
    own = {"type": config.optimizer.type, **(known if isinstance(known, dict) else {})}
    rate = config.optimizer.parameters.get(RATE[-1])
    schedule = schedule_of(config)
    if schedule is not None:
        left.append("schedule")
        first = ("initial_learning_rate", "max_learning_rate")
        rate = next((schedule.parameters[n] for n in first if n in schedule.parameters), 0.01)
    if isinstance(optimizer, dict) and rate is not None:
        own[RATE[-1]] = rate
    training.pop("epochs", None)
    training.pop("batch_size", None)
    training["optimizer"] = own
    layers = [
        {"type": layer} if isinstance(layer, str) else dict(layer)
        for layer in given["model"]["layers"]
    ]
    given |= {"training": training, "model": {**given["model"], "layers": layers}}
    given |= {"name": loaded.config.name, "seed": loaded.config.seed}
    given["engine"] = {**given.get("engine", {}), "compile": False}
    given["engine"].pop("steps_per_call", None)
    return Setting(given, own, config.batch_size, loaded.path.parent, left_out=tuple(left))


def of_table(
    path: Path, target: str = "", axes: Sequence[str] = (), *, whole: bool = False
) -> Setting:
    """Returns a config for a table as `dl init` writes it, with a network small enough to watch.

    Args:
        path: The table; a CSV file, or another that `dl init` reads.
        target: The column to predict; none for the likeliest.
        axes: The two columns of the plane; none for its first two numbers.
        whole: Whether the network sees all columns, not these two alone.

    Raises:
        DlError: The table cannot be used.
    """
    header = list(open_table(path)[1].names)
    target = target or likely_target(header)
    loaded = load_text(path.parent / "play.yaml", first_config(path.absolute(), [target]).encode())
    made = opened(loaded)
    data = {**made.document["data"], "path": path.name}
    if not whole:
        numbers = [f.name for f in read_table(path, [target]).features if f.kind == "numeric"]
        axes = axes or numbers[:2]
        data.pop("exclude", None)
        data["features"] = list(axes)
    *_, last = made.document["model"]["layers"]
    hidden = [{"type": "Dense", "units": units, "activation": "tanh"} for units in (8, 4)]
    given = {**made.document, "name": "play", "data": data, "model": {"layers": [*hidden, last]}}
    return replace(
        made,
        document=given,
        optimizer={"type": "Adam", "learning_rate": 0.01},
        axes=(axes[0], axes[1]) if len(axes) == 2 else None,
        left_out=(),
        header=tuple(header),
    )


@dataclass(frozen=True)
class Seen:
    """What is known of the data that the page shows: names, and whether numbers are predicted."""

    names: tuple[str, str]
    target: str
    numbers: bool = False
    paintable: bool = True


def changed(now: Setting, asked: Mapping[str, Any], scratch: Path, seen: Seen | None) -> Setting:
    """Returns what the page asks for, checked as far as it can be without the data.

    Args:
        now: What is trained now.
        asked: What is to be other, as the page sends it.
        scratch: The folder for tables of the page.
        seen: What is known of the data that it shows.

    Raises:
        DlError: It is beyond the limits, or no config that can be trained.
    """
    try:
        new = _changed(now, asked, scratch, seen)
        new.load([Stretch(1, new.optimizer, new.batch_size)])
    except (DlError, LookupError, AttributeError, TypeError, ValueError, OverflowError) as error:
        write_bytes(scratch / TABLE, now.table)  # what is trained now may be read again
        if isinstance(error, DlError):
            raise
        raise UsageError("the request is not understood", hint="open the page again") from error
    return new


def _changed(now: Setting, asked: Mapping[str, Any], scratch: Path, seen: Seen | None) -> Setting:
    if "preset" in asked:
        return preset(asked["preset"], scratch)
    if "table" in asked:
        return _with_table(now, asked["table"], scratch)
    if "axes" in asked:
        first, second = asked["axes"]
        return replace(now, axes=(str(first), str(second)))
    given = dict(now.document)
    if "layers" in asked:
        given["model"] = {**given["model"], "layers": _layers(asked["layers"], now)}
    if "seed" in asked:
        given["seed"] = int(asked["seed"])
    if "loss" in asked:
        given["training"] = {**given["training"], "loss": str(asked["loss"])}
    if "made" in asked:
        given["data"] = _made(given["data"], asked["made"])
    new = replace(now, document=given)
    if "points" in asked:
        new = _with_points(new, asked["points"], scratch, seen)
    batch = asked.get("batch_size", now.batch_size)
    return replace(new, optimizer=dict(asked.get("optimizer", now.optimizer)), batch_size=batch)


def _made(data: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Returns made-up rows with another noise, or another number of them."""
    if data["source"] != "synthetic" or asked.get("rows", 0) > MOST_POINTS:
        raise UsageError(f"only up to {MOST_POINTS} made-up points have a noise and a number")
    return {**data, **{key: asked[key] for key in ("noise", "rows") if key in asked}}


def _layers(asked: Sequence[Mapping[str, Any]], now: Setting) -> list[dict[str, Any]]:
    before = now.document["model"]["layers"]
    if len(asked) > max(MOST_LAYERS, len(before)):
        raise UsageError(f"more than {MOST_LAYERS} layers", hint="take one away first")
    known = {layer["type"] for layer in before} | set(LAYERS)
    widest = max(MOST_UNITS, *(layer.get("units", 0) for layer in before))
    for layer in asked:
        if layer["type"] not in known:
            raise UsageError(f"no layer of the page: {str(layer['type'])[:40]}")
        if not 1 <= layer.get("units", 1) <= widest:
            raise UsageError(f"a layer here has 1 to {widest} units")
    return [dict(layer) for layer in asked]


def _with_table(now: Setting, asked: Mapping[str, Any], scratch: Path) -> Setting:
    """Takes rows from a CSV file, or other columns of the one that is open."""
    path = now.folder / str(now.document["data"].get("path", TABLE))
    table = now.table
    if "text" in asked:
        path, table = scratch / TABLE, str(asked["text"]).encode()
        write_bytes(path, table)
    axes = tuple(str(name) for name in asked.get("axes", ()))
    made = of_table(path, str(asked.get("target", "")), axes, whole=bool(asked.get("whole")))
    return replace(made, table=table)


def _with_points(new: Setting, points: Rows, scratch: Path, seen: Seen | None) -> Setting:
    """Lets the points of the page be the rows; each keeps its part."""
    if seen is None or not seen.paintable:
        raise UsageError("points are painted where the network sees two numbers, and no more")
    if len(points) > MOST_POINTS:
        raise UsageError(f"more than {MOST_POINTS} points", hint="erase some first")
    column = "part" if "part" not in (*seen.names, seen.target) else "part_of_rows"
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow([*seen.names, seen.target, column])
    parts = set()
    for x, y, value, part in points:
        is_part = part in ("train", "validation", "test")
        if not (is_part and math.isfinite(x) and math.isfinite(y)):
            raise ValueError
        said = f"{float(value):.6g}" if seen.numbers else str(value)[:40]
        rows.writerow([f"{x:.6g}", f"{y:.6g}", said, part])
        parts.add(part)
    table = written.getvalue().encode()
    write_bytes(scratch / TABLE, table)
    given = dict(new.document)
    scaled = given["data"]["source"] != "synthetic"
    given["data"] = {
        "source": "csv",
        "path": TABLE,
        "target": seen.target,
        "features": list(seen.names),
        "split": {
            **({"column": column} if len(parts) > 1 else {}),
            **{part: 0 for part in ("validation", "test") if part not in parts},
        },
    }
    given["preprocess"] = {**({} if scaled else {"numeric": "none"}), **given.get("preprocess", {})}
    if not seen.numbers:
        given = _for_classes(given, len({str(row[2]) for row in points}))
    return replace(new, document=given, folder=scratch, table=table, fixed=True, header=())


def _for_classes(given: dict[str, Any], count: int) -> dict[str, Any]:
    """Gives the last layer an output for each class, or one for two, and the loss for that."""
    if count > MOST_CLASSES:
        raise UsageError(f"more than {MOST_CLASSES} classes")
    *hidden, last = given["model"]["layers"]
    single = last.get("units") == 1
    if count < 2 or (single and count == 2) or last.get("units") == count:
        return given
    units, activation, loss = 1, "sigmoid", "binary_crossentropy"
    if count > 2:
        units, activation, loss = count, "softmax", "sparse_categorical_crossentropy"
    last = {**last, "units": units, "activation": activation}
    training = {**given["training"], "loss": loss}
    return {**given, "model": {**given["model"], "layers": [*hidden, last]}, "training": training}
