"""Which file lies beside an export: known before Keras is loaded, so that it is asked for."""

from pathlib import Path


def beside(to: str, path: Path) -> Path | None:
    """Returns what the file is called that lies beside an export; None where there is none."""
    if to in ("script", "notebook"):
        return path.with_name(f"{path.stem}-parts.csv")
    return path.with_name(f"{path.name}.json") if to in ("litert", "litert-int8") else None
