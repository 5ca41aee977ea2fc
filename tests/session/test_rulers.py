"""Lengths between voxels of any shape and direction, and which case and slice a ruler belongs to."""

from pathlib import Path

import numpy as np
import pytest

from featherseg.session.case import new_case
from featherseg.session.rulers import Ruler, Rulers, ruler_commands
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume

SHAPE = (10, 20, 30)
LINE = Ruler(0, (4.0, 1.0, 2.0), (4.0, 9.0, 8.0))


def case(path=None, name=""):
    return new_case(Volume(np.zeros(SHAPE, np.uint8), Geometry(SHAPE), name=name, path=path))


def test_the_length_heeds_each_axis_own_spacing():
    assert LINE.length(Geometry(SHAPE, (5.0, 0.5, 0.5))) == pytest.approx(5.0)
    sagittal = Ruler(2, (0.0, 0.0, 3.0), (3.0, 4.0, 3.0))
    assert sagittal.length(Geometry(SHAPE, (2.0, 2.0, 9.0))) == pytest.approx(10.0)
    assert sagittal.in_words(Geometry(SHAPE, (2.0, 2.0, 9.0))) == "10.0 mm"


def test_turning_the_grid_changes_no_length():
    c, s = np.cos(0.4), np.sin(0.4)
    turned = Geometry(SHAPE, (5.0, 0.5, 0.7), (3.0, 2.0, 1.0), (c, -s, 0, s, c, 0, 0, 0, 1))
    assert LINE.length(turned) == pytest.approx(LINE.length(Geometry(SHAPE, (5.0, 0.5, 0.7))))


def test_a_photograph_is_measured_in_pixels():
    assert LINE.in_words(Geometry((1, 20, 30), calibrated=False)) == "10.0 px"


def test_rulers_stay_with_their_slice_and_their_case(session):
    rulers = Rulers(session)
    session.use(case(Path("a.nii")))
    rulers.add(LINE)
    rulers.add(Ruler(2, (1.0, 1.0, 7.0), (2.0, 2.0, 7.0)))
    assert rulers.in_slice(0, 4) == [LINE] and rulers.in_slice(0, 5) == [] and len(rulers.in_slice(2, 7)) == 1
    session.use(case(Path("b.nii")))
    assert len(rulers) == 0
    session.use(case(Path("a.nii")))
    assert len(rulers) == 2
    session.use(case(Path("a.nii"), "another series of the folder"))
    assert len(rulers) == 0
    session.use(case())
    rulers.add(LINE)
    session.use(case())
    assert len(rulers) == 0


def test_the_newest_or_all_can_be_taken_away_and_without_a_case_nothing_happens(session):
    rulers = Rulers(session)
    rulers.clear()
    rulers.remove_last()
    session.use(case())
    rulers.add(LINE)
    rulers.add(Ruler(0, (4.0, 0.0, 0.0), (4.0, 1.0, 1.0)))
    rulers.remove_last()
    assert rulers.in_slice(0, 4) == [LINE]
    take, clear = ruler_commands(session, rulers)
    take.run()
    assert session.tool == "ruler"
    clear.run()
    assert len(rulers) == 0
