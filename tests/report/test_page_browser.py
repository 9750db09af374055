"""The page of a run in a real browser: it draws, answers to keys and mouse, is accessible."""

from __future__ import annotations

import json
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
    for figure in figures:
        inked = "const c = arguments[0].plot.ctx.canvas; return arguments[0].plot.ctx"
        inked += ".getImageData(0, 0, c.width, c.height).data.some((value) => value > 0)"
        assert browser.execute_script(inked, figure), figure.get_attribute("aria-label")
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
    assert list(map(_read, values)) == list(map(_read, told))


def _read(text: str | None) -> float:
    return float(str(text).replace(",", ""))


def test_a_legend_at_rest_tells_the_best_epoch(browser: webdriver.Chrome, page: str) -> None:
    figure = browser.find_element(By.CSS_SELECTOR, "figure.chart")
    values = [cell.text for cell in figure.find_elements(By.CSS_SELECTOR, ".u-value")]
    place = browser.execute_script(
        "const u = arguments[0].plot;"
        "const mark = JSON.parse(arguments[0].querySelector('.chart-data').textContent).rest;"
        "return [mark, ...u.data.slice(1).map((line) => line[u.data[0].indexOf(mark)])]",
        figure,
    )
    assert list(map(_read, values)) == pytest.approx(place, rel=1e-3)


def test_news_leave_the_zoom_where_it_is(browser: webdriver.Chrome, page: str) -> None:
    kept, same = browser.execute_async_script(
        """
        const done = arguments[0], drawn = () => new Promise(requestAnimationFrame);
        const figure = document.querySelector("figure.chart");
        const chart = JSON.parse(figure.querySelector(".chart-data").textContent);
        const before = figure.plot;
        figure.update(chart);
        before.setScale("x", { min: 1.2, max: 1.8 });
        drawn().then(() => {
        const last = chart.lines[0].x.at(-1) + 1;
        for (const line of chart.lines) { line.x.push(last); line.y.push(line.y.at(-1)); }
        figure.update(chart);
        return drawn();
        }).then(() => done([[before.scales.x.min, before.scales.x.max], figure.plot === before]));
        """
    )
    assert (kept, same) == ([1.2, 1.8], True)


def test_a_chart_is_taken_along_as_a_table_and_as_a_picture(
    browser: webdriver.Chrome, page: str
) -> None:
    content = browser.execute_async_script(
        """
        const done = arguments[0], given = [];
        URL.createObjectURL = (content) => { given.push(content); return "data:,"; };
        const figure = document.querySelector("figure.chart");
        figure.querySelector(".csv").click();
        figure.querySelector(".png").click();
        const wait = () => given.length < 2 ? setTimeout(wait, 20)
          : given[0].text().then((text) => done([text, given[1].type]));
        wait();
        """
    )
    table, kind = content
    assert kind == "image/png"
    assert table.splitlines()[0] in ("epoch,training,validation", "epoch,training")
    assert table.splitlines()[1].startswith("1,")


def test_on_paper_charts_are_drawn_on_white(browser: webdriver.Chrome, page: str) -> None:
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    ground = "return getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()"
    try:
        assert browser.execute_script(ground) != "#ffffff"
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert browser.execute_script(ground) == "#ffffff"
        browser.execute_script("dispatchEvent(new Event('afterprint'))")
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("page", ["multiclass"], indirect=True)
def test_a_cell_of_the_matrix_shows_its_rows(browser: webdriver.Chrome, page: str) -> None:
    cells = browser.find_elements(By.CSS_SELECTOR, ".matrix td.wrong button")
    cell = cells[-1]
    where = cell.find_element(By.XPATH, "..")
    told = where.get_attribute("data-true"), where.get_attribute("data-predicted")
    browser.execute_script("arguments[0].click()", cell)
    panel = browser.find_element(By.CSS_SELECTOR, ".picked")
    rows = panel.find_elements(By.CSS_SELECTOR, "[data-row]")
    assert {(r.get_attribute("data-true"), r.get_attribute("data-predicted")) for r in rows} == {
        told
    }
    assert 0 < len(rows) <= int(cell.text)
    said = panel.find_element(By.CSS_SELECTOR, "[role=status]").text
    assert f"true {told[0]}, predicted {told[1]}" in said
    assert said.startswith("Showing ")
    browser.execute_script("arguments[0].querySelector('[role=status] button').click()", panel)
    assert browser.find_elements(By.CSS_SELECTOR, ".picked") == []
    assert browser.switch_to.active_element == cell


