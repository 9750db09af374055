"""Attacks on the settings of a `.h5` file: what Keras runs, imports or opens when it loads them."""

from __future__ import annotations

import base64
import copy
import json
import marshal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Attack = Callable[[Any, Path], None]


def _settings(file: Any) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(file.attrs["model_config"])
    return settings


def _put(file: Any, settings: object, name: str = "model_config") -> None:
    _put_text(file, json.dumps(settings), name)


def _put_text(file: Any, text: str | bytes, name: str = "model_config") -> None:
    file.attrs[name] = text


def _layer(make: Callable[[Path], dict[str, Any]]) -> Attack:
    """Puts another layer in the place of the first Dense layer."""

    def attack(file: Any, outside: Path) -> None:
        settings = _settings(file)
        settings["config"]["layers"][1] = make(outside)
        _put(file, settings)

    return attack


def _inside(**values: Any) -> Attack:
    """Gives the first Dense layer these settings."""

    def attack(file: Any, outside: Path) -> None:
        settings = _settings(file)
        settings["config"]["layers"][1]["config"] |= values
        _put(file, settings)

    return attack


def _thing(module: str | None, name: str, config: Any, registered: str | None = None) -> Any:
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": registered,
    }


def _marshalled(outside: Path) -> str:
    code = compile(f"open({str(outside / 'owned')!r}, 'w')", "x", "eval")
    return base64.b64encode(marshal.dumps(code)).decode()


def _lambda(outside: Path) -> dict[str, Any]:
    function = {"class_name": "__lambda__", "config": {"value": _marshalled(outside)}}
    return {"class_name": "Lambda", "config": {"name": "dense", "function": function}}


def _old_lambda(outside: Path) -> dict[str, Any]:
    """Returns the layer as Keras 2 wrote it."""
    config = {"function": [_marshalled(outside), None, None], "function_type": "lambda"}
    return {"class_name": "Lambda", "config": {"name": "dense", **config}}


def _named_lambda(outside: Path) -> dict[str, Any]:
    config = {"function": "system", "function_type": "function", "module": "os"}
    return {"class_name": "Lambda", "config": {"name": "dense", **config}}


def _called(module: str, name: str, /, *arguments: Any, **named: Any) -> Attack:
    """Makes a layer of what Keras would call with arguments from the file."""
    return _layer(lambda outside: _thing(module, name, named or list(arguments)))


def _with_path(module: str | None, name: str, key: str, target: str) -> Attack:
    return _layer(lambda outside: _thing(module, name, {"name": "x", key: str(outside / target)}))


def _loss(value: Callable[[Path], Any]) -> Attack:
    def attack(file: Any, outside: Path) -> None:
        _put(file, {"loss": value(outside), "metrics": None}, "training_config")

    return attack


def _metric(value: Any) -> Attack:
    def attack(file: Any, outside: Path) -> None:
        _put(file, {"loss": "mse", "metrics": [value]}, "training_config")

    return attack


def _whole(settings: Callable[[dict[str, Any]], Any]) -> Attack:
    def attack(file: Any, outside: Path) -> None:
        _put(file, settings(_settings(file)))

    return attack


def _text(text: str | bytes) -> Attack:
    def attack(file: Any, outside: Path) -> None:
        _put_text(file, text)

    return attack


def _value(make: Callable[[Any], Any]) -> Attack:
    def attack(file: Any, outside: Path) -> None:
        del file.attrs["model_config"]
        file.attrs["model_config"] = make(file)

    return attack


def _many_layers(settings: dict[str, Any]) -> dict[str, Any]:
    first, dense, *rest = settings["config"]["layers"]
    settings["config"]["layers"] = [first, *[dense] * 2_000, *rest]
    return settings


def _nested_model(settings: dict[str, Any]) -> dict[str, Any]:
    settings["config"]["layers"][1] = copy.deepcopy(settings)
    return settings


_FUNCTION = _thing("builtins", "function", "eval", "function")
_EVIL = _thing("os", "system", "touch owned")

