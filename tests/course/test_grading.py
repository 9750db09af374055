"""A class: what is handed in, what is refused, how marks are made, and what students are told."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import Dl
from dl.course.checks import Outcome
from dl.course.exercise import Exercise, load_exercise
from dl.course.grading import Class, Graded
from dl.course.marks import feedback, marks_csv, marks_of, missed_most, ranked, report_page, summary
from dl.course.submissions import check_alone, read_submissions, safe_name
from dl.errors import BusyError, ConfigError, error_text

EXERCISE = """\
name: digits
title: {en: Digits, fr: Des chiffres}
task: Recognise them.
marks: 20
late: 0.5
start: "h:"
kind: numbers
checks:
  - {answer: h, value: 1, miss: {en: One more., fr: Un de plus.}}
  - {answer: k, value: 2, points: 3, hidden: true, miss: SECRET}
hints: [Count.]
"""


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    path = tmp_path / "exercise.yaml"
    path.write_text(EXERCISE, encoding="utf-8")
    return load_exercise(path)


def graded(name: str, *passed: bool, **more: object) -> Graded:
    outcomes = tuple(Outcome(key, "0", each) for key, each in zip("hk", passed, strict=True))
    return Graded(name, "graded", outcomes=outcomes, lines=(1, 2), **more)  # type: ignore[arg-type]


def test_what_is_handed_in_is_read_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "anna.yaml").write_text("h: 1\n")
    (tmp_path / "bela").mkdir()
    (tmp_path / "bela" / "mine.yml").write_text("h: 2\n")
    (tmp_path / "carl").mkdir()
    (tmp_path / "dora.yaml").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "egon.yaml")
    (tmp_path / "fran.docx").write_text("h: 3\n")
    (tmp_path / "gina.yaml").write_bytes(b"#" * 2_000_000)
    (tmp_path / ".hidden.yaml").write_text("h: 4\n")
    found = {each.name: each.text or each.problem for each in read_submissions(tmp_path)}
    assert found == {
        "anna": b"h: 1\n",
        "bela": b"h: 2\n",
        "carl": "has 0 YAML files, not one",
        "dora": "is a link, which is not followed",
        "egon": "cannot be read: it is not a regular file",
        "fran.docx": "is not a YAML file",
        "gina": "cannot be read: it is larger than 1 MB",
    }


def test_neither_of_two_submissions_of_a_name_takes_the_place_of_the_other(tmp_path: Path) -> None:
    for name in ("anna.yaml", "anna.yml", "bela.yaml"):
        (tmp_path / name).write_text("h: 1\n")
    found = [(each.name, each.text or each.problem) for each in read_submissions(tmp_path)]
    doubled = ("anna", "has the name of another submission")
    assert found == [doubled, doubled, ("bela", b"h: 1\n")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: ../x.yaml", "extends is not allowed: a submission stands alone"),
        (
            "model: {start: {from: x}}",
            "model.start is not allowed: a submission begins from nothing",
        ),
        (
            "model: {layers: [{type: Embedding, from: x}]}",
            "model.layers.0.from is not allowed: a submission begins from nothing",
        ),
        (
            "model: {layers: [{type: ResNet50, trainable: false}]}",
            "ResNet50 is not allowed: a submission downloads no weights",
        ),
        (
            "model: {layers: [resnet50]}",
            "resnet50 is not allowed: a submission downloads no weights",
        ),
        (
            "training: {callbacks: [{type: tensor_board}]}",
            "tensor_board is not allowed: a submission writes no files",
        ),
        (
            "training: {phases: [{epochs: 1, callbacks: [ModelCheckpoint]}]}",
            "ModelCheckpoint is not allowed: a submission writes no files",
        ),
        ("tracking: {mlflow: {}}", "tracking is not allowed: a submission is copied nowhere"),
    ],
)
def test_what_leads_out_of_a_submission_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_alone(Path("anna.yaml"), text.encode())
    assert caught.value.problems[0].message == said


def test_a_config_of_its_own_is_not_refused() -> None:
    text = b"data: {path: /etc/passwd}\nmodel: {layers: [Flatten, {type: Dense, units: 2}]}\n"
    check_alone(Path("anna.yaml"), text + b"training: {callbacks: [EarlyStopping]}\n")


def test_ranks_are_equal_where_differences_are_chance() -> None:
    right = np.ones(200)
    nearly, half = right.copy(), right.copy()
    nearly[:3], half[:100] = 0, 0
    scores = {"anna": right, "bela": nearly, "carl": half, "dora": np.zeros(0)}
    ranks = ranked({name: tuple(each.tolist()) for name, each in scores.items()})
    assert ranks == {"anna": 1, "bela": 1, "carl": 3}
    errors = np.random.default_rng(1).normal(size=200) ** 2
    worse = {"anna": tuple(-errors), "bela": tuple(-errors - 1), "carl": tuple(-errors)}
    assert ranked(worse) == {"anna": 1, "bela": 3, "carl": 1}
    assert ranked({"anna": (1.0,) * 9, "bela": (1.0,) * 8}) == {"anna": 1}


def test_marks_are_points_and_ranks_less_what_lateness_costs(exercise: Exercise) -> None:
    results = [
        graded("anna", True, True),
        graded("bela", True, False),
        graded("carl", True, True),
        Graded("dora", "slow", "took more than the 30 s that the exercise allows"),
    ]
    marks = marks_of(exercise, results, {"carl"})
    assert [each.mark for each in marks] == [20, 5, 10, 0]
    assert missed_most(exercise, marks)[0] == ("k (hidden)", 1, 3)
    assert summary(exercise, marks) == (
        "4 submissions: 3 graded, 1 slow, 1 late\n"
        "marks of 20: 0 to 20, median 7.5\n"
        "missed most: k (hidden), by 1 of 3 (33%)"
    )


def test_equal_configs_are_named_and_cells_are_no_formulas(exercise: Exercise) -> None:
    results = [graded("=cmd()", True, True, config="a"), graded("bela", True, True, config="a")]
    rows = list(
        csv.DictReader(io.StringIO(marks_csv(exercise, marks_of(exercise, results, set()))))
    )
    assert [row["name"] for row in rows] == ["'=cmd()", "bela"]
    assert [row["equal_to"] for row in rows] == ["bela", "'=cmd()"]


def test_a_student_is_told_nothing_of_hidden_checks(exercise: Exercise) -> None:
    [mark] = marks_of(exercise, [graded("anna", False, False)], set())
    told = feedback(exercise, mark, "fr").replace("\N{NO-BREAK SPACE}", "~")
    assert told == (
        "# Des chiffres\n\nNote~: 0 sur 20\n\n- ✗ `h` (obtenu~: `0`, ligne 1)\n  Un de plus.\n\n"
        "La note tient compte d'autres vérifications.\n\nIndice~: Count.\n"
    )
    assert "SECRET" not in report_page(exercise, [mark], "en")


def test_a_name_is_that_of_a_file_only_if_it_can_be() -> None:
    assert safe_name("anna-b.2") == "anna-b.2"
    assert len(safe_name("an/na\n")) == 16


def test_hidden_rows_are_for_hidden_checks(tmp_path: Path) -> None:
    path = tmp_path / "exercise.yaml"
    text = EXERCISE.replace("kind: numbers\n", "ranking: 30\n")
    text = text.replace("{answer: h, value: 1", "{measure: hidden.loss, at_most: 1")
    path.write_text(text.replace("{answer: k, value: 2", "{measure: hidden.loss, at_most: 1"))
    with pytest.raises(ConfigError) as caught:
        load_exercise(path)
    assert error_text(caught.value).replace(f"{path}", "exercise.yaml") == (
        "error: exercise.yaml:7:10: ranking must not be more than marks\n"
        "    7 | ranking: 30\n      |          ^^\nexpected: at most 20\n\n"
        "error: exercise.yaml:9:15: checks.0.measure is of hidden rows, so the check must be "
        "`hidden: true`\n"
        "    9 |   - {measure: hidden.loss, at_most: 1, miss: {en: One more., fr: Un de plus.}}\n"
        "      |               ^^^^^^^^^^^\n\n2 errors in exercise.yaml"
    )


def test_wrong_options_and_folders_are_told(dl: Dl, tmp_path: Path, exercise: Exercise) -> None:
    outcome = dl("grade", exercise.path, tmp_path, "--deadline", "soon")
    assert outcome.err == ("error: --deadline soon is not a time\nexpected: 2026-10-01T23:59\n")
    (tmp_path / "none").mkdir()
    assert dl("grade", exercise.path, tmp_path / "none", "-q").err == (
        f"error: {tmp_path}/none has no submissions\nexpected: NAME.yaml of each student\n"
    )


CONFIG = """\
model:
  layers:
    - {type: Dense, units: 1, activation: sigmoid, name: only}
