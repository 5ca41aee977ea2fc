"""The real window at the size of a laptop's screen, closed without asking when a test is done."""

import gc

import pytest
from support.hand import has_hand

from featherseg.window.launch import make_window


@pytest.fixture(autouse=True, scope="module")
def _what_is_loaded_is_no_garbage():
    """Windows of other tests are collected and looked for before each; modules need not be looked through again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def window(qtbot, tmp_path):
    if not has_hand():
        pytest.skip("needs an X display and xdotool")
    gc.collect()
    made = make_window()
    made.resize(1366, 768)
    made.show()
    yield made
    if made.session.case is not None:
        made.session.case.mark_saved(tmp_path / "done")
    made.close()
    made.deleteLater()
    del made
    qtbot.wait(50)
