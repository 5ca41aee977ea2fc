"""Opening in the real window: progress and Cancel, choosing a series, header, presets, a second series over it."""

import threading

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QPushButton
from support.dicom_series import geometry_of, make_series
from support.hand import Hand, settle, wait
from support.windows import open_in

from featherseg.session import opening
from featherseg.ui.series_chooser import SeriesChooser
from featherseg_engines.errors import Cancelled
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.imaging.writers import write_mask

GRID = geometry_of((6, 24, 20), (2.5, 1.0, 1.0), (0.0, 0.0, 0.0))


@pytest.fixture
def study(tmp_path):
    """A folder with a series of 6 and one of 3 slices."""
    make_series(tmp_path / "study" / "first", GRID)
    make_series(tmp_path / "study" / "second", geometry_of((3, 24, 20), (5.0, 1.0, 1.0), (0.0, 0.0, 0.0)), 1)
    return tmp_path / "study"


def with_chooser(do) -> None:
    """Run ``do`` on the series chooser once it is on screen."""

    def look() -> None:
        chooser = QApplication.activeModalWidget()
        if isinstance(chooser, SeriesChooser):
            settle(0.2)
            do(chooser)
        else:
            QTimer.singleShot(50, look)

    QTimer.singleShot(50, look)


def test_a_folder_of_two_series_asks_which_and_the_keyboard_chooses(window, study):
    seen = []

    def choose(chooser):
        seen.extend(chooser.table.item(i, 3).text() for i in range(2))
        assert chooser.table.item(0, 1).text() == "CT" and not chooser.table.item(0, 0).icon().isNull()
        assert chooser.chosen().slices == 6, "the largest is suggested"
        hand = Hand(chooser)
        hand.key("Down" if chooser.table.currentRow() == 0 else "Up")
        hand.key("Return")

    with_chooser(choose)
    open_in(window, study)
    wait(lambda: window.session.case is not None)
    assert sorted(seen) == ["3", "6"]
    assert window.session.case.volume.geometry.shape == (3, 24, 20)


def test_leaving_the_chooser_keeps_what_was_open(window, study):
    open_in(window, study / "first")
    case = window.session.case
    with_chooser(lambda chooser: Hand(chooser).key("Escape"))
    open_in(window, study)
    settle(0.5)
    assert window.session.case is case and window.notices.text() == ""


def test_long_reading_shows_how_far_it_is_and_cancel_ends_it(window, monkeypatch, tmp_path):
    path = tmp_path / "long.nrrd"
    path.write_bytes(b"x")
    stopped = threading.Event()

    def slow(path, series=None, listen=None, cancelled=None):
        for i in range(2000):
            if cancelled():
                stopped.set()
                raise Cancelled
            listen(i, 2000)
            threading.Event().wait(0.005)
        return Volume(np.zeros((2, 2, 2)), Geometry((2, 2, 2)))

    monkeypatch.setattr(opening, "read_image", slow)
    hand = Hand(window)
    window.files.open(path)
    wait(lambda: window.notices.isVisible())
    assert "Reading 'long.nrrd'" in window.notices.text()
    bar = window.notices.bar
    wait(lambda: bar.isVisible() and bar.value() >= 2)
    (cancel,) = [b for b in window.notices.findChildren(QPushButton) if b.text().startswith("Cancel")]
    hand.click(cancel)
    wait(stopped.is_set)
    assert not window.session.reading and window.notices.text() == "" and window.session.case is None


def test_the_header_is_a_table_that_can_be_filtered(window, study):
    open_in(window, study / "first")
    hand = Hand(window)
    hand.key("ctrl+i")
    panel = window.header.panel
    wait(lambda: panel.table.rowCount() > 20)
    hand.click(panel.filter)
    hand.type("rescale slope")
    wait(lambda: panel.table.rowCount() == 1)
    assert panel.table.item(0, 0).text() == "(0028,1053)" and float(panel.shown()[0]) == 1.0
    panel.filter.clear()
    assert "6 voxels" in " ".join(panel.shown()) and "2.5 mm" in " ".join(panel.shown())


def test_a_preset_is_chosen_in_the_panel_and_values_have_their_unit(window, study):
    open_in(window, study / "first")
    viewing = window.session.viewing
    box = window.window_box
    assert box.isVisible() and viewing.window.name == "Abdomen"
    lung = box.presets.findText("Lung")
    box.presets.activated.emit(lung)
    assert (viewing.window.width, viewing.window.centre) == (1500, -600)
    assert window.viewer.layers["image"].contrast_limits == [-1350, 150]
    assert box.presets.currentText() == "Lung" and window.status.window_text.text() == "W 1500 L -600"
    hand = Hand(window)
    hand.click(window.planes.main.native)
    wait(lambda: "HU" in window.status.cursor_text.text())
    assert "2.5 mm" in window.status.size.text()


def test_a_second_series_is_laid_over_and_taken_away_and_another_patient_is_refused(window, study, tmp_path):
    first = study / "first"
    open_in(window, first)
    write_mask(tmp_path / "half.nrrd", np.ones((3, 24, 20), np.uint8) * 7, geometry_half())
    window.session.lay_over(tmp_path / "half.nrrd")
    wait(lambda: window.session.viewing.overlay is not None)
    settle(0.3)
    names = [layer.name for layer in window.viewer.layers]
    assert names == ["image", "overlay", "labels"]
    assert window.overlay_box.isVisible() and "check it by eye" in window.notices.text()
    assert str(window.viewer.layers.selection.active) == "labels"
    window.overlay_box.opacity.setValue(20)
    assert window.viewer.layers["overlay"].opacity == pytest.approx(0.2)
    window.session.viewing.show_planes(True)
    assert all("overlay" in pane.viewer.layers for pane in window.planes.panes)
    window.session.lay_over(study / "second")
    wait(lambda: "another frame of reference" in window.notices.text())
    Hand(window).click(window.overlay_box.remove)
    assert not any("overlay" in pane.viewer.layers for pane in window.planes.panes)
    assert not window.overlay_box.isVisible()


def geometry_half() -> Geometry:
    """Half as many slices in the same place, without a frame of reference."""
    return Geometry((3, 24, 20), (5.0, 1.0, 1.0), GRID.origin_mm, GRID.direction)
