"""What a lesson takes from a workspace: what somebody looked at, whose work it was, and nothing of the person's."""

import dataclasses

import numpy as np
import pytest
from support.paths import SAMPLE, TINY
from support.plain_labels import SHAPE, make_workspace
from support.taught import Free, shipped

from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.intake import add_images, put_mask
from featherseg_engines.annotation.label_rows import LabelRow
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import Cancelled, TrainingError
from featherseg_engines.labels import EMPTY_BOX, Box, Edit, Label
from featherseg_engines.refine.record import Mark, to_text
from featherseg_engines.teaching.gathering import Ask, gather, gather_dataset, since
from featherseg_engines.teaching.lineage import base_of
from featherseg_engines.teaching.order import UNSEEN, Settings

VOLUMES = Ask(None, None, Settings(network="lgmsnet3d"))
SLICES = Ask(None, None)


@pytest.fixture
def workspace(tmp_path):
    make_workspace(tmp_path / "w", cases=2)
    with Workspace(tmp_path / "w") as opened:
        yield opened


def edit(workspace, case, source, z, value=1, *, until=None):
    history = workspace.open_case(case).history
    box = Box((z, 3, 4), (until or z + 1, 9, 14))
    history.do(history.labels.propose_edit(source, source, box, np.full(box.shape, value, np.uint8)))


def stroke(workspace, case, z):
    history = workspace.open_case(case).history
    box = Box((z, 20, 20), (z + 1, 24, 24))
    mark = Mark("stroke", z, "abc", 0, True, box, np.ones(box.shape, bool))
    nothing = np.zeros((0, 0, 0), np.uint8)
    history.do(Edit("Smart stroke", "stroke", EMPTY_BOX, nothing, nothing, to_text(mark)))


def gathered(workspace, ask=VOLUMES, cases=(1,)):
    return gather(workspace, [workspace.case(number) for number in cases], ask, Free())


def test_of_a_volume_only_touched_and_accepted_slices_are_seen(workspace):
    edit(workspace, 1, "hand", 2)
    edit(workspace, 1, "proposal", 4)
    (case,) = gathered(workspace).cases
    assert case.labels.shape == SHAPE and case.voxels.shape == SHAPE
    assert [bool((plane != UNSEEN).any()) for plane in case.labels] == [z in (2, 4) for z in range(6)]
    assert (case.labels[2, 3:9, 4:14] == 1).all() and not case.labels[2, 0].any()


def test_where_slices_are_learnt_only_those_are_carried_along(workspace):
    edit(workspace, 1, "hand", 2)
    edit(workspace, 1, "tool", 4)
    (case,) = gathered(workspace, SLICES).cases
    assert case.labels.shape == (2, *SHAPE[1:]) == case.voxels.shape == case.focus.shape
    assert (case.voxels == workspace.read_volume(workspace.case(1)).voxels[[2, 4]]).all()


def test_a_mask_from_a_file_and_a_proposal_for_all_slices_speak_of_the_whole_volume(workspace):
    put_mask(workspace, workspace.case(1), np.eye(40, 48, dtype=np.uint8)[None].repeat(6, 0), "mask.nii.gz")
    edit(workspace, 2, "proposal", 1, until=3)
    order = gathered(workspace, cases=(1, 2))
    assert not any((case.labels == UNSEEN).any() for case in order.cases)


def test_what_was_taken_back_is_not_seen(workspace):
    edit(workspace, 1, "hand", 2)
    edit(workspace, 1, "hand", 3)
    workspace.open_case(1).history.undo()
    (case,) = gathered(workspace).cases
    assert (case.labels[3] == UNSEEN).all() and not (case.labels[2] == UNSEEN).any()


def test_a_case_is_corrected_where_a_hand_changed_what_was_proposed(workspace):
    edit(workspace, 1, "proposal", 2)
    edit(workspace, 2, "proposal", 2)
    edit(workspace, 2, "hand", 2, 5)
    order = gathered(workspace, cases=(1, 2))
    assert [case.corrected for case in order.cases] == [False, True]
    assert order.cases[0].focus is None and order.cases[1].focus.sum() == 60
    assert len(gathered(workspace, dataclasses.replace(VOLUMES, corrected_only=True), (1, 2)).cases) == 1


