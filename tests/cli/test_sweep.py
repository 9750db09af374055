"""`dl sweep` without a training: what is checked, told and refused."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dl.sweeps.definition import load_sweep
from support.sweeps import BASE, make_sweep

Dl = Callable[..., Any]
CONFIGS = Path(__file__).parents[2] / "configs"
TEXT = "name: search\nrepeats: 3\nparameters: {training.epochs: [1, 2]}\n"


@pytest.mark.slow
def test_a_dry_run_tells_the_plan_and_what_it_takes(tmp_path: Path, dl: Dl) -> None:
    make_sweep(tmp_path, TEXT)
    done = dl("sweep", tmp_path / "sweep.yaml", "--dry-run", "--quiet")
    plan, _, measured = done.out.partition("time  ")
    assert (
        plan
        == f"""\
sweep      search
base       {tmp_path / "base.yaml"}
trials     2 by grid, 3 seeds each: 6 trainings
objective  most val_accuracy of the best epoch
pruning    none
"""
    )
    assert [line.split()[0] for line in measured.splitlines()] == ["about", "memory", "disk"]


def test_a_config_without_a_grid_is_refused(tmp_path: Path, dl: Dl) -> None:
    (tmp_path / "iris.yaml").write_text(BASE)
    done = dl("sweep", tmp_path / "iris.yaml")
    assert done.code == 2
    assert "name what to vary with --grid PATH=VALUE,VALUE" in done.err


def test_set_without_a_grid_is_refused(tmp_path: Path, dl: Dl) -> None:
    make_sweep(tmp_path, TEXT)
    done = dl("sweep", tmp_path / "sweep.yaml", "--set", "training.epochs=1")
    assert (done.code, done.err) == (
        2,
        "error: --set and --metric go with --grid\nhint: the file of a sweep has both\n",
    )


def test_an_address_without_ray_is_refused(tmp_path: Path, dl: Dl) -> None:
    make_sweep(tmp_path, TEXT)
    done = dl("sweep", tmp_path / "sweep.yaml", "--address", "10.0.0.5:6379")
    assert (done.code, done.err) == (
        2,
        "error: --address goes with --on ray\nhint: add --on ray --address 10.0.0.5:6379\n",
    )


def test_without_ray_it_is_said_how_to_install_it(
    tmp_path: Path, dl: Dl, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sweep(tmp_path, TEXT)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = dl("sweep", tmp_path / "sweep.yaml", "--on", "ray")
    assert (done.code, done.err) == (
        2,
        'error: Ray is not installed\nhint: pip install "dl-keras[ray]"\n',
    )


@pytest.mark.slow
def test_a_cluster_that_is_not_there_leaves_nothing(tmp_path: Path, dl: Dl) -> None:
    make_sweep(tmp_path, TEXT)
    options = ("--runs", tmp_path / "runs", "--on", "ray", "--address", "127.0.0.1:1", "-q")
    done = dl("sweep", tmp_path / "sweep.yaml", *options)
    assert (done.code, done.err) == (
        4,
        "error: no Ray cluster can be reached at 127.0.0.1:1\n"
        "found: Connection refused\n"
        "hint: start one with `ray start --head`, and name the address that it shows\n",
    )
    assert list((tmp_path / "runs").iterdir()) == []


def test_there_is_nothing_to_resume(tmp_path: Path, dl: Dl) -> None:
    make_sweep(tmp_path, TEXT)
    done = dl("sweep", tmp_path / "sweep.yaml", "--resume", "--runs", tmp_path / "runs")
    assert (done.code, done.err) == (
        4,
        f"error: there is no sweep named search in {tmp_path / 'runs'}\nhint: leave out --resume\n",
    )


@pytest.mark.parametrize("path", sorted((CONFIGS / "sweeps").glob("*.yaml")), ids=lambda p: p.stem)
def test_a_shipped_sweep_is_right(path: Path) -> None:
    assert load_sweep(path).size == 6


def test_a_shipped_sweep_and_its_base_fit_into_an_empty_folder(tmp_path: Path, dl: Dl) -> None:
    for name in ("digits", "digits-search"):
        (tmp_path / f"{name}.yaml").write_text(dl("init", "--example", name).out)
    assert load_sweep(tmp_path / "digits-search.yaml").size == 6
