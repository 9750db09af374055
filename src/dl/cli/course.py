"""`dl course`: the exercises of the course, which are asked, checked and hinted at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import (
    Command,
    json_option,
    output_option,
    print_json,
    quiet_option,
    usual_options,
)
from dl.cli.process import open_reporter, stop_requests
from dl.errors import UsageError
from dl.text import painted, wrapped

if TYPE_CHECKING:
    from dl.app.course import Checked
    from dl.course.exercise import Exercise
    from dl.course.progress import Progress

_INDENT = "    "


exercise_argument = click.argument("exercise", required=False)
language_option = click.option(
    "--lang", metavar="CODE", help="Language: en or fr.  [default: that of LANG]"
)
progress_option = click.option(
    "--progress",
    "kept",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("course.json"),
    show_default=True,
    metavar="FILE",
    help="The file of what is done.",
)


def _own_options(command: Command) -> Command:
    """Adds the options that all commands on exercises have."""
    return progress_option(language_option(command))


@click.group(invoke_without_command=True)
@_own_options
@json_option
@click.pass_context
def course(context: click.Context, lang: str | None, kept: Path, as_json: bool) -> None:
    """Show the exercises of the course, and what is done.

    The pages are in docs/course. Progress is a file of your own, course.json, in the folder where
    you work.

    \b
    dl course next                      (the next task, and a file to begin from)
    dl course check                     (your answer to it)
    dl course hint
    """
    if context.invoked_subcommand is not None:
        return
    from dl.course.exercise import in_language, language_of, shipped
    from dl.course.progress import read_progress
    from dl.course.words import section_title, words

    language, progress, known = language_of(lang), read_progress(kept), shipped()
    if as_json:
        print_json({"exercises": [_listed(each, progress, language) for each in known.values()]})
        return
    said, lines = words(language), []
    for number, group in groupby(known.values(), lambda each: each.file.section):
        title = f"{number}. {section_title(number, language)}"
        lines += ["", painted(title, "bold")]
        for each in group:
            sign = "✓" if progress.of(each.name).solved else " "
            lines.append(f"  {sign} {each.name:24} {in_language(each.file.title, language)}")
    done = sum(progress.of(name).solved is not None for name in known)
    lines += [
        "",
        f"{done} {said['of']} {len(known)} {said['done']}. {_onward(known, progress, said)}",
    ]
    click.echo("\n".join(lines[1:]))


@course.command(name="next")
@exercise_argument
@_own_options
@json_option
def show_next(exercise: str | None, lang: str | None, kept: Path, as_json: bool) -> None:
    """Show the next task, or that of EXERCISE, and write a file to begin from.

    A file that is there already stays as it is.
    """
    from dl.course.exercise import in_language, language_of
    from dl.course.progress import read_progress
    from dl.course.words import section_title, words
    from dl.report.terminal import text_width
    from dl.rundir.files import write_text

    language = language_of(lang)
    found = _named(exercise, read_progress(kept))
    said, answer = words(language), Path(f"{found.name}.yaml")
    is_new = not answer.exists()
    if is_new:
        write_text(answer, in_language(found.file.start, language) + "\n")
    if as_json:
        print_json({"name": found.name, "task": in_language(found.file.task, language)})
        return
    number = found.file.section
    title = f"{said['section']} {number}, {section_title(number, language)}"
    click.echo(f"{title}\n{painted(in_language(found.file.title, language), 'bold')}\n")
    paragraphs = in_language(found.file.task, language).split("\n")
    click.echo("\n\n".join(wrapped(line, text_width(), "") for line in paragraphs))
    asked = [check for check in found.file.checks if check.answer is None]
    if asked:
        click.echo(f"\n{said['asked']}{said['colon']} {'; '.join(check.asked for check in asked)}")
    click.echo(f"\n{said['written' if is_new else 'there']}{said['colon']} {answer}")
    click.echo(f"{said['then']}{said['colon']} dl course check {found.name}")


@course.command()
@exercise_argument
@click.argument("file", required=False, type=click.Path(path_type=Path))
@_own_options
@usual_options
def check(
    exercise: str | None,
    file: Path | None,
    lang: str | None,
    kept: Path,
    runs: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Check your answer to an exercise: FILE, else EXERCISE.yaml.

    A config is trained, an ordinary run; numbers are compared. EXERCISE is a name of the list, or a
    file of your own exercise; by default the next one that is not done.
    """
    from dl.app.course import check_answer
    from dl.course.exercise import ENDINGS, in_language, language_of
    from dl.course.progress import read_progress, write_progress

    progress, language = read_progress(kept), language_of(lang)
    if exercise is not None and file is None and exercise.endswith(ENDINGS):
        exercise, file = Path(exercise).stem, Path(exercise)
    found = _named(exercise, progress)
    answer = file or Path(f"{found.name}.yaml")
    if file is None and not answer.exists():
        raise UsageError(
            f"there is no answer to {found.name}: {answer}", hint=f"dl course next {found.name}"
        )
    with open_reporter(quiet=quiet) as reporter:
        stopping = partial(stop_requests, once_asked=True)
        checked = check_answer(found, answer, runs, reporter, stopping)
    progress = progress.checked(found.name, solved=checked.solved)
    write_progress(kept, progress)
    if as_json:
        outcomes = [
            asdict(outcome) | {"miss": "" if outcome.passed else in_language(asked.miss, language)}
            for asked, outcome in zip(found.file.checks, checked.outcomes, strict=True)
        ]
        known = {"exercise": found.name, "solved": checked.solved, "run": checked.run}
        print_json({**known, "checks": outcomes})
    else:
        click.echo(_checked_text(found, checked, progress, language))


