"""Each network of the papers as it ships: listed, chosen with the mouse, proposing in the window."""

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox
from support.hand import Hand, has_hand, settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg.session.samples import bundled_samples
from featherseg.window.launch import make_window
from featherseg_engines.imaging.readers import read_image, read_mask


@pytest.fixture
def open_window(qtbot, tmp_path):
    if not has_hand():
        pytest.skip("needs an X display and xdotool")
    made = []

    def build():
        window = make_window()
        window.resize(1366, 768)
        window.show()
        made.append(window)
        return window

    yield build
    for window in made:
        if window.session.case is not None:
            window.session.case.mark_saved(tmp_path / "done")
        window.close()
        window.deleteLater()
    made.clear()
    qtbot.wait(50)


def choose(hand: Hand, box: QComboBox, name: str) -> None:
    """Open the list with the mouse and walk to a model with the keys."""
    hand.click(box)
    models = [i for i in range(box.count()) if box.itemData(i) is not None]  # keys step over separators
    steps = models.index(box.findData(name)) - models.index(box.currentIndex())
    hand.key(*["Down" if steps > 0 else "Up"] * abs(steps), "Return")


def test_2d_networks_are_chosen_in_the_list_and_propose(open_window):
    names = [f"{network}.skin" for network in ("med2dsegnet", "reunet_slim8", "lgmsnet", "repsegnet")]
    window = open_window()
    hand, session = Hand(window), window.session
    open_in(window, SAMPLE)
    settle(0.3)
    for name in names:
        choose(hand, window.panel.model.models, name)
        assert session.model.card.name == name
        hand.key("space")
        wait(lambda: session.proposal is not None)
        assert name in window.status.answer.text()
        assert window.planes.main.contours.ghost.visible
        hand.key("Escape")
    assert any(
        "reconstruction" in window.panel.model.models.itemText(i)
        for i in range(window.panel.model.models.count())
    )


def test_a_3d_network_proposes_a_volume_that_is_saved_on_its_own_grid(open_window, tmp_path):
    window = open_window()
    hand, session = Hand(window), window.session
    path = next(s.path for s in bundled_samples() if s.model == "lgmsnet3d.hippocampus")
    open_in(window, path)
    settle(0.3)
    choose(hand, window.panel.model.models, "lgmsnet3d.hippocampus")
    hand.key("space")
    wait(lambda: session.proposal is not None, 60)
    proposal = session.proposal
    assert proposal.box.shape[0] > 1
    contours, spacing = window.planes.main.contours, session.case.volume.geometry.spacing_mm
    session.go_to_slice(proposal.box.start[0])
    assert contours.ghost.visible
    place = contours.ghost.transform.translate[:2]
    assert np.allclose(place, [(proposal.box.start[i] - 0.5) * spacing[i] for i in (2, 1)])
    session.go_to_slice(0)
    assert contours.ghost.visible == (proposal.box.start[0] == 0)
    window.viewer.dims.set_current_step(0, 3)
    assert session.proposal is proposal, "a volume's proposal stays while one scrolls"
    hand.key("space")
    labels = session.case.labels.array
    assert labels.any() and set(np.unique(labels)) <= {0, 1, 2}
    target = tmp_path / "mask.nii.gz"
    assert session.save_mask(target)
    source = read_image(path).geometry
    assert np.array_equal(read_mask(target, source.shape), labels)
    assert np.allclose(read_image(target).geometry.to_world((3, 4, 5)), source.to_world((3, 4, 5)), atol=1e-3)
