"""The columns of a table at a glance, and some of its rows before and after preparation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dl.audit.measures import told
from dl.audit.table import Table
from dl.config.data import ColumnKind
from dl.config.load import Loaded
from dl.config.preprocess import Preprocess
from dl.config.rules.preprocess import looking_up
from dl.data.doubts import doubt
from dl.data.features import CategoricalFeature, categories_by_name, feature_names
from dl.data.fitting import fit_text
from dl.data.load import read_dataset, read_split
from dl.data.target import encode_target
from dl.data.tokens import count_tokens, texts_of
from dl.data.transform import crossed
from dl.data.types import Array, Column, RawTable
from dl.data.windows import WindowRows
from dl.errors import UsageError
from dl.progress import Reporter, SilentReporter
from dl.text import number

_MOST_COMMON = 10
"""Categories that are counted."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A column in a few facts.

    Attributes:
        name: Its name.
        use: What it is for.
        kind: What its values are.
        missing: Rows without a value.
        distinct: Different values.
        doubt: Why it tells nothing, or is no input, in words that follow its name; empty if it may
            be one.
        least: The smallest number, or the first date.
        mean: The mean of numbers; of texts, these three are of their characters.
        most: The largest number, or the last date.
        common: Rows of each of the most frequent categories, or numbers of classes.
        by_class: The mean of numbers, or the share of the most frequent category, by class.
        alone: How well it tells the target alone: the area under the ROC curve of classes, or R²
            of numbers.
    """

    name: str
    use: Literal["target", "input", "left out"]
    kind: ColumnKind
    missing: int
    distinct: int
    doubt: str
    least: float | str | None
    mean: float | None
    most: float | str | None
    common: Mapping[str, int]
    by_class: Mapping[str, float]
    alone: float | None


def glance(table: Table) -> list[Glance]:
    """Looks at every column: targets, inputs, and those that are left out."""
    return [_glance(name, column, table) for name, column in table.every_column.items()]


@dataclass(frozen=True, slots=True)
class TokenGlance:
    """The tokens of a column of texts, as they are learned of the training part.

    Attributes:
        column: Its name.
        tokens: Different tokens of the training part.
        known: How many of them are known to the network.
        common: The share of the training texts that have each of the commonest tokens.
        lengths: The least, the median and the most tokens of a training text.
        length: Of numbered tokens, how many of a text are seen; else None.
        longer: The share of the training texts that have more.
        unknown: The share of the tokens that are not known, by part.
    """

    column: str
    tokens: int
    known: int
    common: Mapping[str, float]
    lengths: tuple[int, int, int]
    length: int | None
    longer: float
    unknown: Mapping[str, float]


def token_glances(table: Table) -> list[TokenGlance]:
    """Looks at the tokens of each input of texts."""
    return [_tokens(name, column, table) for name, column in table.texts.items()]


def _tokens(name: str, column: Column, table: Table) -> TokenGlance:
    preprocess = table.loaded.config.preprocess if table.loaded else Preprocess()
    looked_up = table.loaded is not None and looking_up(table.loaded.config.model.layers)
    of_part = [column.take(table.part == place) for place in range(len(table.sizes))]
    feature = fit_text(table.title, name, of_part[0], preprocess, looked_up=bool(looked_up))
    counts = [count_tokens(texts_of(part), feature) for part in of_part]
    first, known = counts[0], frozenset(feature.tokens)
    unknown = {
        part: sum(n for token, n in found.tokens if token not in known) / found.lengths.sum()
        for part, found in zip(table.sizes, counts, strict=True)
        if found.tokens
    }
    lengths = np.quantile(first.lengths, (0, 0.5, 1), method="inverted_cdf").astype(int).tolist()
    return TokenGlance(
        name,
        tokens=len(first.tokens),
        known=len(known),
        common={t: first.texts[t] / len(of_part[0].values) for t, _ in first.tokens[:_MOST_COMMON]},
        lengths=(lengths[0], lengths[1], lengths[2]),
        length=feature.length or None,
        longer=feature.longer,
        unknown=unknown,
    )


def shares(names: Sequence[str], codes: Array) -> dict[str, int]:
    """Returns how often each name is there, the most frequent first; those alone that are."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    return {names[place]: int(counts[place]) for place in order if counts[place]}


