"""Photograph sets to COCO: pycocotools gives back the same masks."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.coco import CocoImage, coco, run_lengths, write_coco
from featherseg_engines.labels import Label, LabelTable

coco_api = pytest.importorskip("pycocotools.coco")
TABLE = LabelTable({1: Label(1, "nucleus", "#56b4e9"), 300: Label(300, "Läsion", "#ff0000")})
planes = arrays(
    np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 1, 300])
)


@settings(max_examples=40, deadline=None)
@given(st.lists(planes, min_size=1, max_size=3), st.booleans())
def test_pycocotools_reads_the_same_masks(tmp_path_factory, found, islands):
    path = tmp_path_factory.mktemp("coco") / "set.json"
    write_coco(path, [CocoImage(f"Bild {i}.png", plane) for i, plane in enumerate(found)], TABLE, islands)
    api = coco_api.COCO(str(path))
    for number, plane in enumerate(found, start=1):
        back = np.zeros(plane.shape, int)
        for annotation in api.loadAnns(api.getAnnIds(imgIds=[number])):
            mask = api.annToMask(annotation).astype(bool)
            assert not back[mask].any(), "annotations do not overlap"
            back[mask] = annotation["category_id"]
            y, x = np.nonzero(mask)
            assert annotation["area"] == mask.sum()
            assert annotation["bbox"] == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
        assert np.array_equal(back, plane)
    assert {c["id"]: c["name"] for c in api.loadCats(api.getCatIds())} == {1: "nucleus", 300: "Läsion"}


@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_runs_begin_with_background_and_cover_the_image(mask):
    runs = run_lengths(mask)
    assert sum(runs) == mask.size and sum(runs[1::2]) == mask.sum() and all(n > 0 for n in runs[1:])


def test_islands_are_counted_apart_or_together():
    plane = np.zeros((6, 6), np.uint16)
    plane[0, 0] = plane[1, 1] = plane[4, 4] = 1
    assert len(coco([CocoImage("a.png", plane)], TABLE)["annotations"]) == 2
    assert len(coco([CocoImage("a.png", plane)], TABLE, islands=False)["annotations"]) == 1


def test_a_label_without_a_row_is_named_after_its_number(tmp_path):
    write_coco(tmp_path / "a.json", [CocoImage("a.png", np.full((2, 2), 7, np.uint8))], LabelTable())
    data = json.loads((tmp_path / "a.json").read_text())
    assert [c["name"] for c in data["categories"]] == ["Label 7"]


def test_two_images_of_one_name_are_refused(tmp_path):
    image = CocoImage("a.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(WriteError, match=r"a\.png"):
        write_coco(tmp_path / "a.json", [image, image], TABLE)
    with pytest.raises(ValueError, match="without folders"):
        CocoImage("patients/doe.png", np.zeros((2, 2), np.uint8))
