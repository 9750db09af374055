"""The board's answers, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dl.report.board import board
from dl.rundir.files import locked
from dl.rundir.manifest import publish
from dl.rundir.record import write_tags
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
    assert (answer.status_code, answer.text) == (
        404,
        "the filter nonsense is not a condition; for example: 'accuracy>=0.95' or status=completed",
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
    from dl.rundir.record import write_history

    source = Path(__file__).with_name("preprocess.json")
    publish(run.preprocess, source.read_bytes())
    with locked(run):
        write_history(run, [{"epoch": 1, "loss": 2.0}])
        assert "busy/0001" in client.get("/run/busy/0001").text
        write_history(run, [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
        now = client.get("/api/curves/busy/0001").json()
    assert (now["status"], now["epochs"]) == ("running", 2)
    assert now["charts"][0]["lines"][0]["y"] == [2.0, 1.0]


def test_ticked_runs_are_compared(client: TestClient) -> None:
    answer = client.get("/compare", params={"run": ["digits/0001", "digits/0002"]})
    assert "<code>training.batch_size</code>" in answer.text
    assert client.get("/compare", params={"run": "digits/0001"}).status_code == 404


def test_a_thousand_runs_are_listed(tmp_path: Path) -> None:
    for number in range(1000):
        folder = tmp_path / "many" / f"{number + 1:04d}"
        folder.mkdir(parents=True)
    source = make_run(tmp_path, "one")
    for folder in (tmp_path / "many").iterdir():
        for path in source.path.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    assert len(runs(TestClient(board(tmp_path, ["testserver"])))) == 1001


def test_names_reach_the_page_as_data_only(client: TestClient) -> None:
    assert "<b>best" not in client.get("/").text
    assert client.get("/api/runs").json()["runs"][0]["tags"] == ["<b>best"]
