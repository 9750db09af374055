"""The page of `dl play` in a real browser: it trains, points are painted, and it is accessible."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from dl.play.server import server
from dl.play.session import Session
from dl.play.settings import preset
from support.browser import needs_axe, needs_chromium, violations

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    scratch = tmp_path_factory.mktemp("play")
    made = Session(preset("xor", scratch), scratch)
    made.wait()
    return made


@pytest.fixture(scope="module")
def addresses(session: Session) -> Iterator[dict[str, str]]:
    """Returns the address of the page in each language, of one session."""
    opened, threads = {}, []
    for language in ("en", "fr"):
        listening = socket.create_server(("127.0.0.1", 0))
        made = uvicorn.Server(
            uvicorn.Config(server(session, ["127.0.0.1"], language, "known"), log_level="error")
        )
        thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]})
        thread.start()
        threads.append((made, thread, listening))
        opened[language] = f"http://127.0.0.1:{listening.getsockname()[1]}/known/"
    yield opened
    for made, _, _ in threads:
        made.should_exit = True
    for _, thread, listening in threads:
        thread.join()
        listening.close()


@pytest.fixture
def page(browser: webdriver.Chrome, addresses: dict[str, str], session: Session) -> Any:
    session.act("pause")
    session.change({"preset": "xor"})
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(addresses["en"])
    _wait(browser, lambda: _points(browser) == 4 and _state(browser) == "paused")
    yield browser
    session.act("pause")


def _wait(browser: webdriver.Chrome, condition: Any) -> None:
    WebDriverWait(browser, 30, poll_frequency=0.05).until(lambda _: condition())


def _state(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.ID, "state").text


def _points(browser: webdriver.Chrome) -> int:
    """Returns how many points the config has, which the page shows."""
    return int(browser.find_element(By.ID, "plane").get_attribute("data-points") or 0)


def _pixels(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return document.getElementById('plane').toDataURL()"))


def test_it_trains_and_all_moves(page: webdriver.Chrome, addresses: dict[str, str]) -> None:
    before = _pixels(page)
    page.find_element(By.ID, "train").click()
    _wait(page, lambda: _state(page) == "training")
    _wait(page, lambda: _pixels(page) != before)
    page.find_element(By.ID, "train").click()
    _wait(page, lambda: _state(page) == "paused")
    assert "# `dl train` gives the same weights." in _yaml(page)
    assert page.find_elements(By.CSS_SELECTOR, "#curves canvas")
    names = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    assert [
        n for n in page.execute_script(names) if not n.startswith((addresses["en"], "data:"))
    ] == []
    assert page.get_log("browser") == []


def _yaml(page: webdriver.Chrome) -> str:
    told = page.find_element(By.ID, "yaml")
    _wait(page, lambda: "after 0 epochs" not in told.text and "epochs:" in told.text)
    return told.text


def test_a_step_and_an_epoch_are_told(page: webdriver.Chrome) -> None:
    count = page.find_element(By.ID, "epoch")
    page.find_element(By.CSS_SELECTOR, "[data-act=epoch]").click()
    _wait(page, lambda: count.text == "epoch 1")
    page.find_element(By.CSS_SELECTOR, "[data-act=restart]").click()
    _wait(page, lambda: count.text == "epoch 0")


def test_points_are_painted_by_mouse_and_keyboard(page: webdriver.Chrome) -> None:
    plane = page.find_element(By.ID, "plane")
    ActionChains(page).move_to_element_with_offset(plane, 60, -60).click().perform()
    _wait(page, lambda: _points(page) == 5)
    page.execute_script("document.activeElement.blur()")
    plane.send_keys("1", Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ENTER)
    _wait(page, lambda: _points(page) == 6)
    plane.send_keys(Keys.DELETE)
    _wait(page, lambda: _points(page) == 5)
    _wait(page, lambda: "path: points.csv" in page.find_element(By.ID, "yaml").text)
    assert page.find_element(By.ID, "save-points").is_displayed()


def test_layers_units_and_rates_are_changed(page: webdriver.Chrome) -> None:
    page.find_element(By.CSS_SELECTOR, "[data-key='+ 0']").click()
    _wait(page, lambda: len(page.find_elements(By.CSS_SELECTOR, "[data-unit^='0 ']")) == 5)
    page.find_element(By.CSS_SELECTOR, "[data-add=Dense]").click()
    _wait(page, lambda: len(page.find_elements(By.CSS_SELECTOR, "[data-unit^='2 ']")) == 1)
    Select(page.find_element(By.CSS_SELECTOR, "[data-key='activation 0']")).select_by_value("relu")
    yaml = page.find_element(By.ID, "yaml")
    _wait(page, lambda: "units: 5, activation: relu" in yaml.text)
    page.find_element(By.ID, "rate").send_keys(Keys.ARROW_RIGHT)
    _wait(page, lambda: "learning_rate: 0.56" in yaml.text)
    Select(page.find_element(By.ID, "penalty")).select_by_visible_text("L2")
    _wait(page, lambda: "kernel_regularizer" in yaml.text)


def test_on_a_phone_nothing_is_wider_than_the_screen(page: webdriver.Chrome) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@needs_axe
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_is_accessible(
    page: webdriver.Chrome, addresses: dict[str, str], language: str
) -> None:
    page.get(addresses[language])
    said = {"en": "paused", "fr": "en pause"}[language]
    _wait(page, lambda: _state(page) == said)
    assert page.execute_script("return document.documentElement.lang") == language
    assert violations(page) == []
