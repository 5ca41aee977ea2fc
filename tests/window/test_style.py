"""Text stands out from its ground in both themes, and no colour bypasses them."""

import re

import pytest
from qtpy.QtGui import QColor

from featherseg.ui.style import COLOURS, palette_of, sheet, window_sheet

PAIRS = [
    ("text", ("window", "base", "alternate", "button")),
    ("quiet", ("window", "base", "alternate")),
    ("link", ("window", "base")),
    ("on_accent", ("accent", "accent_hover")),
    ("on_idle", ("idle",)),
    ("on_checked", ("checked",)),
    ("on_notice", ("notice", "problem")),
]


def luminance(colour):
    parts = (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """WCAG 2.2, success criterion 1.4.3."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_has_the_contrast_it_needs(theme):
    colours = COLOURS[theme]
    for text, grounds in PAIRS:
        for ground in grounds:
            found = contrast(getattr(colours, text), getattr(colours, ground))
            assert found >= 4.5, f"{text} on {ground} in {theme}: {found:.2f}"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_sheets_use_only_colours_of_their_theme(theme):
    colours = {getattr(COLOURS[theme], name) for name in COLOURS[theme].__slots__}

    assert set(re.findall(r"#[0-9a-f]{6}", sheet(theme) + window_sheet(theme))) <= colours
    assert "white" not in window_sheet(theme)


def test_the_palettes_differ():
    dark, light = palette_of("dark"), palette_of("light")

    assert dark.window().color().lightness() < 128 < light.window().color().lightness()
