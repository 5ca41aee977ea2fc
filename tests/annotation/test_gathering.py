"""From a workspace to what is taught: which voxels count, what a person touched, who is held out for good."""

import numpy as np
import pytest
from PIL import Image
from support.dicom_series import geometry_of, make_series
from support.photographs import photographs
from support.plain_labels import SHAPE, make_workspace
from support.taught import shipped

from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.intake import add_folder
from featherseg_engines.annotation.label_rows import LabelRow
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import Cancelled, ReadError, TrainingError
from featherseg_engines.labels import EMPTY_BOX, Box, Edit, Label
from featherseg_engines.refine.record import Mark, to_text
from featherseg_engines.teaching.gathering import Wanted, order_from_workspace
from featherseg_engines.teaching.holdout import split
from featherseg_engines.teaching.order import UNSEEN, Settings

BLOCK = Box((2, 4, 5), (4, 20, 30))
PART = Box((2, 4, 5), (3, 8, 9))


@pytest.fixture
def workspace(tmp_path):
    make_workspace(tmp_path / "w")
    with Workspace(tmp_path / "w", "AB") as opened:
        opened.labels.put([LabelRow(Label(1, "liver", "#111111")), LabelRow(Label(4, "cyst", "#222222"))])
        yield opened


def edit(workspace, case, box, value, source):
    history = workspace.open_case(case).history
    after = np.full(box.shape, value, np.uint8)
    history.do(history.labels.propose_edit(source, source, box, after))
    return history


def accept(workspace, *cases):
    workspace.set_state(cases, CaseState.ACCEPTED)


def test_an_accepted_mask_counts_as_a_whole_and_gets_class_numbers_in_the_table_s_order(workspace):
    edit(workspace, 1, BLOCK, 4, "proposal")
    accept(workspace, 1)
    order = order_from_workspace(workspace)
    assert order.classes == ("cyst",) and order.values == (4,) and order.colours == ("#222222",)
    (case,) = order.cases
    assert case.voxels.shape == SHAPE and case.spacing_mm == pytest.approx((3.0, 0.8, 0.9))
    assert (case.labels[BLOCK.slices] == 1).all() and case.labels.sum() == np.prod(BLOCK.shape)


def test_a_mask_accepted_as_proposed_is_not_corrected_and_one_that_a_hand_changed_says_where(workspace):
    for case in (1, 2):
        edit(workspace, case, BLOCK, 1, "proposal")
    edit(workspace, 2, PART, 0, "hand")
    accept(workspace, 1, 2)
    plain, corrected = order_from_workspace(workspace).cases
    assert not plain.corrected and plain.focus is None
    assert corrected.corrected and corrected.focus.sum() == np.prod(PART.shape)
    assert corrected.focus[PART.slices].all()
    only = order_from_workspace(workspace, wanted=Wanted(corrected_only=True))
    assert [case.name for case in only.cases] == [corrected.name]


def test_a_correction_that_was_undone_is_none(workspace):
    edit(workspace, 1, BLOCK, 1, "proposal")
    edit(workspace, 1, PART, 0, "hand").undo()
    accept(workspace, 1)
    (case,) = order_from_workspace(workspace).cases
    assert not case.corrected and case.focus is None


def test_a_stroke_on_the_proposal_corrects_and_is_in_focus(workspace):
    where = Box((3, 10, 10), (4, 12, 15))
    nothing = np.zeros((0, 0, 0), np.uint8)
    mark = Mark("stroke", 3, "weights", box=where, mask=np.ones(where.shape, np.bool_))
    workspace.open_case(1).history.do(Edit("Stroke", "stroke", EMPTY_BOX, nothing, nothing, to_text(mark)))
    edit(workspace, 1, BLOCK, 1, "proposal")
    accept(workspace, 1)
    (case,) = order_from_workspace(workspace).cases
    assert case.corrected and case.focus.sum() == 10 and case.focus[where.slices].all()


def test_of_a_volume_in_work_only_touched_slices_count(workspace):
    edit(workspace, 1, BLOCK, 1, "hand")
    (case,) = order_from_workspace(workspace, wanted=Wanted(settings=Settings(network="lgmsnet3d"))).cases
    seen = (case.labels != UNSEEN).all(axis=(1, 2))
    assert list(np.flatnonzero(seen)) == [2, 3]
    assert (case.labels[~seen] == UNSEEN).all()


def test_a_network_that_takes_slices_gets_only_those_that_were_seen(workspace):
    edit(workspace, 1, BLOCK, 1, "hand")
    (case,) = order_from_workspace(workspace).cases
    whole = workspace.read_volume(workspace.case(1)).voxels
    assert (
        np.array_equal(case.voxels, whole[2:4]) and case.labels.shape == case.focus.shape == case.voxels.shape
    )
    assert not (case.labels == UNSEEN).any()


def test_a_label_without_a_row_is_called_as_the_model_does_that_proposes_it(workspace):
    workspace.labels.remove(1)
    edit(workspace, 1, BLOCK, 1, "hand")
    accept(workspace, 1)
    assert order_from_workspace(workspace, wanted=Wanted(parent=shipped())).classes == ("lesion",)
    assert order_from_workspace(workspace).classes == ("Label 1",)