@pytest.mark.parametrize("page", ["regression"], indirect=True)
def test_a_bar_of_the_residuals_shows_its_rows(browser: webdriver.Chrome, page: str) -> None:
    figure = browser.find_element(By.CSS_SELECTOR, "figure[data-picks=error]")
    figure.send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
    data = figure.find_element(By.CSS_SELECTOR, ".chart-data").get_attribute("textContent")
    low, high = json.loads(str(data))["edges"][:2]
    rows = browser.find_elements(By.CSS_SELECTOR, ".picked [data-row]")
    errors = [float(str(row.get_attribute("data-error"))) for row in rows]
    assert errors
    assert all(low - 1e-3 <= error <= high + 1e-3 for error in errors)


@pytest.mark.parametrize("page", ["multiclass", "regression"], indirect=True)
def test_the_slider_moves_everything(browser: webdriver.Chrome, page: str) -> None:
    slider = browser.find_element(By.CSS_SELECTOR, ".scrubber input")
    said = browser.find_element(By.CSS_SELECTOR, ".scrubber output")
    weights = browser.find_element(By.CSS_SELECTOR, "[data-pane=weights]")
    assert said.text.startswith("after epoch 3:" if page == "multiclass" else "after epoch")
    last = said.text, weights.get_attribute("innerHTML")
    slider.send_keys(Keys.HOME)
    assert said.text.startswith("after epoch 0:")
    assert said.text != last[0]
    assert weights.get_attribute("innerHTML") != last[1]
    assert browser.execute_script("return document.querySelector('#learning figure').epoch") == 0
    if page == "multiclass":
        cells = browser.find_elements(By.CSS_SELECTOR, ".cells .right, .cells .wrong")
        data = "return JSON.parse(document.getElementById('scrubber-data').textContent)"
        rows = len(browser.execute_script(data)["recording"]["rows"])
        assert sum(int(cell.text or 0) for cell in cells) == rows


@pytest.mark.parametrize("page", ["multiclass"], indirect=True)
def test_a_picture_is_enlarged(browser: webdriver.Chrome, page: str) -> None:
    first, second = browser.find_elements(By.CSS_SELECTOR, "#rows img")[:2]
    browser.execute_script("arguments[0].closest('button').click()", first)
    large = browser.find_element(By.CSS_SELECTOR, "dialog.large")
    shown = "return document.querySelector('dialog.large img').src"
    assert browser.execute_script(shown) == first.get_attribute("src")
    large.send_keys(Keys.ARROW_RIGHT)
    assert browser.execute_script(shown) == second.get_attribute("src")
    large.find_element(By.CSS_SELECTOR, "button").click()
    assert large.get_attribute("open") is None


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
    for _ in range(2):
        button.click()
        pressed = button.get_attribute("aria-pressed") == "true"
        scale = browser.execute_script("return arguments[0].plot.scales.y.distr", figure)
        assert scale == (3 if pressed else 1)


def test_the_links_lead_to_the_sections(browser: webdriver.Chrome, page: str) -> None:
    links = browser.find_elements(By.CSS_SELECTOR, "nav a")
    targets = [str(link.get_attribute("href")).rpartition("#")[2] for link in links]
    assert all(browser.find_elements(By.ID, target) for target in targets)


@needs_axe
def test_the_page_is_accessible(browser: webdriver.Chrome, page: str) -> None:
    assert violations(browser) == []
