"""How the numbers and dates of a column are written, where a config says so or `dl init` finds it.

`1.234,5 €` is 1234.5 with `{kind: numeric, thousands: ".", decimal: ",", unit: "€"}`; `12/31/2024`
is a day with `{kind: date, format: "%m/%d/%Y"}`. Without a form such texts are refused: what they
mean could only be guessed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute as pc

from dl.config.data import ColumnForm
from dl.data.columns import Cell
from dl.data.texts import is_text, mask, unread_texts
from dl.text import listing

_SPACE = "[ \u00a0\u202f]"
"""A space, and those that do not break a line: between thousands, and before a unit."""
_GROUPS = (None, ",", ".", " ", "'")
_FORMATS = tuple(
    f"{day}{time}"
    for day in (
        *("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y"),
        *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %Y"),
    )
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)
"""The usual formats of dates that are not read without one."""


def merged_values(values: Any, classes: Mapping[str, str], cell: Cell) -> Any:
    """Returns the classes of a target's values, each of which stands for several values.

    Args:
        values: The Arrow array, of text or not.
        classes: The class of each value, by the value as text.
        cell: Name, place and use of the column.

    Raises:
        DataError: A value has no class; the message has its row.
    """
    texts = pc.utf8_trim_whitespace(pc.cast(values, pyarrow.string()))
    encoded = pc.dictionary_encode(pc.if_else(pc.equal(texts, ""), None, texts))
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.combine_chunks()
    known = encoded.dictionary.to_pylist()
    strange = next((text for text in known if text not in classes), None)
    if strange is not None:
        listed = listing(map(repr, classes), "", most=10)
        raise cell.error(
            pc.index(texts, strange).as_py(),
            "has a value that no class of `data.merge_classes` has",
            strange,
            "add it to one of them, or correct it",
            f"one of {listed}",
        )
    names = pyarrow.array([classes[text] for text in known], pyarrow.string())
    return names.take(encoded.indices)


def plain_values(values: Any, form: ColumnForm | None, cell: Cell) -> Any:
    """Returns the values of a column as if they were written plainly.

    Args:
        values: The Arrow array; one that is not of text is returned as it is.
        form: How they are written; None for plain ones.
        cell: Name, place and use of the column.

    Returns:
        Numbers as texts with a point and nothing else, dates as timestamps, NULL where missing.

    Raises:
        DataError: A value is not in this form; the message has its row.
    """
    if form is None or not is_text(values.type):
        return values
    texts = pc.cast(values, pyarrow.string())
    if isinstance(texts, pyarrow.ChunkedArray):
        texts = texts.combine_chunks()
    found = _dates(texts, form.format) if form.format else _numbers(texts, form)
    if isinstance(found, int):
        written = f"`{_example(form)}`" if form.format is None else f"`{form.format}`"
        raise cell.error(
            found,
            f"is not written as `data.columns` says ({written})",
            texts[found].as_py(),
            "correct it, leave the field empty if the value is missing, or change the form",
            f"such as {_example(form)}",
        )
    return found


def _numbers(texts: Any, form: ColumnForm) -> Any:
    """Returns plain texts, or the position of the first that is not a number in this form."""
    trimmed = pc.utf8_trim_whitespace(texts)
    pattern, group = _pattern(form), _SPACE if form.thousands == " " else form.thousands
    fits = pc.fill_null(pc.match_substring_regex(trimmed, rf"^{pattern}$|^$"), True)
    row = pc.index(fits, False).as_py()
    if row >= 0:
        return row
    plain = pc.replace_substring_regex(trimmed, rf"^{pattern}$", r"\1\2")
    if group:
        plain = pc.replace_substring_regex(plain, _literal(group), "")
    return pc.replace_substring(plain, form.point, ".")


def _pattern(form: ColumnForm) -> str:
    """Returns the pattern of a number: its sign, its digits; a unit may stand on either side."""
    point, whole = re.escape(form.point), "[0-9]+"
    if form.thousands:
        group = _SPACE if form.thousands == " " else form.thousands
        whole = rf"(?:[0-9]{{1,3}}(?:{_literal(group)}[0-9]{{3}})+|[0-9]+)"
    unit = f"(?:{re.escape(form.unit)})?" if form.unit else ""
    digits = rf"{whole}(?:{point}[0-9]*)?(?:[eE][+-]?[0-9]+)?|{point}[0-9]+"
    return rf"([+-]?){_SPACE}?{unit}{_SPACE}?({digits}){_SPACE}?{unit}"


def _literal(group: str) -> str:
    return group if group == _SPACE else re.escape(group)


def _dates(texts: Any, form: str) -> Any:
    """Returns timestamps, or the position of the first text that is not a date in this format."""
    encoded = pc.dictionary_encode(texts)
    distinct: list[datetime | None] = []
    for text in encoded.dictionary.to_pylist():
        date = _date(text, form)
        if date is None and text.strip():
            return pc.index(texts, text).as_py()
        distinct.append(date)
    dates = pyarrow.array(distinct, pyarrow.timestamp("us"))
    return dates.take(encoded.indices)


def _date(text: str, form: str) -> datetime | None:
    """Returns the time that a text tells, in UTC where it has a zone; None for no time."""
    try:
        date = datetime.strptime(text.strip(), form)
    except ValueError:
        return None
    return date.astimezone(UTC).replace(tzinfo=None) if date.tzinfo else date


def meaning(text: str, form: ColumnForm) -> str:
    """Returns the number or date that a text is in a form that it has."""
    texts = pyarrow.array([text])
    [value] = (_dates(texts, form.format) if form.format else _numbers(texts, form)).to_pylist()
    return str(value).removesuffix(" 00:00:00")


def _example(form: ColumnForm) -> str:
    if form.format:
        return datetime(2024, 12, 31, 23, 59).strftime(form.format)
    unit = f" {form.unit}" if form.unit else ""
    return f"1{form.thousands or ''}234{form.point}5{unit}"


def likely_form(values: Any, wanted: bool) -> ColumnForm | None:
    """Returns the form in which all values of a column are written, if they are not plain.

    Args:
        values: The Arrow array, NULL where a value is missing.
        wanted: Whether the column is to be predicted, perhaps as a number.

    Returns:
        The form; None for plain values, categories, and dates that could be day or month first.
    """
    distinct = unread_texts(values)
    if distinct is None:
        return None
    if distinct.kind(number_wanted=wanted) == "numeric":
        return _form_of_numbers(distinct.words)
    fitting = [] if wanted else date_formats(distinct.words.to_pylist())
    return ColumnForm(kind="date", format=fitting[0]) if len(fitting) == 1 else None


def _form_of_numbers(words: Any) -> ColumnForm | None:
    found = {re.sub(r"[0-9.,'+\- \u00a0\u202f]", "", text) for text in words.to_pylist()}
    units = [unit for unit in found if unit]
    if len(units) > 1:
        return None
    for thousands, point in itertools.product(_GROUPS, (".", ",")):
        if thousands != point:
            unit = units[0] if units else None
            usual = "," if thousands == "." else "."
            decimal = None if point == usual else point
            form = ColumnForm(kind="numeric", decimal=decimal, thousands=thousands, unit=unit)
            # Where all are like `1,234`, both readings fit: thousands are the usual one.
            if not isinstance(_numbers(words, form), int) and not _may_be_thousands(words, form):
                return form
    return None


def _may_be_thousands(words: Any, form: ColumnForm) -> bool:
    """Tells whether each decimal sign, a comma, could as well stand between thousands."""
    if form.point != "," or form.thousands is not None:
        return False
    grouped = pc.match_substring_regex(words, r"(^|[^0-9])[0-9]{1,3}(,[0-9]{3})+($|[^0-9])")
    commas = pc.match_substring(words, ",")
    return bool(np.array_equal(mask(grouped), mask(commas)))


def date_formats(texts: list[str]) -> list[str]:
    """Returns the usual formats that all texts have."""
    if len(texts) < 2 or not all(any(map(str.isdigit, text)) for text in texts):
        return []
    fitting = [form for form in _FORMATS if _date(texts[0], form) and _date(texts[-1], form)]
    fitting = [form for form in fitting if all(_date(text, form) for text in texts)]
    return [form for form in fitting if form.replace("%B", "%b") not in fitting or "%B" not in form]
