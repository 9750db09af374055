"""The training behind the page of `dl play`, and its addresses, without a browser."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from conftest import Dl
from dl.config.load import load_config, load_text
from dl.data.load import read_dataset
from dl.errors import UsageError
from dl.model import keras
from dl.play.scene import Scene
from dl.play.server import server, texts
from dl.play.session import Picture, Session
from dl.play.settings import PRESETS, Seen, Setting, Stretch, changed, of_table, opened, preset
from dl.progress import SilentReporter
from dl.training.fit import fit
from dl.training.setup import prepare

CONFIGS = Path(__file__).parents[2] / "configs"
SGD = {"type": "SGD", "learning_rate": 0.1, "momentum": 0.9}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    scratch = tmp_path_factory.mktemp("play")
    made = Session(
        changed(preset("moons", scratch), {"made": {"rows": 40}}, scratch, None), scratch
    )
    made.act("", tempo=0)
    made.wait()
    return made


@pytest.fixture
def client(session: Session) -> TestClient:
    return TestClient(server(session, ["testserver"], "en", "known"), "http://testserver/known")


def seen(session: Session, what: Callable[[Picture], bool]) -> Picture:
    """Waits for a picture that shows something."""
    end, after = time.monotonic() + 60, -1
    while time.monotonic() < end:
        picture = session.picture(after, 0.5)
        if picture is not None:
            after = picture.number
            if what(picture):
                return picture
    raise AssertionError("it is never shown")


def asked(session: Session, **change: Any) -> Picture:
    """Asks for a change, and waits until it holds."""
    before = session.picture(-1, 0)
    session.change(change)
    version = 0 if before is None else before.header["version"]
    return seen(session, lambda p: p.header["version"] > version and p.header["state"] == "paused")


def done(session: Session, epochs: int) -> Picture:
    """Trains some epochs more, and no step beyond them."""
    for _ in range(epochs):
        before = seen(session, lambda p: p.header["state"] == "paused").header["epoch"]
        session.act("epoch")
        last = seen(session, lambda p, e=before: p.header["epoch"] > e and not p.header["step"])
        assert last.header["state"] == "paused"
    return last


def trained(session: Session) -> keras.Sequential:
    """Returns the model of the copied config, trained as `dl train` does."""
    text, file = session.text().encode(), session.setting.folder / "copied.yaml"
    loaded = load_text(file, text)
    prepared = prepare(loaded, read_dataset(loaded, SilentReporter()), SilentReporter())
    fit(prepared, SilentReporter(), lambda row: None)
    return prepared.model


def weights(picture: Picture) -> list[Any]:
    return [a for name, a in picture.arrays if name.startswith(("kernel", "bias"))]


def test_the_copied_config_gives_the_same_weights_to_the_bit(session: Session) -> None:
    asked(session, preset="moons")
    asked(session, made={"rows": 40}, batch_size=8)
    done(session, 2)
    asked(session, optimizer={"type": "Adam", "learning_rate": 0.01})
    done(session, 2)
    asked(session, optimizer=SGD, batch_size=16)
    done(session, 1)
    asked(session, optimizer={**SGD, "learning_rate": 0.05})
    last = done(session, 2)
    assert last.header["exact"]
    assert session.text().count("epochs:") == 4
    for shown, again in zip(weights(last), trained(session).get_weights(), strict=True):
        np.testing.assert_array_equal(shown, again)


def test_painted_points_go_on_and_begun_anew_they_are_exact(session: Session) -> None:
    asked(session, preset="moons")
    asked(session, made={"rows": 40})
    before = done(session, 2)
    points = [*before.scene["points"], [0.5, 0.5, "1", "train"], [0.6, 0.5, "1", "validation"]]
    moved = asked(session, points=points)
    assert (moved.header["epoch"], moved.header["exact"]) == (2, False)
    assert moved.scene["low"] == before.scene["low"]
    for one, other in zip(weights(moved), weights(before), strict=True):
        np.testing.assert_array_equal(one, other)
    assert "begun anew there" in session.text()
    session.act("restart")
    seen(session, lambda p: p.header["epoch"] == 0 and p.header["state"] == "paused")
    last = done(session, 2)
    assert last.header["exact"]
    for shown, again in zip(weights(last), trained(session).get_weights(), strict=True):
        np.testing.assert_array_equal(shown, again)


def test_a_third_class_gives_the_network_an_output_for_each(session: Session) -> None:
    now = asked(session, preset="xor")
    more = [[0.5, 0.5, "2", "train"], [0.6, 0.5, "2", "train"]]
    shown = asked(session, points=now.scene["points"] + more)
    assert shown.scene["classes"] == ["0", "1", "2"]
    assert shown.scene["layers"][-1]["units"] == 3
    assert dict(shown.arrays)["plane"].shape == (3, 64, 64)


def test_a_loss_that_is_no_number_is_told_and_another_rate_begins_anew(session: Session) -> None:
    rows = "".join(f"{i % 7},{i % 5},{i * 1.5}\n" for i in range(60))
    assert asked(session, table={"text": f"a,b,y\n{rows}"}).scene["numbers"]
    layers = [{"type": "Dense", "units": 1}]
    asked(session, layers=layers, optimizer={"type": "SGD", "learning_rate": 1e9})
    session.act("train")
    end = seen(session, lambda p: p.header["state"] == "diverged")
    assert end.header["findings"][0]["id"] == "diverged"
    slower = asked(session, optimizer={"type": "SGD", "learning_rate": 0.01})
    assert slower.header["epoch"] == 0


def test_a_bug_in_a_picture_is_told_and_the_page_begins_anew(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(scene: Scene) -> Any:
        raise ValueError("no picture")

    with monkeypatch.context() as patched:
        patched.setattr(Scene, "frame", broken)
        session.change({"preset": "or"})
        told = seen(session, lambda p: p.header["state"] == "problem")
        assert told.header["problem"] == "a bug of dl: no picture"
    assert asked(session, preset="or").header["epoch"] == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the request is no JSON"),
        (b"[" * 100_000, "the request is no JSON"),
        (b"[1]", "the request is no object of JSON"),
        (b'{"preset": "/etc"}', "there is no such problem"),
        (b'{"preset": ["xor"]}', "the request is not understood"),
        (b'{"layers": [{"type": "Lambda"}]}', "no layer of the page: Lambda"),
        (b'{"layers": [{"type": "Dense", "units": 1e9}]}', "a layer here has 1 to 16 units"),
        (b'{"layers": []}', "model.layers must not be empty"),
        (
            b'{"layers": [' + b'{"type": "Dropout", "rate": 0.1},' * 9 + b"{}]}",
            "more than 8 layers",
        ),
        (b'{"optimizer": {"type": "none"}}', "training.optimizer.type is not a known optimizer"),
        (b'{"made": {"rows": 100000}}', "only up to 2000 made-up points have a noise and a number"),
        (b'{"axes": 3}', "the request is not understood"),
    ],
)
def test_a_malformed_request_is_refused(client: TestClient, body: bytes, says: str) -> None:
    answer = client.post("/api/change", content=body)
    assert (answer.status_code, answer.json()["problem"]) == (422, says)
    assert client.get("/api/play.yaml").status_code == 200


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ([[0, 0, "0", "train"]] * 2001, "more than 2000 points"),
        ([[1, 2]], "the request is not understood"),
        ([[math.nan, 2, "0", "train"]], "the request is not understood"),
        ([[1, 2, "0", "elsewhere"]], "the request is not understood"),
        ([[1, 2, str(kind), "train"] for kind in range(8)], "more than 7 classes"),
        (7, "the request is not understood"),
    ],
)
def test_wrong_points_are_refused(tmp_path: Path, points: Any, says: str) -> None:
    known = Seen(("x1", "x2"), "class")
    with pytest.raises(UsageError, match=says):
        changed(preset("xor", tmp_path), {"points": points}, tmp_path, known)


@pytest.mark.parametrize("path", ["", "other/", "api/play.yaml", "other/api/picture", "knownn/"])
def test_only_who_knows_the_address_sees_anything(client: TestClient, path: str) -> None:
    answer = client.get(f"http://testserver/{path}")
    assert answer.status_code == 403
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "problem": "the page is elsewhere",
        "hint": "open the address that dl play printed",
    }


def test_only_the_own_page_may_change_anything(client: TestClient, session: Session) -> None:
    for address in ("other/api/change", "other/api/act"):
        answer = client.post(f"http://testserver/{address}", json={"action": "train"})
        assert answer.status_code == 403
    made = server(session, ["localhost"], "en", "known")
    elsewhere = TestClient(made, base_url="http://evil.example")
    assert elsewhere.get("/").status_code == 400


def test_answers_have_the_rules_for_the_browser_and_pictures_are_packed(client: TestClient) -> None:
    answer = client.get("/api/picture?after=-1&version=x&rows=99999999999999")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    size = int.from_bytes(answer.content[:4], "little")
    header = json.loads(answer.content[4 : 4 + size])
    last = header["arrays"][-1]
    assert len(answer.content) == 4 + size + last["at"] + 4 * int(np.prod(last["shape"]))
    assert client.get("/api/picture?after=999999999").status_code in (200, 204)


def test_the_texts_are_whole_in_both_languages(client: TestClient) -> None:
    english, french = texts("en"), texts("fr")
    assert all(french.values())
    assert all(text for name, text in english.items() if not name.startswith("finding "))
    assert not set(english) & set(dir(dict))  # the template would find the method
    assert set(re.findall(r"\bwords\.(\w+)", client.get("/").text)) <= set(english)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_config(name: str, tmp_path: Path) -> None:
    setting = preset(name, tmp_path)
    loaded = setting.load([Stretch(3, setting.optimizer, setting.batch_size)])
    assert (loaded.config.name, loaded.config.training.epochs) == (f"play-{name}", 3)


def test_what_a_person_does_instead_is_left_out_of_a_config() -> None:
    def left(name: str) -> Setting:
        return opened(load_config(CONFIGS / f"{name}.yaml"))

    assert left("course/01-perceptron").left_out == ("callbacks",)
    assert left("course/08a-normal-equation").left_out == ("solver",)
    scheduled = left("course/08c-sgd")
    assert (scheduled.left_out, scheduled.optimizer["learning_rate"]) == (("schedule",), 0.1)


def test_other_columns_of_a_table_are_held_at_their_mean(session: Session) -> None:
    table = CONFIGS / "course" / "house-prices.csv"
    axes = ["rooms", "age_years"]
    shown = asked(session, table={"text": table.read_text(), "axes": axes, "whole": True})
    assert shown.scene["names"] == axes
    assert shown.scene["others"] == ["area_m2", "centre_km"]
    assert not shown.scene["paintable"]
    assert dict(shown.arrays)["kernel 0"].shape == (4, 8)


def test_a_table_gets_a_small_network(tmp_path: Path) -> None:
    setting = of_table(CONFIGS / "course" / "house-prices.csv", whole=False)
    assert setting.axes == ("area_m2", "rooms")
    assert [layer.get("units") for layer in setting.document["model"]["layers"]] == [8, 4, 1]


def test_the_command_refuses_what_it_cannot_show(dl: Dl) -> None:
    done = dl("play", str(CONFIGS / "digits.yaml"))
    assert done.code == 2
    assert "the page has colours for 7 classes" in done.err
    assert dl("play", "--target", "y").code == 2
