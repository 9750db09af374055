"""The shipped example configs: what there is, and the text of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from dl.errors import UsageError, closest


@dataclass(frozen=True, slots=True)
class Example:
    """A shipped config: its name, what it shows in one line, its text, and the folder it is in."""

    name: str
    summary: str
    text: str
    group: str = ""

    @property
    def text_in_one_folder(self) -> str:
        """The text for a folder that has the other examples too: a sweep has its base beside it."""
        return self.text.replace("\nbase: ../", "\nbase: ")


def examples() -> Mapping[str, Example]:
    """Returns every shipped config by its name, sorted; those in a folder come after the others."""
    found = [_read(entry, group) for group, entry in _entries(".yaml")]
    ordered = sorted(found, key=lambda example: (example.group, example.name))
    return {example.name: example for example in ordered}


def example(name: str) -> Example:
    """Returns one shipped config, with or without `.yaml`, or the data of one (`bikes.csv`).

    Raises:
        UsageError: There is none of that name.
    """
    known = {**examples(), **_tables()}
    wanted = name.removesuffix(".yaml")
    if wanted in known:
        return known[wanted]
    near = closest(wanted, known)
    raise UsageError(
        f"no example is named {name!r}",
        expected="a name from the list: dl init --example",
        hint=f"dl init --example {near or next(iter(known))}",
    )


def _tables() -> Mapping[str, Example]:
    texts = {entry.name: entry.read_text(encoding="utf-8") for _, entry in _entries(".csv")}
    return {name: Example(name, "the data of an example", text) for name, text in texts.items()}


def _entries(ending: str) -> Iterator[tuple[str, Traversable]]:
    """Yields the files of an ending with the name of their folder; it is empty at the top."""
    for entry in _folder().iterdir():
        if entry.is_dir():
            yield from ((entry.name, below) for below in entry.iterdir() if _ends(below, ending))
        elif _ends(entry, ending):
            yield "", entry


def _ends(entry: Traversable, ending: str) -> bool:
    return entry.name.endswith(ending)


def _folder() -> Traversable:
    """Returns the folder of the configs: inside the package, or the checkout it runs from."""
    packaged = files("dl") / "configs"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "configs"


def _read(entry: Traversable, group: str) -> Example:
    text = entry.read_text(encoding="utf-8")
    first_sentence = text.removeprefix("# ").split(". ")[0].split(".\n")[0]
    summary = " ".join(first_sentence.replace("\n#", " ").split())
    return Example(name=entry.name.removesuffix(".yaml"), summary=summary, text=text, group=group)
