"""The loop: what is trained in which order, what is kept, and what a resume repeats."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.sweeps.pools import Task
from dl.sweeps.results import Results
from dl.sweeps.watching import Watcher
from support.sweeps import FakePool, make_sweep, run_loop, settings

GRID = "parameters: {training.epochs: [1, 2, 3, 4]}"
SEARCH = """\
method: METHOD
trials: 12
parameters:
  training.optimizer.learning_rate: {log_uniform: [1e-4, 1e-1]}
  training.batch_size: {int: [8, 64], step: 8}
  model.layers.hidden.activation: [relu, tanh, sigmoid]
"""


def _by_trial(task: Task) -> list[float]:
    return [0.1, task.trial / 10, 0.2]


def _by_setting(task: Task) -> list[float]:
    rate = next(item for item in task.overrides if "learning_rate" in item).partition("=")[2]
    return [1 - abs(float(rate) - 0.01)]


def test_every_setting_is_trained_and_scored_at_its_best_epoch(tmp_path: Path) -> None:
    loop = run_loop(make_sweep(tmp_path, GRID), tmp_path, FakePool(_by_trial, jobs=2))
    progress = loop.progress()
    assert (progress.done, progress.total, loop.status) == (4, 4, "completed")
    assert progress.best is not None
    assert (progress.best.trial, progress.best.mean, progress.best.epochs) == (4, 0.4, (2,))


def test_repeats_differ_in_the_seed(tmp_path: Path) -> None:
    pool = FakePool(_by_trial)
    run_loop(make_sweep(tmp_path, f"repeats: 3\n{GRID}"), tmp_path, pool)
    assert [task.overrides[1:] for task in pool.seen[:3]] == [(), ("seed=1",), ("seed=2",)]


def test_folds_differ_in_the_part_that_validates(tmp_path: Path) -> None:
    pool = FakePool(_by_trial)
    run_loop(make_sweep(tmp_path, f"folds: 3\n{GRID}"), tmp_path, pool)
    assert [task.overrides[-1] for task in pool.seen[:3]] == [
        "data.split.fold=1",
        "data.split.fold=2",
        "data.split.fold=3",
    ]


def test_a_failure_is_told_and_not_ranked(tmp_path: Path) -> None:
    def curve(task: Task) -> list[float] | Exception:
        return ValueError("the loss is not a number") if task.trial == 4 else _by_trial(task)

    loop = run_loop(make_sweep(tmp_path, GRID), tmp_path, FakePool(curve))
    assert loop.status == "failed"
    assert loop.progress().best is not None
    assert loop.journal.ended[4, 1].error == "the loss is not a number"


def test_an_objective_that_is_no_number_is_a_failure(tmp_path: Path) -> None:
    loop = run_loop(make_sweep(tmp_path, GRID), tmp_path, FakePool(lambda task: [float("nan")]))
    assert loop.journal.ended[1, 1].error == "val_accuracy is not a number"


def test_fail_fast_stops_at_the_first_failure(tmp_path: Path) -> None:
    pool = FakePool(lambda task: ValueError("broken"))
    loop = run_loop(make_sweep(tmp_path, GRID), tmp_path, pool, Watcher(fail_fast=True))
    assert (len(pool.seen), loop.status) == (1, "interrupted")


def test_no_trial_starts_after_the_time_limit(tmp_path: Path) -> None:
    pool = FakePool(_by_trial)
    loop = run_loop(make_sweep(tmp_path, f"time_limit: 0s\n{GRID}"), tmp_path, pool)
    assert (pool.seen, loop.status) == ([], "interrupted")


@pytest.mark.parametrize("method", ["random", "tpe", "cmaes", "qmc"])
def test_a_resumed_search_asks_what_it_would_have_asked(tmp_path: Path, method: str) -> None:
    text = SEARCH.replace("METHOD", method)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    undisturbed = run_loop(make_sweep(whole, text), whole, FakePool(_by_setting, jobs=2))
    first = run_loop(
        make_sweep(broken, text.replace("12", "5")), broken, FakePool(_by_setting, jobs=2)
    )
    pool = FakePool(_by_setting, jobs=2)
    second = run_loop(make_sweep(broken, text), broken, pool)
    assert len(settings(first)) == 5
    assert settings(second) == settings(undisturbed)
    assert [task.trial for task in pool.seen] == list(range(6, 13))


def test_the_order_of_endings_does_not_change_the_search(tmp_path: Path) -> None:
    def uneven(task: Task) -> list[float]:
        return [*[0.0] * (task.trial % 3 * 4), *_by_setting(task)]

    text = SEARCH.replace("METHOD", "tpe")
    found = []
    for name, curve in (("even", _by_setting), ("uneven", uneven)):
        folder = tmp_path / name
        folder.mkdir()
        found.append(settings(run_loop(make_sweep(folder, text), folder, FakePool(curve, jobs=3))))
    assert found[0] == found[1]


def test_a_stop_keeps_what_ended_and_resumes(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, GRID)
    looks = iter([None, None, None, None, 15])
    stopped = Watcher(stop_signal=lambda: next(looks, 15))
    first = run_loop(sweep, tmp_path, FakePool(_by_trial), stopped)
    assert (len(first.journal.ended), first.status) == (1, "interrupted")
    second = run_loop(sweep, tmp_path, FakePool(_by_trial))
    assert (len(second.journal.ended), second.status) == (4, "completed")


def test_asha_ends_what_promises_little_and_repeats_the_rest(tmp_path: Path) -> None:
    text = """\
