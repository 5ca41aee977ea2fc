"""Strokes on the ghost without a screen: what they do, how they are taken back, and where they are carried."""

from dataclasses import replace

import numpy as np
import pytest
from support.paths import TINY
from support.stroked import StrokedEngine

from featherseg.session.case import OpenCase, new_case
from featherseg.session.commands import leave_or_drop, propose_or_accept
from featherseg.session.session import Session
from featherseg_engines.annotation.history import History
from featherseg_engines.annotation.intake import add_images
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.inference.onnx_engine import OnnxEngine
from featherseg_engines.labels import Box, LabelMap
from featherseg_engines.refine.drawing import lasso, rectangle, stroke_along
from featherseg_engines.refine.record import LONGEST, from_text

SIZE = (24, 30)


def volume(depth: int = 5) -> Volume:
    values = np.random.default_rng(0).integers(0, 900, (depth, *SIZE)).astype(np.int16)
    return with_content(Volume(values, Geometry((depth, *SIZE))))


@pytest.fixture
def made(pump):
    sessions = []

    def build(engine=None, case=None) -> Session:
        engine = engine or StrokedEngine()
        session = Session(pump.post, make_engine=lambda: engine)
        session.engine, session.sentences = engine, []
        session.noticed.connect(lambda notice: notice and session.sentences.append(notice.text))
        session.use(case or new_case(volume()))
        sessions.append(session)
        return session

    yield build
    for session in sessions:
        session.close()


@pytest.fixture
def session(made):
    return made()


@pytest.fixture
def answer(pump):
    """Wait until the ghost is the answer to what is marked now."""

    def wait(session):
        request = session.proposing.request_at(session.z)
        pump.until(lambda: session.proposal is not None and session.proposal.request.key == request.key)
        return ghost(session)

    return wait


def ghost(session) -> np.ndarray:
    whole = np.zeros(SIZE, bool)
    proposal = session.proposal
    whole[proposal.box.slices[1:]] = proposal.mask(session.threshold)[0] > 0
    return whole


def draw(session, *path, positive=True, size=3.0):
    """A stroke on the slice on screen; where it lies on the slice (y, x)."""
    stroke = stroke_along(path, size, session.z, SIZE, positive=positive)
    session.smart.stroke(stroke)
    marked = np.zeros(SIZE, bool)
    marked[stroke.box.slices[1:]] = stroke.mask[0]
    return marked


def steps(session) -> list[str]:
    return [step.name for step in session.case.history.done]


def test_a_stroke_without_a_ghost_asks_for_one_and_its_pixels_are_as_it_says(session, answer):
    here = draw(session, (15, 15), (18, 22))
    found = answer(session)
    assert found[here].all() and found[5, 5]
    gone = draw(session, (5, 5), (5, 11), positive=False)
    found = answer(session)
    assert not found[gone].any() and found[here & ~gone].all()
    assert not session.case.labels.array.any(), "only the ghost is another"
    assert steps(session) == ["Smart stroke +", "Smart stroke \N{MINUS SIGN}"]


def test_undo_and_redo_give_the_same_ghosts_and_heads_again(session, answer, pump):
    session.propose()
    pump.until(lambda: session.proposal is not None)
    plain, seen = ghost(session), []
    for path in ((15, 15), (18, 22), (2, 2)):
        draw(session, path)
        seen.append((answer(session), session.proposal.head.weights, session.smart.carried.head.weights))
    for found, head, carried in reversed(seen[:-1]):
        session.undo()
        assert (answer(session) == found).all()
        assert (session.proposal.head.weights == head).all()
        assert (session.smart.carried.head.weights == carried).all()
    session.undo()
    assert (answer(session) == plain).all() and session.smart.carried is None
    for found, head, carried in seen:
        session.redo()
        assert (answer(session) == found).all()
        assert (session.smart.carried.head.weights == carried).all()
        assert (session.proposal.head.weights == head).all()


