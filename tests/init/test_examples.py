from pathlib import Path

import pytest

from dl.errors import UsageError
from dl.init.examples import example, examples

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = [
    "bikes",
    "diabetes",
    "digits",
    "images",
    "iris",
    "mnist",
    "mnist-cnn",
    "moons",
    "wine",
    "xor",
]


def test_examples_are_the_shipped_configs_sorted() -> None:
    assert [entry.name for entry in examples().values() if not entry.group] == NAMES
    course = [entry.name for entry in examples().values() if entry.group == "course"]
    assert course == sorted(course)
    assert course[0] == "01-perceptron"


def test_no_example_hides_another() -> None:
    assert sorted(examples()) == sorted(path.stem for path in CONFIGS.rglob("*.yaml"))


def test_examples_have_a_summary_of_one_short_line() -> None:
    for entry in examples().values():
        assert entry.summary
        assert len(entry.summary) <= 85
        assert "\n" not in entry.summary


def test_example_has_the_text_of_the_file() -> None:
    assert example("xor").text.startswith("# XOR, ")
    assert example("xor.yaml") == example("xor")


def test_example_has_the_data_of_a_config() -> None:
    assert example("bikes.csv").text.startswith("day,weather,")
    assert example("gates.csv").text.startswith("x1,x2,")


def test_example_names_the_nearest_when_there_is_none() -> None:
    with pytest.raises(UsageError) as caught:
        example("digit")
    problem = caught.value.problems[0]
    assert problem.message == "no example is named 'digit'"
    assert problem.expected == "a name from the list: dl init --example"
    assert problem.hint == "dl init --example digits"
