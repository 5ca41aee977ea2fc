"""The Qt binding takes no reference of None away: PySide6 6.12 does, and ends a long session under Python 3.11."""

import sys

from qtpy.QtWidgets import QLabel


def test_painting_and_asking_leave_the_references_of_none_alone(qtbot):
    label = QLabel("text")
    qtbot.addWidget(label)
    label.show()
    qtbot.waitExposed(label)
    before = sys.getrefcount(None)
    for _ in range(2000):
        label.buddy()
        label.setText("text")
    assert sys.getrefcount(None) > before - 500
