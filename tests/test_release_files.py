"""What a package index, a citation and other repositories read of this one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from pre_commit.clientlib import load_manifest

import dl

TOP = Path(__file__).resolve().parents[1]
Action = Callable[..., tuple[int, list[str]]]


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


@pytest.mark.slow
def test_wheel_and_source_carry_what_they_need_and_no_more(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--directory", tmp_path]
    subprocess.run(build, cwd=TOP, check=True, capture_output=True)
    (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with ZipFile(wheel) as archive:
        wheeled = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = _files("src/dl")
    pages = {
        f"dl_keras-{dl.__version__}.data/data/share/man/man1/{p.name}" for p in _files("docs/man")
    }
    expected = {p.relative_to("src").as_posix() for p in package} | pages
    assert wheeled == expected | {f"dl/{p.as_posix()}" for p in _files("configs")}
    with tarfile.open(source) as files:
        names = {Path(*Path(name).parts[1:]) for name in files.getnames()}
    assert names >= package | _files("configs") | _files("docs/man") | {Path("LICENSE")}
    assert {name.parts[0] for name in names if len(name.parts) > 1} == {"configs", "docs", "src"}


def _files(folder: str) -> set[Path]:
    found = (path for path in (TOP / folder).rglob("*") if path.is_file())
    return {p.relative_to(TOP) for p in found if "__pycache__" not in p.parts}


def test_what_dl_runs_on_is_locked_as_for_work_on_it() -> None:
    locked, run_on = (
        set(re.findall(r"^(\w\S*==\S+)", (TOP / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements.run.lock")
    )
    assert {line.split("==")[0] for line in run_on} >= {"click", "keras", "numpy", "tensorflow"}
    assert run_on <= locked


def test_what_the_container_copies_is_sent_to_its_builder() -> None:
    text = (TOP / "Dockerfile").read_text("utf-8")
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    sources = {name for names in copied for name in names}
    sent = (TOP / ".dockerignore").read_text("utf-8").split("\n")
    assert sources == {line.removeprefix("!") for line in sent if line.startswith("!")}
    assert all((TOP / name).exists() for name in sources)


@pytest.mark.skipif(shutil.which("groff") is None, reason="the pages are tried with groff")
def test_the_pages_of_man_are_shown_without_a_warning() -> None:
    pages = sorted((TOP / "docs" / "man").glob("*.1"))
    groff = ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z", *pages]
    done = subprocess.run(groff, capture_output=True, text=True, check=True)
    assert pages
    assert not done.stderr


@pytest.fixture
def action(tmp_path: Path) -> Action:
    """Runs a step of `action.yml` as GitHub does, with a `dl` that finds `bad` in a config bad."""
    program = tmp_path / "bin" / "dl"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\ncase $2 in *bad*) exit 2;; esac\n', "utf-8")
    program.chmod(0o755)
    for name in ("one.yaml", "two words.yaml", "deep/bad.yaml"):
        (tmp_path / "configs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "configs" / name).touch()
    described = yaml.safe_load((TOP / "action.yml").read_text(encoding="utf-8"))

    def run(step: str, **given: str) -> tuple[int, list[str]]:
        (found,) = (each for each in described["runs"]["steps"] if each.get("name") == step)
        inputs = {name: each["default"] for name, each in described["inputs"].items()} | given
        values = {
            name: inputs[re.sub(r"\$\{\{ inputs\.(.*) \}\}", r"\1", value)]
            for name, value in found["env"].items()
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
            cwd=tmp_path,
            env={"PATH": f"{program.parent}:{os.environ['PATH']}"} | values,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stderr
        return done.returncode, done.stdout.splitlines()

    return run


def test_the_action_checks_the_configs_that_are_meant(action: Action) -> None:
    valid = [f"{do} configs/{n}.yaml" for n in ("one", "two words") for do in ("validate", "lint")]
    assert action("Check the configs") == (0, valid)
    assert action("Check the configs", configs="configs/**/*.yaml", lint="false") == (
        2,
        [f"validate configs/{name}.yaml" for name in ("deep/bad", "one", "two words")],
    )
    nothing = "::error::no file is meant by: other/*.yaml"
    assert action("Check the configs", configs="other/*.yaml") == (2, [nothing])


def test_the_action_trains_each_run_again(action: Action) -> None:
    assert action("Train runs again", reproduce="iris bad/2", runs="kept") == (
        2,
        ["reproduce iris --runs kept", "reproduce bad/2 --runs kept"],
    )
    assert action("Train runs again", reproduce="iris")[0] == 0
