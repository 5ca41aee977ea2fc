"""How thick a person's structures are, which decides how large the candidate sees; on large pictures too."""

import numpy as np
import pytest
from scipy import ndimage

from featherseg_engines.teaching.order import UNSEEN
from featherseg_engines.teaching.sight import MEASURED, typical_thickness


def discs(side, places, radius):
    rows, columns = np.ogrid[:side, :side]
    plane = np.zeros((side, side), np.uint8)
    for y, x in places:
        plane[(rows - y) ** 2 + (columns - x) ** 2 <= radius**2] = 1
    return plane


@pytest.mark.parametrize(("side", "radius"), [(100, 12), (700, 200), (2500, 700)])
def test_a_disc_is_as_thick_as_its_diameter(side, radius):
    plane = discs(side, [(side // 2, side // 2)], radius)
    assert typical_thickness([plane]) == pytest.approx(2 * radius, rel=0.03, abs=2)


def test_small_ones_on_a_large_picture_are_measured_at_their_own_size():
    places = [(y, x) for y in range(40, 2000, 80) for x in range(40, 2000, 80)]
    plane = discs(2000, places[:120], 7)
    plane[1500:1502, ::5] = 1  # dirt, more pieces than are measured
    assert typical_thickness([plane]) == pytest.approx(15, abs=2)


def test_what_nobody_has_looked_at_and_dirt_say_nothing():
    assert typical_thickness([np.full((50, 50), UNSEEN, np.uint8)]) is None
    speck = np.zeros((50, 50), np.uint8)
    speck[3, 3] = 1
    assert typical_thickness([speck, np.zeros((9, 9), np.uint8)]) is None


def test_the_time_does_not_grow_with_the_picture(monkeypatch):
    sizes, plain = [], ndimage.distance_transform_edt
    monkeypatch.setattr(ndimage, "distance_transform_edt", lambda x: sizes.append(x.size) or plain(x))
    typical_thickness([discs(3000, [(1500, 1500)], 1400)])
    assert sum(sizes) < 1.5 * MEASURED
