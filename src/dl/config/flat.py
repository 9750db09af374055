"""A config as plain data, flattened; it loads no types, for those who look at many configs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def flat_document(document: object) -> dict[str, object]:
    """Returns every value of a config as plain data by its dotted path; see `resolve.flat`."""
    return dict(_leaves("", document))


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), below)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            name = item.get("name") if isinstance(item, Mapping) else None
            yield from _leaves(f"{path}.{name or index}", item)
    else:
        yield path, value
