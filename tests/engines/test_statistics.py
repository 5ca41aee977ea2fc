"""Measured labels against numpy, and their CSV against its readers."""

import csv
import io

import numpy as np
import pytest
from scipy import ndimage

from featherseg_engines.errors import Cancelled, WriteError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.progress import Reading
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Label, LabelTable
from featherseg_engines.statistics import measure
from featherseg_engines.statistics_table import as_csv, as_text, table_of, write_csv

SHAPE, SPACING = (14, 30, 26), (3.0, 0.7, 0.8)


def blobs(shape=SHAPE, dtype=np.uint8):
    rng = np.random.default_rng(4)
    return rng.choice([0, 0, 0, 1, 2, 7], size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_every_number_is_what_numpy_says_of_the_whole_volume(dtype):
    rng = np.random.default_rng(1)
    values = (rng.normal(40, 20, SHAPE)).clip(0, 250).astype(dtype)
    labels = blobs()
    geometry = Geometry(SHAPE, SPACING)
    rows = measure(Volume(values, geometry, "CT"), labels)
    assert [row.value for row in rows] == [1, 2, 7]
    for row in rows:
        mask = labels == row.value
        here = values[mask].astype(np.float64)
        assert row.voxels == mask.sum()
        assert row.volume_ml == pytest.approx(mask.sum() * np.prod(SPACING) / 1000) and row.area_mm2 is None
        assert row.mean == pytest.approx(here.mean()) and row.deviation == pytest.approx(here.std())
        assert (row.lowest, row.highest) == (here.min(), here.max())
        assert row.slices == mask.any(axis=(1, 2)).sum()
        assert row.islands == ndimage.label(mask, np.ones((3, 3, 3)))[1]
        where = np.argwhere(mask)
        assert row.box.start == tuple(where.min(0)) and row.box.stop == tuple(where.max(0) + 1)


def test_a_far_off_mean_costs_no_precision():
    values = np.full((3, 8, 8), 1e7, np.float64)
    values[:, ::2] += 1.0
    (row,) = measure(Volume(values, Geometry((3, 8, 8))), np.ones((3, 8, 8), np.uint8))
    assert row.deviation == pytest.approx(0.5, rel=1e-9)


def test_two_boxes_touching_at_a_corner_are_one_island_and_apart_are_two():
    labels = np.zeros((4, 8, 8), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 1
    labels[0, 0, 5] = labels[3, 7, 5] = 2
    rows = measure(Volume(np.zeros(labels.shape, np.uint8), Geometry(labels.shape)), labels)
    assert [row.islands for row in rows] == [1, 2]


def test_values_that_are_no_numbers_are_left_out():
    values = np.full((2, 3, 3), np.nan, np.float32)
    values[0, 0, 0], values[0, 0, 1] = 4.0, np.inf
    labels = np.zeros((2, 3, 3), np.uint8)
    labels[0], labels[1] = 1, 2
    one, two = measure(Volume(values, Geometry((2, 3, 3))), labels)
    assert (one.mean, one.lowest, one.highest, one.voxels) == (4.0, 4.0, 4.0, 9)
    assert two.mean is None and two.deviation is None and two.voxels == 9


def test_a_calibrated_slice_has_an_area_and_a_photograph_only_pixels():
    labels = np.ones((1, 10, 20), np.uint8)
    pixels = np.zeros((1, 10, 20), np.uint8)
    calibrated = Geometry((1, 10, 20), (1.0, 0.5, 0.5))
    (row,) = measure(Volume(pixels, calibrated), labels)
    assert row.area_mm2 == 50.0 and row.volume_ml is None
    assert "Area (mm²)" in table_of([row], LabelTable(), calibrated).header
    plain = Geometry((1, 10, 20), calibrated=False)
    colour = Volume(np.zeros((1, 10, 20, 3), np.uint8), plain, "photo")
    (row,) = measure(colour, labels)
    table = table_of([row], LabelTable(), plain)
    assert table.header == ("Label", "Name", "Pixels", "Box x (px)", "Box y (px)", "Islands")
    assert table.rows == (("1", "Label 1", "200", "20", "10", "1"),)


def test_measuring_can_be_stopped_and_says_how_far_it_is():
    labels, heard = np.ones((6, 4, 4), np.uint8), []
    volume = Volume(np.zeros((6, 4, 4), np.uint8), Geometry((6, 4, 4)))
    with pytest.raises(Cancelled):
        measure(volume, labels, Reading(lambda done, total: heard.append(done), lambda: len(heard) == 3))
    assert heard == [0, 1, 2]


def test_the_csv_reads_back_with_names_units_and_points(tmp_path):
    labels = blobs()
    geometry = Geometry(SHAPE, SPACING)
    rows = measure(Volume(np.full(SHAPE, -12, np.int16), geometry, "CT"), labels)
    names = LabelTable({1: Label(1, 'left, "upper" lobe', "#56b4e9"), 2: Label(2, "Zyste ß", "#e69f00")})
    table = table_of(rows, names, geometry, "HU")
    path = tmp_path / "s.csv"
    write_csv(path, table)
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") and b"\r\n" in raw and raw == as_csv(table)
    read = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert [row["Name"] for row in read] == ['left, "upper" lobe', "Zyste ß", "Label 7"]
    assert float(read[0]["Volume (ml)"]) == pytest.approx(rows[0].volume_ml, rel=1e-5)
    assert read[0]["Mean (HU)"] == "-12" and read[0]["Slices"] == "14"
    assert as_text(table).splitlines()[0].split("\t") == list(table.header)


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(WriteError, match="cannot be saved"):
        write_csv(tmp_path / "none" / "s.csv", table_of([], LabelTable(), Geometry((2, 2, 2))))