def test_the_order_of_undo_is_common_with_hand_edits(session, answer):
    first = draw(session, (15, 15))
    answer(session)
    session.paint("Brush", Box((0, 20, 20), (1, 22, 22)), np.ones((1, 2, 2), np.uint8))
    draw(session, (2, 2))
    answer(session)
    session.undo()
    assert (answer(session) & first).any() and not ghost(session)[2, 2]
    assert session.case.labels.array.sum() == 4
    session.undo()
    assert session.case.labels.array.sum() == 0 and ghost(session)[15, 15]
    session.undo()
    assert not answer(session)[15, 15]
    session.undo()
    assert session.proposal is None, "a plain ghost that was asked for goes"


def test_after_a_restart_from_the_journal_the_ghost_is_there_again(tmp_path, made, pump, answer):
    image = tmp_path / "a.png"
    values = np.random.default_rng(0).integers(0, 255, SIZE).astype(np.uint8)
    write_mask(image, LabelMap(values[None]).array, Geometry((1, *SIZE)))

    def opened(workspace):
        case = workspace.cases()[0]
        found = workspace.open_case(case.id)
        return OpenCase(workspace.read_volume(case), found.history, number=case.id)

    workspace = Workspace(tmp_path / "w")
    add_images(workspace, [image])
    session = made(case=opened(workspace))
    here, gone = draw(session, (15, 15)), draw(session, (5, 5), positive=False)
    before, head = answer(session), session.proposal.head.weights
    session.close()
    workspace.close()

    workspace = Workspace(tmp_path / "w")
    again = made(case=opened(workspace))
    assert (answer(again) == before).all() and (again.proposal.head.weights == head).all()
    assert before[here].all() and not before[gone].any()
    again.undo()
    assert answer(again)[gone].all()
    again.redo()
    assert (answer(again) == before).all()
    number = again.case.number
    assert [stroke.positive for stroke in workspace.strokes(number)] == [True, False]
    again.undo()
    assert [stroke.positive for stroke in workspace.strokes(number)] == [True], "a lesson heeds what stands"
    again.accept()
    assert len(workspace.strokes(number)) == 1, "also when it was accepted"
    again.close()
    workspace.close()


def test_accepting_is_one_more_step_never_over_a_label_and_ends_the_strokes(session, answer):
    painted = np.full((1, 3, 3), 2, np.uint8)
    session.labelling.ensure((2,))
    session.paint("Brush", Box((0, 4, 4), (1, 7, 7)), painted)
    here = draw(session, (15, 15), (18, 22))
    found = answer(session)
    session.accept()
    labels = session.case.labels.array[0]
    assert (labels[4:7, 4:7] == 2).all()
    assert (labels[found & (labels != 2)] == session.active_label).all() and labels[here].all()
    assert steps(session) == ["Brush", "Smart stroke +", "Accept proposal"]
    assert not session.smart.marks() and session.proposal is None
    session.undo()
    assert (answer(session) == found).all(), "the ghost with its strokes is back"
    assert (session.case.labels.array[0] > 0).sum() == 9


def test_a_locked_label_stays_whatever_is_stroked_and_accepted(session, answer):
    session.labelling.ensure((2,))
    session.paint("Brush", Box((0, 4, 4), (1, 7, 7)), np.full((1, 3, 3), 2, np.uint8))
    session.labelling.lock(2, True)
    draw(session, (5, 5), (10, 10))
    answer(session)
    draw(session, (4, 4), positive=False)
    answer(session)
    session.accept()
    assert (session.case.labels.array[0, 4:7, 4:7] == 2).all()


def test_a_stroke_outside_the_image_is_cut_or_is_none():
    assert stroke_along([(-20, 5), (-9, 5)], 5, 0, SIZE, positive=True) is None
    cut = stroke_along([(-20, 5), (3, 5), (300, 5)], 5, 0, SIZE, positive=True)
    assert cut.box.start[1] == 0 and cut.box.stop[1] == SIZE[0] and cut.mask[0, :, 2].all()
    assert rectangle((-5, -5), (-1, 40), 0, SIZE) is None
    assert lasso([(-9, -9), (-9, -1), (-2, -5)], 0, SIZE) is None
    assert rectangle((20, 25), (90, 90), 0, SIZE).box == Box((0, 20, 25), (1, *SIZE))


