"""The same mask on the same voxels counted in another order; anything else is refused."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from support.dicom_series import geometry_of

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.regrid import onto_grid

GRID = geometry_of((3, 4, 5), (2.0, 0.7, 0.9), (0.3, -0.2, 0.5))
LABELS = np.random.default_rng(3).integers(0, 4, GRID.shape).astype(np.uint16)


def turned(order: tuple[int, ...], flips: tuple[bool, ...]) -> tuple[np.ndarray, Geometry]:
    """The same voxels with axes in another order, some counted backwards."""
    matrix = np.asarray(GRID.direction).reshape(3, 3)[:, ::-1]  # columns for z, y, x
    start = np.array([n - 1 if flip else 0 for n, flip in zip(GRID.shape, flips, strict=True)])
    signs = np.where(flips, -1.0, 1.0)
    columns = (matrix * signs)[:, list(order)][:, ::-1]
    geometry = Geometry(
        tuple(GRID.shape[i] for i in order),
        tuple(GRID.spacing_mm[i] for i in order),
        tuple(GRID.to_world(start)),
        tuple(columns.ravel()),
    )
    labels = LABELS[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]
    return np.transpose(labels, order), geometry


@pytest.mark.parametrize("order", permutations(range(3)))
@pytest.mark.parametrize("flips", product([False, True], repeat=3))
def test_turned_and_flipped_masks_land_where_they_belong(order, flips):
    labels, geometry = turned(order, flips)
    assert np.array_equal(onto_grid(labels, geometry, GRID, "m"), LABELS)


@pytest.mark.parametrize(
    "other",
    [
        {"origin_mm": (0.0, 0.0, 0.0)},
        {"spacing_mm": (2.0, 0.7, 0.8)},
        {"direction": geometry_of((3, 4, 5), (1, 1, 1), (0.4, -0.2, 0.5)).direction},
        {"shape": (2, 4, 5)},
    ],
)
def test_other_voxels_are_refused(other):
    with pytest.raises(ReadError, match=r"'m\.nii'"):
        onto_grid(LABELS | 1, GRID, replace(GRID, **other), "m.nii")


def test_photographs_need_only_the_same_shape():
    flat = Geometry((1, 4, 5), calibrated=False)
    labels = np.ones((1, 4, 5), np.uint16)
    assert onto_grid(labels, flat, replace(flat, origin_mm=(9.0, 0.0, 0.0)), "m") is labels
    with pytest.raises(ReadError, match="5 x 4 x 1"):
        onto_grid(labels, flat, Geometry((1, 4, 6), calibrated=False), "m")
