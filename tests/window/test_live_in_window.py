"""Live mode in the real window: switched by its key, kept for the next start, the ghost always of its slice."""

import numpy as np
from support.hand import Hand, settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg.session.case import new_case
from featherseg.session.settings import SettingsFile
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.content import with_content
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume, Window


def lesions(depth: int = 12) -> Volume:
    """A real lesion in each slice, a few pixels further down in each."""
    plane = read_image(SAMPLE).voxels[0].mean(axis=2).astype(np.int16)
    slices = np.stack([np.roll(plane, 4 * z, axis=0) for z in range(depth)])
    return with_content(Volume(slices, Geometry(slices.shape), name="lesions"))


def test_the_key_switches_live_mode_and_the_next_window_begins_with_it(window):
    hand = Hand(window)
    open_in(window, SAMPLE)
    assert not window.session.proposing.live and not window.panel.model.live.isChecked()
    hand.key("w")
    assert window.panel.model.live.isChecked() and window.settings.value.live
    wait(lambda: window.session.proposal is not None)
    assert window.planes.main.contours.ghost.visible and not window.session.case.unsaved
    assert SettingsFile().value.live, "kept on the disk"
    hand.key("w")
    assert not window.settings.value.live and window.session.proposal is not None, "the ghost stays"


def test_scrolling_with_keys_shows_each_slice_its_own_ghost_and_a_known_one_at_once(window):
    hand, session = Hand(window), window.session
    session.use(new_case(lesions()))
    settle(0.3)
    hand.key("w")
    wait(lambda: session.proposal is not None)
    wait(lambda: not session.proposing.worker.busy, 60)
    seen = []
    session.proposed.connect(lambda p: seen.append((session.z, p.request.z if p else None)))
    before = session.z
    hand.key("Down", "Down", "Up")
    assert abs(session.z - before) == 1
    assert session.proposal.request.z == session.z
    assert all(at == shown for at, shown in seen), (
        "computed ahead: no moment without a ghost, none of another"
    )
    assert window.planes.main.contours.ghost.visible


def test_the_window_of_a_persons_own_is_the_models_too(window):
    session = window.session
    session.use(new_case(lesions(2)))
    session.proposing.go_live(True)
    wait(lambda: session.proposal is not None)
    first = session.proposal
    session.viewing.choose_window(Window(500.0, 40.0))
    wait(lambda: session.proposal is not first)
    assert session.proposal.request.options.window == Window(500.0, 40.0)


def test_accepting_in_live_mode_leaves_the_label_alone_and_enter_goes_on(window):
    hand, session = Hand(window), window.session
    open_in(window, SAMPLE)
    hand.key("w")
    wait(lambda: session.proposal is not None)
    hand.key("space")
    settle(0.3)
    assert session.proposal is None and session.case.labels.array.any(), (
        "what was accepted does not come back"
    )
    hand.key("space")
    wait(lambda: session.proposal is not None)
