"""Each command that the docs and the help texts show is one: it is parsed, and some are run.

What is run: all of README (`test_readme.py`), all of `coming-from.md`, and here what needs no
training. Of the others it is known that their options exist, that their values fit, that a config
they name is shipped, and that it takes what they set.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from conftest import Dl
from dl.cli.main import dl as commands
from dl.config.load import load_config
from dl.init.examples import examples

TOP = Path(__file__).resolve().parents[1]
DOCS = sorted(path for path in (TOP / "docs").rglob("*.md") if path.parent.name != "design")
PAGE = TOP / "docs" / "coming-from.md"
FILE = re.compile(r"^# ([\w-]+\.yaml)$", re.MULTILINE)
WRITTEN = (
    "answer.yaml",
    "config.yaml",
    "sweep.yaml",
    "best.yaml",
    *FILE.findall(PAGE.read_text(encoding="utf-8")),
)
"""Configs that a page has the reader write, or that stand for any."""
QUICK = (
    *("init", "lint", "summary", "validate", "data", "evaluate"),
    *("card", "compare", "list", "tag", "trace", "show"),
)
"""Commands that are run here, where the config is shipped or a run of its name is there."""


def _blocks(text: str, languages: str) -> list[str]:
    return re.findall(rf"^ *```(?:{languages})\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)


def _lines() -> Iterator[tuple[str, str]]:
    for page in DOCS:
        for block in _blocks(page.read_text(encoding="utf-8"), "console|sh|text"):
            yield from ((page.name, line) for line in block.splitlines())
    for command in commands.commands.values():
        for block in re.findall(r"\x08\n(.*?)(?:\n\s*\n|\Z)", command.help or "", re.DOTALL):
            yield from ((str(command.name), line) for line in block.splitlines())


def _arguments(line: str) -> list[str] | None:
    """Returns what stands behind `dl`, without comments and where the output goes."""
    found = re.search(r"(?:^|\| )\s*(?:\$ )?dl ([a-z].*)", line)
    if found is None:
        return None
    shown = re.split(r"\s#|\s{2,}(?=[^\s-])(?![\w/-]+\.yaml)|\s[|>] ", found[1])[0]
    return shlex.split(shown)


SHOWN = {(where, *told) for where, line in _lines() if (told := _arguments(line)) is not None}


def test_every_command_is_parsed(monkeypatch: pytest.MonkeyPatch, dl: Dl) -> None:
    monkeypatch.setattr(click.Command, "invoke", lambda self, context: None)
    wrong = [(where, *told) for where, *told in sorted(SHOWN) if dl(*told).code not in (0, None)]
    assert len(SHOWN) > 100
    assert not wrong


def test_every_command_in_a_sentence_is_parsed(monkeypatch: pytest.MonkeyPatch, dl: Dl) -> None:
    monkeypatch.setattr(click.Command, "invoke", lambda self, context: None)
    text = "\n".join(page.read_text(encoding="utf-8") for page in DOCS)
    found = {span for span in re.findall(r"`(dl [a-z][^`|]*)`", text) if "…" not in span}
    errors = {span: dl(*shlex.split(span.split(" > ")[0])[1:]).err for span in sorted(found)}
    assert len(errors) > 60
    short = ("Missing argument", "requires an argument", "'N' is not")  # `dl train`, of any config
    del errors["dl sweep"]  # which shows its help
    whole = {span: text for span, text in errors.items() if not any(end in text for end in short)}
    assert not {span: text for span, text in whole.items() if text}


def _shipped(told: list[str]) -> Iterator[str]:
    yield from (Path(word).stem for word in told[1:] if re.fullmatch(r"[\w/-]+\.yaml", word))


def test_every_config_is_shipped_and_takes_what_is_set() -> None:
    for where, *told in sorted(SHOWN):
        for name in _shipped(told):
            if f"{name}.yaml" not in WRITTEN:
                assert name in examples(), (where, *told)
                if told[0] in ("train", "lr"):
                    at = [i for i, word in enumerate(told) if word == "--set"]
                    load_config(examples()[name].path, [told[i + 1] for i in at])


@pytest.mark.slow
def test_commands_that_train_nothing_work_where_what_they_name_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dl: Dl
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (TOP / "configs").rglob("*.*"):
        if path.parent.name != "data" or path.name == "titanic.csv":
            shutil.copy(path, tmp_path)
    shutil.copytree(TOP / "configs", tmp_path / "configs")
    Path("data").mkdir()
    shutil.copy("titanic.csv", "data")
    for name in ("digits", "digits", "digits", "iris"):
        assert dl("train", f"{name}.yaml", "--set", "training.epochs=1", "-q").code == 0
    ran = [told for _, *told in sorted(SHOWN) if told[0] in QUICK and _is_there(told)]
    for told in ran:
        done = dl(*told)
        assert done.code == 0, (told, done.err)
    assert len(ran) > 25


def _is_there(told: list[str]) -> bool:
    """Returns whether each file and run that a command reads is there, and it asks nothing."""
    read = [word for before, word in pairwise(told) if before not in ("-o", "--to")]
    names = [word for word in read if word[0] != "-"]
    files = [word for word in names if re.search(r"\.(csv|yaml|txt|npz|h5)$", word)]
    if not all(Path(word).is_file() or "--example" in told for word in files):
        return False
    runs = ("digits", "iris", "digits/1", "digits/2", "digits/3")
    first = next(iter(told[1:]), "-")
    return first[0] == "-" or (first in (*runs, *files))


@pytest.mark.slow
def test_every_example_of_coming_from_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dl: Dl
) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    for block in _blocks(text, "yaml"):
        assert yaml.safe_load(block)
        for name in FILE.findall(block):
            Path(name).write_text(block, encoding="utf-8")
    for line in "".join(_blocks(text, "console")).splitlines():
        command, _, to = line.partition(" > ")
        done = dl(*shlex.split(command)[1:])
        assert done.code == 0, done.err
        if to:
            Path(to).write_text(done.out, encoding="utf-8")
    assert len(list(Path("runs").glob("*/0001/run.json"))) == 4
    assert Path("rentals.csv").read_text(encoding="utf-8").count("\n") == 732
    keras, tuner, sklearn = (compile(block, PAGE, "exec") for block in _blocks(text, "python"))
    assert "keras_tuner" in tuner.co_names  # which is not installed
    for original, name in ((keras, "from-keras"), (sklearn, "from-sklearn")):
        found: dict[str, Any] = {"__name__": "original"}
        exec(original, found)
        metrics = json.loads(Path(f"runs/{name}/0001/metrics.json").read_text(encoding="utf-8"))
        assert found["accuracy"] == pytest.approx(metrics["test"]["accuracy"], abs=0.03)