def _glance(name: str, column: Column, table: Table) -> Glance:
    known = column.values[~column.missing()]
    use: Literal["target", "input", "left out"] = "left out"
    if name in table.targets or name in table.columns or name in table.texts:
        use = "target" if name in table.targets else "input"
    found = None if use == "target" else doubt(name, column, table.step)
    common: dict[str, int] = {}
    if use == "target" and table.in_classes:
        common = shares(*table.classes())
    elif column.kind == "categorical":
        common = shares(column.categories, column.values)
    least, mean, most = _range(column)
    is_text = column.kind == "text"
    distinct = set(texts_of(column.take(~column.missing()))) if is_text else np.unique(known)
    return Glance(
        name,
        use,
        column.kind,
        missing=len(column.values) - len(known),
        distinct=len(distinct),
        doubt=found.reason if found else "",
        least=least,
        mean=mean,
        most=most,
        common=dict(list(common.items())[:_MOST_COMMON]),
        by_class={} if use == "target" or is_text else dict(_by_class(column, table)),
        alone=None if use == "target" or is_text else _alone(column, table),
    )


def _range(column: Column) -> tuple[float | str | None, float | None, float | str | None]:
    known = column.values[~column.missing()]
    if column.kind == "categorical" or not len(known):
        return None, None, None
    if column.kind == "text":
        known = np.array([len(text) for text in texts_of(column.take(~column.missing()))])
    if column.kind in ("numeric", "text"):
        return float(known.min()), float(known.mean()), float(known.max())
    first, last = _dates(np.array([known.min(), known.max()]), column.timed)
    return first, None, last


def _dates(values: Array, timed: bool) -> list[str]:
    return list(map(str, values.astype("datetime64[m]" if timed else "datetime64[D]")))


def _by_class(column: Column, table: Table) -> Iterator[tuple[str, float]]:
    if not table.in_classes or column.kind == "date":
        return
    names, codes = table.classes()
    values, known = column.values, ~column.missing()
    if column.kind == "categorical" and known.any():
        values = (values == np.bincount(values[known]).argmax()).astype(np.float64)
    for name in list(shares(names, codes))[:_MOST_COMMON]:
        own = values[(codes == names.index(name)) & known]
        if len(own):
            yield name, float(own.mean())


def _alone(column: Column, table: Table) -> float | None:
    if table.target is None:
        return None
    found = told(column, table.target, table.in_classes)
    return None if np.isnan(found) else found


@dataclass(frozen=True, slots=True)
class Prepared:
    """A column of some rows, before and after preparation.

    Attributes:
        name: The column.
        before: Its values as read, as text; empty for a missing one.
        after: The numbers that the network sees in their place, by the name of each.
    """

    name: str
    before: tuple[str, ...]
    after: Mapping[str, tuple[float, ...]]


def prepared_rows(
    loaded: Loaded, count: int, reporter: Reporter
) -> tuple[list[str], list[Prepared]]:
    """Returns the places of the first training rows, and their columns before and after.

    Raises:
        DlError: The rows cannot be prepared as the config says, or are not those of a table.
    """
    raw = read_split(loaded.config, SilentReporter()).parts.train
    raw = raw.take(np.arange(min(count, len(raw))))
    if not isinstance(raw, RawTable):
        raise UsageError(
            "--rows shows the rows of a table", found=f"data.source: {loaded.config.data.source}"
        )
    dataset = read_dataset(loaded, reporter)
    x = dataset.train.x
    x = x.table if isinstance(x, WindowRows) else x
    numbers = iter(np.asarray(x[: len(raw)]).T.tolist())
    features = dataset.preprocessing.columns
    by_name = categories_by_name(features)
    found = [
        Prepared(
            feature.name,
            _texts(
                crossed(raw, feature.of, by_name)
                if isinstance(feature, CategoricalFeature) and feature.of
                else raw.columns[feature.name]
            ),
            {name: tuple(next(numbers)) for name in feature_names([feature])},
        )
        for feature in features
    ]
    y = encode_target(raw, dataset.target) if dataset.preprocessing.window else dataset.train.y
    wanted = np.asarray(y[: len(raw)]).reshape(len(raw), -1).T.tolist()
    outputs = {f"output {place}": tuple(values) for place, values in enumerate(wanted, start=1)}
    for name, column in raw.targets.items():
        found.append(Prepared(name, _texts(column), outputs))
        outputs = {}
    return [raw.row_place(place) for place in range(len(raw))], found


def _texts(column: Column) -> tuple[str, ...]:
    missing = column.missing().tolist()
    if column.kind in ("categorical", "text"):
        texts = [column.categories[max(0, value)] for value in column.values.tolist()]
    elif column.kind == "numeric":
        texts = [number(value, 7) for value in column.values.tolist()]
    else:
        texts = _dates(column.values, column.timed)
    return tuple("" if lacks else text for lacks, text in zip(missing, texts, strict=True))
