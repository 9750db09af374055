"""The exercises: each is solved by its solution and missed by a typical wrong answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import Dl
from dl.config.nodes import flow, plain
from dl.config.overrides import override, read_with_bases
from dl.course.checks import judge_answer, judge_config
from dl.course.exercise import (
    EXERCISES,
    in_language,
    language_of,
    load_exercise,
    read_answer,
    shipped,
)
from dl.course.measuring import Examiner
from dl.errors import ConfigError, error_text
from dl.progress import SilentReporter
from support.course import CONFIGS

KNOWN = shipped()
ANSWERS: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("solutions.yaml").read_text(encoding="utf-8")
)
TRAINED = [name for name, each in KNOWN.items() if each.file.kind == "config"]


def missed(
    name: str, changes: dict[str, Any], folder: Path, examiner: Examiner | None
) -> list[str]:
    """Returns the subjects of the checks that an answer misses."""
    exercise = KNOWN[name]
    path = folder / f"{name}.yaml"
    if examiner is None:
        text = yaml.safe_dump(changes).encode()
        outcomes = judge_answer(exercise, read_answer(path, text))
    else:
        start = in_language(exercise.file.start, "en").encode()
        options = [f"{key}={flow(value)}" for key, value in changes.items()]
        root, problems = override(read_with_bases(path, start).root, options)
        assert not problems
        loaded = exercise.config(path, yaml.safe_dump(plain(root)).encode())
        _, facts = examiner.examine(loaded, folder, SilentReporter())
        outcomes = judge_config(exercise, facts)
    pairs = zip(exercise.file.checks, outcomes, strict=True)
    return [check.subject for check, outcome in pairs if not outcome.passed]


@pytest.fixture(scope="module")
def examiner() -> Examiner:
    return Examiner()


@pytest.mark.parametrize("name", [name for name in KNOWN if name not in TRAINED])
def test_numbers_by_hand_are_solved_and_missed(name: str, tmp_path: Path) -> None:
    said = ANSWERS[name]
    assert missed(name, said["solved"], tmp_path, None) == []
    assert missed(name, said["wrong"], tmp_path, None) == said["misses"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_training_is_solved_and_missed(name: str, tmp_path: Path, examiner: Examiner) -> None:
    said = ANSWERS[name]
    assert missed(name, said["solved"], tmp_path, examiner) == []
    assert missed(name, said.get("wrong", {}), tmp_path, examiner) == said["misses"]


def test_every_exercise_has_an_answer_here_and_its_section_a_page() -> None:
    pages = sorted(CONFIGS.parents[1].joinpath("docs", "course").glob("[0-9]*.md"))
    named = {path: path.read_text(encoding="utf-8") for path in pages}
    assert [*KNOWN] == [*ANSWERS]
    assert len(KNOWN) >= 20
    assert {each.file.section for each in KNOWN.values()} == {*range(1, 11)}
    for name, each in KNOWN.items():
        assert f"`{name}`" in named[pages[each.file.section - 1]]


@pytest.mark.parametrize("name", KNOWN)
def test_every_text_is_there_in_both_languages(name: str) -> None:
    file = KNOWN[name].file
    texts = [file.title, file.task, *file.hints, *(check.miss for check in file.checks)]
    for text in texts:
        assert isinstance(text, dict)
        assert [*text] == ["en", "fr"]
        assert all(text.values())
        assert re.findall(r"\d+\.\d+", text["en"]) == re.findall(r"\d+\.\d+", text["fr"])


def test_the_table_of_outliers_is_that_of_the_course() -> None:
    own, shown = EXERCISES / "outliers.csv", CONFIGS / "outliers.csv"
    assert own.read_bytes() == shown.read_bytes()


@pytest.mark.parametrize(
    ("surroundings", "found"),
    [({}, "en"), ({"LANG": "fr_CH.UTF-8"}, "fr"), ({"LANG": "fr", "LC_ALL": "C.UTF-8"}, "en")],
)
def test_language_is_that_of_the_surroundings(surroundings: dict[str, str], found: str) -> None:
    assert language_of(None, surroundings) == found
    assert language_of("de", surroundings) == "de"
    assert in_language({"en": "a", "fr": "b"}, "de") == "a"


def test_a_wrong_exercise_says_where(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_exercise(path)
    assert error_text(caught.value).replace(f"{path}", "wrong.yaml") == SAID


WRONG = """\
titel: Nothing
task: Do nothing.
start: |
  model:
checks:
  - {measure: test.accuracy, at_least: high, miss: no}
  - {measure: accuracy, at_least: 1, miss: "no"}
"""
SAID = """\
error: wrong.yaml:1:1: titel is not known
    1 | titel: Nothing
      | ^^^^^
expected: name, section, title, task, kind, start, given, hidden_rows, seed, limits, marks, late, ranking, checks or hints
hint: did you mean title?

