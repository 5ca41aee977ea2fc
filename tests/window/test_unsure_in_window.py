"""The glow where the model is unsure, and Enter's way to the most useful case, with real keys in the window."""

import shutil

import numpy as np
import pytest
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
    hand.key("u")
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


def on_screen(layer):
    """The values that napari draws of a layer now; none outside its slice."""
    return np.asarray(layer._slice.image.raw) if layer._slice is not None else np.zeros(0)


def test_the_glow_is_never_that_of_another_slice(window, volume):
    session = window.session
    session.unsure.show(True)
    session.go_to_slice(4)
    session.proposing.show(slice_answer(session, 4, 128))
    (layer,) = seen(window)
    assert tuple(layer.translate) == (8.0, 3.0, 6.4) and on_screen(layer).max() == 255
    Hand(window).key("Up")
    assert session.z == 5 and not seen(window)
    session.proposing.show(slice_answer(session, 5, 250))
    (layer,) = seen(window)
    assert layer.translate[0] == 10.0 and layer.data.max() < 60


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
    sort_by(window, "Most useful first")
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
