"""Rules between the parameters of one entry, which Keras would find only when it builds it."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dl.text import listing
from dl.vocabulary.spec import Finding, found_text
from dl.vocabulary.traits import LIMITS_OF_GRADIENTS

Parameters = Mapping[str, Any]
"""The checked parameters of one entry: their types are known to be right."""

_NEEDED = (("num_labels", "multi_label"), ("label_weights", "multi_label"))
_RISING = ("bin_boundaries", "boundaries", "value_range")
_LOW_AND_HIGH = (
    ("minval", "maxval"),
    ("min_value", "max_value"),
    ("min_freq", "max_freq"),
    ("frame_step", "frame_length"),
    ("frame_length", "fft_length"),
    ("sequence_length", "fft_length"),
)


def broken_rules(parameters: Parameters) -> list[Finding]:
    """Returns a finding for each rule that the valid parameters of an entry break.

    A rule that asks for a parameter which the entry has not, or which is wrong, ends there.
    """
    findings: list[Finding] = []
    for rule in _RULES:
        with contextlib.suppress(KeyError):
            findings += rule(parameters)
    return findings


def _strides_or_dilation(parameters: Parameters) -> Iterator[Finding]:
    strides, dilation = parameters["strides"], parameters["dilation_rate"]
    if max(_listed(strides)) > 1 and max(_listed(dilation)) > 1:
        yield _finding("dilation_rate", "must be 1 where `strides` is above 1", dilation)


def _groups_divide_filters(parameters: Parameters) -> Iterator[Finding]:
    groups, filters = parameters["groups"], parameters["filters"]
    if filters % groups:
        yield _finding("groups", f"must divide `filters`, which is {filters}", groups)


def _padding_below_strides(parameters: Parameters) -> Iterator[Finding]:
    padding, strides = parameters["output_padding"], parameters["strides"]
    if None in (padding, strides):
        return
    if any(extra >= step for extra, step in _paired(padding, strides)):
        yield _finding("output_padding", "must be smaller than `strides`", padding)


def _odd_blur(parameters: Parameters) -> Iterator[Finding]:
    size, _ = parameters["kernel_size"], parameters["sigma"]
    if any(number % 2 == 0 for number in _listed(size)):
        yield _finding("kernel_size", "must be odd", size)


def _one_clip(parameters: Parameters) -> Iterator[Finding]:
    given = [name for name in LIMITS_OF_GRADIENTS if parameters.get(name) is not None]
    for name in given[1:]:
        message = f"cannot be given beside `{given[0]}`"
        yield _finding(name, message, parameters[name], "leave one of them out")


def _needed(parameters: Parameters) -> Iterator[Finding]:
    for name, needed in _NEEDED:
        if parameters.get(name) is not None and not parameters[needed]:
            yield _finding(name, f"needs `{needed}: true`", parameters[name])


def _lookup(parameters: Parameters) -> Iterator[Finding]:
    """The rules of IntegerLookup."""
    weights, mode = parameters["idf_weights"], parameters["output_mode"]
    if (weights is None) is (mode == "tf_idf"):
        yield _finding("idf_weights", "goes with `output_mode: tf_idf`, and only with it", weights)
    if parameters["salt"] is not None and parameters["oov_method"] != "farmhash":
        yield _finding("salt", "needs `oov_method: farmhash`", parameters["salt"])
    for name in ("mask_token", "oov_token"):
        if parameters[name] in parameters["vocabulary"]:
            yield _finding(name, "must not be in `vocabulary`", parameters[name])


def _as_many(parameters: Parameters) -> Iterator[Finding]:
    mean, variance = parameters["mean"], parameters["variance"]
    if _length(mean) != _length(variance):
        yield _finding("variance", "must have as many numbers as `mean`", variance)


def _low_before_high(parameters: Parameters) -> Iterator[Finding]:
    for low, high in _LOW_AND_HIGH:
        least, most = parameters.get(low), parameters.get(high)
        if least is not None and most is not None and least > most:
            yield _finding(high, f"must not be below `{low}`, which is {least:g}", most)


def _rising(parameters: Parameters) -> Iterator[Finding]:
    for name in _RISING:
        values = parameters.get(name)
        if values is not None and any(a >= b for a, b in itertools.pairwise(values)):
            yield _finding(name, "must be in rising order", values)


def _one_value_more(parameters: Parameters) -> Iterator[Finding]:
    values, needed = parameters["values"], len(parameters["boundaries"]) + 1
    if len(values) != needed:
        message = f"must be a list of {needed} numbers, one more than `boundaries`"
        yield _finding("values", message, values)


def _one_open_dimension(parameters: Parameters) -> Iterator[Finding]:
    shape = parameters["target_shape"]
    if shape.count(-1) > 1:
        yield _finding("target_shape", "must have at most one -1", shape)


def _permutation(parameters: Parameters) -> Iterator[Finding]:
    dims = parameters["dims"]
    if sorted(dims) != list(range(1, len(dims) + 1)):
        numbers = listing((str(number + 1) for number in range(len(dims))), "and")
        yield _finding("dims", f"must hold {numbers}, each once", dims)


def _crop_or_pad(parameters: Parameters) -> Iterator[Finding]:
    if parameters["crop_to_aspect_ratio"] and parameters["pad_to_aspect_ratio"]:
        yield _finding("pad_to_aspect_ratio", "must be false where the image is cropped", True)


def _classes_exist(parameters: Parameters) -> Iterator[Finding]:
    classes = parameters["num_classes"]
    for place, number in enumerate(parameters["target_class_ids"]):
        if number >= classes:
            message = f"must be below `num_classes`, which is {classes}"
            yield Finding(("target_class_ids", place), message, None, found_text(number))


def _tensorboard_is_there(parameters: Parameters) -> Iterator[Finding]:
    """TensorFlow writes the logs by a package of their own, which it does not bring along."""
    if parameters["log_dir"] and importlib.util.find_spec("tensorboard") is None:
        hint = "install it, for example by `pip install tensorboard`"
        yield Finding((), "needs the package tensorboard, which is not there", hint=hint)


def _suffix_tells_what(parameters: Parameters) -> Iterator[Finding]:
    path, weights_only = parameters["filepath"], parameters["save_weights_only"]
    if path.endswith(".weights.h5") != weights_only:
        suffix = ".weights.h5" if weights_only else ".keras"
        given = "true" if weights_only else "false"
        message = f"must end in {suffix} where `save_weights_only` is {given}"
        yield _finding("filepath", message, path)


_RULES: tuple[Callable[[Parameters], Iterator[Finding]], ...] = (
    _strides_or_dilation,
    _groups_divide_filters,
    _padding_below_strides,
    _odd_blur,
    _one_clip,
    _needed,
    _lookup,
    _as_many,
    _low_before_high,
    _rising,
    _one_value_more,
    _one_open_dimension,
    _permutation,
    _crop_or_pad,
    _classes_exist,
    _suffix_tells_what,
    _tensorboard_is_there,
)


def _finding(name: str, message: str, value: object, hint: str | None = None) -> Finding:
    return Finding((name,), message, None, found_text(value), hint)


def _listed(value: int | tuple[int, ...] | None) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value or 1,)


def _length(value: float | tuple[float, ...]) -> int:
    """Returns how many numbers a list holds; 0 for one number without a list."""
    return len(value) if isinstance(value, tuple) else 0


def _paired(first: Any, second: Any) -> list[tuple[int, int]]:
    """Returns two sizes, each one number or one for each dimension, side by side."""
    rank = max(len(value) if isinstance(value, tuple) else 1 for value in (first, second))
    spread = [value if isinstance(value, tuple) else (value,) * rank for value in (first, second)]
    return list(zip(*spread, strict=True))