@course.command()
@exercise_argument
@_own_options
def hint(exercise: str | None, lang: str | None, kept: Path) -> None:
    """Show one more hint on the next exercise, or on EXERCISE."""
    from dl.course.exercise import in_language, language_of
    from dl.course.progress import read_progress, write_progress
    from dl.course.words import words
    from dl.report.terminal import text_width

    progress, language = read_progress(kept), language_of(lang)
    found = _named(exercise, progress)
    said, hints, seen = words(language), found.file.hints, progress.of(found.name).hints
    for place, text in enumerate(hints[: seen + 1], start=1):
        head = f"{said['hint']} {place} {said['of']} {len(hints)}{said['colon']} "
        click.echo(wrapped(head + in_language(text, language), text_width(), _INDENT))
    if seen >= len(hints):
        click.echo(said["no_more_hints"])
    write_progress(kept, progress.hinted(found.name, min(seen + 1, len(hints))))


@click.command()
@click.argument("exercise", type=click.Path(path_type=Path))
@click.argument("submissions", type=click.Path(path_type=Path, file_okay=False))
@output_option(
    "The table of marks; feedback and report go into a folder beside it.",
    "OUT",
    default=Path("marks.csv"),
    show_default=True,
)
@click.option("--deadline", metavar="TIME", help="When it was due: 2026-10-01T23:59.")
@click.option(
    "--times",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="When each was handed in: CSV with name and time.  [default: the times of the files]",
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Trainings at the same time.")
@language_option
@quiet_option
@json_option
def grade(
    exercise: Path,
    submissions: Path,
    output: Path,
    deadline: str | None,
    times: Path | None,
    jobs: int | None,
    lang: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Grade the answers of a class to EXERCISE.

    SUBMISSIONS has NAME.yaml of each student, or folders NAME with one such file. Each is trained
    with the same seed in a process of its own, under the exercise's limits of time and memory.
    One that is broken, hostile, late or slow costs its own mark. A grading that was stopped goes
    on where it was.

    \b
    dl grade digits.yaml submissions/ -o marks.csv --deadline 2026-10-01T23:59
    """
    from dl.app import course as use_case
    from dl.course.exercise import language_of, load_exercise
    from dl.course.marks import summary
    from dl.system import processors

    due = None
    if deadline is not None:
        try:
            due = datetime.fromisoformat(deadline)
        except ValueError as error:
            raise UsageError(
                f"--deadline {deadline} is not a time", expected="2026-10-01T23:59"
            ) from error
    found, count = load_exercise(exercise), jobs or processors()
    with open_reporter(quiet=quiet) as reporter:
        job = use_case.Job(submissions, output, due, times, count, language_of(lang))
        marks = use_case.grade(found, job, reporter)
    if as_json:
        print_json({"marks": marks})
        return
    click.echo(f"{summary(found, marks)}\n\n{output}")
    click.echo(f"{output.with_suffix('')}/report.html, and feedback/ for each student")


def _named(name: str | None, progress: Progress) -> Exercise:
    """Returns the exercise of a name, else the first that is not done, else the last."""
    from dl.course.exercise import chosen, shipped

    if name is not None:
        return chosen(name)
    known = list(shipped().values())
    return next((each for each in known if not progress.of(each.name).solved), known[-1])


def _onward(known: Iterable[str], progress: Progress, said: Mapping[str, str]) -> str:
    left = [name for name in known if not progress.of(name).solved]
    return f"{said['next']}{said['colon']} dl course next ({left[0]})" if left else said["all_done"]


def _listed(exercise: Exercise, progress: Progress, language: str) -> dict[str, object]:
    from dl.course.exercise import in_language

    done = progress.of(exercise.name)
    return {
        "name": exercise.name,
        "section": exercise.file.section,
        "title": in_language(exercise.file.title, language),
        "solved": done.solved,
        "tries": done.tries,
        "hints": done.hints,
    }


def _checked_text(exercise: Exercise, checked: Checked, progress: Progress, language: str) -> str:
    from dl.course.exercise import in_language, shipped
    from dl.course.words import words
    from dl.report.terminal import text_width

    said, lines = words(language), []
    for check, outcome in zip(exercise.file.checks, checked.outcomes, strict=True):
        sign = painted("✓", "green") if outcome.passed else painted("✗", "red")
        lines.append(f"{sign} {outcome.asked}  ({said['found']}{said['colon']} {outcome.found})")
        if not outcome.passed:
            miss = in_language(check.miss, language)
            lines.append(f"{_INDENT}{wrapped(miss, text_width() - len(_INDENT), _INDENT)}")
    passed = sum(outcome.passed for outcome in checked.outcomes)
    verdict = painted(said["solved"], "bold green") if checked.solved else said["not_yet"]
    lines += [
        "",
        f"{verdict}{said['colon']} {passed} {said['of']} {len(checked.outcomes)} {said['checks']}",
    ]
    if checked.run is not None:
        lines.append(f"{said['look']}{said['colon']} dl show {checked.run.path}")
    if checked.solved:
        lines.append(_onward(shipped(), progress, said))
    elif exercise.file.hints:
        lines.append(f"{said['hint']}{said['colon']} dl course hint {exercise.name}")
    return "\n".join(lines)
