"""What to say of a wrong command line: the option, command or config key that was meant."""

from __future__ import annotations

from collections.abc import Mapping

import click

from dl.errors import closest

_COMMANDS: Mapping[str, str] = {
    "fit": "train",
    "run": "train",
    "resume": "train --resume",
    "test": "evaluate",
    "infer": "predict",
    "inference": "predict",
    "check": "validate",
    "new": "init",
    "create": "init",
    "ls": "list",
    "runs": "list",
    "info": "show",
    "describe": "show",
    "delete": "rm",
    "remove": "rm",
    "clean": "prune",
    "diff": "compare",
    "tune": "sweep",
    "hyperopt": "sweep",
    "search": "sweep",
    "plot": "report",
    "visualize": "report",
    "ui": "board",
    "serve": "board",
    "dashboard": "board",
}
"""What other tools call our commands."""


def usage_text(error: click.ClickException) -> str:
    """Returns the text of an error of the command line, with a hint."""
    context = getattr(error, "ctx", None)
    if context is None:
        return f"error: {error.format_message()}"
    message, meant = error.format_message(), None
    if isinstance(error, click.NoSuchOption):  # its own words name what is not near
        message, meant = error.message, _option(error.option_name, context)
    elif isinstance(error, click.exceptions.NoSuchCommand):
        message, meant = error.message, _command(error.command_name, context)
    return f"error: {message}\nhint: {meant or f'{context.command_path} --help'}"


def _option(name: str, context: click.Context) -> str | None:
    options = [option for parameter in context.command.params for option in parameter.opts]
    key = name.lstrip("-").lower().replace("-", "_")
    if "--set" in options:
        from dl.config.problems import known_paths, other_tools

        if key in known_paths():
            return f"--set {'.'.join(map(str, known_paths()[key]))}=VALUE"
        if key in other_tools()["keys"]:
            return other_tools()["keys"][key]
    near = closest(key, [option.lstrip("-") for option in options])
    return f"did you mean --{near}?" if near else None


def _command(name: str, context: click.Context) -> str | None:
    if not isinstance(context.command, click.Group):
        return None
    known = context.command.commands
    near = _COMMANDS.get(name.lower()) or closest(name, known)
    return f"{context.command_path} {near} --help" if near else None
