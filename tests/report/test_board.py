"""The board's answers, without a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dl.report.board import board
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import publish
from dl.rundir.notes import write_tags
from dl.rundir.record import read_record, write_history, write_record
from support.runs import make_run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_run(tmp_path, accuracy=0.9)
    write_tags(make_run(tmp_path, accuracy=0.95, minute=1, batch=64), ["<b>best"])
    return tmp_path


@pytest.fixture
def client(root: Path) -> TestClient:
    return TestClient(board(root, ["testserver"]))


def runs(client: TestClient, **query: str) -> list[str]:
    answer = client.get("/api/runs", params=query)
    assert answer.status_code == 200, answer.text
    return [row["run"] for row in answer.json()["runs"]]


def test_runs_are_listed_the_newest_first(client: TestClient) -> None:
    assert runs(client) == ["digits/0002", "digits/0001"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"filter": "accuracy>0.92"}, ["digits/0002"]),
        ({"filter": "training.batch_size=32; status=completed"}, ["digits/0001"]),
        ({"sort": "accuracy"}, ["digits/0001", "digits/0002"]),
    ],
    ids=str,
)
def test_runs_are_chosen_and_ordered(
    client: TestClient, query: dict[str, str], found: list[str]
) -> None:
    assert runs(client, **query) == found


def test_a_run_that_cannot_be_read_is_told_beside_the_others(
    client: TestClient, root: Path
) -> None:
    forged = make_run(root, minute=2)
    publish(forged.metrics, b'{"test": {"loss": "low"}}')
    found = client.get("/api/runs").json()
    assert [row["run"] for row in found["runs"]] == ["digits/0002", "digits/0001"]
    assert found["damaged"] == [f"{forged.metrics} is damaged: `test.loss` must be a number"]


def test_a_wrong_condition_is_told(client: TestClient) -> None:
    answer = client.get("/api/runs", params={"filter": "nonsense"})
    assert (answer.status_code, answer.json()) == (
        404,
        {
            "problem": "the filter nonsense is not a condition",
            "hint": "for example: 'accuracy>=0.95' or status=completed",
        },
    )


@pytest.mark.parametrize(
    "address",
    [
        "../x",
        "digits/0009",
        "digits/../digits/0001",
        ".hidden",
        "digits//0001",
        "a%00b",
        "%2e%2e/x",
    ],
)
def test_an_address_never_leads_elsewhere(client: TestClient, address: str) -> None:
    answer = client.get(f"/run/{address}")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_a_link_out_of_the_folder_is_refused(client: TestClient, root: Path) -> None:
    outside = make_run(root.parent / "outside", "secret")
    (root / "linked").symlink_to(outside.path.parent, target_is_directory=True)
    answer = client.get("/run/linked/0001")
    assert answer.status_code == 404
    assert "is a link out of" in answer.text


def test_another_name_of_the_host_is_refused(root: Path) -> None:
    client = TestClient(board(root, ["localhost"]), base_url="http://evil.example")
    assert client.get("/").status_code == 400


def test_every_answer_has_the_rules_for_the_browser(client: TestClient) -> None:
    for address in ("/", "/api/runs", "/run/nothing"):
        headers = client.get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"


def test_a_running_training_shows_growing_curves(client: TestClient, root: Path) -> None:
    run = make_run(root, "busy", status="running", accuracy=None)
    source = Path(__file__).with_name("preprocess.json")
    publish(run.preprocess, source.read_bytes())
    with locked(run):
        write_record(run, replace(read_record(run), planned=3))
        write_history(run, [{"epoch": 1, "loss": 2.0}])
        assert "busy/0001" in client.get("/run/busy/0001").text
        write_history(run, [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
        now = client.get("/api/curves/busy/0001").json()
        [row] = client.get("/api/runs", params={"filter": "name=busy"}).json()["runs"]
    assert (now["status"], now["epochs"], now["planned"]) == ("running", 2, 3)
    assert now["charts"][0]["lines"][0]["y"] == [2.0, 1.0]
    assert (row["status"], row["epochs"], row["planned"]) == ("running", 2, 3)
    assert (row["label"], row["shown"]) == ("training loss", "1.000")


def test_ticked_runs_are_compared(client: TestClient) -> None:
    answer = client.get("/compare", params={"run": ["digits/0001", "digits/0002"]})
    assert "<code>training.batch_size</code>" in answer.text
    assert "<h1>digits/0001 and digits/0002</h1>" in answer.text
    alone = client.get("/compare", params={"run": "digits/0001"})
    assert alone.status_code == 404
    assert "a comparison needs two runs or more" in alone.text


def test_the_reference_of_a_comparison_is_chosen(client: TestClient) -> None:
    chosen = {"run": ["digits/0001", "digits/0002"], "reference": "digits/0002"}
    text = client.get("/compare", params=chosen).text
    assert "<h1>digits/0002 and digits/0001</h1>" in text
    assert '<option value="digits/0002">digits/0002</option>' in text


def test_a_thousand_runs_are_listed(tmp_path: Path) -> None:
    for number in range(1000):
        folder = tmp_path / "many" / f"{number + 1:04d}"
        folder.mkdir(parents=True)
    source = make_run(tmp_path, "one")
    for folder in (tmp_path / "many").iterdir():
        for path in source.path.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    client = TestClient(board(tmp_path, ["testserver"]))
    assert len(runs(client)) == 25
    assert len(runs(client, limit="2000")) == client.get("/api/runs").json()["count"] == 1001


def test_names_reach_the_page_as_data_only(client: TestClient) -> None:
    assert "<b>best" not in client.get("/").text
    assert client.get("/api/runs").json()["runs"][0]["tags"] == ["<b>best"]


def test_what_did_not_change_is_not_sent_again(client: TestClient, root: Path) -> None:
    tag = client.get("/api/runs").headers["etag"]
    again = {"If-None-Match": tag}
    assert client.get("/api/runs", headers=again).status_code == 304
    write_tags(RunDirectory(root / "digits" / "0001"), ["kept"])
    changed = client.get("/api/runs", headers=again)
    assert changed.status_code == 200
    assert changed.json()["runs"][1]["tags"] == ["kept"]


def test_a_page_that_is_not_there_looks_like_the_others(client: TestClient) -> None:
    for address in ("/nothing", "/run/digits/0009"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "<h1>Not found</h1>" in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_values_of_any_key_are_columns(client: TestClient) -> None:
    rows = client.get("/api/runs", params={"columns": "training.batch_size,test.loss"}).json()
    assert [row["columns"] for row in rows["runs"]] == [["64", "0.5"], ["32", "0.5"]]
    refused = client.get("/api/runs", params={"columns": "training.batch"})
    assert refused.status_code == 404
    assert refused.json()["hint"] == "did you mean training.batch_size?"


def test_two_values_are_places_on_axes(client: TestClient) -> None:
    found = client.get("/api/scatter", params={"x": "training.batch_size", "y": "accuracy"}).json()
    assert [axis["title"] for axis in found["axes"]] == ["training.batch_size", "accuracy"]
    assert [(p["run"], p["x"], p["y"], p["says"]) for p in found["points"]] == [
        ("digits/0002", 1.0, 1.0, ["64", "0.95"]),
        ("digits/0001", 0.0, 0.0, ["32", "0.9"]),
    ]


def test_runs_of_a_name_are_a_card(client: TestClient) -> None:
    [card] = client.get("/api/cards").json()["cards"]
    assert (card["name"], card["count"], card["best"]["run"]) == ("digits", 2, "digits/0002")
    assert [result["shown"] for result in card["results"]] == ["0.9000", "0.9500"]


def test_curves_of_several_runs_are_sent_at_once(client: TestClient, root: Path) -> None:
    for number, loss in ((1, 2.0), (2, 1.0)):
        run = RunDirectory(root / "digits" / f"{number:04d}")
        write_history(run, [{"epoch": 1, "loss": loss, "seconds": 0.5}])
    chosen = {"run": ["digits/0002", "digits/0001"]}
    found = client.get("/api/histories", params=chosen).json()["runs"]
    assert [run["measures"] for run in found] == [{"loss": [1.0]}, {"loss": [2.0]}]
    assert [run["seconds"] for run in found] == [[0.5], [0.5]]
    assert found[0]["setting"] != found[1]["setting"]


@pytest.fixture
def writer(root: Path) -> tuple[TestClient, dict[str, str]]:
    """The board's own page on this machine, with the headers that it sends."""
    client = TestClient(board(root, ["testserver"]), client=("127.0.0.1", 50000))
    found = re.search(r'{"token": "([^"]+)"', client.get("/").text)
    assert found is not None
    return client, {"X-Board-Token": found[1]}


