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
    found = [
        Example(name.removesuffix(".yaml"), _summary(text), text, group)
        for group, name, text in _files(".yaml")
    ]
    ordered = sorted(found, key=lambda example: (example.group, example.name))
    return {example.name: example for example in ordered}


def example(name: str) -> Example:
    """Returns one shipped config, with or without `.yaml`, or the data of one (`bikes.csv`).

    Raises:
        UsageError: There is none of that name.
    """
    tables = {
        table: Example(table, "the data of an example", text) for _, table, text in _files(".csv")
    }
    known = {**examples(), **tables}
    wanted = name.removesuffix(".yaml")
    if wanted in known:
        return known[wanted]
    near = closest(wanted, known)
    raise UsageError(
        f"no example is named {name!r}",
        expected="a name from the list: dl init --example",
        hint=f"dl init --example {near or next(iter(known))}",
    )


def _files(ending: str) -> Iterator[tuple[str, str, str]]:
    """Yields the folder (empty at the top), the name and the text of each file of an ending."""
    packaged = files("dl") / "configs"
    # Inside the package, or in the checkout it runs from.
    root: Traversable = packaged if packaged.is_dir() else Path(__file__).parents[3] / "configs"
    for entry in root.iterdir():
        group = entry.name if entry.is_dir() else ""
        for file in entry.iterdir() if entry.is_dir() else (entry,):
            if file.name.endswith(ending):
                yield group, file.name, file.read_text(encoding="utf-8")


def _summary(text: str) -> str:
    """Returns the first sentence of the comment at the top."""
    sentence = text.removeprefix("# ").split(". ")[0].split(".\n")[0]
    return " ".join(sentence.replace("\n#", " ").split())
