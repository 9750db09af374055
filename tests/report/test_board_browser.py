"""The board in a real browser: it lists, filters, sorts, compares, and grows while a run trains."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from dl.report.board import board
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import publish
from dl.rundir.record import write_history
from support.browser import needs_axe, needs_chromium, violations
from support.runs import make_run

pytestmark = [pytest.mark.slow, needs_chromium]
LEARNED = Path(__file__).with_name("preprocess.json")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("board")
    for minute, accuracy in enumerate((0.9, 0.95, 0.85)):
        run = make_run(root, accuracy=accuracy, minute=minute, batch=16 << minute)
        publish(run.preprocess, LEARNED.read_bytes())
        write_history(run, [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
    busy = make_run(root, "busy", status="running", accuracy=None, minute=9)
    publish(busy.preprocess, LEARNED.read_bytes())
    write_history(busy, [{"epoch": 1, "loss": 2.0}])
    return root


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(board(root, ["127.0.0.1"]), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def front(browser: webdriver.Chrome, address: str) -> webdriver.Chrome:
    browser.get_log("browser")
    browser.get(address)
    _wait(browser, lambda: len(_runs(browser)) == 4)
    return browser


def _runs(browser: webdriver.Chrome) -> list[str]:
    script = "return [...document.querySelectorAll('#runs tbody th')].map(cell => cell.textContent)"
    return [str(name) for name in browser.execute_script(script)]


def _wait(browser: webdriver.Chrome, condition: object) -> None:
    assert callable(condition)
    WebDriverWait(browser, 20, poll_frequency=0.05).until(lambda _: condition())


def test_the_runs_are_listed_without_an_error(front: webdriver.Chrome) -> None:
    assert _runs(front) == ["busy/0001", "digits/0003", "digits/0002", "digits/0001"]
    assert front.get_log("browser") == []


def test_only_this_host_is_asked(front: webdriver.Chrome, address: str) -> None:
    script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    names = front.execute_script(script)
    assert [n for n in names if not n.startswith((address, "data:"))] == []


def test_a_filter_leaves_the_runs_that_fulfil_it(front: webdriver.Chrome) -> None:
    front.find_element(By.ID, "filter").send_keys("accuracy>0.92\n")
    _wait(front, lambda: len(_runs(front)) == 1)
    assert _runs(front) == ["digits/0002"]


def test_a_wrong_filter_is_told(front: webdriver.Chrome) -> None:
    front.find_element(By.ID, "filter").send_keys("nonsense\n")
    problem = front.find_element(By.ID, "problem")
    _wait(front, lambda: problem.text != "")
    assert "the filter nonsense is not a condition; for example" in problem.text


def test_a_click_on_a_header_sorts(front: webdriver.Chrome) -> None:
    front.find_element(By.CSS_SELECTOR, "button[data-sort=run]").click()
    _wait(front, lambda: _runs(front)[0] == "digits/0003")
    assert _runs(front)[-1] == "busy/0001"
    front.find_element(By.CSS_SELECTOR, "button[data-sort=run]").click()
    _wait(front, lambda: _runs(front)[0] == "busy/0001")


def test_ticked_runs_are_compared(front: webdriver.Chrome) -> None:
    for label in ("digits/0001", "digits/0002"):
        front.find_element(By.CSS_SELECTOR, f"input[aria-label='compare {label}']").click()
    front.find_element(By.ID, "compare").click()
    _wait(front, lambda: "/compare?" in front.current_url)
    assert "training.batch_size" in front.find_element(By.ID, "compared").text
    assert front.find_elements(By.CSS_SELECTOR, "figure.chart canvas")


def test_curves_grow_while_a_run_trains(
    browser: webdriver.Chrome, root: Path, address: str
) -> None:
    run = RunDirectory(root / "busy" / "0001")
    with locked(run):
        browser.get(f"{address}/run/busy/0001")
        write_history(run, [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
        _wait(browser, lambda: browser.find_element(By.ID, "live").text == "running, 2 epochs")
        figure = browser.find_element(By.CSS_SELECTOR, "figure.chart")
        assert browser.execute_script("return arguments[0].plot.data[1]", figure) == [2, 1]


@needs_axe
def test_the_board_is_accessible(front: webdriver.Chrome) -> None:
    assert violations(front) == []
