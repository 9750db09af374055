"""A real browser for tests. Without one they are skipped, except where CI is set.

Debian's packages `chromium` and `chromium-driver` bring it; `make browser` brings axe-core, which
finds what a page lacks for those who use a keyboard or a screen reader.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from selenium import webdriver

AXE = Path(sys.prefix) / "axe.min.js"
_CHROMIUM, _DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
_IN_CI = bool(os.environ.get("CI"))
_SERIOUS = ("serious", "critical")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1000",
)

needs_chromium = pytest.mark.skipif(
    not (_CHROMIUM and _DRIVER) and not _IN_CI, reason="needs chromium and chromedriver"
)
needs_axe = pytest.mark.skipif(
    not AXE.exists() and not _IN_CI, reason="needs axe-core: make browser"
)


def open_browser(profile: Path) -> webdriver.Chrome:
    """Starts Chromium without a window; `profile` is an empty folder of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM or "chromium"
    for option in (*_OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(_DRIVER))


def violations(browser: webdriver.Chrome) -> list[str]:
    """Returns the serious findings of axe-core on the page that is open."""
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run().then(r => done(r.violations), e => done([String(e)]))"
    )
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:120]}"
        for item in found
        if item["impact"] in _SERIOUS
    ]
