"""A label table travels with each mask: names, colours and codes come back as they were."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from featherseg_engines.errors import ReadError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.label_table import (
    path_beside,
    read_labels_beside,
    table_from_json,
    table_from_nrrd_fields,
    table_to_json,
)
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import ABNORMAL_STRUCTURE, Code, Label, LabelTable

LIVER = Label(2, "Läsion, größte", "#12ab34", code=Code("10200004", "SCT", "Liver"))
TUMOUR = Label(300, "Tumour", "#ff0000", category=ABNORMAL_STRUCTURE)
TABLE = LabelTable({2: LIVER, 300: TUMOUR})


@pytest.mark.parametrize("name", ["m.nii.gz", "m.nii", "m.nrrd", "m.seg.nrrd", "m.mha", "m.tif", "m.png"])
def test_the_table_comes_back_with_the_mask(tmp_path, name):
    labels = np.zeros((1, 6, 7), np.uint16)
    labels[0, 2:4, 3] = 2
    labels[0, 5, 5] = 300
    write_mask(tmp_path / name, labels, Geometry((1, 6, 7)), TABLE)
    back = read_labels_beside(tmp_path / name)
    assert back is not None and list(back) == list(TABLE)


def test_a_mask_without_a_table_has_none(tmp_path):
    for name in ("m.nrrd", "m.png"):
        write_mask(tmp_path / name, np.zeros((1, 6, 7), np.uint8), Geometry((1, 6, 7)))
        assert read_labels_beside(tmp_path / name) is None
    assert read_labels_beside(tmp_path / "missing.nrrd") is None


def test_nrrd_holds_the_fields_that_3d_slicer_reads(tmp_path):
    labels = np.zeros((4, 6, 7), np.uint8)
    labels[1:3, 2:4, 3:6] = 2
    write_mask(
        tmp_path / "m.nrrd",
        labels,
        Geometry((4, 6, 7)),
        LabelTable({2: LIVER, 5: Label(5, "none", "#000000")}),
    )
    image = sitk.ReadImage(str(tmp_path / "m.nrrd"))
    assert image.GetMetaData("Segment0_Name") == "Läsion, größte"
    assert image.GetMetaData("Segment0_LabelValue") == "2"
    assert image.GetMetaData("Segment0_Extent") == "3 5 2 3 1 2"
    assert image.GetMetaData("Segment1_Extent") == "0 -1 0 -1 0 -1"
    red, green, blue = map(float, image.GetMetaData("Segment0_Color").split())
    assert (round(red * 255), round(green * 255), round(blue * 255)) == (0x12, 0xAB, 0x34)


text = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
codes = st.builds(Code, text.filter(bool), text.filter(bool), text)
rows = st.builds(
    Label,
    st.integers(1, 65535),
    text.filter(bool),
    st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}"),
    code=codes,
    category=codes,
)


@given(st.lists(rows, max_size=5))
def test_any_table_survives_json(found):
    table = LabelTable()
    for row in found:
        table.put(row)
    assert list(table_from_json(json.loads(json.dumps(table_to_json(table))))) == list(table)


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from([f"Segment{i}_{k}" for i in (0, 1) for k in ("LabelValue", "Color", "Tags", "Name")]),
        text,
    )
)
def test_odd_header_fields_never_fail(fields):
    table = table_from_nrrd_fields(fields)
    assert table is None or all(0 < row.value < 65536 for row in table)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"labels": 3}',
        '{"labels": [{"value": 0}]}',
        '{"labels": [{"value": "x"}]}',
        "[" * 20000,
    ],
)
def test_a_damaged_table_is_refused_with_one_sentence(tmp_path, content):
    mask = tmp_path / "m.png"
    path_beside(mask).write_text(content)
    with pytest.raises(ReadError, match=r"m\.labels\.json"):
        read_labels_beside(mask)
