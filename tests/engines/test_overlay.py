"""A second volume on the grid of the first: at the same place in the patient, or refused."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.dicom.source import DicomSource
from featherseg_engines.imaging.overlay import laid_over
from featherseg_engines.imaging.volume import Volume

FLIPPED = (-1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0)


def ramp(geometry, name="ramp", frame=None):
    """Each voxel holds 2 L + 3 P - S of its place, which linear interpolation keeps exactly."""
    world = geometry.to_world(np.stack(np.indices(geometry.shape), axis=-1))
    voxels = (world @ np.array([2.0, 3.0, -1.0])).astype(np.float32)
    source = DicomSource("1", "1", frame, (), ()) if frame is not None else None
    return Volume(voxels, geometry, "MR", name, source=source)


@settings(max_examples=25)
@given(
    st.tuples(*[st.floats(0.7, 2.5)] * 3),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.sampled_from([FLIPPED, None]),
)
def test_every_place_keeps_its_value(spacing, shift, direction):
    base = ramp(Geometry((6, 8, 10), (1.5, 1.0, 1.2)))
    middle = base.geometry.to_world((3, 4, 5))
    kwargs = {"direction": direction} if direction else {}
    loose = Geometry((30, 30, 30), spacing, (0, 0, 0), **kwargs)
    origin = tuple(middle + shift - loose.to_world((15, 15, 15)))
    other = ramp(dataclasses.replace(loose, origin_mm=origin), "other")
    shown = laid_over(base, other)
    assert shown.geometry == base.geometry and shown.voxels.shape == base.voxels.shape
    inside = other.geometry.to_index(
        base.geometry.to_world(np.stack(np.indices(base.geometry.shape), axis=-1))
    )
    known = ((inside >= 0) & (inside <= 29)).all(axis=-1)
    assert known.any() and np.allclose(shown.voxels[known], base.voxels[known], atol=0.02)


def test_the_same_grid_is_taken_as_it_is():
    base = ramp(Geometry((3, 4, 5)))
    other = dataclasses.replace(base, voxels=base.voxels + 1, name="other")
    assert laid_over(base, other).voxels is other.voxels


def test_another_frame_of_reference_is_refused_with_a_sentence():
    grid = Geometry((3, 4, 5))
    with pytest.raises(ReadError, match="'pet' lies in another frame of reference than 'ct'"):
        laid_over(ramp(grid, "ct", "1.2"), ramp(grid, "pet", "1.3"))


def test_where_nothing_says_so_a_warning_does_and_a_common_frame_needs_none():
    grid = Geometry((3, 4, 5))
    assert "check it by eye" in laid_over(ramp(grid, "a", "1.2"), ramp(grid, "b")).warnings[0]
    assert laid_over(ramp(grid, "a", "1.2"), ramp(grid, "b", "1.2")).warnings == ()


def test_volumes_that_lie_apart_or_have_no_place_or_are_colour_are_refused():
    base = ramp(Geometry((3, 4, 5)))
    far = ramp(Geometry((3, 4, 5), origin_mm=(500.0, 0.0, 0.0)), "far")
    photo = Volume(np.zeros((3, 4, 5)), Geometry((3, 4, 5), calibrated=False), name="photo")
    colour = Volume(np.zeros((3, 4, 5, 3), np.uint8), Geometry((3, 4, 5)), name="colour")
    for other, word in ((far, "apart"), (photo, "no place"), (colour, "colour")):
        with pytest.raises(ReadError, match=word):
            laid_over(base, other)