error: wrong.yaml:6:40: checks.0.at_least must be a number, or null
    6 |   - {measure: test.accuracy, at_least: high, miss: no}
      |                                        ^^^^
hint: `at_least`: the least number that will do

error: wrong.yaml:6:52: checks.0.miss: `no` is ambiguous: YAML 1.1 reads it as false, YAML 1.2 as text
    6 |   - {measure: test.accuracy, at_least: high, miss: no}
      |                                                    ^^
hint: write false, or "no" in quotes for the text

error: wrong.yaml:7:15: checks.1.measure must be PART.METRIC (train, validation, test or hidden; a metric, loss or errors), parameters, layers, epochs, loss_ratio, loss_rises or weights.N, or null
    7 |   - {measure: accuracy, at_least: 1, miss: "no"}
      |               ^^^^^^^^
hint: `measure`: what of the trained answer is measured

4 errors in wrong.yaml"""  # noqa: E501


def test_checks_that_ask_for_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(ASKS_NOTHING, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_exercise(path)
    assert error_text(caught.value).replace(f"{path}", "wrong.yaml") == ASKS_NOTHING_SAID


ASKS_NOTHING = """\
title: Nothing
task: Do nothing.
start: a
checks:
  - {measure: test.accuracy, miss: a}
  - {answer: w, value: 1, miss: b}
  - {config: training.loss, value: 1, miss: c}
  - {measure: test.loss, beyond_chance: true, miss: d}
"""
ASKS_NOTHING_SAID = """\
error: wrong.yaml:5:5: checks.0 asks for nothing
    5 |   - {measure: test.accuracy, miss: a}
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
expected: at_least, at_most or beyond_chance

error: wrong.yaml:6:5: checks.1 must look at one thing
    6 |   - {answer: w, value: 1, miss: b}
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
expected: measure or config, since answers are of `kind: config`

error: wrong.yaml:7:36: checks.2.value is not for a check of `config`
    7 |   - {config: training.loss, value: 1, miss: c}
      |                                    ^

error: wrong.yaml:8:41: checks.3.beyond_chance is for an accuracy
    8 |   - {measure: test.loss, beyond_chance: true, miss: d}
      |                                         ^^^^
expected: PART.accuracy

4 errors in wrong.yaml"""


def test_a_student_is_asked_checked_and_hinted_at(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = dl("course", "next", "--lang", "fr").out
    assert asked.startswith("Partie 1, Le perceptron\nUne mise à jour à la main\n\nUn perceptron")
    answer = tmp_path / "update-by-hand.yaml"
    assert answer.read_text() == "h:\nw1:\nw2:\nb:\n"
    answer.write_text("h: 0\nw1: 0.7\nw2: 0.9\nb: 0.6\n")
    assert dl("course", "check", "--lang", "en").out == (
        "✓ h  (found: 0)\n✓ w1  (found: 0.7)\n✗ w2  (found: 0.9)\n"
        "    w2 moves by 0.5 · (y - h) · x2; mind its sign before.\n✓ b  (found: 0.6)\n\n"
        "Not yet: 3 of 4 checks\nHint: dl course hint update-by-hand\n"
    )
    assert dl("course", "hint").out == "Hint 1 of 2: The sum is 0.2 - 0.4 + 0.1.\n"
    answer.write_text("h: 0\nw1: 0.7\nw2: 0.1\nb: 0.6\n")
    assert json.loads(dl("course", "check", "--json").out)["solved"] is True
    listed = json.loads(dl("course", "--json").out)["exercises"]
    assert [(each["tries"], each["hints"]) for each in listed[:2]] == [(2, 1), (0, 0)]
    assert dl("course").out.endswith("1 of 24 done. Next: dl course next (which-gates)\n")


def test_a_damaged_progress_is_told_and_left_alone(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "course.json"
    kept.write_text('{"exercises": {"threshold": {"tries": "two"}}}')
    (tmp_path / "threshold.yaml").write_text("precision: 1\n")
    outcome = dl("course", "check", "threshold")
    assert (outcome.code, outcome.err) == (
        4,
        "error: course.json is damaged: `exercises.threshold.tries` must be a whole number\n"
        "expected: the progress that dl course keeps\n"
        "hint: mend it, or begin anew: mv course.json course.json.old\n",
    )
    assert "two" in kept.read_text()


def test_an_unknown_exercise_and_a_missing_answer_say_what_to_do(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert dl("course", "check", "treshold").err == (
        "error: no exercise is named 'treshold'\n"
        "expected: a name of the list that dl course shows, or the file of an exercise\n"
        "hint: did you mean threshold?\n"
    )
    assert dl("course", "check", "threshold").err == (
        "error: there is no answer to threshold: threshold.yaml\nhint: dl course next threshold\n"
    )