def test_two_quick_strokes_are_both_heeded_and_the_ghost_never_goes(made, pump, answer):
    engine = StrokedEngine(gated=True)
    session = made(engine)
    session.propose()
    engine.gate.release()
    pump.until(lambda: session.proposal is not None)
    shown = []
    session.proposed.connect(shown.append)
    first, second = draw(session, (15, 15)), draw(session, (18, 22))
    for _ in range(4):
        engine.gate.release()
    found = answer(session)
    assert found[first | second].all() and None not in shown
    assert all(p.request.prompts.strokes for p in shown), "the newest wins"
    assert len(shown[-1].request.prompts.strokes) == 2


def test_accepting_while_a_stroke_is_being_answered_waits_for_that_answer(made, pump):
    engine = StrokedEngine(gated=True)
    session = made(engine)
    session.propose()
    engine.gate.release()
    pump.until(lambda: session.proposal is not None)
    gone = draw(session, (5, 5), (8, 8), positive=False)
    propose_or_accept(session)
    assert not session.case.labels.array.any()
    engine.gate.release()
    pump.until(lambda: session.case.labels.array.any())
    assert not session.case.labels.array[0][gone].any() and session.proposal is None


def test_a_dropped_ghost_forgets_its_strokes_and_undo_brings_both_back(session, answer):
    draw(session, (15, 15))
    found = answer(session)
    leave_or_drop(session)
    assert session.proposal is None and not session.smart.marks() and session.smart.carried is None
    session.propose()
    assert not answer(session)[15, 15], "it starts from the plain proposal"
    session.undo()
    session.undo()
    assert (answer(session) == found).all()


def test_what_strokes_taught_is_carried_to_other_slices_until_it_is_let_go(session, answer):
    draw(session, (15, 15), size=1)
    answer(session)
    session.go_to_slice(3)
    assert session.proposal is None and session.smart.follows.z == 0
    session.propose()
    assert answer(session)[0].all(), "the head of slice 0 is heeded"
    own = draw(session, (20, 20), (20, 24), size=1)
    assert answer(session)[own].all() and session.smart.follows is None
    session.go_to_slice(4)
    assert session.smart.follows.z == 3, "a new stroke says otherwise"
    session.propose()
    assert answer(session)[2].all()
    session.smart.let_go()
    assert not answer(session)[2].any() and session.smart.follows is None
    session.go_to_slice(0)
    assert answer(session)[15, 15], "a marked slice has its ghost again by itself"
    session.go_to_slice(4)
    assert session.smart.follows is None, "looking at older strokes carries nothing"


def test_undo_of_all_strokes_of_a_slice_carries_what_was_carried_there_before(session, answer):
    draw(session, (15, 15), size=1)
    answer(session)
    session.go_to_slice(1)
    draw(session, (20, 20), (20, 24), size=1)
    answer(session)
    assert session.smart.carried.z == 1
    session.undo()
    assert answer(session)[0].all() and session.smart.carried.z == 0
    session.undo()
    session.undo()
    assert "slice 1" in session.sentences[-1], "what is taken back elsewhere is said"
    assert session.smart.carried is None
    session.propose()
    assert not answer(session)[0].any()


def test_in_live_mode_slices_ahead_are_computed_with_what_strokes_taught(session, answer, pump):
    session.proposing.go_live(True)
    draw(session, (15, 15), size=1)
    answer(session)
    pump.until(lambda: not session.proposing.worker.busy)
    pump.run()
    asked = len(session.engine.asked)
    session.go_to_slice(1)
    assert ghost(session)[0].all() and session.proposal.request.prompts.head is not None
    pump.until(lambda: not session.proposing.worker.busy)
    assert len(session.engine.asked) == asked, "it was there"


def test_strokes_on_the_ghost_of_another_model_do_not_apply(session, answer):
    first = session.model.card.name
    draw(session, (15, 15))
    answer(session)
    session.choose_model("repsegnet.polyp")
    assert not session.smart.marks() and session.smart.follows is None
    session.propose()
    assert not answer(session)[15, 15]
    session.choose_model(first)
    assert answer(session)[15, 15], "back with the model they were for"


