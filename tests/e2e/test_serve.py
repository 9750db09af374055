"""`dl serve`: each answer is that of `dl predict`, each mistake is told, the end is in order."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from starlette.testclient import TestClient

from conftest import Dl
from dl import app
from dl.config.data import Window
from dl.data.arrays import ArrayFeature
from dl.errors import BusyError, DataError, DlError, UsageError, error_text
from dl.predict.lite import open_files
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.serve import gather
from dl.serve import server as served
from dl.serve.gather import Gatherer
from dl.serve.server import server
from dl.serve.service import Answer, Asked, Service, check_servable, parse_json
from e2e.conftest import Project
from support.browser import needs_axe, needs_chromium, violations

TOKEN = "a token of some length".replace(" ", "-")
CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}
ROW = {"width": 0.1, "height": 0.2, "colour": "red"}
A_ROW = 'an object of JSON with a value for each column: {"age": 41, "city": "Bern"}'


@pytest.fixture(scope="module")
def service(project: Project) -> Service:
    return app.service(RunDirectory(project.run), None, SilentReporter())


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(server(service, ["testserver"]))


@pytest.fixture
def rows(project: Project) -> list[dict[str, str]]:
    """Returns the rows of the table without the target, as texts, one with a gap."""
    header, *lines = project.data.read_text().splitlines()
    names = header.split(",")[:-1]
    return [dict(zip(names, line.split(","), strict=False)) for line in lines[:40]]


def csv_of(rows: Sequence[dict[str, str]]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n"


def predicted(dl: Dl, project: Project, folder: Path, text: str) -> str:
    """Returns what `dl predict` writes for these rows."""
    (folder / "rows.csv").write_text(text)
    done = dl("predict", project.run, folder / "rows.csv", "-q", "-o", folder / "out.csv")
    assert done.code == 0, done.err
    return (folder / "out.csv").read_text()


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(map(str, r.values())) for r in rows)]) + "\n"


def test_answers_are_those_of_predict(
    client: TestClient, project: Project, rows: list[dict[str, str]], dl: Dl, tmp_path: Path
) -> None:
    text = csv_of(rows)
    expected = predicted(dl, project, tmp_path, text)
    as_numbers = [{**row, "width": float(row["width"])} for row in rows]

    assert client.post("/predict", content=text, headers=CSV).text == expected
    assert client.post("/predict", json=rows, headers={"Accept": "text/csv"}).text == expected
    assert as_csv(client.post("/predict", json=as_numbers).json()) == expected
    single = client.post("/predict", json=rows[3]).json()
    assert list(single) == [
        "prediction",
        "probability_apple",
        "probability_lemon",
        "probability_plum",
    ]
    assert as_csv([single]).splitlines()[1] == expected.splitlines()[4]
    asked = {**CSV, "Accept": "application/json"}
    assert as_csv(client.post("/predict", content=text, headers=asked).json()) == expected


def test_requests_that_come_together_are_answered_as_if_alone(
    service: Service, rows: list[dict[str, str]]
) -> None:
    bad = {**ROW, "width": "wide"}
    new = {**ROW, "colour": "green"}
    sent = [[row] for row in rows] + [[bad], [new], [{"width": 1}], list(rows[:5])]
    asked = [parse_json(json.dumps(each).encode()) for each in sent]
    asked.append(Asked(csv_of(rows[:3]).encode()))

    for group in (asked, asked[: len(rows)]):
        alone = [service.predict([each])[0] for each in group]
        together = service.predict(group)
        for one, other in zip(alone, together, strict=True):
            assert type(one) is type(other)
            if isinstance(one, DlError) or isinstance(other, DlError):
                assert str(one) == str(other)
                continue
            assert one.warnings == other.warnings
            for name, values in one.columns.items():
                if values.dtype.kind == "f":
                    np.testing.assert_allclose(values, other.columns[name], rtol=0, atol=1e-7)
                else:
                    assert values.tolist() == other.columns[name].tolist()


def test_a_new_category_is_told_in_a_header(client: TestClient) -> None:
    answer = client.post("/predict", json=[ROW, {**ROW, "colour": "grün"}])
    assert json.loads(answer.headers["dl-warnings"]) == [
        "rows: row 2: column 'colour': 1 row has a category that is not in the training part, such "
        "as 'grün'; encoded as zeros"
    ]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            [ROW, {**ROW, "width": "wide"}],
            {
                "problem": "rows: row 2: column 'width' is numeric, but this is text",
                "expected": "a number",
                "found": "'wide'",
                "hint": "leave the field empty if the value is missing; "
                "write decimals with a point",
            },
        ),
        (
            {"width": 1, "hight": 2, "colour": "red"},
            {
                "problem": "rows: there is no column 'height'",
                "expected": "one of width, hight, colour",
                "hint": "did you mean 'hight'?",
            },
        ),
        ([], {"problem": "rows: there are none", "expected": f"{A_ROW}, or a list"}),
        (
            [ROW, 7],
            {"problem": "rows: row 2: is not a row of a table", "expected": A_ROW, "found": "7"},
        ),
        (
            {**ROW, "width": [1]},
            {
                "problem": "rows: row 1: column 'width' has several values",
                "expected": "a number, a text, true, false or null",
                "found": '["1"]',
            },
        ),
    ],
    ids=["a text", "a lacking column", "no row", "a number", "a list"],
)
def test_rows_that_cannot_be_used_are_told(
    client: TestClient, sent: object, said: dict[str, str]
) -> None:
    answer = client.post("/predict", json=sent)
    assert (answer.status_code, answer.json()) == (400, said)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "rows: not JSON: Expecting property name enclosed in double quotes: line 1"),
        (b"[" * 100_000, "rows: not JSON: it is nested too deeply"),
        (b"\xff\xfe\x00", "rows: not JSON: "),
    ],
    ids=["cut", "deep", "bytes"],
)
def test_what_is_not_json_is_told(client: TestClient, body: bytes, problem: str) -> None:
    answer = client.post("/predict", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["problem"].startswith(problem)


def test_a_row_of_csv_that_cannot_be_used_is_told_with_its_line(client: TestClient) -> None:
    text = "width,height,colour\n1,2,red\n1,high,red\n"
    answer = client.post("/predict", content=text, headers=CSV)
    assert (answer.status_code, answer.json()["problem"]) == (
        400,
        "rows:3: column 'height' is numeric, but this is text",
    )
    empty = client.post("/predict", content="", headers=CSV)
    assert (empty.status_code, empty.json()["problem"]) == (400, "rows: is empty")


def test_limits_are_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MOST_BYTES", 200)
    monkeypatch.setattr(served, "MOST_ROWS", 2)
    large = client.post("/predict", content=b" " * 201, headers=JSON)
    streamed = client.post("/predict", content=iter([b" " * 150] * 2), headers=JSON)
    many = client.post("/predict", json=[{}, {}, {}])
    lines = client.post("/predict", content="a\n1\n2\n3\n", headers=CSV)
    assert [
        (each.status_code, each.json()["problem"]) for each in (large, streamed, many, lines)
    ] == [
        (413, "more than 200 bytes"),
        (413, "more than 200 bytes"),
        (413, "more than 2 rows"),
        (413, "more than 2 rows"),
    ]


def test_other_types_addresses_and_methods_are_refused(client: TestClient) -> None:
    form = client.post("/predict", data={"width": "1"})
    assert (form.status_code, form.json()["problem"]) == (
        415,
        "rows cannot be read from 'application/x-www-form-urlencoded'",
    )
    nothing = client.post("/predict", content=b"{}")
    assert (nothing.status_code, nothing.json()["problem"]) == (
        415,
        "rows cannot be read from no type",
    )
    got = client.get("/predict")
    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert client.get("/elsewhere").status_code == 404
    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 400


def test_a_token_is_asked_for(service: Service) -> None:
    client = TestClient(server(service, ["*"], TOKEN))
    known = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/predict", json=ROW).status_code == 401
    assert (
        client.post("/predict", json=ROW, headers={"Authorization": "Bearer x"}).status_code == 403
    )
    assert client.post(f"/predict?token={TOKEN}", json=ROW).status_code == 401
    assert client.post("/predict", json=ROW, headers=known).status_code == 200
    assert (client.get("/").status_code, client.get(f"/?token={TOKEN}").status_code) == (401, 200)
    assert (client.get("/metrics").status_code, client.get("/openapi.json").status_code) == (
        401,
        401,
    )
    assert client.get("/health").json() == {"status": "ok"}


def test_a_bug_is_told_without_its_trace(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Service, several: object) -> list[Answer | DlError]:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Service, "predict", fails)
    answer = TestClient(server(service, ["testserver"])).post("/predict", json=ROW)
    assert (answer.status_code, answer.json()) == (
        500,
        {"problem": "a bug of dl: division by zero"},
    )


def test_requests_are_gathered_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MOST_WAITING", 10)
    sizes: list[int] = []

    def predict(several: Sequence[Asked]) -> list[Answer | DlError]:
        sizes.append(len(several))
        return [Answer({"n": np.array([len(asked)])}) for asked in several]

    async def ask() -> list[Any]:
        gatherer = Gatherer(predict)
        asked = [gatherer.ask(Asked([{}] * n)) for n in (1, 2, 3, 4, 5)]
        return await asyncio.gather(*asked, return_exceptions=True)

    *answers, refused = asyncio.run(ask())
    assert [answer.columns["n"].tolist() for answer in answers] == [[1], [2], [3], [4]]
    assert isinstance(refused, BusyError)
    assert str(refused) == "10 rows wait already"
    assert sizes == [4]


def test_metrics_count_what_was_asked(client: TestClient) -> None:
    client.post("/predict", json=[ROW, ROW])
    client.post("/predict", json=7)
    text = client.get("/metrics").text
    assert all(re.fullmatch(r"# .+|[a-z_]+(\{[^}]+\})? [\d.]+", line) for line in text.splitlines())
    assert 'dl_requests_total{path="/predict",status="200"} 1\n' in text
    assert 'dl_requests_total{path="/predict",status="400"} 1\n' in text
    assert "dl_rows_total 2\n" in text
    assert "dl_batches_total 1\n" in text
    assert 'dl_predict_seconds_bucket{le="+Inf"} 1\n' in text
    assert "dl_rows_waiting 0\n" in text


def test_the_description_has_columns_ranges_and_answers(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    schemas = described["components"]["schemas"]
    assert schemas["Row"]["required"] == ["width", "height", "colour"]
    assert schemas["Row"]["properties"]["colour"]["type"] == ["string", "number", "boolean", "null"]
    assert re.fullmatch(
        r"numeric; in the training rows -0\.\d+ to 2\.\d+",
        schemas["Row"]["properties"]["width"]["description"],
    )
    answer = client.post("/predict", json=ROW).json()
    assert list(schemas["Prediction"]["properties"]) == list(answer)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--token", "short"],
            "error: --token is too short: 5 characters\nexpected: at least 16\n"
            "hint: leave it out with --host: then one is made\n",
        ),
        (
            ["--token", "a token with blanks"],
            "error: --token must be letters, digits and signs of ASCII, without blanks\n",
        ),
    ],
)
def test_a_token_that_cannot_be_used_is_told(
    options: list[str], said: str, project: Project, dl: Dl
) -> None:
    done = dl("serve", project.run, *options)
    assert (done.code, done.err) == (2, said)


def test_runs_whose_rows_are_not_those_of_a_table_are_refused(project: Project) -> None:
    files = open_files(RunDirectory(project.run))
    array = ArrayFeature((2, 2), False, "float32", 1, "none", (), (), image=True, pixel_max=1)
    series = replace(files.preprocessing, window=Window(length=3))
    refused = []
    for learned in (replace(files.preprocessing, features=(array,)), series):
        with pytest.raises(UsageError) as caught:
            check_servable(replace(files, preprocessing=learned))
        refused.append(error_text(caught.value))
    said = (
        "error: fruit/0001 cannot be served: it {}\n"
        "expected: a run that was trained on a table, and predicts each row by itself\n"
        "hint: predict from a file: dl predict fruit/0001 FILE"
    )
    assert refused == [said.format("takes images"), said.format("looks back over 3 rows")]


def test_a_row_that_the_model_cannot_take_fails_alone(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = service._model

    def narrow(x: Any) -> Any:
        if (np.asarray(x)[:, 0] > 1000).any():
            raise DataError("too wide")
        return model(x)

    monkeypatch.setattr(service, "_model", narrow)
    wide = json.dumps({**ROW, "width": 1e9}).encode()
    good = parse_json(json.dumps(ROW).encode())
    said = service.predict([good, parse_json(wide), good])
    assert [type(each) for each in said] == [Answer, DataError, Answer]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_when_all_is_answered(project: Project, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "dl", "serve", str(project.run), "--port", "0"]
    command += ["--token", TOKEN]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        address, _, token = process.stdout.readline().strip().partition("?token=")
        assert token == TOKEN
        headers = {**JSON, "Authorization": f"Bearer {token}"}
        whole = json.dumps(ROW).encode()
        host, port = address.removeprefix("http://").rstrip("/").split(":")
        with socket.create_connection((host, int(port))) as half:  # asked for, not yet sent whole
            head = [f"{name}: {value}\r\n" for name, value in headers.items()]
            start = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(whole)}\r\n"
            half.sendall(f"{start}{''.join(head)}\r\n".encode() + whole[:5])
            asked = urllib.request.Request(f"{address}predict", whole, headers)
            with urllib.request.urlopen(asked) as answer:
                assert set(json.load(answer)) >= {"prediction", "probability_plum"}
            process.send_signal(number)
            half.sendall(whole[5:])
            assert half.recv(100).startswith(b"HTTP/1.1 200 OK")
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (
        0,
        "predictions of fruit/0001; Ctrl-C ends it\n"
        f"each request needs the header  Authorization: Bearer {TOKEN}\n",
    )


@pytest.fixture(scope="module")
def address(service: Service) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = uvicorn.Config(server(service, ["127.0.0.1"], TOKEN), log_level="error")
        running = uvicorn.Server(settings)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/?token={TOKEN}"
        running.should_exit = True
        thread.join()


@pytest.mark.slow
@needs_chromium
@needs_axe
def test_a_row_is_tried_in_the_form(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    said = browser.find_element(By.ID, "said")
    wait = WebDriverWait(browser, 20)
    press = browser.find_element(By.CSS_SELECTOR, "#row button")
    press.click()
    wait.until(lambda _: said.text in ("apple", "lemon", "plum"))
    shown = browser.find_elements(By.CSS_SELECTOR, "#values tbody th")
    assert [each.text for each in shown] == ["apple", "lemon", "plum"]
    assert violations(browser) == []
    width = browser.find_element(By.CSS_SELECTOR, "[data-column=width]")
    width.clear()
    width.send_keys("wide")
    press.click()
    problem = browser.find_element(By.ID, "problem")
    wait.until(lambda _: problem.text)
    assert problem.text == (
        "rows: row 1: column 'width' is numeric, but this is text; found 'wide'"
    )
    assert '"width":"wide"' in browser.find_element(By.ID, "command").text
    assert violations(browser) == []
