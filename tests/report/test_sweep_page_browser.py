"""The page of a sweep in a real browser: its axes are brushed, and the table shows what is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from dl.report.sweep_page import sweep_page
from dl.rundir.directory import SweepDirectory
from dl.sweeps.results import Results
from support.browser import needs_axe, needs_chromium, violations
from support.sweeps import FakePool, make_sweep, run_loop

pytestmark = [pytest.mark.slow, needs_chromium]
SWEEP = """\
name: search
method: grid
parameters:
  model.layers.hidden.units: [4, 8, 16]
  training.optimizer.type: [adam, sgd]
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sweep")
    sweep = make_sweep(folder, SWEEP)
    loop = run_loop(sweep, folder, FakePool(lambda task: [0.1, 0.1 * task.key[0]]))
    record = sweep.first_record(("dl", "sweep", "sweep.yaml"))
    page = sweep_page(Results.of(SweepDirectory(folder / "run"), record, loop.journal))
    (folder / "sweep.html").write_text(page)
    return (folder / "sweep.html").as_uri()


@pytest.fixture
def page(browser: webdriver.Chrome, address: str) -> Iterator[webdriver.Chrome]:
    browser.get_log("browser")
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []


def _kept(page: webdriver.Chrome) -> list[str]:
    rows = page.find_elements(By.CSS_SELECTOR, "tr[data-trial]:not([hidden])")
    return sorted(str(row.get_attribute("data-trial")) for row in rows)


def test_the_best_setting_stands_first(page: webdriver.Chrome) -> None:
    said = page.find_element(By.CLASS_NAME, "verdict").text
    assert said.startswith("Best of 6 complete settings: units 16, optimizer.type sgd.")
    assert page.find_element(By.CSS_SELECTOR, "tr.best-row b").text == "0.6000"
    assert page.find_element(By.CSS_SELECTOR, ".take code").text.startswith("dl sweep best ")


def test_an_axis_is_brushed_with_the_keyboard(page: webdriver.Chrome) -> None:
    units, optimizer, reached = page.find_elements(By.CSS_SELECTOR, ".coordinates .axis")
    assert reached.get_attribute("aria-label") == "validation accuracy"
    units.send_keys(Keys.ARROW_UP)
    assert _kept(page) == ["1", "2"]
    assert units.get_attribute("aria-valuetext") == "from 0 to 25 percent of the axis"
    optimizer.send_keys(Keys.ARROW_DOWN)
    assert _kept(page) == ["2"]
    assert "1 of 6 trials pass" in page.find_element(By.CSS_SELECTOR, ".coordinates").text
    optimizer.send_keys(Keys.ESCAPE)
    assert len(_kept(page)) == 6


def test_an_axis_is_brushed_with_the_mouse(page: webdriver.Chrome) -> None:
    axis = page.find_elements(By.CSS_SELECTOR, ".coordinates .axis .reach")[2]
    top = -int(axis.rect["height"] / 2) + 2
    ActionChains(page).move_to_element_with_offset(axis, 0, top).click_and_hold().move_by_offset(
        0, int(axis.rect["height"] * 0.3)
    ).release().perform()
    assert _kept(page) == ["5", "6"]
    assert len(page.find_elements(By.CSS_SELECTOR, ".coordinates path.out")) == 4
    ActionChains(page).move_to_element(axis).click().perform()
    assert len(_kept(page)) == 6


def test_a_row_points_out_its_line(page: webdriver.Chrome) -> None:
    row = page.find_element(By.CSS_SELECTOR, "tr[data-trial='3'] td")
    ActionChains(page).move_to_element(row).perform()
    assert len(page.find_elements(By.CSS_SELECTOR, ".coordinates path.pointed")) == 1
    said = page.find_element(By.CSS_SELECTOR, ".coordinates figcaption").text
    assert said == "Trial 3: 0.3000; units 8, optimizer.type adam"


@needs_axe
def test_the_page_of_a_sweep_is_accessible(page: webdriver.Chrome) -> None:
    assert violations(page) == []
