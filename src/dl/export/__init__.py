"""A run for other programs: ONNX, LiteRT, TensorFlow, Keras, or a script that trains it."""

from pathlib import Path


class RefusedError(Exception):
    """A run that cannot be exported to a format; its text is the reason, without a full stop."""


def beside(to: str, path: Path) -> Path | None:
    """Returns what the file is called that lies beside an export; None where there is none.

    It is known before Keras is loaded, so that it is asked for.
    """
    if to in ("script", "notebook"):
        return path.with_name(f"{path.stem}-parts.csv")
    return path.with_name(f"{path.name}.json") if to in ("litert", "litert-int8") else None