SETTINGS_ATTACKS: dict[str, Attack] = {
    "lambda": _layer(_lambda),
    "lambda-of-keras-2": _layer(_old_lambda),
    "lambda-by-name": _layer(_named_lambda),
    "savedmodel-layer": _with_path("keras.layers", "TFSMLayer", "filepath", "saved"),
    "savedmodel-layer-bare": _with_path(None, "TFSMLayer", "filepath", "saved"),
    "jax-layer": _called("keras.layers", "JaxLayer", call_fn=_FUNCTION),
    "torch-layer": _called("keras.layers", "TorchModuleWrapper", module="x"),
    "file-editor": _with_path("keras.saving", "KerasFileEditor", "filepath", "secret.h5"),
    "load-model": _with_path("keras.saving", "load_model", "filepath", "secret.h5"),
    "download": _called(
        "keras.utils", "get_file", fname="owned", origin="http://127.0.0.1:9/owned"
    ),
    "set-floatx": _called("keras.config", "set_floatx", value="float16"),
    "unsafe-mode": _called("keras.config", "enable_unsafe_deserialization"),
    "system": _called("os", "system", "touch owned"),
    "eval": _called("builtins", "eval", "open('owned', 'w')"),
    "subprocess": _called("subprocess", "Popen", args=["touch", "owned"]),
    "pickle": _called("pickle", "loads", "cos\nsystem\n(S'touch owned'\ntR."),
    "module-like-keras": _called("keras_owned.layers", "Dense", units=3),
    "module-inside-keras": _called("keras.src.utils.python_utils", "func_load", code="x"),
    "registered-class": _layer(lambda _: _thing("keras.layers", "Dense", {}, "owned>Dense")),
    "custom-class": _layer(lambda _: _thing(None, "Owned", {"name": "dense"}, "Owned")),
    "vocabulary-file": _with_path("keras.layers", "StringLookup", "vocabulary", "words.txt"),
    "vocabulary-file-of-integers": _with_path(
        "keras.layers", "IntegerLookup", "vocabulary", "words.txt"
    ),
    "vocabulary-file-of-text": _with_path(
        "keras.layers", "TextVectorization", "vocabulary", "words.txt"
    ),
    "lambda-in-a-wrapper": _layer(
        lambda outside: _thing("keras.layers", "TimeDistributed", {"layer": _lambda(outside)})
    ),
    "own-cell": _called("keras.layers", "RNN", cell=_thing("owned", "Cell", {})),
    "activation-function": _inside(activation=_FUNCTION),
    "activation-code": _inside(activation="__import__('os').system('touch owned')"),
    "own-initializer": _inside(kernel_initializer=_EVIL),
    "own-regularizer": _inside(kernel_regularizer=_thing("owned", "L3", {})),
    "own-constraint": _inside(kernel_constraint=_EVIL),
    "own-dtype": _inside(dtype=_thing("owned", "Policy", {"name": "float32"})),
    "text-for-a-number": _inside(units="__import__('os')"),
    "array-for-a-number": _inside(units={"class_name": "__numpy__", "config": {"value": [3]}}),
    "tensor-for-a-number": _inside(units={"class_name": "__tensor__", "config": {"value": 3}}),
    "huge-units": _inside(units=2**40),
    "huge-number": _inside(units=10**4000),
    "layer-name-that-leads-out": _inside(name="../../outside/owned"),
    "layer-name-with-escapes": _inside(name="\x1b[2J\x1b]0;owned\x07"),
    "config-of-many-keys": _inside(**{f"key{number}": number for number in range(20_000)}),
    "functional": _whole(lambda _: {"class_name": "Functional", "config": {"layers": []}}),
    "own-model": _whole(lambda s: {**s, "module": "owned", "class_name": "Model"}),
    "model-in-a-model": _whole(_nested_model),
    "many-layers": _whole(_many_layers),
    "layers-no-list": _whole(lambda s: {**s, "config": {"name": "m", "layers": {"0": 1}}}),
    "no-settings": _whole(lambda _: None),
    "nested-deep": _text('{"class_name":' * 100_000 + "1" + "}" * 100_000),
    "lists-nested-deep": _inside(units=json.loads("[" * 400 + "]" * 400)),
    "no-json": _text("{'class_name': __import__('os')}"),
    "no-text": _text(b"\xff\xfe\xfd"),
    "two-megabytes": _text('{"class_name": "' + "x" * 2_000_000 + '"}'),
    "key-twice": _text('{"class_name": "Sequential", "class_name": "Lambda", "config": {}}'),
    "settings-in-a-list": _value(lambda _: np.asarray(["{}"] * 100, dtype=h5py.string_dtype())),
    "settings-a-number": _value(lambda _: 7),
    "settings-a-reference": _value(lambda file: file["model_weights"].ref),
    "settings-a-record": _value(lambda _: np.zeros(3, [("a", "f4")])),
    "settings-empty": _value(lambda _: h5py.Empty("S9")),
    "own-loss": _loss(lambda _: _FUNCTION),
    "loss-of-a-lambda": _loss(lambda outside: _lambda(outside)["config"]["function"]),
    "loss-of-code": _loss(lambda _: "__import__('os').system('touch owned')"),
    "losses-by-name": _loss(lambda _: {"dense": "mse"}),
    "own-metric": _metric(_EVIL),
    "metric-of-a-module": _metric(_thing("keras.utils", "get_file", {"origin": "http://x"})),
}
"""A model file with one of these is refused; the model of a run is read without its settings."""