def test_nothing_is_proposed_outside_a_box_or_lasso_and_a_stroke_there_still_counts(session, answer):
    session.smart.keep_within(rectangle((6, 6), (9, 20), 0, SIZE))
    found = answer(session)
    assert found[6:10, 6:12].all() and found.sum() == 24
    here = draw(session, (15, 15))
    assert answer(session)[here].all()
    session.smart.keep_within(lasso([(4, 4), (4, 8), (8, 8), (8, 4)], 0, SIZE))
    assert answer(session)[4:9, 4:9].all() and not ghost(session)[10, 10]
    session.smart.free()
    assert answer(session)[10, 10] and session.smart.region is None
    session.undo()
    assert not answer(session)[10, 10] and session.smart.region is not None


def test_islands_of_the_ghost_are_kept_or_dropped_and_a_stroke_brings_one_back(session, answer):
    island = draw(session, (20, 24), size=5)
    answer(session)
    session.smart.island((0, 20, 24), keep=False)
    found = answer(session)
    assert not found[20, 24] and found[5, 5]
    session.undo()
    answer(session)
    session.smart.island((0, 20, 24), keep=True)
    found = answer(session)
    assert found[island].all() and not found[5, 5]
    draw(session, (8, 8))
    assert answer(session)[4:12, 4:12].all()
    session.smart.island((0, 1, 25), keep=True)
    assert session.sentences[-1].startswith("Point at an island")


def test_a_ghost_of_all_slices_and_a_locked_disk_are_said_in_a_sentence(session, answer, pump):
    session.whole.start()
    pump.until(lambda: session.proposal is not None and session.proposal.request.whole)
    draw(session, (15, 15))
    assert "all slices" in session.sentences[-1] and not session.case.history.done


def test_marks_in_the_journal_are_small_and_damaged_ones_are_left_out(session, answer, pump):
    draw(session, (2, 2), (22, 28), (2, 28), (22, 2), size=3)
    answer(session)
    detail = session.case.history.done[-1].detail
    mark = from_text(detail)
    assert len(detail) < 1500 < LONGEST and mark.box.shape == mark.mask.shape
    for damaged in (
        "",
        "{}",
        detail[:-9],
        detail.replace('"runs":[', '"runs":[7,'),
        "[1]",
        "null",
        detail.replace('"z":0', '"z":-1'),
    ):
        assert from_text(damaged) is None
    case = session.case
    step = replace(case.history.done[-1], detail="not a mark")
    assert session.smart._reader.marked([replace(step, serial=99)], session.model.identity).slices == {}


def test_a_stroke_alone_leaves_nothing_to_save(session, answer):
    assert isinstance(session.case.history, History)
    draw(session, (15, 15))
    answer(session)
    assert not session.case.unsaved, "labels are as they were"
    session.accept()
    assert session.case.unsaved


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_in_whatever_order_the_ghost_answers_what_is_marked(made, pump, seed):
    rng, session = np.random.default_rng(seed), made()
    session.paint("Brush", Box((1, 6, 6), (2, 9, 9)), np.full((1, 3, 3), 2, np.uint8))
    session.labelling.ensure((2,))
    session.labelling.lock(2, True)

    def place():
        return int(rng.integers(0, SIZE[0])), int(rng.integers(0, SIZE[1]))

    orders = [
        lambda: draw(session, place(), place(), positive=bool(rng.integers(2))),
        lambda: draw(session, place(), positive=bool(rng.integers(2))),
        session.undo,
        session.undo,
        session.redo,
        session.accept,
        session.drop,
        session.propose,
        session.smart.free,
        session.smart.let_go,
        lambda: session.go_to_slice(int(rng.integers(0, 3))),
        lambda: session.smart.keep_within(rectangle(place(), place(), session.z, SIZE)),
        lambda: session.smart.island((session.z, *place()), keep=bool(rng.integers(2))),
        lambda: session.proposing.go_live(bool(rng.integers(2))),
    ]
    for _ in range(80):
        orders[rng.integers(len(orders))]()
        if rng.random() < 0.7:
            pump.until(lambda: not session.busy)
            pump.run()
            shown = session.proposal
            assert shown is None or shown.request.z == session.z
            if session.smart.marks():
                assert shown is not None, "a marked slice has its ghost"
            if shown is not None and shown.request.prompts.strokes:
                assert shown.request.key == session.proposing.request_at(session.z).key
                assert session.smart.marks()
        if "Brush" in steps(session):
            assert (session.case.labels.array[1, 6:9, 6:9] == 2).all()
    again = made(case=OpenCase(session.case.volume, session.case.history))
    for z in range(3):
        if session.smart.marks(z):
            assert again.smart.prompts(z).identity == session.smart.prompts(z).identity


