"""The shipped example configs: what there is, the text of each, and the files that it names.

Those of the gallery answer a question that people come with, and say at their top which public
tutorial they follow and what they reach: `KEYS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from dl.errors import UsageError, closest
from dl.rundir.files import disk_errors, write_bytes

GALLERY = "gallery"
SCHEMA_LINE = "# yaml-language-server: $schema=dl.schema.json"
"""The first line of a config, by which editors find its schema: `dl schema > dl.schema.json`."""
KEYS = ("question", "tutorial", "theirs", "here", "data")
"""What the comment at the top of a config of the gallery says: `# question: few pictures`."""
_FIELD = re.compile(rf"^# ({'|'.join(KEYS)}): +(\S.*(?:\n#  +\S.*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """A shipped config: its name, what it shows in one line, its text, and where it lies."""

    name: str
    summary: str
    text: str
    path: Path
    group: str = ""

    @property
    def text_in_one_folder(self) -> str:
        """The text for a folder that has the other examples too: a sweep has its base beside it.

        A config names its schema.
        """
        text = self.text.replace("\nbase: ../", "\nbase: ")
        is_config = self.path.suffix == ".yaml" and not self.is_sweep
        return f"{SCHEMA_LINE}\n{text}" if is_config else text

    @property
    def is_sweep(self) -> bool:
        """Whether it is a sweep, whose base is a config."""
        return re.search(r"^base: ", self.text, re.MULTILINE) is not None

    @property
    def named_files(self) -> list[Path]:
        """The shipped files that the config names: its data, its base."""
        return list(_with_named(self.path))[:-1]

    @property
    def header(self) -> Mapping[str, tuple[str, ...]]:
        """What the comment at the top says for each of `KEYS`, which may stand there repeatedly."""
        top = re.match(r"(#.*\n)*", self.text)
        said: dict[str, tuple[str, ...]] = {}
        for key, value in _FIELD.findall(top[0] if top else ""):
            said[key] = (*said.get(key, ()), re.sub(r"\n# +", " ", value))
        return said


def examples() -> Mapping[str, Example]:
    """Returns every shipped config by its name, sorted; those in a folder come after the others."""
    found = [_example(path) for path in _files(".yaml")]
    ordered = sorted(found, key=lambda example: (example.group, example.name))
    return {example.name: example for example in ordered}


def example(name: str) -> Example:
    """Returns one shipped config, with or without `.yaml`, or the data of one (`bikes.csv`).

    Raises:
        UsageError: There is none of that name.
    """
    tables = {
        path.name: Example(
            path.name, "the data of an example", path.read_text(encoding="utf-8"), path
        )
        for path in _files(".csv")
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


def write_example(name: str, folder: Path) -> list[Path]:
    """Writes a shipped config and the files that it names into a folder.

    A file that is there already with the same bytes is left as it is.

    Returns:
        The paths of all its files, the config last.

    Raises:
        UsageError: There is no such example, or another file is in the place of one.
        DiskError: Writing failed.
    """
    contents = {
        folder / place: _example(path).text_in_one_folder.encode()
        if path.suffix == ".yaml"
        else path.read_bytes()
        for path, place in _with_named(example(name).path).items()
    }
    for path, content in contents.items():
        with disk_errors(f"reading {path}"):
            if path.exists() and not (path.is_file() and path.read_bytes() == content):
                raise UsageError(
                    f"{path} is there already, and is another file",
                    hint=f"dl init --example {name} --to ANOTHER_FOLDER",
                )
    for path, content in contents.items():
        if not path.exists():
            with disk_errors(f"making the folder {path.parent}"):
                path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, content)
    return list(contents)


def _with_named(path: Path) -> dict[Path, str]:
    """Returns a shipped file and all that it names, with their places in a folder; itself last."""
    found: dict[Path, str] = {}
    for value in _texts_of(path) if path.suffix == ".yaml" else ():
        for named in _shipped(path.parent, value):
            place = named.relative_to(
                path.parent.parent if value.startswith("../") else path.parent
            )
            found |= _with_named(named) if named.suffix == ".yaml" else {named: place.as_posix()}
    return {**found, path: path.name}


def _texts_of(path: Path) -> Iterator[str]:
    """Yields every text in a config."""
    import yaml

    waiting = [yaml.safe_load(path.read_text(encoding="utf-8"))]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            yield value


def _shipped(folder: Path, value: str) -> list[Path]:
    """Returns the files that a text in a config means: a file, those of a folder or a pattern.

    A single word is no folder: it may be the name of anything.
    """
    path = folder / value
    if path.is_file():
        return [path]
    if "/" not in value or not path.resolve().is_relative_to(_root()):
        return []
    found = path.rglob("*") if path.is_dir() else folder.glob(value)
    return sorted(file for file in found if file.is_file())


def _example(path: Path) -> Example:
    text = path.read_text(encoding="utf-8")
    group = path.parent.name if path.parent != _root() else ""
    made = Example(path.stem, _summary(text), text, path, group)
    if group != GALLERY:
        return made
    question = "".join(made.header.get("question", ()))
    return Example(path.stem, made.summary, text, path, f"{GALLERY}: {question}")


def _files(ending: str) -> list[Path]:
    """Returns the files of an ending, at the top and in each folder."""
    return sorted([*_root().glob(f"*{ending}"), *_root().glob(f"*/*{ending}")])


def _root() -> Path:
    """Returns the folder of the configs: inside the package, or in the checkout it runs from."""
    packaged = Path(str(files("dl"))) / "configs"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "configs"


def _summary(text: str) -> str:
    """Returns the first sentence of the comment at the top."""
    sentence = re.split(r"\. |\.?\n#?\n|\.\n", text.removeprefix("# "))[0]
    return " ".join(sentence.replace("\n#", " ").split())
