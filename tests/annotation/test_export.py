"""Accepted cases out of a workspace: nnU-Net's layout and a folder of masks, read back by others."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from support.paths import SAMPLE
from support.plain_labels import SHAPE, make_workspace

from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.export.registry import (
    Exporter,
    Exporters,
    export_accepted,
    standard_exporters,
)
from featherseg_engines.annotation.intake import add_images
from featherseg_engines.annotation.label_rows import LabelRow
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.readers import read_image, read_mask
from featherseg_engines.labels import Box, Label


@pytest.fixture
def workspace(tmp_path):
    make_workspace(tmp_path / "w")
    with Workspace(tmp_path / "w") as opened:
        opened.labels.put([LabelRow(Label(2, "kidney", "#00ff00")), LabelRow(Label(5, "cyst", "#ff0000"))])
        for case in (1, 2):
            history = opened.open_case(case).history
            after = np.full((1, 6, 10), 2, np.uint8)
            after[:, 3:] = 5
            history.do(
                history.labels.propose_edit("Brush", "hand", Box((case, 3, 4), (case + 1, 9, 14)), after)
            )
        opened.set_state([1, 2], CaseState.ACCEPTED)
        yield opened


def test_accepted_volumes_go_out_as_an_nnunet_data_set(workspace, tmp_path):
    target = tmp_path / "Dataset001_test"
    told = export_accepted(workspace, standard_exporters()["nnunet"], target)
    assert any("2 became 1, 5 became 2" in sentence for sentence in told)
    data = json.loads((target / "dataset.json").read_text())
    assert data == {
        "channel_names": {"0": "image"},
        "labels": {"background": 0, "kidney": 1, "cyst": 2},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    assert sorted(p.name for p in (target / "imagesTr").iterdir()) == [
        "volume0_0000.nii.gz",
        "volume1_0000.nii.gz",
    ]
    labels = nibabel.load(target / "labelsTr" / "volume0.nii.gz")
    image = nibabel.load(target / "imagesTr" / "volume0_0000.nii.gz")
    assert np.allclose(labels.affine, image.affine) and labels.shape == image.shape == SHAPE[::-1]
    values = np.asarray(labels.dataobj).T
    assert (
        set(np.unique(values)) == {0, 1, 2}
        and (values[1, 3:6, 4:14] == 1).all()
        and (values[1, 6:9, 4:14] == 2).all()
    )


def test_accepted_photographs_go_out_as_colour_png(tmp_path):
    with Workspace(tmp_path / "photos") as workspace:
        (case,) = add_images(workspace, [SAMPLE]).cases
        workspace.set_state([case.id], CaseState.ACCEPTED)
        export_accepted(workspace, standard_exporters()["nnunet"], tmp_path / "out")
        data = json.loads((tmp_path / "out" / "dataset.json").read_text())
        assert data["channel_names"] == {"0": "R", "1": "G", "2": "B"} and data["file_ending"] == ".png"
        pixels = np.asarray(Image.open(tmp_path / "out" / "imagesTr" / "skin_lesion_0000.png"))
        assert np.array_equal(pixels, read_image(SAMPLE).slice(0))
        assert not read_mask(tmp_path / "out" / "labelsTr" / "skin_lesion.png").any()


def test_accepted_photographs_go_out_as_coco_and_volumes_are_told(tmp_path, workspace):
    with pytest.raises(WriteError, match="'volume0' is a volume"):
        export_accepted(workspace, standard_exporters()["coco"], tmp_path / "a")
    with Workspace(tmp_path / "photos") as photos:
        (case,) = add_images(photos, [SAMPLE]).cases
        history = photos.open_case(case.id).history
        after = np.full((1, 6, 10), 3, np.uint8)
        history.do(history.labels.propose_edit("Brush", "hand", Box((0, 3, 4), (1, 9, 14)), after))
        photos.set_state([case.id], CaseState.ACCEPTED)
        export_accepted(photos, standard_exporters()["coco"], tmp_path / "b")
    data = json.loads((tmp_path / "b" / "annotations.json").read_text())
    assert (
        data["images"][0]["file_name"] == "skin_lesion.png"
        and (tmp_path / "b/images/skin_lesion.png").exists()
    )
    assert data["annotations"][0]["bbox"] == [4, 3, 10, 6] and data["annotations"][0]["category_id"] == 3


def test_photographs_and_volumes_are_not_mixed_for_nnunet_but_go_into_a_folder(workspace, tmp_path):
    (case,) = add_images(workspace, [SAMPLE]).cases
    workspace.set_state([case.id], CaseState.ACCEPTED)
    with pytest.raises(WriteError, match="one kind"):
        export_accepted(workspace, standard_exporters()["nnunet"], tmp_path / "a")
    export_accepted(workspace, standard_exporters()["folder"], tmp_path / "b")
    assert sorted(p.name for p in (tmp_path / "b" / "masks").iterdir()) == [
        "skin_lesion.png",
        "volume0.nii.gz",
        "volume1.nii.gz",
    ]
    assert (read_mask(tmp_path / "b" / "masks" / "volume1.nii.gz") == 5).sum() == 30
    assert json.loads((tmp_path / "b" / "labels.json").read_text())["labels"][0]["name"] == "kidney"


def test_nothing_accepted_a_filled_folder_and_an_unknown_name_are_told(workspace, tmp_path):
    (tmp_path / "filled").mkdir()
    (tmp_path / "filled" / "thesis.txt").write_text("keep")
    exporters = standard_exporters()
    with pytest.raises(WriteError, match="holds something"):
        export_accepted(workspace, exporters["folder"], tmp_path / "filled")
    workspace.set_state([1, 2], CaseState.IN_WORK)
    with pytest.raises(WriteError, match="No case is accepted"):
        export_accepted(workspace, exporters["folder"], tmp_path / "out")
    with pytest.raises(WriteError, match="nnunet, folder"):
        exporters["csv"]


def test_another_way_out_can_be_put_in(workspace, tmp_path):
    def count(job):
        for i, item in enumerate(job.items):
            job.tell(i, len(job.items))
            Path(job.folder / item.case.name).write_text(str(int(np.count_nonzero(item.labels()))))
        return ["counted"]

    exporters = Exporters()
    exporters.add(Exporter("count", "Count", count))
    heard = []
    told = export_accepted(workspace, exporters["count"], tmp_path / "out", lambda i, n: heard.append((i, n)))
    assert told == ["counted"] and heard == [(0, 2), (1, 2)]
    assert (tmp_path / "out" / "volume0").read_text() == "60"