training: {loss: binary_crossentropy, metrics: [accuracy], batch_size: full, epochs: 3}
"""
GIVEN = """\
title: A cloud
task: Train.
limits: {seconds: 20, memory: 1000}
hidden_rows: hidden.csv
given:
  data: {source: csv, path: rows.csv, target: y, split: {validation: 0, test: 0.5}}
checks:
  - {measure: epochs, at_most: 3, miss: Fewer epochs.}
  - {measure: hidden.accuracy, at_least: 0, hidden: true, miss: SECRET}
start: |
"""


def cloud(folder: Path, start: str = CONFIG) -> Exercise:
    path = folder / "cloud.yaml"
    path.write_text(GIVEN + "".join(f"  {line}\n" for line in start.splitlines()))
    return load_exercise(path)


def test_an_answer_leaves_no_rows_out_unless_all_do(tmp_path: Path) -> None:
    exercise, answer = cloud(tmp_path), Path("anna.yaml")
    (tmp_path / "rows.csv").write_text("a,b,y\n" + "1,2,0\n1,1,1\n" * 10)
    text = f"{CONFIG}preprocess: {{missing: mean, columns: {{a: {{missing: drop}}}}}}\n"
    with pytest.raises(ConfigError) as caught:
        exercise.config(answer, text.encode())
    assert error_text(caught.value) == (
        "error: anna.yaml:5:52: preprocess.columns.a.missing leaves rows out, but an exercise "
        "measures all\n"
        "    5 | preprocess: {missing: mean, columns: {a: {missing: drop}}}\n"
        "      |                                                    ^^^^\n"
        "expected: error, mean, median or most_frequent"
    )
    given = exercise.text.replace(b"given:\n", b"given:\n  preprocess.missing: drop\n")
    exercise.path.write_bytes(given)
    own = load_exercise(exercise.path).config(answer, CONFIG.encode())
    assert own.config.preprocess.missing == "drop"


def test_one_folder_has_one_grading_at_a_time(tmp_path: Path, exercise: Exercise) -> None:
    first = Class(exercise, tmp_path / "marks" / "results", 1)
    with pytest.raises(BusyError) as caught:
        Class(exercise, tmp_path / "marks" / "results", 1)
    assert error_text(caught.value) == (
        f"error: {tmp_path}/marks is in use by another grading\n"
        "hint: wait until it ends, or name another output with -o"
    )
    first.close()
    Class(exercise, tmp_path / "marks" / "results", 1).close()


def test_other_rows_are_graded_anew_where_the_start_is_wrong(tmp_path: Path) -> None:
    exercise, found = cloud(tmp_path, CONFIG.replace("sigmoid", "sigmod")), set[str]()
    for rows in ("1,2,0\n", "1,2,0\n", "1,2,1\n"):
        (tmp_path / "rows.csv").write_text(f"a,b,y\n{rows}")
        made = Class(exercise, tmp_path / "marks", 1)
        made.close()
        found.add(made._terms)
    assert len(found) == 2


@pytest.mark.slow
def test_a_class_is_graded_in_processes_under_limits_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    rows = "".join(f"{i},{i % 7},{int(i > 20)}\n" for i in range(40))
    for name in ("rows", "hidden"):
        (tmp_path / f"{name}.csv").write_text(f"a,b,y\n{rows}")
    cloud(tmp_path)
    answers = {
        "anna": CONFIG,
        "bela": f"# the same\n{CONFIG.replace('only', 'other')}",
        "carl": CONFIG.replace("sigmoid", "sigmod"),
        "dora": CONFIG.replace("epochs: 3", "epochs: 4"),
        "egon": f"extends: ../cloud.yaml\n{CONFIG}",
    }
    for name, text in answers.items():
        (folder / f"{name}.yaml").write_text(text)
    command = [sys.executable, "-m", "dl", "grade", "cloud.yaml", "in", "--json", "-q"]
    for _ in range(2):  # the second time, all is kept
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        marks = {each["graded"]["name"]: each for each in json.loads(ended.stdout)["marks"]}
        assert {name: (each["mark"], each["graded"]["status"]) for name, each in marks.items()} == {
            "anna": (20, "graded"),
            "bela": (20, "graded"),
            "carl": (0, "refused"),
            "dora": (10, "graded"),
            "egon": (0, "refused"),
        }
        assert marks["anna"]["graded"]["scores"] == marks["bela"]["graded"]["scores"]
        assert marks["anna"]["equal_to"] == ["bela"]
    told = (tmp_path / "marks" / "feedback" / "carl.md").read_text()
    assert "    error: carl.yaml:3:43: model.layers.0.activation is not a known activation" in told
    assert "    hint: did you mean sigmoid?" in told