repeats: 2
pruning: {type: asha, min_epochs: 1, reduction: 2}
parameters: {training.batch_size: [1, 2, 3, 4]}
"""
    pool = FakePool(lambda task: [1 / task.trial] * 8)
    loop = run_loop(make_sweep(tmp_path, text), tmp_path, pool)
    statuses = {key: ended.status for key, ended in loop.journal.ended.items()}
    assert statuses == {
        (1, 1): "completed",
        (1, 2): "completed",
        (2, 1): "pruned",
        (3, 1): "pruned",
        (4, 1): "pruned",
    }
    assert (loop.progress().done, loop.progress().total, loop.status) == (5, 5, "completed")


def test_only_the_best_keep_their_models(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, f"keep: 2\n{GRID}")

    def curve(task: Task) -> list[float]:
        run = task.trials / f"{task.trial:04d}" / "0001"
        run.mkdir(parents=True)
        (run / "model.h5").touch()
        (run / "history.csv").touch()
        return [0.1 * (task.trial % 3)]

    run_loop(sweep, tmp_path, FakePool(curve))
    kept = sorted(path.parts[-3] for path in tmp_path.rglob("model.h5"))
    assert kept == ["0001", "0002"]
    assert len(list(tmp_path.rglob("history.csv"))) == 4


def test_the_leaderboard_has_the_failures_last(tmp_path: Path) -> None:
    def curve(task: Task) -> list[float] | Exception:
        return ValueError("broken") if task.trial == 1 else _by_trial(task)

    sweep = make_sweep(tmp_path, GRID)
    loop = run_loop(sweep, tmp_path, FakePool(curve))
    from dl.rundir.directory import SweepDirectory

    record = sweep.first_record(())
    results = Results.of(SweepDirectory(tmp_path / "run"), record, loop.journal)
    assert [(trial.rank, trial.trial) for trial in results.trials] == [
        (1, 4),
        (2, 3),
        (3, 2),
        (None, 1),
    ]
    assert results.code == 6


def test_a_setting_that_would_not_be_asked_any_more_is_kept(tmp_path: Path) -> None:
    text = SEARCH.replace("METHOD", "tpe")
    run_loop(make_sweep(tmp_path, text.replace("12", "3")), tmp_path, FakePool(_by_setting))
    other = make_sweep(tmp_path, f"seed: 7\n{text}")
    loop = run_loop(other, tmp_path, pool := FakePool(_by_setting))
    assert (len(settings(loop)), pool.seen[0].trial) == (12, 4)
