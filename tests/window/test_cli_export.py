"""``featherseg export`` and ``deidentify``, run as a person runs them."""

import json
import subprocess
import sys

import numpy as np
import pydicom
import pytest
from PIL import Image
from support.dicom_series import geometry_of, make_series
from support.paths import SAMPLE

from featherseg_engines.imaging.dicom.segmentation import read_segmentation
from featherseg_engines.imaging.label_table import read_labels_beside
from featherseg_engines.imaging.readers import read_image, read_mask
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Label, LabelTable

GRID = geometry_of((5, 12, 10), (2.5, 0.7, 0.9), (0.3, -0.2, 0.5))
TABLE = LabelTable({2: Label(2, "Leber", "#12ab34")})


def featherseg(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "featherseg.cli", *(str(w) for w in words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280)


@pytest.fixture
def case(tmp_path):
    """A series in a folder and a mask of it with names."""
    make_series(tmp_path / "series", GRID)
    volume = read_image(tmp_path / "series")
    labels = np.zeros(volume.geometry.shape, np.uint16)
    labels[1:4, 3:8, 2:7] = 2
    write_mask(tmp_path / "mask.nii.gz", labels, volume.geometry, TABLE)
    return tmp_path


def test_a_series_and_its_mask_become_dicom_seg_and_come_back(case):
    done = featherseg("export", case / "mask.nii.gz", case / "series", case / "seg.dcm")
    assert done.returncode == 0, done.stderr
    volume = read_image(case / "series")
    found = read_segmentation(case / "seg.dcm", volume)
    assert np.array_equal(found.labels, read_mask(case / "mask.nii.gz"))
    assert found.table.rows[2].name == "Leber"
    assert str(pydicom.dcmread(case / "seg.dcm").PatientName) == ""
    back = featherseg("export", case / "seg.dcm", case / "series", case / "back.nii.gz")
    assert back.returncode == 0, back.stderr
    assert np.array_equal(read_mask(case / "back.nii.gz"), found.labels)
    assert read_labels_beside(case / "back.nii.gz").rows[2].name == "Leber"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rt.dcm", ["--as", "rtstruct"]),
        ("m.stl", []),
        ("m.ply", []),
        ("m.nrrd", []),
        ("l.dcm", ["--as", "dicom-labelmap"]),
    ],
)
def test_each_kind_is_written(case, name, options):
    done = featherseg("export", case / "mask.nii.gz", case / "series", case / name, *options)
    assert done.returncode == 0 and (case / name).stat().st_size > 100, done.stderr


def test_mask_and_images_leave_together_under_new_identifiers(case):
    done = featherseg(
        "export", case / "mask.nii.gz", case / "series", case / "s.dcm", "--images", case / "out"
    )
    assert done.returncode == 0, done.stderr
    copies = [pydicom.dcmread(p) for p in sorted((case / "out").iterdir())]
    mask = pydicom.dcmread(case / "s.dcm")
    assert len(copies) == 5 and {c.SeriesInstanceUID for c in copies} == {
        mask.ReferencedSeriesSequence[0].SeriesInstanceUID
    }
    volume = read_image(case / "out")
    assert np.array_equal(read_segmentation(case / "s.dcm", volume).labels, read_mask(case / "mask.nii.gz"))


def test_photographs_become_coco(tmp_path):
    plane = np.zeros((192, 256), np.uint8)
    plane[20:60, 30:90] = 1
    Image.fromarray(plane).save(tmp_path / "m.png")
    done = featherseg("export", tmp_path / "m.png", SAMPLE, tmp_path / "set.json")
    assert done.returncode == 0, done.stderr
    data = json.loads((tmp_path / "set.json").read_text())
    assert data["images"][0]["file_name"] == SAMPLE.name and data["annotations"][0]["area"] == 2400


def test_copies_without_names(case):
    done = featherseg("deidentify", case / "series", case / "out")
    assert done.returncode == 0, done.stderr
    assert len(list((case / "out").iterdir())) == 5
    assert not [p for p in (case / "out").iterdir() if b"Doe" in p.read_bytes()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mask.nii.gz", "series", "m.xyz"], "unknown ending"),
        (["mask.nii.gz", "series", "m.stl", "--as", "rtstruct"], "should end in .dcm"),
        (["missing.nii.gz", "series", "m.dcm"], "missing.nii.gz"),
        (["mask.nii.gz", "nowhere", "m.dcm"], "nowhere"),
        (["mask.nii.gz", "mask.nii.gz", "m.dcm"], "was not read from DICOM"),
        (["other.nii.gz", "series", "m.dcm"], "other voxels"),
        (["mask.nii.gz", "series", "m.json"], "COCO is for photographs"),
        (["mask.nii.gz", "series", "m.dcm", "--images", "series"], "not empty"),
        (["mask.nii.gz", "series", "m.dcm", "--images", "o", "--keep-identity"], "does not go with"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(case, words, said):
    other = geometry_of((5, 12, 10), (2.5, 0.7, 0.8), (0, 0, 0))
    write_mask(case / "other.nii.gz", np.ones(other.shape, np.uint8), other)
    files = [case / word if "." in word or word in ("series", "nowhere", "o") else word for word in words]
    done = featherseg("export", *files)
    assert done.returncode == 2 and said in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
