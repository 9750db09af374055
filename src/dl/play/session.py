"""The training behind the page: a thread that prepares, trains, waits, and draws as it goes.

It is a training of `dl train`, made by `dl.training.fit` from a checked config; the page is a
callback that looks on and holds it. What is moved while it trains becomes a phase of the config;
where no config could say it, the training goes on from the weights as they are.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dl.config.load import Loaded
from dl.data.dataset import Dataset
from dl.data.load import read_dataset
from dl.data.resolve import resolve_config
from dl.errors import DlError, RunError, first_line
from dl.model import keras
from dl.model.build import inner_optimizer
from dl.play.scene import Arrays, Scene
from dl.play.settings import MOST_EPOCHS, Setting, Stretch, changed
from dl.progress import SilentReporter
from dl.text import plural
from dl.training.checkpoint import Stateful
from dl.training.fit import Diverged, fit
from dl.training.setup import Prepared, prepare

_PICTURES = 25
"""Pictures a second at the most, for one who takes them as fast."""
_JUDGED = 1.0
"""Seconds between two diagnoses: they take some hundredths of one."""

History = list[dict[str, float]]


@dataclass
class _Kept:
    """What goes on from one `fit` to the next, in place of a checkpoint on the disk.

    Attributes:
        model: The model that is trained.
        phase: The phase that it is in.
        rows: The history so far.
        restored: The parts that go on from `before`, which belong to the model of before.
        parts: Those of this training, once it has begun.
    """

    model: Any
    phase: int
    rows: History
    restored: tuple[str, ...] = ()
    before: Mapping[str, Stateful] = field(default_factory=dict)
    parts: Mapping[str, Stateful] = field(default_factory=dict)

    def begin(self, parts: Mapping[str, Stateful]) -> History:
        """Gives the parts of the training the state of those before it; the rate is the new one."""
        optimizer = inner_optimizer(self.model)
        rate = float(optimizer.learning_rate.numpy())
        for name in self.restored:
            with suppress(RunError):  # another optimizer has nothing to go on with
                parts[name].set_state(self.before[name].state())
        optimizer.learning_rate = rate
        self.parts, self.before = parts, {}
        return self.rows

    def keep(self, *, last: bool) -> None:
        """Does nothing: the state is taken when it is needed."""


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells the session of each step."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Waits until the step may be done."""
        self._session.begin_step()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Is told of the 0-based step that was done."""
        self._session.end_step(batch + 1)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Lets the training end here."""
        self._session.inside = False


