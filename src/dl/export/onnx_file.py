"""An export to ONNX: the graph by tf2onnx, with nodes for texts in front of it and behind."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from dl.data.target import Target
from dl.errors import first_line
from dl.export import RefusedError
from dl.export.graph import MISSING, UNSEEN, Graph, Input
from dl.export.tensorflow_files import entries_of, refuse_hashed
from dl.imports import quiet_stderr
from dl.model import tf

_OPSET, _ML = 20, 3
"""The versions of ONNX: `StringSplit` came with 20, tf2onnx writes 18."""
_NO_TIME = "T0:0"


def write_onnx(graph: Graph, target: Target, told: dict[str, str], path: Path) -> None:
    """Writes the graph with raw columns in and names of classes out.

    Args:
        graph: The graph.
        target: Names the classes.
        told: Goes into the metadata of the file.
        path: The file.

    Raises:
        RefusedError: ONNX has no operation for it.
    """
    refuse_hashed(graph)
    for each in graph.inputs:
        if each.kind == "text":
            raise RefusedError(
                f"ONNX has no operations that take the texts of column {each.name!r} apart; "
                "saved_model can"
            )
    import onnx

    network = _network(graph)
    front = _Front(network, graph)
    for each in graph.inputs:
        front.add(each)
    front.answer(target)
    model = front.model()
    onnx.helper.set_model_props(model, told)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:  # a column is called as an output, say
        raise RefusedError(f"ONNX cannot hold it: {first_line(error)[:300]}") from error
    path.write_bytes(model.SerializeToString())


def _network(graph: Graph) -> Any:
    import onnx
    from tf2onnx import convert

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    entries, names = entries_of(graph.model), list(graph.model.output)
    signature = [
        tf.TensorSpec(each.shape, each.dtype, name=f"input_{place}")
        for place, each in enumerate(entries.values())
    ]

    def answer(*inputs: Any) -> Any:
        answers = graph.model(dict(zip(entries, inputs, strict=True)), training=False)
        return [answers[name] for name in names]

    function = tf.function(answer, autograph=False)
    with quiet_stderr():
        try:
            made, _ = convert.from_function(function, signature, opset=18)
        except Exception as error:  # it fails in many ways
            raise RefusedError(f"ONNX cannot hold it: {first_line(error)[:300]}") from error
    for node in made.graph.node:
        if not onnx.defs.has(node.op_type, node.domain):
            raise RefusedError(f"tf2onnx has no operation {node.op_type}")
    return made


class _Front:
    """The nodes around the network, whose inputs and outputs are renamed."""

    def __init__(self, network: Any, graph: Graph) -> None:
        import onnx  # an extra package, as tf2onnx

        self._onnx: Any = onnx
        self._network, self._steps = network, graph.steps
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._before: list[Any] = []
        self._behind: list[Any] = []
        self._constants: list[Any] = []
        self._names = list(graph.model.output)
        self._shapes = {name: each.shape for name, each in graph.model.output.items()}

    def add(self, each: Input) -> None:
        """Adds an input, and what makes of it the next one of the network."""
        place = len(self._inputs)
        of_network = self._network.graph.input[place]
        is_text = each.kind in ("category", "date")
        kind = self._onnx.TensorProto.STRING if is_text else of_network.type.tensor_type.elem_type
        shape = ["rows", *self._steps, *(() if is_text else each.shape)]
        self._inputs.append(self._onnx.helper.make_tensor_value_info(each.name, kind, shape))
        if each.kind == "category":
            found = self._looked_up(each)
        elif each.kind == "date":
            found = self._date(each.name)
        else:
            self._node("Identity", [each.name], of_network.name)
            return
        self._node("Cast", [found], of_network.name, to=self._onnx.TensorProto.INT32)

    def _looked_up(self, each: Input) -> str:
        return self._node(
            "LabelEncoder",
            [each.name],
            domain="ai.onnx.ml",
            keys_strings=["", *each.categories],
            values_int64s=[MISSING, *range(len(each.categories))],
            default_int64=UNSEEN,
        )

    def _date(self, name: str) -> str:
        """Splits `2024-12-31T23:59:00`; the time may be left out, a missing date is empty."""
        whole = self._node("StringConcat", [name, self._constant(np.array(_NO_TIME, object))])
        day, time = (self._piece(whole, "T", place) for place in range(2))
        empty = self._node("Equal", [day, self._constant(np.array("", object))])
        day = self._node("Where", [empty, self._constant(np.array("0-0-0", object)), day])
        parts = [self._piece(day, "-", place) for place in range(3)]
        parts += [self._piece(time, ":", place) for place in range(2)]
        numbers = [self._node("Cast", [part], to=7) for part in parts]  # 7: int64
        axes = self._constant(np.array([-1], np.int64))
        columns = [self._node("Unsqueeze", [number, axes]) for number in numbers]
        return self._node("Concat", columns, axis=-1)

    def _piece(self, text: str, delimiter: str, place: int) -> str:
        pieces = self._node("StringSplit", [text], outputs=2, delimiter=delimiter)
        return self._node("Gather", [pieces, self._constant(np.array(place, np.int64))], axis=-1)

    def answer(self, target: Target) -> None:
        """Adds the outputs; positions of classes become their names."""
        kinds = self._onnx.TensorProto
        for each, name in zip(self._network.graph.output, self._names, strict=True):
            kind = each.type.tensor_type.elem_type
            if name == "prediction" and target.classes and target.form != "multilabel":
                kind = kinds.STRING
                whole = self._node("Cast", [each.name], to=kinds.INT64, behind=True)
                self._node(
                    "LabelEncoder",
                    [whole],
                    name,
                    behind=True,
                    domain="ai.onnx.ml",
                    keys_int64s=list(range(len(target.classes))),
                    values_strings=list(target.classes),
                    default_string="",
                )
            else:
                self._node("Identity", [each.name], name, behind=True)
            shape = ["rows", *self._shapes[name][1:]]
            self._outputs.append(self._onnx.helper.make_tensor_value_info(name, kind, shape))

    def model(self) -> Any:
        """Returns the whole model."""
        inner = self._network.graph
        graph = self._onnx.helper.make_graph(
            [*self._before, *inner.node, *self._behind],
            "dl",
            self._inputs,
            self._outputs,
            [*inner.initializer, *self._constants],
        )
        opsets = [("", _OPSET), ("ai.onnx.ml", _ML)]
        imports = [self._onnx.helper.make_opsetid(*each) for each in opsets]
        return self._onnx.helper.make_model(
            graph, opset_imports=imports, ir_version=10, functions=self._network.functions
        )

    def _constant(self, value: Any) -> str:
        name = f"dl/constant_{len(self._constants)}"
        tensor = self._onnx.numpy_helper.from_array(value, name)
        self._constants.append(tensor)
        return name

    def _node(
        self,
        kind: str,
        inputs: list[str],
        output: str | None = None,
        *,
        outputs: int = 1,
        behind: bool = False,
        **settings: Any,
    ) -> str:
        nodes = self._behind if behind else self._before
        first = output or f"dl/{'behind' if behind else 'before'}_{len(nodes)}"
        names = [first, *(f"{first}_{place}" for place in range(1, outputs))]
        nodes.append(self._onnx.helper.make_node(kind, inputs, names, **settings))
        return first
