"""How many pictures a second the page of `dl play` shows while it trains, in a real browser.

python benchmarks/play.py [--seconds 8] [--presets xor circles moons spiral] [--picture FILE]

Starts `dl play`, opens its page in Chromium without a window, trains each problem as fast as it
can, and counts what the page has drawn: the plane, each unit, the weights and the loss. Aim, on two
quiet cores: 10 pictures a second at the least. With --picture, the page as it trains the last of
the problems is written to FILE, as docs/images/play.png was.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from models import DL
from PIL import Image
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.browser import open_browser

_PAINT = """
const plane = document.getElementById('plane'), box = plane.getBoundingClientRect();
plane.setPointerCapture = () => {};
const send = (kind, at) => plane.dispatchEvent(new PointerEvent(kind, {pointerId: 1, button: 0,
  bubbles: true, clientX: box.left + box.width * at, clientY: box.top + box.height * 0.3}));
let at = 0.1;
window.painting = setInterval(() => {
  at = at > 0.9 ? 0.1 : at + 0.011;
  send('pointerdown', at);
  send('pointerup', at);
}, 100);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--presets", nargs="+", default=["xor", "circles", "moons", "spiral"])
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    command = [DL, "play", "--port", "0", "--quiet"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as played,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        address = played.stdout.readline().strip() if played.stdout else ""
        browser = open_browser(Path(profile))
        try:
            browser.get(address)
            for name in given.presets:
                script = f"document.querySelector('[data-preset={name}]').click()"
                _measure(browser, name, script, given.seconds)
            if given.picture:
                browser.set_window_size(1240, 1045)
                time.sleep(1)
                picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
                picture.quantize(200, dither=Image.Dither.NONE).save(given.picture, optimize=True)
            _measure(browser, "while points are painted", _PAINT, given.seconds)
        finally:
            browser.quit()
            played.terminate()


def _measure(browser: webdriver.Chrome, name: str, script: str, seconds: float) -> None:
    """Prints how many pictures, and epochs, a second of training has."""
    run = browser.execute_script
    run(script)
    time.sleep(1)
    if script is not _PAINT:
        state = browser.find_element("id", "state")
        WebDriverWait(browser, 60).until(lambda _: state.text == "paused")
    run(
        "document.getElementById('tempo').value = '0';"
        "const train = document.getElementById('train');"
        "if (train.getAttribute('aria-pressed') === 'false') train.click();"
    )
    time.sleep(2)
    count = (
        "return [Number(document.documentElement.dataset.pictures),"
        "Number(document.getElementById('epoch').textContent.replace(/\\D/g, '')), Date.now()]"
    )
    (pictures, epochs, begun), _ = run(count), time.sleep(seconds)
    more, later, end = run(count)
    passed = (end - begun) / 1000
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(
        f"{name:26} {(more - pictures) / passed:5.1f} pictures/s, "
        f"{(later - epochs) / passed:6.1f} epochs/s; load {load}",
        flush=True,
    )


if __name__ == "__main__":
    main()
