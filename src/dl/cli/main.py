"""The command `dl`: the group of commands, and the one place where errors become text and codes."""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NoReturn

import click

from dl import __version__
from dl.cli.colours import coloured
from dl.cli.config import completion, init, lint, schema, validate
from dl.cli.course import course, grade
from dl.cli.data import data
from dl.cli.doctor import doctor
from dl.cli.export import export
from dl.cli.model import baseline, diagnose, evaluate, predict, summary, trace
from dl.cli.process import Stopped, flush_stdout, open_streams, stopping_at_once
from dl.cli.runs import compare, list_runs, report
from dl.cli.serve import board, play, serve
from dl.cli.show import card, show
from dl.cli.sweep import sweep
from dl.cli.tidy import prune, remove, tag
from dl.cli.train import learning_rates, reproduce, train
from dl.cli.warm import warm
from dl.errors import SCARCE, DlError, ExitCode, Interrupted, closest, error_text, is_scarce
from dl.imports import is_importing
from dl.text import printable


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
        from dl.config.load import known_paths, other_tools

        if key in known_paths():
            return f"--set {'.'.join(map(str, known_paths()[key]))}=VALUE"
        if key in other_tools()["keys"]:
            return other_tools()["keys"][key]
    near = closest(key, [option.lstrip("-") for option in options])
    return f"did you mean --{near}?" if near else None


def _command(name: str, context: click.Context) -> str | None:
    if not isinstance(context.command, click.Group):
        return None
    from dl.config.load import other_tools

    near = other_tools()["commands"].get(name.lower()) or closest(name, context.command.commands)
    return f"{context.command_path} {near} --help" if near else None


_NAME_ERRORS = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)


class _Commands(click.Group):
    """The commands, by what they are for.

    Each ends quietly on a signal, or when the reader of its output has gone.
    """

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands in their groups, each with one short line."""
        longest = max(map(len, self.commands))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{c.name or '':{longest}}", c.get_short_help_str(80)) for c in commands]
                )

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise click.exceptions.Exit(ExitCode.DONE) from error
        except KeyboardInterrupt as error:  # click would write an empty line
            raise click.exceptions.Exit(_stopped(error)) from error


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="dl")
def dl() -> None:
    """Train neural networks from YAML files, on Keras.

    A first run: dl init --example digits > digits.yaml, then dl train digits.yaml
    """


GROUPS: dict[str, tuple[click.Command, ...]] = {
    "Start": (init, data, validate, lint, baseline),
    "Train": (train, learning_rates, sweep, reproduce),
    "Look at a run": (show, report, diagnose, evaluate, predict, summary, trace, card),
    "Look at many": (list_runs, compare, board),
    "Take away": (export, serve),
    "Learn and teach": (course, play, grade),
    "Keep order": (tag, remove, prune, warm, doctor, schema, completion),
}
for _listed in chain.from_iterable(GROUPS.values()):
    dl.add_command(_listed)


def main(ended: Callable[[int], object] = lambda code: None) -> NoReturn:
    """Runs the command line and leaves with its exit code, which `ended` is given at the last."""
    code = int(ExitCode.BUG)

    def leave() -> None:
        sys.stderr.flush()
        ended(code)
        os._exit(code)

    # Registered first, it is called last, when all that is to be done at the end is done. What
    # Python and TensorFlow would take apart then, object by object, ends with the process.
    atexit.register(leave)
    open_streams()
    with stopping_at_once():
        if sys.warnoptions:  # PYTHONWARNINGS=error would end libraries in their middle
            warnings.resetwarnings()
            warnings.simplefilter("ignore")
        code = run(sys.argv[1:])
        failure = flush_stdout()
        if failure is not None and code == ExitCode.DONE:
            code = _exit_code(failure)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs a command and returns the exit code; every error ends here, as text on stderr."""
    try:
        # Click returns the code of an `Exit` here instead of raising it.
        code = dl.main(list(arguments), prog_name="dl", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort) as error:
        return _stopped(error.__cause__ or error)  # click raises its own from a signal's
    except SystemExit:  # click's own end where the reader of its help has gone
        return ExitCode.DONE
    except Exception as error:
        return _exit_code(error)
    return code if isinstance(code, int) else ExitCode.DONE


def _exit_code(error: Exception) -> int:
    """Words an error on stderr and returns its code; one that nobody foresaw is a bug."""
    match error:
        case Interrupted():  # as it was asked to: that is no error
            return _fail(error_text(error).removeprefix("error: "), error.exit_code)
        case DlError():
            return _fail(error_text(error), error.exit_code)
        case click.exceptions.NoArgsIsHelpError():
            return _fail(error.format_message(), ExitCode.USAGE)
        case click.ClickException():
            return _fail(usage_text(error), ExitCode.USAGE)
        case ModuleNotFoundError() if error.name and not error.name.startswith("dl"):
            return _fail(error_text(_lacking(error.name)), ExitCode.USAGE)
        case MemoryError():
            return _fail("error: not enough memory\nhint: use less data or a smaller model", 3)
        case OSError() if error.errno in _NAME_ERRORS:
            return _fail(f"error: {str(error.filename)[:100]}: {error.strerror}", ExitCode.USAGE)
        case OSError():
            return _fail(_system_text(error), ExitCode.DISK)
        case _ if is_scarce(error):
            return _fail(error_text(DlError.of([SCARCE])), ExitCode.DISK)
        case _:
            return _report_bug()


def _lacking(module: str) -> DlError:
    """Words that a package is not there, as most are not where `dl` is for prediction alone."""
    return DlError(
        f"this needs {module.split('.')[0]}, which is not installed",
        expected="all packages of dl-keras; dl-keras-predict has those for prediction alone",
        hint="pip install dl-keras",
    )


def _stopped(error: BaseException) -> int:
    if not isinstance(error, Stopped):
        return _fail("interrupted", 128 + signal.SIGINT)
    if is_importing():  # for seconds, with stderr turned away
        error.end()
    return _fail("interrupted", 128 + error.number)


def _fail(text: str, code: int) -> int:
    click.echo(coloured(printable(text), sys.stderr), err=True)
    return code


def _system_text(error: OSError) -> str:
    if error.errno == errno.ENOENT and _is_gone():
        hint = "change to a folder that is there: cd"
        return f"error: the current folder has been removed\nhint: {hint}"
    return f"error: {error.filename or 'reading or writing failed'}: {error.strerror or error}"


def _is_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _report_bug() -> int:
    """Saves the trace of an error that nobody foresaw and says where; never shows it."""
    import tempfile
    import traceback

    text = f"dl {__version__}, {sys.version}\n{sys.argv}\n\n{traceback.format_exc()}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="dl-crash-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError as error:
        last = text.splitlines()[-1]
        where = f"its trace could not be saved ({error.strerror}): {last}"
    else:
        where = f"its trace was saved in {file.name}"
    return _fail(f"error: this is a bug in dl; {where}", ExitCode.BUG)
