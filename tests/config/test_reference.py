"""The JSON Schema and the page of the config: fresh, complete, and of one mind with the loader."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from dl.config.data import CsvData
from dl.config.load import load_config
from dl.config.reference import json_schema
from dl.config.schema import Config, document_of, key_order
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind

ROOT = Path(__file__).resolve().parents[2]
GOOD = sorted((ROOT / "tests" / "cases" / "good").glob("*.yaml"))
BAD = ROOT / "tests" / "cases" / "bad"
STRUCTURAL = (
    "boolean-for-number",
    "image-size-of-three",
    "kernel-of-three",
    "lambda",
    "layer-without-type",
    "mistake-in-wrapper",
    "momentum-of-adam",
    "negative-learning-rate",
    "no-layers",
    "rate-above-one",
    "schedule-lacks-parameter",
    "unknown-activation",
    "unknown-key",
    "unknown-key-in-split",
    "unknown-layer",
    "unknown-loss",
    "unknown-parameter",
    "unknown-source",
    "zero-epochs",
)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


def test_references_lead_somewhere() -> None:
    schema = json_schema()
    names = set(re.findall(r"'#/\$defs/([^']+)'", repr(schema)))
    assert names == set(schema["$defs"])


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_config_fits_the_schema(path: Path, validator: Draft202012Validator) -> None:
    document: Any = document_of(load_config(path).config)
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_example_fits_the_schema_as_it_is_written(
    path: Path, validator: Draft202012Validator
) -> None:
    # YAML 1.1 reads 1e-3 as text; the schema is for what the user means.
    text = re.sub(r"\b(\d)e-(\d)", r"\1.0e-\2", path.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize("name", STRUCTURAL)
def test_bad_config_does_not_fit_the_schema(name: str, validator: Draft202012Validator) -> None:
    document = yaml.safe_load((BAD / f"{name}.yaml").read_text(encoding="utf-8"))
    assert not validator.is_valid(document)


def test_page_names_every_key_and_every_entry() -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    keys = [*key_order(Config), *key_order(CsvData)]
    names = [name for kind in Kind for name in entries(kind)]
    assert [word for word in [*keys, *names] if f"`{word}`" not in page and word != "source"] == []


def test_page_is_a_page() -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) < 1000


@pytest.mark.slow
def test_generated_files_are_fresh() -> None:
    script = ROOT / "scripts" / "generate_reference.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