def test_a_stroke_speaks_of_the_active_label_of_a_model_that_has_several(made, pump):
    session = made(OnnxEngine())
    session.choose_model("repsegnet.blood_cells")
    values = [entry.value for entry in session.model.card.labels]
    session.choose_label(values[1])
    here = draw(session, (15, 15), (18, 22))
    pump.until(lambda: session.proposal is not None)
    found = session.label_values(session.proposal)[session.proposal.mask(session.threshold)]
    whole = np.zeros(SIZE, int)
    whole[session.proposal.box.slices[1:]] = found[0]
    assert (whole[here] == values[1]).all()
    session.choose_label(values[0])
    draw(session, (2, 2))
    assert "The strokes of this slice are for" in session.sentences[-1]
    assert steps(session) == ["Smart stroke +"]


REAL = TINY / "dev" / "images" / "isic2017_train_0965.jpg"


@pytest.fixture
def real(pump):
    made = []

    def build(case=None) -> Session:
        session = Session(pump.post)
        session.use(case or new_case(read_image(REAL)))
        made.append(session)
        return session

    yield build
    for session in made:
        session.close()


def stroke_on(session, pump, *path, positive=True):
    stroke = stroke_along(path, 7, session.z, session.case.labels.array.shape[1:], positive=positive)
    session.smart.stroke(stroke)
    wanted = session.proposing.request_at(session.z).key
    pump.until(lambda: session.proposal is not None and session.proposal.request.key == wanted)
    return stroke


def shown_mask(session, stroke) -> np.ndarray:
    """Where a stroke is, what the ghost on screen says."""
    whole = np.zeros(session.case.labels.array.shape, bool)
    whole[session.proposal.box.slices] = session.proposal.mask(session.threshold) > 0
    return whole[stroke.box.slices][stroke.mask]


def test_a_real_network_says_what_the_strokes_say_and_the_same_after_undo_and_in_another_session(real, pump):
    session = real()
    here = stroke_on(session, pump, (20, 20), (20, 40))
    levels = session.proposal.levels
    gone = stroke_on(session, pump, (90, 110), (100, 110), positive=False)
    assert shown_mask(session, here).all() and not shown_mask(session, gone).any()
    again = real(OpenCase(session.case.volume, session.case.history))
    pump.until(lambda: again.proposal is not None)
    assert (again.proposal.levels == session.proposal.levels).all()
    assert (again.proposal.head.weights == session.proposal.head.weights).all()
    again.undo()
    pump.until(lambda: again.proposal is not None and len(again.proposal.request.prompts.strokes) == 1)
    assert (again.proposal.levels == levels).all()


def test_a_real_head_is_carried_along_the_slices_of_a_volume(real, pump):
    pixels = read_image(REAL).voxels
    moved = [np.roll(pixels[0], 4 * z, axis=1) for z in range(3)]
    case = new_case(with_content(Volume(np.stack(moved), Geometry((3, *pixels.shape[1:3])))))
    session = real(case)
    session.choose_model("repsegnet.polyp")
    session.go_to_slice(2)
    session.propose()
    pump.until(lambda: session.proposal is not None)
    plain = session.proposal.mask(0.5).sum()
    session.go_to_slice(0)
    stroke_on(session, pump, (30, 100), (30, 140))
    session.go_to_slice(2)
    session.propose()
    pump.until(lambda: session.proposal is not None)
    assert session.proposal.request.prompts.head is not None
    assert session.proposal.mask(0.5).sum() > 1.2 * plain, (
        "the lesion that the stroke taught is found here too"
    )