def test_a_note_is_kept_and_can_be_asked_for(writer: tuple[TestClient, dict[str, str]]) -> None:
    client, own = writer
    answer = client.post("/api/note/digits/0001", content="more <b>dropout\n", headers=own)
    assert (answer.status_code, answer.json()["note"]) == (200, "more <b>dropout")
    assert runs(client, filter="note~DROPOUT") == ["digits/0001"]
    client.post("/api/note/digits/0001", content="", headers=own)
    assert runs(client, filter="note~dropout") == []


def test_a_note_is_written_by_the_own_page_alone(
    writer: tuple[TestClient, dict[str, str]], root: Path
) -> None:
    client, own = writer
    address = "/api/note/digits/0001"
    assert client.post(address, content="forged").status_code == 403
    for guess in ("guess", b"\xfc\xff", ""):
        guessed = client.post(address, content="x", headers={"X-Board-Token": guess})
        assert guessed.status_code == 403
        assert guessed.json()["problem"].startswith("notes are written on the board's own page")
    assert client.post(address, content="x" * 9000, headers=own).status_code == 403
    assert client.post("/api/note/../x", content="x", headers=own).status_code == 404
    far = TestClient(board(root, ["*"]), client=("127.0.0.1", 50000))
    assert '{"token": ""' in far.get("/").text
    assert far.post(address, content="x", headers={"X-Board-Token": ""}).status_code == 403
    other = TestClient(client.app, client=("10.0.0.9", 50000))
    assert other.post(address, content="x", headers=own).status_code == 403
    assert not RunDirectory(root / "digits" / "0001").note.exists()


def test_a_note_that_is_too_long_is_told(writer: tuple[TestClient, dict[str, str]]) -> None:
    client, own = writer
    answer = client.post("/api/note/digits/0001", content="x" * 2001, headers=own)
    assert (answer.status_code, answer.json()["problem"]) == (404, "the note has 2,001 characters")


def test_the_best_of_a_name_is_told_with_those_that_may_be_as_good(client: TestClient) -> None:
    found = client.get("/api/alike/digits").json()
    # Nothing was kept of what these models answered, so that none can be compared by rows.
    assert found == {"best": "digits/0002", "alike": [], "worse": []}
    assert client.get("/api/alike/%2e%2e").json()["best"] is None
