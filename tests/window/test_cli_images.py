"""``featherseg info`` and ``convert`` as a person runs them."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from support.dicom import write_series
from support.paths import DATA, SAMPLE

from featherseg_engines.geometry import Geometry

GRID = Geometry((5, 6, 7), (2.5, 0.8, 0.7), (-40.0, 30.0, 12.5))
VOXELS = np.arange(210, dtype=np.int16).reshape(5, 6, 7)


def featherseg(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "featherseg.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=120)


def test_info_says_what_a_series_is(tmp_path):
    write_series(tmp_path, VOXELS, GRID, SeriesDescription="THIN", RescaleSlope=1, RescaleIntercept=-1000)
    run = featherseg("info", tmp_path, "--json")
    assert run.returncode == 0 and run.stderr == ""
    (row,) = json.loads(run.stdout)
    assert row["shape"] == [5, 6, 7] and row["spacing_mm"] == pytest.approx([2.5, 0.8, 0.7])
    assert row["origin_mm"] == [-40, 30, 12.5] and row["direction"] == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert (row["modality"], row["dtype"], row["value_range"]) == ("CT", "int16", [-1000, -791])
    assert row["warnings"] == [] and row["description"] == "THIN"
    assert "Nobody" not in run.stdout


def test_info_of_a_photograph_and_of_two_series(tmp_path):
    (row,) = json.loads(featherseg("info", SAMPLE, "--json").stdout)
    assert row["shape"] == [1, 192, 256, 3] and row["modality"] == "photo" and not row["calibrated"]
    write_series(tmp_path / "a", VOXELS, GRID, SeriesNumber=1)
    write_series(tmp_path / "b", VOXELS[:, :4, :4], GRID, SeriesNumber=2, SeriesInstanceUID="1.2.5")
    rows = json.loads(featherseg("info", tmp_path, "--json").stdout)
    assert [row["shape"] for row in rows] == [[5, 6, 7], [5, 4, 4]]


def test_convert_keeps_values_and_place(tmp_path):
    write_series(tmp_path / "in" / "a", VOXELS, GRID, SeriesNumber=1)
    write_series(tmp_path / "in" / "b", VOXELS + 500, GRID, SeriesNumber=2, SeriesInstanceUID="1.2.5")
    run = featherseg("convert", tmp_path / "in", tmp_path / "out.nii.gz", "--series", 2)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    image = sitk.ReadImage(str(tmp_path / "out.nii.gz"))
    assert np.array_equal(sitk.GetArrayFromImage(image), VOXELS + 500)
    assert np.allclose(image.TransformIndexToPhysicalPoint((6, 5, 4)), GRID.to_world((4, 5, 6)), atol=1e-3)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("info", "nowhere.nii"), "There is no file 'nowhere.nii'"),
        (("info", DATA / "dicom" / "highdicom__sr_document.dcm", "--json"), "holds no image"),
        (("convert", SAMPLE, "out.docx"), "unknown ending"),
        (("convert", SAMPLE, "no/where/out.nii.gz"), "folder is missing"),
        (("convert", DATA / "dicom", "out.nii.gz"), "choose one by its number"),
        (("convert", DATA / "dicom" / "oblique", "out.png"), "cannot hold|one slice"),
    ],
)
def test_a_refusal_is_one_sentence_on_stderr_and_exit_code_2(words, sentence):
    import re

    run = featherseg(*words)
    assert run.returncode == 2 and run.stdout == ""
    assert re.search(sentence, run.stderr) and run.stderr.count("\n") == 1
    assert "Traceback" not in run.stderr
