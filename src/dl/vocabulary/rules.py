"""Rules between the parameters of one entry, which Keras would find only when it builds it.

A rule is a function that names by its own parameters those of the entry that it looks at, or takes
all `parameters`. It is asked only where the entry has them and they are valid.
"""

from __future__ import annotations

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
CLASSES_OF_IMAGENET = 1000
"""What Keras' bases were trained on."""
_RISING = ("bin_boundaries", "boundaries", "value_range", "quantiles")
_LOW_AND_HIGH = (
    ("minval", "maxval"),
    ("min_value", "max_value"),
    ("min_freq", "max_freq"),
    ("frame_step", "frame_length"),
    ("frame_length", "fft_length"),
    ("sequence_length", "fft_length"),
)


def broken_rules(parameters: Parameters) -> list[Finding]:
    """Returns a finding for each rule that the valid parameters of an entry break."""
    known = {**parameters, "parameters": parameters}
    findings: list[Finding] = []
    for rule in _RULES:
        code = rule.__code__
        names = code.co_varnames[: code.co_argcount]
        if all(name in known for name in names):
            findings += rule(*(known[name] for name in names))
    return findings


def _strides_or_dilation(strides: Any, dilation_rate: Any) -> Iterator[Finding]:
    if max(_listed(strides)) > 1 and max(_listed(dilation_rate)) > 1:
        yield _finding("dilation_rate", "must be 1 where `strides` is above 1", dilation_rate)


def _groups_divide_filters(groups: int, filters: int) -> Iterator[Finding]:
    if filters % groups:
        yield _finding("groups", f"must divide `filters`, which is {filters}", groups)


def _padding_below_strides(output_padding: Any, strides: Any) -> Iterator[Finding]:
    if None in (output_padding, strides):
        return
    sizes = [size if isinstance(size, tuple) else (size,) for size in (output_padding, strides)]
    rank = max(map(len, sizes))  # a single number is that of each dimension
    padding, steps = (size * rank if len(size) == 1 else size for size in sizes)
    if any(extra >= step for extra, step in zip(padding, steps, strict=True)):
        yield _finding("output_padding", "must be smaller than `strides`", output_padding)


def _odd_blur(kernel_size: Any, sigma: object) -> Iterator[Finding]:
    if any(number % 2 == 0 for number in _listed(kernel_size)):
        yield _finding("kernel_size", "must be odd", kernel_size)


def _one_clip(parameters: Parameters) -> Iterator[Finding]:
    given = [name for name in LIMITS_OF_GRADIENTS if parameters.get(name) is not None]
    for name in given[1:]:
        message = f"cannot be combined with `{given[0]}`"
        yield _finding(name, message, parameters[name], "leave one of them out")


def _one_quantile_or_several(quantile: object, quantiles: Any) -> Iterator[Finding]:
    if quantile is not None and quantiles is not None:
        message = "cannot be combined with `quantile`"
        yield _finding("quantiles", message, quantiles, "leave one of them out")
    elif quantiles is not None and len(quantiles) == 1:
        hint = f"write quantile: {quantiles[0]:g}"
        yield _finding("quantiles", "must be two or more", quantiles, hint)
    elif quantile is quantiles:
        hint = "write quantile: 0.9, or quantiles: [0.1, 0.5, 0.9] with an output for each"
        yield Finding((), "needs `quantile` or `quantiles`", hint=hint)


def _needed(parameters: Parameters) -> Iterator[Finding]:
    for name, needed in _NEEDED:
        if parameters.get(name) is not None and parameters.get(needed) is False:
            yield _finding(name, f"needs `{needed}: true`", parameters[name])


def _weights_of_lookup(idf_weights: object, output_mode: str) -> Iterator[Finding]:
    if (idf_weights is None) is (output_mode == "tf_idf"):
        message = "goes with `output_mode: tf_idf`, and only with it"
        yield _finding("idf_weights", message, idf_weights)


def _salt_of_lookup(salt: object, oov_method: str) -> Iterator[Finding]:
    if salt is not None and oov_method != "farmhash":
        yield _finding("salt", "needs `oov_method: farmhash`", salt)


def _tokens_of_lookup(mask_token: Any, oov_token: Any, vocabulary: Any) -> Iterator[Finding]:
    for name, token in (("mask_token", mask_token), ("oov_token", oov_token)):
        if token in vocabulary:
            yield _finding(name, "must not be in `vocabulary`", token)


def _as_many(mean: Any, variance: Any) -> Iterator[Finding]:
    # One number without a list counts as none.
    means, variances = (len(value) if isinstance(value, tuple) else 0 for value in (mean, variance))
    if means != variances:
        yield _finding("variance", "must have as many numbers as `mean`", variance)


