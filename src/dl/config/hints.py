"""What a user may do about a wrong key or value: the likely mistakes, in a teacher's words."""

from __future__ import annotations

import re
from typing import Any

from dl.config import expected as types
from dl.config.nodes import Node, ScalarNode
from dl.config.schema import Config
from dl.errors import closest
from dl.vocabulary.spec import Path

_OTHER_NAMES = {
    "lr": "training.optimizer.learning_rate",
    "learning_rate": "training.optimizer.learning_rate",
    "momentum": "training.optimizer.momentum",
    "activation": "the layer that it belongs to",
    "dropout": "a layer {type: Dropout, rate: 0.5}",
    "regularizer": "kernel_regularizer of the layer that it belongs to",
    "early_stopping": "training.callbacks: [EarlyStopping]",
    "normalize": "preprocess.numeric",
    "random_state": "seed",
    "max_iter": "training.epochs",
    "val_split": "data.split.validation",
    "validation_split": "data.split.validation",
    "test_size": "data.split.test",
    "dataset": "data.dataset, with source builtin, keras or synthetic",
}
_DIGIT_GROUPS = re.compile(r"\d{1,3}([,_ ']\d{3})+")


def unknown_hint(name: str, known: list[str]) -> str:
    """Returns the nearest known key, or all of them."""
    near = closest(name, known)
    return f"did you mean {near}?" if near else f"known keys: {', '.join(known)}"


def belongs_hint(path: Path) -> str | None:
    """Returns where an unknown key belongs, if it is known elsewhere in the config."""
    name = str(path[-1])
    for section, field in Config.model_fields.items():
        owners = [model for model in types.sections(field) if name in model.model_fields]
        if owners and len(owners) < len(types.sections(field)) and path[0] == section:
            sources = [types.choices(model.model_fields["source"])[0] for model in owners]
            return f"{name} is for the source {' or '.join(sources)}"
        if owners and path[0] != section:
            return f"{name} belongs below `{section}:`"
    if name in Config.model_fields and len(path) > 1:
        return f"{name} belongs to the first level of the file, without indentation"
    other = _OTHER_NAMES.get(name)
    return f"set it by {other}" if other else None


def value_hint(node: Node, annotation: Any) -> str | None:
    """Returns what to write instead of a wrong value, for the mistakes that are often made."""
    if not isinstance(node, ScalarNode):
        return None
    if node.value is None:
        return "write a value after the colon, or remove the line"
    kinds = _kinds(annotation)
    if isinstance(node.value, str):
        return _text_hint(node.value, kinds, types.choices(annotation))
    if kinds & {tuple} and types.element(annotation) is not None:
        return f"write a list, in brackets: [{node.written}]"
    if isinstance(node.value, float) and int in kinds and node.value.is_integer():
        return f"write {int(node.value)}, without a point"
    if str in kinds:
        return f'put it in quotes: "{node.written}"'
    return None


def _text_hint(text: str, kinds: set[Any], choices: list[str]) -> str | None:
    near = closest(text, choices) if choices else None
    if near:
        return f"did you mean {near}?"
    if tuple in kinds and str not in kinds:
        return f"write a list, in brackets: [{text}]"
    if kinds & {int, float} and _is_number(text):
        return f"remove the quotes: {text}"
    if kinds & {int, float} and _DIGIT_GROUPS.fullmatch(text):
        return f"write {re.sub(r'[^0-9]', '', text)}"
    if bool in kinds and text in ("true", "false"):
        return f"remove the quotes: {text}"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text and text[-1:].isdigit()


def _kinds(annotation: Any) -> set[Any]:
    """Returns the plain types that a type allows."""
    kind, _ = types.taken_apart(annotation)
    parts = types.alternatives(kind)
    if len(parts) == 1:
        return {types.origin(kind)}
    return {found for part in parts for found in _kinds(part)}