def test_a_smart_stroke_is_a_correction_and_says_where(workspace):
    edit(workspace, 1, "proposal", 2)
    stroke(workspace, 1, 3)
    (case,) = gathered(workspace).cases
    assert case.corrected and case.focus[3, 20:24, 20:24].all() and case.focus.sum() == 16
    assert (case.labels[3] == 0).all()


def test_label_numbers_become_classes_and_only_those_in_use(workspace):
    workspace.labels.put(
        [LabelRow(Label(v, n, "#123456")) for v, n in ((3, "vein"), (5, "bone"), (9, "nerve"))]
    )
    edit(workspace, 1, "hand", 0, 9)
    edit(workspace, 2, "hand", 0, 3)
    order = gathered(workspace, cases=(2, 1))
    assert order.classes == ("vein", "nerve") and order.values == (3, 9) and order.colours == ("#123456",) * 2
    assert [case.labels[0].max() for case in order.cases] == [2, 1]
    chosen = gathered(workspace, dataclasses.replace(VOLUMES, labels=(9,)), (1, 2))
    assert chosen.classes == ("nerve",) and [case.labels[0].max() for case in chosen.cases] == [1, 0]


def test_a_photograph_s_mask_is_whole_also_where_nothing_was_drawn(workspace):
    (added,) = add_images(workspace, [SAMPLE]).cases
    edit(workspace, 1, "hand", 0)
    order = gathered(workspace, SLICES, (1, added.id))
    assert not order.cases[1].labels.any() and order.cases[1].spacing_mm is None
    assert order.cases[0].spacing_mm == pytest.approx((3.0, 0.8, 0.9))


def test_an_image_that_is_gone_is_left_out_with_a_sentence(workspace, tmp_path):
    edit(workspace, 1, "hand", 0)
    edit(workspace, 2, "hand", 0)
    (tmp_path / "w-images" / "volume0.nii.gz").unlink()
    order = gathered(workspace, cases=(1, 2))
    assert [case.name for case in order.cases] == ["volume1"] and "volume0" in order.left_out[0]
    with pytest.raises(TrainingError, match="nothing to learn from"):
        gathered(workspace, cases=(1,))


def test_cases_without_any_label_teach_nothing(workspace):
    edit(workspace, 1, "hand", 0)
    edit(workspace, 1, "hand", 0, 0)
    with pytest.raises(TrainingError, match="no label is on any"):
        gathered(workspace)


def test_gathering_stops_between_two_cases_and_changes_nothing(workspace):
    class Stop:
        def between(self):
            raise Cancelled

    edit(workspace, 1, "hand", 0)
    before = workspace.case(1)
    with pytest.raises(Cancelled):
        gather(workspace, [before], VOLUMES, Stop())
    gathered(workspace)
    assert workspace.case(1) == before


def test_cases_are_new_until_learnt_and_again_when_changed(workspace):
    edit(workspace, 1, "hand", 0)
    edit(workspace, 2, "hand", 0)
    cases = workspace.cases({CaseState.IN_WORK})
    assert since(cases, {}) == 2
    assert since(cases, {"volume0": "9999-01-01", "volume1": "2001-01-01"}) == 1


def test_a_data_set_is_gathered_as_if_corrected_by_a_person():
    order = gather_dataset(read_dataset(TINY, "train"), SLICES, Free(), limit=3)
    assert len(order.cases) == 3 and order.values == (1,) and all(case.corrected for case in order.cases)
    assert set(np.unique(order.cases[0].labels)) == {0, 1}


def test_a_model_that_was_not_taught_here_is_its_own_base():
    assert base_of(shipped("repsegnet.polyp"), [shipped()]).card.name == "repsegnet.polyp"
