"""The board in a real browser: it lists, filters, sorts, compares, and grows while a run trains."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from dl.report.board import board
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import publish
from dl.rundir.record import read_record, write_history, write_record
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
    write_record(busy, replace(read_record(busy), status="running", planned=3))
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
    _open(browser, address)
    _wait(browser, lambda: len(_runs(browser)) == 4)
    return browser


def _open(browser: webdriver.Chrome, address: str) -> None:
    """Opens a page as for the first time: nothing is kept of what was chosen before."""
    browser.get("about:blank")
    forget = {"origin": "/".join(address.split("/")[:3]), "storageTypes": "local_storage"}
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", forget)
    browser.get_log("browser")
    browser.get(address)


def _runs(browser: webdriver.Chrome) -> list[str]:
    script = "return [...document.querySelectorAll('#runs tbody th')].map(cell => cell.textContent)"
    return [str(name) for name in browser.execute_script(script)]


def _wait(browser: webdriver.Chrome, condition: object) -> None:
    assert callable(condition)
    WebDriverWait(browser, 20, poll_frequency=0.05).until(lambda _: condition())


def _row(browser: webdriver.Chrome, address: str) -> str:
    """Returns what a row says, which may be made anew at any time."""
    script = "return document.querySelector(`tr[data-address='${arguments[0]}']`)?.textContent"
    return str(browser.execute_script(script, address))


def _labels(browser: webdriver.Chrome) -> list[str]:
    """Returns the names of the curves that lie over each other."""
    script = "return document.getElementById('overlay').plot?.series.slice(1).map(s => s.label)"
    return [str(label) for label in browser.execute_script(script) or []]


def _tick(browser: webdriver.Chrome, *labels: str) -> None:
    for label in labels:
        browser.find_element(By.CSS_SELECTOR, f"input[aria-label='tick {label}']").click()


def test_the_runs_are_listed_without_an_error(front: webdriver.Chrome) -> None:
    assert _runs(front) == ["busy/0001", "digits/0003", "digits/0002", "digits/0001"]
    row = front.find_element(By.CSS_SELECTOR, "tr[data-address='digits/0002']")
    assert row.find_element(By.TAG_NAME, "b").text == "0.9500"
    assert "test accuracy" in row.text
    assert row.find_elements(By.CSS_SELECTOR, ".spark path.training")
    assert front.get_log("browser") == []


def test_only_this_host_is_asked(front: webdriver.Chrome, address: str) -> None:
    script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    names = front.execute_script(script)
    assert [n for n in names if not n.startswith((address, "data:"))] == []


def test_a_filter_leaves_the_runs_that_fulfil_it(front: webdriver.Chrome) -> None:
    front.find_element(By.ID, "filter").send_keys("accuracy>0.92\n")
    _wait(front, lambda: len(_runs(front)) == 1)
    assert _runs(front) == ["digits/0002"]
    assert "filter=accuracy%3E0.92" in front.current_url


def test_a_wrong_filter_is_told_and_no_runs_stand_below(front: webdriver.Chrome) -> None:
    front.find_element(By.CSS_SELECTOR, ".help summary").click()
    assert "several conditions are joined by" in front.find_element(By.CSS_SELECTOR, ".help").text
    front.find_element(By.ID, "filter").send_keys("nonsense\n")
    problem = front.find_element(By.ID, "problem")
    _wait(front, lambda: problem.text != "")
    assert "the filter nonsense is not a condition; for example" in problem.text
    assert _runs(front) == []
    [example] = [e for e in front.find_elements(By.CLASS_NAME, "example") if e.text[:5] == "name="]
    example.click()
    _wait(front, lambda: len(_runs(front)) == 3)
    assert problem.text == ""


def test_a_click_on_a_header_sorts(front: webdriver.Chrome) -> None:
    front.find_element(By.CSS_SELECTOR, "button[data-sort=run]").click()
    _wait(front, lambda: _runs(front)[0] == "digits/0003")
    assert _runs(front)[-1] == "busy/0001"
    front.find_element(By.CSS_SELECTOR, "button[data-sort=run]").click()
    _wait(front, lambda: _runs(front)[0] == "busy/0001")


def test_ticked_runs_lie_over_each_other_and_are_compared(front: webdriver.Chrome) -> None:
    _tick(front, "digits/0001", "digits/0002")
    _wait(front, lambda: _labels(front) == ["digits/0001", "digits/0002"])
    figure = front.find_element(By.ID, "overlay")
    assert "2.000" not in figure.text  # at rest the legend has the last values
    assert "1.000" in figure.text
    figure.send_keys(Keys.ARROW_RIGHT)
    _wait(front, lambda: "2.000" in figure.text)
    Select(front.find_element(By.ID, "x")).select_by_value("share")
    read = "return document.getElementById('overlay').plot.data[0]"
    _wait(front, lambda: front.execute_script(read) == [0.5, 1])
    Select(front.find_element(By.ID, "baseline")).select_by_visible_text("digits/0001")
    row = front.find_element(By.CSS_SELECTOR, "tr[data-address='digits/0002'] .better")
    assert row.text == "+0.05"
    compare = front.find_element(By.ID, "compare")
    front.execute_script("arguments[0].scrollIntoView({behavior: 'instant'})", compare)
    compare.click()
    _wait(front, lambda: "/compare?" in front.current_url)
    assert "training.batch_size" in front.find_element(By.ID, "differences").text
    assert front.find_elements(By.CSS_SELECTOR, "figure.chart canvas")
    Select(front.find_element(By.NAME, "reference")).select_by_visible_text("digits/0002")
    front.find_element(By.CSS_SELECTOR, "form button").click()
    _wait(front, lambda: front.title == "digits/0002 and digits/0001")


def test_seeds_of_a_setting_are_one_line_with_a_band(front: webdriver.Chrome, root: Path) -> None:
    for seed, loss in ((1, 1.0), (2, 3.0)):
        run = make_run(root, "seeds", minute=20 + seed)
        publish(run.resolved, f"name: seeds\nseed: {seed}\n".encode())
        write_history(run, [{"epoch": 1, "loss": 5.0}, {"epoch": 2, "loss": loss}])
    try:
        front.find_element(By.ID, "filter").send_keys("name=seeds\n")
        _wait(front, lambda: len(_runs(front)) == 2 and len(_labels(front)) == 2)
        front.find_element(By.ID, "seeds").click()
        _wait(front, lambda: len(_labels(front)) == 3)
        data = front.execute_script("return document.getElementById('overlay').plot.data")
        assert data == [[1, 2], [5, 2], [5, 1], [5, 3]]
    finally:
        shutil.rmtree(root / "seeds")


def test_columns_are_chosen_and_kept(front: webdriver.Chrome, address: str) -> None:
    front.find_element(By.CSS_SELECTOR, "#columns summary").click()
    front.find_element(By.CSS_SELECTOR, "#columns input[value=seed]").click()
    more = front.find_element(By.CSS_SELECTOR, "#columns input[list]")
    more.send_keys("training.batch_size\n")
    shown = "return document.querySelector('#runs thead').textContent"
    _wait(front, lambda: "training.batch_size" in front.execute_script(shown))
    front.get(address)
    _wait(front, lambda: len(_runs(front)) == 4)
    assert front.execute_script(shown).endswith("seednotetraining.batch_size")
    assert _row(front, "digits/0002").endswith("32")


def test_names_are_cards(front: webdriver.Chrome) -> None:
    front.find_element(By.CSS_SELECTOR, "[data-view=cards]").click()
    _wait(front, lambda: len(front.find_elements(By.CLASS_NAME, "card")) == 2)
    card = front.find_element(By.CSS_SELECTOR, "[data-name=digits]")
    assert (card.find_element(By.TAG_NAME, "b").text, "3 runs" in card.text) == ("0.9500", True)
    assert len(card.find_elements(By.CSS_SELECTOR, ".strip circle")) == 3


def test_two_values_are_scattered_and_lead_to_their_runs(front: webdriver.Chrome) -> None:
    front.find_element(By.ID, "across").send_keys("training.batch_size\n")
    front.find_element(By.ID, "up").send_keys("accuracy\n")
    _wait(front, lambda: len(front.find_elements(By.CSS_SELECTOR, "#plane a")) == 3)
    says = [p.get_attribute("aria-label") for p in front.find_elements(By.CSS_SELECTOR, "#plane a")]
    assert "digits/0002: training.batch_size 32, accuracy 0.95" in says
    front.find_elements(By.CSS_SELECTOR, "#plane a")[0].send_keys(Keys.ENTER)
    _wait(front, lambda: "/run/digits/0003" in front.current_url)


def test_a_note_is_written_on_the_board(front: webdriver.Chrome, root: Path) -> None:
    front.find_element(By.CSS_SELECTOR, "[aria-label='write a note on digits/0001']").click()
    front.find_element(By.CSS_SELECTOR, "#note textarea").send_keys("more <b>dropout")
    front.find_element(By.CSS_SELECTOR, "#note [value=save]").click()
    _wait(front, lambda: "more <b>dropout" in _row(front, "digits/0001"))
    assert RunDirectory(root / "digits" / "0001").note.read_text() == "more <b>dropout\n"


def test_ages_go_on_without_news(front: webdriver.Chrome) -> None:
    age = "document.querySelector('#runs time')"
    front.execute_script(f"{age}.dataset.since = Date.now() / 1000 - 59")
    _wait(front, lambda: front.execute_script(f"return {age}.textContent") == "1 min")


def test_on_a_phone_the_result_is_on_the_screen(front: webdriver.Chrome) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    front.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for result in front.find_elements(By.CSS_SELECTOR, "#runs .result b"):
            assert result.rect["x"] + result.rect["width"] <= 390
        assert front.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        front.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_curves_grow_while_a_run_trains_and_keep_their_zoom(
    browser: webdriver.Chrome, root: Path, address: str
) -> None:
    run = RunDirectory(root / "busy" / "0001")
    rows = [{"epoch": epoch, "loss": 3.0 - epoch} for epoch in (1, 2, 3)]
    with locked(run):
        browser.get(f"{address}/run/busy/0001")
        write_history(run, rows[:2])
        state = browser.find_element(By.ID, "live")
        _wait(browser, lambda: state.text.startswith("running · 2/3 epochs · "))
        figure = browser.find_element(By.CSS_SELECTOR, "figure.chart")
        losses = "return arguments[0].plot.data[1]"
        _wait(browser, lambda: browser.execute_script(losses, figure) == [2, 1])
        browser.execute_script("window.was = arguments[0].plot", figure)
        browser.execute_script("was.setScale('x', {min: 1.2, max: 1.8})")
        write_history(run, rows)
        _wait(browser, lambda: state.text.startswith("running · 3/3 epochs"))
        now = "const u = arguments[0].plot; return [u === was, u.scales.x.min, u.data[1].length]"
        assert browser.execute_script(now, figure) == [True, 1.2, 3]


def test_what_trains_shows_how_far_it_is(
    browser: webdriver.Chrome, root: Path, address: str
) -> None:
    run = RunDirectory(root / "busy" / "0001")
    with locked(run):
        write_history(run, [{"epoch": 1, "loss": 2.0, "val_loss": 2.5}])
        _open(browser, address)
        row = "tr[data-address='busy/0001']"
        _wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, row))
        assert "1/3" in _row(browser, "busy/0001")
        bar = browser.find_element(By.CSS_SELECTOR, f"{row} [role=progressbar]")
        assert bar.get_attribute("aria-valuenow") == "1"
        _tick(browser, "busy/0001")
        _wait(browser, lambda: _labels(browser) == ["busy/0001"])
        browser.execute_script("window.was = document.getElementById('overlay').plot")
        two = [{"epoch": e, "loss": 2.0, "val_loss": 2.5 / e} for e in (1, 2)]
        write_history(run, two)
        _wait(browser, lambda: "2/3" in _row(browser, "busy/0001"))
        assert "1.250" in _row(browser, "busy/0001")
        grown = "return document.getElementById('overlay').plot === was && was.data[1].length"
        _wait(browser, lambda: browser.execute_script(grown) == 2)


@needs_axe
@pytest.mark.parametrize("page", ["", "?view=cards", "compare?run=digits/0001&run=digits/0002"])
def test_the_board_is_accessible(browser: webdriver.Chrome, address: str, page: str) -> None:
    _open(browser, f"{address}/{page}")
    _wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, ".spark, .chart canvas"))
    assert violations(browser) == []