def test_labels_that_are_not_wanted_are_nothing(workspace):
    edit(workspace, 1, BLOCK, 1, "hand")
    edit(workspace, 1, PART, 4, "hand")
    accept(workspace, 1)
    order = order_from_workspace(workspace, wanted=Wanted(labels=(4,)))
    assert order.classes == ("cyst",) and order.cases[0].labels.sum() == np.prod(PART.shape)


def test_two_labels_of_one_name_stay_apart(workspace):
    workspace.labels.put([LabelRow(Label(4, "Liver", "#222222"))])
    edit(workspace, 1, BLOCK, 1, "hand")
    edit(workspace, 1, PART, 4, "hand")
    accept(workspace, 1)
    assert order_from_workspace(workspace).classes == ("liver 1", "Liver 4")


def test_an_image_that_is_gone_is_left_out_with_a_sentence_and_alone_it_is_an_error(workspace):
    for case in (1, 2):
        edit(workspace, case, BLOCK, 1, "hand")
    accept(workspace, 1, 2)
    workspace.image_path(workspace.case(1)).unlink()
    order = order_from_workspace(workspace)
    assert len(order.cases) == 1 and len(order.left_out) == 1 and "not where it was" in order.left_out[0]
    with pytest.raises(ReadError, match="not where it was"):
        order_from_workspace(workspace, [workspace.case(1)])


def test_with_no_case_or_no_label_there_is_a_sentence(workspace):
    with pytest.raises(TrainingError, match="No case is accepted"):
        order_from_workspace(workspace)
    accept(workspace, 1)
    with pytest.raises(TrainingError, match="label one"):
        order_from_workspace(workspace)


def test_a_cancel_is_heard_between_two_cases(workspace):
    def stop():
        raise Cancelled

    edit(workspace, 1, BLOCK, 1, "hand")
    with pytest.raises(Cancelled):
        order_from_workspace(workspace, between=stop)


@pytest.fixture
def photos(tmp_path):
    with Workspace(tmp_path / "p", "AB") as opened:
        rng = np.random.default_rng(0)
        (tmp_path / "images").mkdir()
        for i in range(14):
            pixels = rng.integers(0, 255, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / f"{i:02}.png")
        add_folder(opened, tmp_path / "images")
        for case in opened.cases():
            edit(opened, case.id, Box((0, 2, 2), (1, 9, 9)), 1, "hand")
        yield opened


def test_who_is_held_out_is_kept_with_the_workspace_and_never_changes(photos):
    later, first = [c.id for c in photos.cases()[:6]], [c.id for c in photos.cases()[6:]]
    accept(photos, *first)
    photos.set_state(later, CaseState.NEW)
    before = split_of(photos)
    accept(photos, *later)  # cases that stand before the others in the list
    after = split_of(photos)
    assert len(before) >= 2 and before == {name for name in after if name in names_of(photos, first)}
    photos.remove_cases(first[:3])
    gone = names_of(photos, first[3:] + later)
    assert split_of(photos) == {name for name in after if name in gone}


def names_of(workspace, cases):
    return {workspace.case(case).name for case in cases}


def split_of(workspace):
    order = order_from_workspace(workspace)
    made = split(order.cases, order.held_out)
    assert made.how == "held out"
    return {case.name for case in made.judge}


def test_with_fewer_than_eight_nothing_is_decided_yet(photos):
    for number, case in enumerate(photos.cases()):
        photos.set_state([case.id], CaseState.ACCEPTED if number < 5 else CaseState.NEW)
    order = order_from_workspace(photos)
    assert order.held_out == frozenset() and split(order.cases, order.held_out).how == "folds"


def test_the_same_image_twice_is_one_group(tmp_path):
    photographs(tmp_path / "images", 12)  # a few photographs, again and again
    with Workspace(tmp_path / "w", "AB") as opened:
        add_folder(opened, tmp_path / "images")
        cases = opened.cases()
        for case in cases:
            edit(opened, case.id, Box((0, 2, 2), (1, 9, 9)), 1, "hand")
        accept(opened, *(case.id for case in cases))
        groups = [case.group for case in order_from_workspace(opened).cases]
        contents = [opened.read_volume(case).content for case in cases]
    assert len(set(groups)) == len(set(contents)) < 12


def test_two_series_of_a_patient_are_one_group_and_no_number_is_kept_in_clear(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make_series(tmp_path / name, geometry_of((2, 8, 8), (3.0, 1.0, 1.0), (0, 0, 0)))
    with Workspace(tmp_path / "w", "AB") as opened:
        cases = add_folder(opened, tmp_path).cases
        for case in cases:
            edit(opened, case.id, Box((0, 2, 2), (1, 5, 5)), 1, "hand")
        groups = [case.group for case in order_from_workspace(opened).cases]
    assert len(groups) == 2 and len(set(groups)) == 1 and "4711" not in groups[0]
