"""The statistics dock in the real window."""

import numpy as np
from qtpy.QtWidgets import QApplication
from support.hand import Hand, wait

from featherseg.session.case import new_case
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.labels import Box


def open_labelled(window, shape=(6, 40, 40)):
    window.session.use(new_case(Volume(np.full(shape, 30, np.int16), Geometry(shape, (2.0, 1.0, 1.0)), "CT")))
    paint(window, 1)


def paint(window, z):
    window.session.paint("Box", Box((z, 0, 0), (z + 1, 5, 5)), np.ones((1, 5, 5), np.uint8))


def cell(panel, title):
    header = [panel.table.horizontalHeaderItem(i).text() for i in range(panel.table.columnCount())]
    return panel.table.item(0, header.index(title)).text()


def test_a_key_shows_it_and_a_small_case_is_measured_again_after_every_edit(window):
    open_labelled(window)
    statistics, panel = window.statistics.statistics, window.statistics.panel
    paint(window, 2)
    assert statistics.measured.state == "none", "nobody looks: nothing is measured"
    hand = Hand(window)
    hand.key("ctrl+t")
    wait(lambda: statistics.measured.state == "current")
    assert cell(panel, "Voxels") == "50" and cell(panel, "Mean (HU)") == "30"
    paint(window, 3)
    assert "changed" in panel.sentence.text() and not panel.export.isEnabled()
    wait(lambda: statistics.measured.state == "current")
    assert cell(panel, "Voxels") == "75" and panel.sentence.text() == "Up to date."
    hand.key("ctrl+t")
    assert not window.statistics.isVisible()


def test_a_large_case_waits_for_the_button(window):
    open_labelled(window, (6, 700, 700))
    panel, statistics = window.statistics.panel, window.statistics.statistics
    hand = Hand(window)
    hand.key("ctrl+t")
    assert statistics.measured.state == "none" and "Update" in panel.sentence.text()
    hand.click(panel.update_button)
    wait(lambda: statistics.measured.state == "current")
    hand.click(panel.copy)
    assert QApplication.clipboard().text().splitlines()[0].startswith("Label\tName\tVoxels\tVolume (ml)")


def test_the_table_is_written_and_a_notice_says_so(window, tmp_path):
    open_labelled(window)
    window.statistics.show()
    wait(lambda: window.statistics.statistics.measured.state == "current")
    window.statistics.write(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text("utf-8-sig").startswith("Label,Name,Voxels,Volume (ml)")
    assert window.notices.text() == "Statistics written as 'out.csv'."
    window.statistics.write(tmp_path / "none" / "out.csv")
    assert "cannot be saved" in window.notices.text()