class _Holder(SilentReporter):
    """Lets the session wait where a training can end and go on."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def fit_begin(self, epochs: int, steps: int) -> None:
        """Waits before the first epoch."""
        self._session.steps = steps
        self._session.hold()

    def fit_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """Waits between two epochs."""
        self._session.end_epoch()


@dataclass(frozen=True)
class Picture:
    """What the page shows at a time: of which scene, with what said, drawn and learned so far."""

    number: int
    header: Mapping[str, Any]
    arrays: Arrays
    history: History
    scene: Mapping[str, Any]


class Session:
    """What one page plays with.

    Attributes:
        setting: What is trained, or is about to be.
        steps: Steps of an epoch.
        inside: Whether an epoch has begun and not ended.
    """

    def __init__(self, setting: Setting, scratch: Path) -> None:
        self.setting, self.steps, self.inside = setting, 1, False
        self._scratch, self._lock = scratch, threading.Condition()
        # What is asked for: a setting and whether it goes on, steps that may be done, a tempo.
        self._next: tuple[Setting, bool] | None = (setting, False)
        self._at_once, self._allowed, self._tempo = False, 0.0, 60.0
        # What is trained: stretches of epochs, and whether their config gives these weights.
        self._trained: Setting | None = None
        self._stretches, self._exact, self._kept = [_stretch(setting)], True, _Kept(None, 1, [])
        self._scene: Scene | None = None
        self._failure: DlError | None = None
        # What is shown.
        self._version = self._course = self._done = 0
        self._problem: dict[str, str] = {}
        self._findings: list[dict[str, Any]] = []
        self._judged = self._drawn = 0.0
        self._picture, self._fetched = Picture(0, {"state": "preparing"}, [], [], {}), -1
        threading.Thread(target=self._work, name="play", daemon=True).start()

    def wait(self) -> None:
        """Waits until there is something to show; raises `DlError` where there is nothing."""
        with self._lock:
            self._lock.wait_for(lambda: self._picture.number > 0)
        if self._failure is not None:
            raise self._failure

    def change(self, asked: Mapping[str, Any]) -> None:
        """Has something else trained; raises `DlError` where that cannot be."""
        now, seen = self.setting, None if self._scene is None else self._scene.seen
        new = changed(now, asked, self._scratch, seen)
        with self._lock:
            if "preset" in asked or "table" in asked:
                self._allowed = 0.0
            keep = not {"preset", "table", "seed", "loss", "made"} & set(asked)
            keep = keep and _form(now) == _form(new) and (self._next is None or self._next[1])
            self._at_once = self._at_once or new.with_steps_of(now) != now
            self.setting, self._next = new, (new, keep)
            self._lock.notify_all()

    def act(self, action: str, tempo: float | None = None) -> None:
        """Trains, waits, does a step or an epoch, or begins anew; `tempo` is epochs a second."""
        with self._lock:
            left = self.steps - self._done if self.inside else self.steps
            known = {"train": math.inf, "pause": 0.0, "step": 1.0, "epoch": float(left)}
            self._allowed = known.get(action, self._allowed)
            self._tempo = self._tempo if tempo is None else (max(0.1, tempo) if tempo else 0.0)
            if action == "restart":
                self._next, self._at_once = (self.setting, False), True
            self._lock.notify_all()

    def picture(self, after: int, seconds: float) -> Picture | None:
        """Waits for a picture that comes after another one; None where none comes."""
        with self._lock:
            self._fetched = after
            self._lock.wait_for(lambda: self._picture.number > after, seconds)
            return self._picture if self._picture.number != after else None

    def text(self) -> str:
        """Returns the config that trains to the same weights, as YAML with a word on that."""
        with self._lock:
            setting, rows, exact = self.setting, len(self._kept.rows), self._exact
            stretches = _ended(self._stretches, rows) or [_stretch(setting)]
        told = f"# From the page of dl play, after {plural(rows, 'epoch')}."
        if rows and exact:
            told += "\n# `dl train` gives the same weights."
        elif rows:
            told += (
                "\n# Points or penalties were changed while it trained: begun anew there, it"
                "\n# has the weights that `dl train` gives."
            )
        return f"{told}\n\n{setting.text(stretches)}"

    def hold(self) -> None:
        """Waits until a step may be done, or something else is asked for."""
        told = False
        while True:
            with self._lock:
                if told:
                    self._lock.wait_for(lambda: self._allowed > 0 or self._next is not None)
                if self._allowed > 0 or self._next is not None:
                    return
            self._judge()
            self._draw("paused")
            told = True

    def begin_step(self) -> None:
        """Is called before each step."""
        if self.inside:
            self.hold()
        with self._lock:
            self.inside = True
            self._allowed -= 1

    def end_step(self, done: int) -> None:
        """Is told how many steps of the epoch are done."""
        self._done = done
        if time.monotonic() - self._drawn > 1 / _PICTURES and self._fetched >= self._picture.number:
            self._draw("training")

    def end_epoch(self) -> None:
        """Is called between two epochs: keeps the tempo, judges, waits."""
        self._done = 0
        if time.monotonic() - self._judged > _JUDGED:
            self._judge()
        with self._lock:
            if self._tempo and self._allowed > 0:
                asked = lambda: self._next is not None or self._allowed <= 0  # noqa: E731
                self._lock.wait_for(asked, 1 / self._tempo)
        self.hold()

    def _is_to_stop(self) -> bool:
        return self._next is not None and (self._at_once or not self.inside)

    def _judge(self) -> None:
        if self._scene is not None:
            self._findings = self._scene.diagnosis(self._kept.rows)
        self._judged = time.monotonic()

    def _draw(self, state: str) -> None:
        """Lets the page have a picture."""
        scene = self._scene
        header = {
            "state": state,
            "version": self._version,
            "course": self._course,
            "epoch": len(self._kept.rows),
            "step": self._done,
            "steps": self.steps,
            "exact": self._exact,
            "findings": self._findings,
            **self._problem,
        }
        arrays = [] if scene is None else scene.frame()
        with self._lock:
            known = {} if scene is None else self._described(scene)
            number = self._picture.number + 1
            self._picture = Picture(number, header, arrays, self._kept.rows, known)
            self._lock.notify_all()
        self._drawn = time.monotonic()

    def _described(self, scene: Scene) -> dict[str, Any]:
        setting = self._trained or self.setting
        return {
            **scene.document(),
            "shown": scene.layers(),
            "layers": setting.document["model"]["layers"],
            "loss": scene.prepared.config.training.loss.type,
            "optimizer": setting.optimizer,
            "batch_size": setting.batch_size,
            "seed": setting.document["seed"],
            "data": setting.document["data"],
            "left_out": setting.left_out,
            "header": setting.header,
            "own": bool(setting.table),
        }

    def _work(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._next is not None)
                (setting, keep), self._next = self._next or (self.setting, False), None
                self._at_once, self._problem, self._failure = False, {}, None
            try:
                if self._scene is not None and not keep:
                    self._draw("preparing")
                state = self._train(setting, keep)
            except DlError as error:
                state, self._failure, told = "problem", error, error.problems[0]
                self._problem = {"problem": told.message, "hint": told.hint or told.expected or ""}
            except Exception as error:
                state, self._problem = "problem", {"problem": f"a bug of dl: {first_line(error)}"}
            with self._lock:
                self.inside, going = False, self._next is not None
                self._allowed = self._allowed if going else 0.0
            if going:
                continue
            try:
                self._draw(state)
            except Exception as error:
                self._scene = self._trained = None  # the page is told, and can begin anew
                self._problem = {"problem": f"a bug of dl: {first_line(error)}"}
                self._draw("problem")

    def _train(self, setting: Setting, keep: bool) -> str:
        """Prepares a setting and trains it; returns how that ended."""
        prepared, rows, restored = self._prepare(setting, keep)
        self._scene = scene = Scene(prepared, setting.axes, self._scene, fixed=setting.fixed)
        phase = len(prepared.config.phases)
        self._kept = _Kept(prepared.model, phase, rows, restored, self._kept.parts)
        self._trained, self._findings, self._done = setting, [], 0
        self._version += 1
        try:
            fit(
                prepared,
                _Holder(self),
                lambda row: None,
                should_stop=self._is_to_stop,
                watchers=[_Watcher(self)],
                checkpoints=self._kept,
            )
        except Diverged as error:
            self._trained = None  # what is left has nothing to go on with
            where = f"epoch {error.epoch}, step {error.step}"
            self._findings = scene.diagnosis(self._kept.rows, where)
            return "diverged"
        return "ended"

    def _prepare(self, setting: Setting, keep: bool) -> tuple[Prepared, History, tuple[str, ...]]:
        """Returns a training, the epochs that it goes on from, and what it takes along."""
        before = self._trained
        rows = self._kept.rows if keep and before is not None else []
        stretches, exact = [_stretch(setting)], True
        if rows and before is not None and setting.with_steps_of(before) == before:
            stretches, exact = _ended(self._stretches, len(rows)), self._exact
            if _stretch(setting, stretches[-1].epochs) != stretches[-1]:
                stretches = [*stretches, _stretch(setting)]
        elif rows:  # no config says this: the weights go on with what is now
            rows = [{key: row[key] for key in row if key != "phase"} for row in rows]
            exact = False
        left = MOST_EPOCHS - sum(each.epochs for each in stretches[:-1])  # the last one is endless
        loaded = setting.load([*stretches[:-1], replace(stretches[-1], epochs=max(1, left))])
        dataset = read_dataset(loaded, SilentReporter())
        old = self._scene.prepared if self._scene is not None and rows else None
        prepared = None if old is None else _on_other_rows(old, loaded, dataset)
        if prepared is None:
            prepared = prepare(loaded, dataset, SilentReporter(), tried=False)
        if old is not None and _shapes(prepared.model) != _shapes(old.model):
            rows, stretches, exact = [], [_stretch(setting)], True
        mixes = prepared.config.training.mixing.type != "none"
        prepared = replace(prepared, replaceable=not mixes)
        self._stretches, self._exact = stretches, exact
        self._course += not rows
        plan = prepared.config.phases[-1]
        goes_on = plan.number == 1 or plan.goes_on or plan.number == rows[-1].get("phase", 1)
        return prepared, rows, ("model", *(["optimizer"] * goes_on)) if rows else ()


def _on_other_rows(old: Prepared, loaded: Loaded, dataset: Dataset) -> Prepared | None:
    """Returns a training that goes on with other rows of the same form; None where it cannot.

    What is traced stays, so the boundary moves on while points are painted.
    """
    config = resolve_config(loaded.config, dataset)
    now, last = config.phases[0].training, old.config.phases[-1].training
    same = len(config.phases) == 1 and config.model == old.config.model
    same = same and (now.optimizer, now.loss) == (last.optimizer, last.loss)
    same = same and dataset.target == old.dataset.target and config.engine == old.config.engine
    return replace(old, loaded=loaded, config=config, dataset=dataset) if same else None


def _form(setting: Setting) -> list[Any]:
    """Returns what of the layers cannot change while they go on."""
    layers = setting.document["model"]["layers"]
    return [[layer.get(key) for key in ("type", "units", "activation", "name")] for layer in layers]


def _shapes(model: Any) -> list[Any]:
    return [(layer.name, [tuple(w.shape) for w in layer.weights]) for layer in model.layers]


def _stretch(setting: Setting, epochs: int = 1) -> Stretch:
    return Stretch(epochs, setting.optimizer, setting.batch_size)


def _ended(stretches: list[Stretch], done: int) -> list[Stretch]:
    """Returns stretches of which the last one has ended after so many epochs of all."""
    last = done - sum(stretch.epochs for stretch in stretches[:-1])
    return [*stretches[:-1], replace(stretches[-1], epochs=last)][: None if last > 0 else -1]
