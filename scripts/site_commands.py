"""A page of the site for each command, made from click."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping

import click

from dl.cli.main import GROUPS, dl

VERBATIM = "\b"
"""Click's mark for a paragraph whose lines stay as they are."""


def command_pages(docs: Mapping[str, str]) -> dict[str, str]:
    """Returns the Markdown of the page of each command, by its path in the site.

    Args:
        docs: The text of the pages of docs/, by path; a command's page names those that show it.
    """
    pages = {"commands/index.md": _overview()}
    for command in dl.commands.values():
        name = str(command.name)
        told = "\n".join([_page(command, f"dl {name}"), *_elsewhere(name, docs)])
        pages[f"commands/{name}.md"] = told + "\n"
    return pages


def examples(command: click.Command) -> Iterator[str]:
    """Yields the lines of the paragraphs of a help text that show how a command is called."""
    for paragraph in _paragraphs(command):
        if paragraph.startswith(VERBATIM):
            yield from paragraph.splitlines()[1:]


def _overview() -> str:
    lines = ["# Commands", "", inspect.cleandoc(dl.help or ""), ""]
    for title, commands in GROUPS.items():
        lines += [f"## {title}", "", "| command | what it does |", "| --- | --- |"]
        for each in commands:
            lines.append(f"| [`dl {each.name}`]({each.name}.md) | {each.get_short_help_str(90)} |")
        lines.append("")
    return "\n".join(lines)


def _page(command: click.Command, path: str, level: int = 1) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"{'#' * level} {path}" if level == 1 else f"{'#' * level} `{path}`", ""]
    for paragraph in _paragraphs(command):
        if paragraph.startswith(VERBATIM):
            lines += ["```text", *paragraph.splitlines()[1:], "```", ""]
        else:
            lines += [" ".join(paragraph.split()), ""]
    lines[4:4] = ["```text", usage, "```", ""]
    lines += ["| option | meaning |", "| --- | --- |"]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            lines.append(f"| {_options(record[0])} | {_cell(record[1])} |")
    lines.append("")
    if isinstance(command, click.Group):
        lines += [_page(each, f"{path} {name}", 2) for name, each in command.commands.items()]
    return "\n".join(lines)


def _paragraphs(command: click.Command) -> list[str]:
    return re.split(r"\n\s*\n", inspect.cleandoc(command.help or ""))


def _options(names: str) -> str:
    """Returns each name of an option in code; the last has the name of its value."""
    return ", ".join(f"`{name}`" for name in names.split(", "))


def _cell(text: str) -> str:
    return re.sub(r"([<|\[])", r"\\\1", text)


def _elsewhere(name: str, docs: Mapping[str, str]) -> Iterator[str]:
    shown = {path: len(re.findall(rf"\bdl {name}\b", text)) for path, text in docs.items()}
    most = sorted((path for path in shown if shown[path]), key=lambda path: -shown[path])[:5]
    if most:
        titles = {path: docs[path].split("\n", 1)[0].lstrip("# ") for path in most}
        yield "Told in: " + ", ".join(f"[{titles[path]}](../{path})" for path in most)
