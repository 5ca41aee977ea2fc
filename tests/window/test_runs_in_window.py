"""Runs over slices and cases in the real window: real keys, the strip with its buttons, one step at the end."""

import shutil

import numpy as np
import pytest
from support.hand import Hand, settle, wait
from support.paths import TINY
from support.windows import open_in

from featherseg.session.gathering import gather
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.writers import write_mask

IMAGES = sorted((TINY / "dev" / "images").glob("*"))


@pytest.fixture
def volume_file(tmp_path):
    """Twelve slices of 192 x 192 with a ball."""
    z, y, x = (np.linspace(-1, 1, n) for n in (12, 192, 192))
    ball = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 < 0.3
    noise = np.random.default_rng(3).integers(150, 180, ball.shape)
    path = tmp_path / "ball.nii.gz"
    write_mask(path, np.where(ball, 60, noise).astype(np.uint8), Geometry(ball.shape, (3.0, 1.0, 1.0)))
    return path


def test_r_proposes_for_all_slices_with_pause_and_cancel_and_space_accepts_all(window, volume_file):
    hand, session = Hand(window), window.session
    open_in(window, volume_file)
    strip = window.panel.whole
    assert not strip.isVisible()
    hold = session.whole.changed.connect(session.whole.pause)  # before the machine is through with it
    hand.key("r")
    wait(lambda: session.whole.paused)
    session.whole.changed.disconnect(hold)
    settle(0.2)
    assert strip.isVisible() and strip.left.text() == "paused" and strip.pause.text() == "Resume"
    assert "of 12 slices" in strip.text.text()
    assert strip.width() <= window.panel.viewport().width(), "nothing is cut off"
    hand.click(strip.cancel)
    assert not session.whole.running and not strip.isVisible()
    hand.key("r")
    wait(lambda: not session.whole.running)
    wait(lambda: session.proposal is not None and session.proposal.request.spans_volume)
    assert not strip.isVisible()
    assert not session.proposal.box.empty
    hand.key("space")
    assert len(session.case.history.done) == 1
    hand.key("ctrl+z")
    assert not session.case.labels.array.any()


def test_q_proposes_for_every_case_and_a_case_opens_with_its_proposal(window, tmp_path):
    folder = tmp_path / "Fälle"
    folder.mkdir()
    for i in range(4):
        shutil.copy(IMAGES[i % len(IMAGES)], folder / f"photo {i}.jpg")
    bench, run = window.work.bench, window.work.run
    assert bench.open(folder)
    gather(bench, [folder])
    wait(lambda: bench.current is not None)
    settle(0.3)
    hand = Hand(window)
    hand.key("q")
    wait(lambda: not run.running)
    assert window.notices.text() == "Proposals are there for 4 of 4 cases."
    assert window.session.proposal is not None, "the open case shows its own"
    hand.key("Escape", "n")
    wait(lambda: bench.current.name == "photo 1" and window.session.proposal is not None)
    hand.key("space")
    assert window.session.proposal is None and window.session.case.history.done
    assert not window.work.strip.isVisible()


def test_the_menu_has_both_and_smoothing_is_a_tick(window):
    titles = {action.text(): action for action in window.menus.menus["Model"].actions()}
    assert {"Propose for all slices", "Propose for every case", "Smooth along slices"} <= set(titles)
    window.menus.run("whole.smooth")
    window.menus.refresh()
    assert window.session.whole.agree and titles["Smooth along slices"].isChecked()