def _low_before_high(parameters: Parameters) -> Iterator[Finding]:
    for low, high in _LOW_AND_HIGH:
        least, most = parameters.get(low), parameters.get(high)
        if least is not None and most is not None and least > most:
            yield _finding(high, f"must not be below `{low}`, which is {least:g}", most)


def _rising(parameters: Parameters) -> Iterator[Finding]:
    for name in _RISING:
        values = parameters.get(name) or ()
        pairs = itertools.pairwise(values)  # of steps in words, it is asked again in steps
        if any(a >= b for a, b in pairs if str not in (type(a), type(b))):
            yield _finding(name, "must be in rising order", values)


def _rise_within_the_cycle(total_steps: Any, warmup_steps: Any) -> Iterator[Finding]:
    if str not in (type(total_steps), type(warmup_steps)) and warmup_steps >= total_steps:
        message = f"must be below `total_steps`, which is {total_steps} steps"
        yield _finding("warmup_steps", message, warmup_steps)


def _one_value_more(values: Any, boundaries: Any) -> Iterator[Finding]:
    needed = len(boundaries) + 1
    if len(values) != needed:
        message = f"must be a list of {needed} numbers, one more than `boundaries`"
        yield _finding("values", message, values)


def _one_open_dimension(target_shape: Any) -> Iterator[Finding]:
    if target_shape.count(-1) > 1:
        yield _finding("target_shape", "must have at most one -1", target_shape)


def _permutation(dims: Any) -> Iterator[Finding]:
    wanted = range(1, len(dims) + 1)
    if sorted(dims) != list(wanted):
        message = f"must hold {listing(map(str, wanted), 'and')}, each once"
        yield _finding("dims", message, dims)


def _crop_or_pad(crop_to_aspect_ratio: bool, pad_to_aspect_ratio: bool) -> Iterator[Finding]:
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        yield _finding("pad_to_aspect_ratio", "must be false where the image is cropped", True)


def _classes_exist(num_classes: int, target_class_ids: Any) -> Iterator[Finding]:
    for place, number in enumerate(target_class_ids):
        if number >= num_classes:
            message = f"must be below `num_classes`, which is {num_classes}"
            yield Finding(("target_class_ids", place), message, None, found_text(number))


def _top_or_pooling(parameters: Parameters) -> Iterator[Finding]:
    """Of a base: what only the top has, and what Keras would ignore where there is one."""
    if "include_top" not in parameters:
        return
    if parameters["include_top"] and parameters.get("pooling") is not None:
        message = "is of a base without its top"
        yield _finding("pooling", message, parameters["pooling"], "leave one of them out")
    if not parameters["include_top"] and parameters.get("classes") != CLASSES_OF_IMAGENET:
        message = "is of the top, which is left out"
        hint = "end with a Dense layer of your classes, or write include_top: true"
        yield _finding("classes", message, parameters.get("classes"), hint)
    if parameters.get("trainable") is False and parameters.get("trainable_from") is not None:
        message = "needs `trainable: true`"
        yield _finding("trainable_from", message, parameters["trainable_from"])


def _suffix_tells_what(filepath: str, save_weights_only: bool) -> Iterator[Finding]:
    if filepath.endswith(".weights.h5") != save_weights_only:
        suffix = ".weights.h5" if save_weights_only else ".keras"
        given = "true" if save_weights_only else "false"
        message = f"must end in {suffix} where `save_weights_only` is {given}"
        yield _finding("filepath", message, filepath)


def _tensorboard_is_there(log_dir: str) -> Iterator[Finding]:
    """TensorFlow writes the logs by a package of their own, which it does not bring along."""
    if log_dir and importlib.util.find_spec("tensorboard") is None:
        hint = "install it, for example by `pip install tensorboard`"
        yield Finding((), "needs the package tensorboard, which is not installed", hint=hint)


_RULES: tuple[Callable[..., Iterator[Finding]], ...] = (
    _strides_or_dilation,
    _groups_divide_filters,
    _padding_below_strides,
    _odd_blur,
    _one_clip,
    _one_quantile_or_several,
    _needed,
    _weights_of_lookup,
    _salt_of_lookup,
    _tokens_of_lookup,
    _as_many,
    _low_before_high,
    _rising,
    _rise_within_the_cycle,
    _one_value_more,
    _one_open_dimension,
    _permutation,
    _crop_or_pad,
    _classes_exist,
    _top_or_pooling,
    _suffix_tells_what,
    _tensorboard_is_there,
)


def _finding(name: str, message: str, value: object, hint: str | None = None) -> Finding:
    return Finding((name,), message, None, found_text(value), hint)


def _listed(value: int | tuple[int, ...] | None) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value or 1,)
