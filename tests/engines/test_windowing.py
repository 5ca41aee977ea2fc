"""Grey-value windows: what a volume is first shown with, and what else is offered."""

import numpy as np
import pytest

from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.imaging.windowing import in_words, limits, presets_for, unit_of


def grey(modality, values, windows=(), calibrated=True):
    voxels = np.asarray(values)
    return Volume(voxels, Geometry(voxels.shape, calibrated=calibrated), modality, windows=windows)


CT = np.random.default_rng(1).integers(-1024, 1500, (6, 40, 40)).astype(np.int16)


def test_a_ct_begins_with_the_files_own_window_and_offers_the_four_presets():
    first, *others = presets_for(grey("CT", CT, (Window(50, 350, "SOFT"),)))
    assert (first.centre, first.width) == (50, 350) and "SOFT" in first.name
    assert {(w.name, w.width, w.centre) for w in others} >= {
        ("Abdomen", 400, 40),
        ("Lung", 1500, -600),
        ("Bone", 1800, 400),
        ("Brain", 80, 40),
    }


def test_a_ct_without_windows_begins_with_the_abdomen():
    assert presets_for(grey("CT", CT))[0].name == "Abdomen"
    assert presets_for(grey("", CT))[0].name == "Abdomen", "air at -1000 tells a CT where nothing says so"


def test_an_mr_begins_with_its_own_1st_to_99th_percentile_and_spikes_do_not_matter():
    voxels = np.random.default_rng(2).normal(500, 50, (8, 50, 50))
    voxels[4, 4, 4] = 1e6
    auto = presets_for(grey("MR", voxels.astype(np.float32), (Window(1, 2),)))[0]
    assert auto.name == "Auto"
    assert limits(auto) == pytest.approx(np.percentile(voxels, (1, 99)), rel=0.02)


def test_a_grey_photograph_begins_with_black_at_0_and_white_at_255():
    photo = grey("photo", np.full((1, 9, 9), 77, np.uint8), calibrated=False)
    assert limits(presets_for(photo)[0]) == (0, 255)


@pytest.mark.parametrize("values", [np.zeros((2, 3, 3)), np.full((2, 3, 3), np.nan), np.full((2, 3, 3), 7)])
def test_a_volume_of_one_value_still_has_a_window_of_some_width(values):
    assert all(window.width > 0 and np.isfinite(window.centre) for window in presets_for(grey("MR", values)))


def test_colour_images_have_no_window():
    assert presets_for(Volume(np.zeros((1, 4, 4, 3), np.uint8), Geometry((1, 4, 4)))) == ()


def test_a_window_in_words_and_the_unit_only_where_it_is_known():
    assert in_words(Window(40, 400)) == "W 400 L 40"
    assert in_words(Window(0.125, 0.5)) == "W 0.5 L 0.125"
    assert unit_of(grey("CT", CT)) == "HU" and unit_of(grey("", CT)) == ""
