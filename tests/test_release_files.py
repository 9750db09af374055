"""What a package index, a citation and other repositories read of this one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml
from pre_commit.clientlib import load_manifest

import dl

TOP = Path(__file__).resolve().parents[1]


def test_the_citation_names_this_version() -> None:
    cited = yaml.safe_load((TOP / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["version"] == dl.__version__
    assert cited["license"] == project["license"]
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()


def test_the_package_has_a_command_of_its_own_name() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"][project["name"]] == project["scripts"]["dl"]


def test_the_hooks_are_as_pre_commit_takes_them() -> None:
    hooks = load_manifest(str(TOP / ".pre-commit-hooks.yaml"))
    assert [hook["id"] for hook in hooks] == ["dl-validate", "dl-lint"]
    assert all(f'dl {hook["id"].removeprefix("dl-")} "$config"' in hook["entry"] for hook in hooks)


@pytest.mark.parametrize("form", sorted((TOP / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")))
def test_a_form_of_issues_asks_something(form: Path) -> None:
    asked = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= asked.keys()
    identities = [part["id"] for part in asked["body"]]
    assert len(set(identities)) == len(identities)
