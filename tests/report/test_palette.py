"""The palette: contrasts, what colour-blind readers see, and no colours beside it."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

from dl.report import palette
from dl.report.palette import DARK, LIGHT, NAMES, TERMINAL, Palette

TEXT, GRAPHIC = 4.5, 3.0
"""Contrasts that WCAG 2.2 asks for: of text (1.4.3), and of lines and marks (1.4.11)."""
APART = 0.08
"""Least distance in OKLab of two series: four times what is just noticeable (about 0.02)."""

# Linear RGB as it is seen without one kind of cones, severity 1.0: G. Machado, M. Oliveira and
# L. Fernandes, "A physiologically-based model for simulation of color vision deficiency", IEEE
# Transactions on Visualization and Computer Graphics 15(6), 2009, table 1.
SEEN_BY = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# B. Ottosson, "A perceptual color space for image processing", 2020.
_CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    dark, light = sorted(float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: str, eye: str) -> np.ndarray:
    seen = np.clip(SEEN_BY[eye] @ linear(colour), 0, 1)
    return np.array(_LAB) @ np.cbrt(np.array(_CONES) @ seen)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("shown", [LIGHT, DARK])
@pytest.mark.parametrize("name", ["ink", "quiet", "accent", "warm"])
def test_text_is_read_on_paper_and_on_tiles(shown: Palette, name: str) -> None:
    assert contrast(getattr(shown, name), shown.paper) >= TEXT
    assert contrast(getattr(shown, name), shown.raised) >= TEXT


@pytest.mark.parametrize("shown", [LIGHT, DARK])
def test_series_are_seen_on_paper(shown: Palette) -> None:
    assert all(contrast(each, shown.paper) >= GRAPHIC for each in shown.series)


@pytest.mark.parametrize("shown", [LIGHT, DARK])
@pytest.mark.parametrize("eye", SEEN_BY)
def test_every_reader_tells_the_series_apart(shown: Palette, eye: str) -> None:
    seen = {each: lab(each, eye) for each in shown.series}
    near = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in combinations(seen, 2)}
    assert not {pair: distance for pair, distance in near.items() if distance < APART}


def test_orange_and_ochre_would_not_pass() -> None:
    one, other = (lab(each, "protanopia") for each in ("#d55e00", "#a67c00"))
    assert np.linalg.norm(one - other) < APART


@pytest.mark.parametrize("part", ["training", "validation", "test"])
@pytest.mark.parametrize("ground", ["#000000", "#ffffff"])
def test_the_parts_are_read_on_any_terminal(part: str, ground: str) -> None:
    assert contrast(TERMINAL[part], ground) >= GRAPHIC


def test_a_series_beyond_the_palette_is_grey() -> None:
    assert palette.colour(0) == LIGHT.training
    assert palette.colour(len(LIGHT.series)) == palette.colour(-1) == LIGHT.quiet
    assert len(NAMES) == len(LIGHT.series) == len(DARK.series)


def test_css_has_every_colour_for_both_grounds() -> None:
    light, dark = palette.css().splitlines()
    assert light.startswith(":root { color-scheme: light dark; --ink: #1f2933;")
    assert "--training: #0072b2; --validation: #d55e00; --test: #b5177a; --c0: #0072b2;" in light
    media = "@media screen and (prefers-color-scheme: dark)"
    assert dark.startswith(f"{media} {{ :root:not(.paper) {{ --ink: #e6ebf0;")
    assert re.findall(r"--\w+", light) == re.findall(r"--\w+", dark)


@pytest.mark.parametrize("name", ["page.css", "page.js", "board.js", "look.mplstyle"])
def test_assets_have_no_colours_of_their_own_but_white_behind_pictures(name: str) -> None:
    text = (files("dl.report") / "assets" / name).read_text(encoding="utf-8")
    assert set(re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|: [0-9A-F]{6}\b", text)) <= {"#fff"}
