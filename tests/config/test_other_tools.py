"""What other tools call a thing leads to what it is called here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dl.cli.main import dl
from dl.config.load import known_paths, load_config, other_tools
from dl.config.schema import Config
from dl.errors import ConfigError
from dl.sweeps.definition import SweepFile, load_sweep
from dl.vocabulary.catalog import entries, names
from dl.vocabulary.sections import keys, walk
from dl.vocabulary.spec import Kind, facts, other_word

SYNONYMS = facts()["synonyms"]
OF_SWEEPS = other_tools()["sweeps"]
HINTS = sorted({*other_tools()["keys"].values(), *other_tools()["in_place"].values()})
GOOD = Path(__file__).resolve().parents[1] / "cases" / "good" / "squares-on-classes.yaml"
OF_OPTIMIZERS = {
    f"training.optimizer.{name}"
    for entry in entries(Kind.OPTIMIZER).values()
    for name in entry.parameters
}


def all_paths() -> set[str]:
    return {".".join((*home, key)) for home, owner in walk(Config) for key in keys(owner)}


@pytest.mark.parametrize("hint", HINTS)
def test_hint_names_keys_and_commands_that_there_are(hint: str) -> None:
    for text in re.findall("`([^`]+)`", hint):
        if text.startswith("dl "):
            assert text.split()[1] in dl.commands
        else:
            assert text in all_paths() | OF_OPTIMIZERS


def test_no_key_of_ours_is_called_another_tools() -> None:
    assert {key for key in other_tools()["keys"] if key in known_paths()} == set()


@pytest.mark.parametrize("key", OF_SWEEPS)
def test_key_of_another_tool_says_what_it_is_in_a_sweep(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sweep.yaml").write_text(f"base: a.yaml\nparameters: {{seed: [1]}}\n{key}: 3\n")
    with pytest.raises(ConfigError) as caught:
        load_sweep(Path("sweep.yaml"))
    [problem] = caught.value.problems
    assert (problem.message, problem.hint) == (f"{key} is not known", OF_SWEEPS[key])
    [named] = re.findall("`([^`]+)`", OF_SWEEPS[key])
    assert named in keys(SweepFile)


@pytest.mark.parametrize("word", SYNONYMS)
def test_synonym_leads_to_words_that_there_are(word: str) -> None:
    choices = {
        choice
        for _, owner in walk(Config)
        for key in keys(owner).values()
        for choice in key.type.choices
    }
    kinds = {"numeric", "categorical", "date", "min", "max", "grid", "random", "tpe"}
    known = {name for kind in Kind for name in names(kind)} | choices | kinds
    assert set(SYNONYMS[word]) <= known
    assert other_word(word, known) == SYNONYMS[word][0]


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("training.sample_weight=1",
         "write `data.weight`: COLUMN; `training.class_weight` weighs classes"),
        ("training.max_epochs=3", "write `training.epochs`"),
        ("training.steps_per_epoch=3",
         "an epoch is every training row once; `training.batch_size` decides how many steps that "
         "is"),
        ("data.test_size=0.2", "write `data.split.test`"),
        ("data.sep=;", "write `data.separator`"),
        ("data.nrows=9", "write `data.rows`"),
        ("data.index_col=0", "write `data.exclude`"),
        ("data.split.shuffle=false",
         "the rows are shuffled by `seed` before they are split; in order of time: `data.split`: "
         "{by: date, order: time}"),
        ("shuffle=false", "shuffle belongs below `training:`"),
        ("input_features=[a]", "write `data.features`"),
        ("trainer={}", "write `training`"),
        ("model.hidden_layer_sizes=[3]",
         "write `model.layers`: [{type: Dense, units: 64, activation: relu}, ...]"),
        ("random_state=1", "write `seed`"),
        ("data.crosses=[a]", "crosses belongs below `preprocess:`"),
        ("data.twins=[a]", None),
        ("training.loss=BCEWithLogitsLoss", "did you mean BinaryCrossentropy?"),
        ("training.metrics=[roc_auc]", "did you mean AUC?"),
        ("training.metrics=[rmse]", "did you mean RootMeanSquaredError?"),
        ("data.columns={length: float}", "did you mean numeric?"),
        ("preprocess.numeric=StandardScaler", "did you mean standardize?"),
        ("preprocess.numeric=RobustScaler", "did you mean robust?"),
        ("preprocess.target=log", "did you mean log1p?"),
        ("preprocess.bins={}",
         "write `preprocess.columns`: {Age: {buckets: [18, 30, 50]}}, by the name of the column"),
        ("data.source=tsv", "did you mean csv?"),
        ("model.layers.0.type=Linear", "did you mean Dense?"),
    ],
)  # fmt: skip
def test_key_or_word_of_another_tool_says_what_it_is_here(option: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(GOOD, [option])
    assert caught.value.problems[0].hint == hint
