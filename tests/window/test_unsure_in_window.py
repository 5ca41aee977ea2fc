"""The glow where the model is unsure, and Enter's way to the most useful case, with real keys in the window."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from support.canvas import canvas_point
from support.hand import Hand, settle, wait
from support.paths import SAMPLE, TINY
from support.windows import open_in

from featherseg.session.case import new_case
from featherseg.session.gathering import gather
from featherseg.viewer.unsure import MARK
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.outlook import LENGTH, Outlook
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.inference.uncertainty import shades
from featherseg_engines.labels import Box

IMAGES = sorted((TINY / "dev" / "images").glob("*"))


def glows(window):
    """The layers of the glow in all planes."""
    return [layer for pane in window.planes.panes for layer in pane.viewer.layers if MARK in layer.metadata]


def seen(window):
    return [layer for layer in glows(window) if layer.visible]


def test_u_shows_where_the_model_is_unsure_and_takes_it_away(window):
    open_in(window, SAMPLE)
    hand = Hand(window)
    hand.key("space")
    wait(lambda: window.session.proposal is not None)
    assert not glows(window), "nothing is drawn while nobody asks"
    assert window.panel.model.unsure.text().endswith("%)")
    line = window.panel.model.unsure
    hand.key("u")
    assert "violet" in line.text() and line.sizeHint().width() <= line.width(), "the legend is not cut off"
    (layer,) = seen(window)
    proposal = window.session.proposal
    assert np.array_equal(layer.data, shades(proposal.levels)[0])
    assert tuple(layer.translate) == tuple(float(n) for n in proposal.box.start[1:])
    names = [layer.name for layer in window.viewer.layers]
    assert names.index("image") < window.viewer.layers.index(layer) < names.index("labels")
    assert window.viewer.layers.selection.active.name == "labels", "the brush goes on painting labels"
    hand.press("h")
    assert not seen(window)
    hand.release("h")
    assert seen(window)
    hand.key("Escape")
    assert not seen(window), "it goes with the proposal"
    hand.key("u")
    assert not glows(window)


def test_the_line_on_how_sure_the_model_is_moves_nothing(window):
    open_in(window, SAMPLE)
    settle(0.3)
    primary, line = window.panel.model.primary, window.panel.model.unsure
    before = primary.y(), line.height()
    Hand(window).key("space")
    wait(lambda: window.session.proposal is not None)
    settle()
    assert line.text().strip() and (primary.y(), line.height()) == before


def slice_answer(session, z, level):
    box = Box((z, 6, 8), (z + 1, 20, 24))
    levels = np.full((1, 1, 14, 16), level, np.uint8)
    return Proposal(session.proposing.request_at(z), box, levels, "m", "w", 0.0)


@pytest.fixture
def volume(window):
    geometry = Geometry((9, 40, 44), (2.0, 0.5, 0.8))
    window.session.use(new_case(Volume(np.zeros(geometry.shape, np.uint8), geometry)))
    settle()
    return window.session.case


def pixel(pane, down_mm, across_mm):
    """Red, green and blue of the screen at a point of a plane."""
    settle(0.4)
    point = pane.native.mapToGlobal(canvas_point(pane.viewer, pane.native, down_mm, across_mm))
    return (
        pane.native.screen().grabWindow(0, point.x(), point.y(), 1, 1).toImage().pixelColor(0, 0).getRgb()[:3]
    )


def violet(colour):
    return colour[2] > 60 and colour[2] > 1.5 * colour[1]


def test_the_glow_is_never_that_of_another_slice(window, volume):
    session = window.session
    session.unsure.show(True)
    session.go_to_slice(4)
    session.proposing.show(slice_answer(session, 4, 128))
    (layer,) = seen(window)
    inside = (13 * 0.5, 16 * 0.8)
    assert tuple(layer.translate) == (8.0, 3.0, 6.4) and violet(pixel(window.planes.main, *inside))
    Hand(window).key("Up")
    assert session.z == 5 and not seen(window) and not violet(pixel(window.planes.main, *inside))
    session.proposing.show(slice_answer(session, 5, 250))
    (layer,) = seen(window)
    assert layer.translate[0] == 10.0 and not violet(pixel(window.planes.main, *inside)), "sure of this slice"
    session.proposing.show(slice_answer(session, 5, 100))
    assert violet(pixel(window.planes.main, *inside))


def test_of_an_answer_for_all_slices_the_glow_of_the_slice_on_screen_is_seen(window, volume):
    session = window.session
    session.unsure.show(True)
    session.go_to_slice(4)
    levels = np.full((1, 2, 14, 16), 255, np.uint8)
    levels[0, 1] = 128
    request = replace(session.proposing.request_at(4), whole=True)
    box = Box((4, 6, 8), (6, 20, 24))
    session.proposing.show(Proposal(request, box, levels, "m", "w", 0.0))
    seen_at = {}
    for z in (4, 5, 6):
        session.go_to_slice(z)
        seen_at[z] = violet(pixel(window.planes.main, 13 * 0.5, 16 * 0.8))
    assert seen_at == {4: False, 5: True, 6: False}


def test_the_glow_is_in_all_three_planes_and_rests_outside_its_slice(window, volume):
    session = window.session
    session.unsure.show(True)
    session.go_to_slice(4)
    Hand(window).key("o")
    settle(0.5)
    session.proposing.show(slice_answer(session, 4, 128))
    assert len(seen(window)) == 3
    assert {tuple(layer.translate) for layer in seen(window)} == {(8.0, 3.0, 6.4)}
    window.session.unsure.show(False)
    assert not glows(window)


@pytest.fixture
def bench(window, tmp_path):
    """Five cases, of which the model in use knows the last two; the last is the least sure one."""
    folder = tmp_path / "Fälle"
    folder.mkdir()
    for i in range(5):
        shutil.copy(IMAGES[i % len(IMAGES)], folder / f"case {i}.jpg")
    bench = window.work.bench
    assert bench.open(folder)
    gather(bench, [folder])
    wait(lambda: bench.current is not None)
    numbers = [case.id for case in bench.cases]
    bench.close()
    with Workspace(folder, "AB") as workspace:
        for number, score in ((numbers[3], 0.2), (numbers[4], 0.6)):
            vector = np.full(LENGTH, number, np.float32)
            workspace.outlooks.put(Outlook(number, window.session.model.identity, score, vector))
    assert bench.open(folder)
    bench.open_case(bench.cases[0])
    wait(lambda: bench.current is not None)
    settle(0.3)
    return bench


def sort_by(window, title):
    sorts = window.work.cases.sorts
    sorts.setCurrentText(title)
    sorts.activated.emit(sorts.currentIndex())
    settle()


def names(bench):
    return [case.name[-1] for case in bench.cases]


def test_enter_opens_the_most_useful_case_where_the_list_shows_it_first(window, bench):
    hand = Hand(window)
    sort_by(window, "Useful")
    assert names(bench) == ["4", "3", "0", "1", "2"]
    assert "most useful" in window.work.cases.accept.toolTip()
    hand.key("Return")
    wait(lambda: bench.current is not None and bench.current.name == "case 4")
    hand.key("Return")
    wait(lambda: bench.current is not None and bench.current.name == "case 3")
    assert [c.name for c in bench.cases if c.state is CaseState.ACCEPTED] == ["case 0", "case 4"]


def test_enter_goes_by_the_list_otherwise_and_shift_enter_to_the_most_useful(window, bench):
    hand = Hand(window)
    hand.key("Return")
    wait(lambda: bench.current is not None and bench.current.name == "case 1")
    hand.key("shift+Return")
    wait(lambda: bench.current is not None and bench.current.name == "case 4")
    assert str(bench.progress) == "1 of 5 accepted"


def test_the_list_says_how_sure_the_model_is_of_a_case(window, bench):
    model = window.work.cases.list.cases
    tip = model.index(4).data(3)  # Qt.ItemDataRole.ToolTipRole
    assert "the model is 40 % sure of it" in tip
    assert "sure" not in model.index(0).data(3)
