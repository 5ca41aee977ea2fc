"""Labels for other programs, masks that come back with their names, and copies that name nobody."""

import json

import numpy as np
import pydicom
import pytest
from support.dicom_series import geometry_of, make_series
from support.paths import SAMPLE

from featherseg.session.exporting import copy_without_names, export_labels
from featherseg.session.session import Session
from featherseg_engines.labels import Box, Label

GRID = geometry_of((4, 12, 10), (2.5, 0.8, 0.7), (0.2, -0.1, 0.05))
BOX = Box((1, 2, 3), (3, 8, 7))


@pytest.fixture
def series(session, pump, tmp_path):
    """A session with a painted CT series."""
    folder = tmp_path / "series"
    folder.mkdir()
    make_series(folder, GRID)
    session.open_image(folder)
    pump.until(lambda: session.case is not None)
    session.table.put(Label(1, "liver", "#e69f00"))
    session.paint("Brush", BOX, np.ones(BOX.shape, np.uint8))
    return folder


@pytest.mark.parametrize("kind", ["dicom-seg", "dicom-labelmap"])
def test_a_dicom_segmentation_comes_back_with_voxels_and_names_and_without_the_patient(
    session, pump, series, tmp_path, kind
):
    target = tmp_path / "seg.dcm"
    export_labels(session, target, kind)
    pump.until(lambda: not session.reading)
    assert session.notices[-1].text == "Exported as 'seg.dcm'."
    assert "Doe" not in str(pydicom.dcmread(target))
    painted = session.case.labels.array.copy()
    session.open_image(series)
    pump.until(
        lambda: session.case is not None and not session.reading and not session.case.labels.array.any()
    )
    session.table.put(Label(1, "label 1", "#56b4e9"))
    session.open_mask(target)
    assert np.array_equal(session.case.labels.array, painted)
    assert session.table.rows[1].name == "liver"


def test_a_surface_and_a_structure_set_are_written(session, pump, series, tmp_path):
    for name, kind in (("mask.ply", "ply"), ("rt.dcm", "rtstruct")):
        export_labels(session, tmp_path / name, kind)
        pump.until(lambda: not session.reading)
        assert (tmp_path / name).stat().st_size > 500


def test_what_cannot_be_written_is_told_and_nothing_is_lost(session, pump, tmp_path):
    session.open_image(SAMPLE)
    pump.until(lambda: session.case is not None)
    session.paint("Brush", Box((0, 5, 5), (1, 9, 9)), np.ones((1, 4, 4), np.uint8))
    export_labels(session, tmp_path / "seg.dcm", "dicom-seg")
    pump.until(lambda: not session.reading)
    assert "not read from DICOM" in session.notices[-1].text and session.notices[-1].kind == "problem"
    assert session.case.labels.array.any() and not list(tmp_path.iterdir())


def test_a_photograph_leaves_as_coco_and_a_saved_mask_brings_its_names_back(session, pump, tmp_path):
    session.open_image(SAMPLE)
    pump.until(lambda: session.case is not None)
    session.table.put(Label(2, "naevus", "#009e73"))
    session.choose_label(2)
    session.paint("Brush", Box((0, 5, 5), (1, 9, 9)), np.full((1, 4, 4), 2, np.uint8))
    export_labels(session, tmp_path / "set.json", "coco")
    pump.until(lambda: not session.reading)
    assert json.loads((tmp_path / "set.json").read_text())["categories"][0]["name"] == "naevus"
    assert session.save_mask(tmp_path / "mask.png")
    other = Session(pump.post)
    try:
        other.open_image(SAMPLE)
        pump.until(lambda: other.case is not None)
        other.open_mask(tmp_path / "mask.png")
        assert other.table.rows[2].name == "naevus" and other.table.rows[2].colour == "#009e73"
    finally:
        other.close()


def test_copies_name_nobody_and_doubtful_pixels_need_a_look_first(session, pump, series, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for file in series.iterdir():
        header = pydicom.dcmread(file)
        header.BurnedInAnnotation = "YES"
        header.save_as(file)
    copy_without_names(session, out)
    assert "may show a name" in session.notices[-1].text and not list(out.iterdir())
    session.notices[-1].offers[0].run()
    pump.until(lambda: not session.reading)
    copies = [pydicom.dcmread(path) for path in sorted(out.iterdir())]
    assert len(copies) == 4 and all("Doe" not in str(copy) for copy in copies)
    copy_without_names(session, out, pixels_checked=True)
    pump.until(lambda: not session.reading)
    assert "is not empty" in session.notices[-1].text
