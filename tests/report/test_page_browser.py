"""The page of a run in a real browser: it draws, answers to keys and mouse, is accessible."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from dl.rundir.directory import RunDirectory
from dl.text import number
from support.browser import needs_axe, needs_chromium, violations

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(params=["multiclass", "binary", "regression"])
def page(browser: webdriver.Chrome, trained: Path, request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    browser.get_log("browser")
    browser.get(RunDirectory(trained / name / "0001").report.as_uri())
    return name


def test_a_number_of_a_page_is_written_as_everywhere_else(browser: webdriver.Chrome) -> None:
    rng = np.random.default_rng(0)
    values = [*(10 ** rng.uniform(-7, 10, 300)), *rng.integers(0, 10**9, 50).astype(float)]
    values += [0.0, 0.15625, 1.0625, 1234.5, 12344.5, 9999.5, 1e-4, 12345000.0, 0.97, -0.5, 1e7]
    script = (files("dl.report") / "assets" / "number.js").read_text(encoding="utf-8")
    asked = "return arguments[0].map((value) => [dlNumber(value), dlNumber(value, true)])"
    told = browser.execute_script(f"{script}; {asked}", values)
    said = [[number(value), number(value, padded=True)] for value in values]
    assert told == said
    odd = f"{script}; return [NaN, -Infinity, null].map((value) => dlNumber(value))"
    assert browser.execute_script(odd) == ["nan", "-inf", "\N{EN DASH}"]


def test_every_chart_is_drawn_without_an_error(browser: webdriver.Chrome, page: str) -> None:
    figures = browser.find_elements(By.CSS_SELECTOR, "figure.chart")
    assert len(figures) >= 3
    assert all(figure.find_elements(By.CSS_SELECTOR, "canvas") for figure in figures)
    assert browser.get_log("browser") == []


def test_nothing_is_loaded_from_another_place(browser: webdriver.Chrome, page: str) -> None:
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
    )
    assert [name for name in loaded if not name.startswith("data:")] == []


def test_nothing_is_wider_than_a_phone(browser: webdriver.Chrome, page: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True},
    )
    fits = "return document.documentElement.scrollWidth <= 390"
    try:  # the charts follow the width of the window a moment later
        assert WebDriverWait(browser, 20).until(lambda driver: driver.execute_script(fits))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_key_moves_along_a_chart_and_the_legend_tells_the_values(
    browser: webdriver.Chrome, page: str
) -> None:
    figure = browser.find_element(By.CSS_SELECTOR, "figure.chart")
    figure.send_keys(Keys.ARROW_RIGHT)
    values = [cell.text for cell in figure.find_elements(By.CSS_SELECTOR, ".u-value")]
    assert values[0] == "1"
    first = figure.find_element(By.CSS_SELECTOR, "details tbody tr")
    told = [cell.get_attribute("textContent") for cell in first.find_elements(By.TAG_NAME, "td")]
    assert [float(value) for value in values] == [float(str(value)) for value in told]


def test_the_mouse_shows_values_and_zooms(browser: webdriver.Chrome, page: str) -> None:
    figure = browser.find_element(By.CSS_SELECTOR, "figure.chart")
    over = figure.find_element(By.CSS_SELECTOR, ".u-over")
    ActionChains(browser).move_to_element(over).perform()
    assert float(figure.find_element(By.CSS_SELECTOR, ".u-value").text) >= 1
    before = browser.execute_script("return arguments[0].plot.scales.x.max", figure)
    drag = ActionChains(browser).move_to_element_with_offset(over, -100, 0).click_and_hold()
    drag.move_by_offset(60, 0).release().perform()
    assert browser.execute_script("return arguments[0].plot.scales.x.max", figure) < before


def test_the_button_makes_the_axis_logarithmic(browser: webdriver.Chrome, page: str) -> None:
    figure = browser.find_element(By.CSS_SELECTOR, "figure.chart")
    button = figure.find_element(By.CSS_SELECTOR, "button.log")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert browser.execute_script("return arguments[0].plot.scales.y.distr", figure) == 3


def test_the_links_lead_to_the_sections(browser: webdriver.Chrome, page: str) -> None:
    links = browser.find_elements(By.CSS_SELECTOR, "nav a")
    targets = [str(link.get_attribute("href")).rpartition("#")[2] for link in links]
    assert all(browser.find_elements(By.ID, target) for target in targets)


@needs_axe
def test_the_page_is_accessible(browser: webdriver.Chrome, page: str) -> None:
    assert violations(browser) == []
