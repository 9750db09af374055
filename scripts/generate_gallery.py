"""Write docs/gallery.md from docs/tutorials.toml and the configs of the gallery; or --check."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dl.init.examples import GALLERY, KEYS, Example, examples

TOP = Path(__file__).resolve().parents[1]
PAGE = TOP / "docs" / "gallery.md"
TUTORIALS = TOP / "docs" / "tutorials.toml"

_HEAD = """# The gallery

<!-- Written by scripts/generate_gallery.py from docs/tutorials.toml and configs/gallery. -->

A config for each of {count} well-known public examples of Keras, as far as one YAML file does what
the example is about, on data as the example has them. `dl init --example` lists them by their
question; so you get one, with the data that is shipped for it:

```text
dl init --example titanic --to titanic
dl train titanic/titanic.yaml
```

*Theirs* is what the example, or plain Keras, reaches; *here* is what the config reached when it was
measured, and on which data. These are single runs: another seed gives a little more or less.
What cannot be had from a config, and what to do instead: [limits.md](limits.md).
"""


@dataclass(frozen=True, slots=True)
class Tutorial:
    """A public example: its name, what it is about, and what of it cannot be had."""

    name: str
    about: str
    short: str = ""

    def answer(self, configs: list[Example]) -> str:
        """Returns whether it can be done by a config: yes, partly or no."""
        if not configs:
            return "no"
        return "partly" if self.short else "yes"


def questions() -> list[str]:
    """Returns the questions in the order of the page."""
    return [str(question) for question in _table()["questions"]]


def tutorials() -> list[Tutorial]:
    """Returns the public examples in their order."""
    return [Tutorial(**entry) for entry in _table()["tutorial"]]


def gallery() -> list[Example]:
    """Returns the configs of the gallery."""
    return [entry for entry in examples().values() if entry.group.startswith(GALLERY)]


def mistakes() -> Iterator[str]:
    """Yields what is wrong: in the header of a config, or a tutorial that is not explained."""
    names = {tutorial.name for tutorial in tutorials()}
    for entry in gallery():
        header = entry.header
        yield from (
            f"{entry.name}: no `# {key}: …` at its top" for key in KEYS if key not in header
        )
        for question in header.get("question", ()):
            if question not in questions():
                yield f"{entry.name}: the question {question!r} is not in {TUTORIALS.name}"
        for name in header.get("tutorial", ()):
            if name not in names:
                yield f"{entry.name}: the tutorial {name!r} is not in {TUTORIALS.name}"
        yield from (
            f"{entry.name}: {key} stands there more than once"
            for key, values in header.items()
            if len(values) > 1 and key != "tutorial"
        )
    for tutorial in tutorials():
        if not tutorial.short and not _configs_of(tutorial):
            yield f"{TUTORIALS.name}: {tutorial.name}: no config, and no `short` that says why"


def page() -> str:
    """Returns the page."""
    counts = Counter(tutorial.answer(_configs_of(tutorial)) for tutorial in tutorials())
    lines = [
        _HEAD.format(count=len(tutorials())),
        f"Of {len(tutorials())} examples: {counts['yes']} yes, {counts['partly']} partly, "
        f"{counts['no']} no.",
    ]
    for question in questions():
        lines += _configs_with(question)
    lines += ["", "## Example by example", "", "| example | config | answer | what is left out |"]
    lines += ["| --- | --- | --- | --- |"]
    for tutorial in tutorials():
        configs = _configs_of(tutorial)
        linked = ", ".join(_link(entry) for entry in configs)
        cells = (
            f"{tutorial.name}: {tutorial.about}",
            linked,
            tutorial.answer(configs),
            tutorial.short,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _configs_with(question: str) -> Iterator[str]:
    """Yields the lines about the configs that answer a question, if there are any."""
    found = [entry for entry in gallery() if entry.header.get("question") == (question,)]
    if not found:
        return
    yield from ("", f"## {question[0].upper()}{question[1:]}", "")
    yield "| config | what it shows | theirs | here | data |"
    yield "| --- | --- | --- | --- | --- |"
    for entry in found:
        told = (" ".join(entry.header.get(key, ())) for key in ("theirs", "here", "data"))
        yield f"| {' | '.join([_link(entry), entry.summary, *told])} |"


def _configs_of(tutorial: Tutorial) -> list[Example]:
    return [entry for entry in gallery() if tutorial.name in entry.header.get("tutorial", ())]


def _link(entry: Example) -> str:
    return f"[`{entry.name}`](../configs/{GALLERY}/{entry.name}.yaml)"


def _table() -> dict[str, list[dict[str, str]]]:
    return tomllib.loads(TUTORIALS.read_text(encoding="utf-8"))


def main() -> int:
    """Writes the page, or with --check says that it is not fresh; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it is stale")
    check = parser.parse_args().check
    wrong = list(mistakes())
    for mistake in wrong:
        print(mistake, file=sys.stderr)
    stale = not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page()
    if stale:
        print(f"{'stale' if check else 'wrote'}: {PAGE}", file=sys.stderr)
    if stale and not check:
        PAGE.write_text(page(), encoding="utf-8")
    return 1 if wrong or (check and stale) else 0


if __name__ == "__main__":
    sys.exit(main())
