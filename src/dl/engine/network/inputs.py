"""The shape of one input row: what the data has, what the config may declare."""

from __future__ import annotations

from dl.config.schema import Config
from dl.data.types import DataInfo
from dl.vocabulary.spec import Finding, Findings, Path

Shape = tuple[int | None, ...]


def declared_shape(config: Config, info: DataInfo | None) -> Shape:
    """Returns the input shape of the model: the one that the config declares, or that of the data.

    Args:
        config: The config.
        info: What the data says; None if it was not read, then the config must declare the shape.

    Raises:
        Findings: A declared shape is not that of the data, or an input layer is not the first.
    """
    declared = _declarations(config)
    shapes = [shape for _, shape in declared] if info is None else [info.input_shape]
    findings = [
        _mismatch(path, shape, shapes[0]) for path, shape in declared if not _fits(shape, shapes[0])
    ]
    findings += _misplaced(config)
    if findings:
        raise Findings(findings)
    return declared[0][1] if declared else shapes[0]


def _declarations(config: Config) -> list[tuple[Path, Shape]]:
    found: list[tuple[Path, Shape]] = []
    first = config.model.layers[0]
    if is_input(first.type):
        shape = first.parameters.get("shape")
        if isinstance(shape, tuple | list):
            found.append((("model", "layers", 0, "shape"), tuple(shape)))
    if config.model.input_shape is not None:
        found.append((("model", "input_shape"), config.model.input_shape))
    return found


def is_input(layer_type: str) -> bool:
    """Tells whether a layer only declares the shape of the input."""
    return layer_type == "Input"


def _fits(declared: Shape, shape: Shape) -> bool:
    if len(declared) != len(shape):
        return False
    pairs = zip(declared, shape, strict=True)
    return all(size is None or size == real for size, real in pairs)


def _mismatch(path: Path, declared: Shape, shape: Shape) -> Finding:
    return Finding(
        path,
        "the input shape is not that of the data",
        expected=f"the shape of one row: {list(shape)}",
        found=f"{list(declared)}",
        hint="leave it out: the shape is taken from the data",
    )


def _misplaced(config: Config) -> list[Finding]:
    return [
        Finding(
            ("model", "layers", position),
            f"{spec.type} declares the shape of the input",
            expected=f"{spec.type} as the first layer only",
            found=f"layer {position}",
            hint="leave it out",
        )
        for position, spec in enumerate(config.model.layers)
        if position > 0 and is_input(spec.type)
    ]
