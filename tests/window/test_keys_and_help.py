"""Commands, their keys, the palette and the cheat sheet in the real window, with real key presses."""

import sys

import pytest
from qtpy import API_NAME
from qtpy.QtCore import Qt
from qtpy.QtGui import QFileOpenEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLabel
from support.hand import Hand, settle, wait
from support.paths import SAMPLE
from support.windows import open_in

from featherseg.ui.buttons import tool_button
from featherseg.ui.cheat_sheet import groups
from featherseg.ui.palette import ranked
from featherseg.window.helps import ABOUT
from featherseg.window.launch import make_window
from featherseg.window.launcher import files_of, places
from featherseg.window.open_events import OpenEvents


@pytest.fixture
def hand(window):
    open_in(window, SAMPLE)
    return Hand(window)


def press(edit, key):
    QTest.keyClick(edit, key)
    settle(0.05)


def test_every_menu_command_has_an_id_and_a_title_and_no_two_default_keys_clash(window):
    assert window.table.default_clashes() == []
    assert not window.table.overrides
    for command in window.table:
        assert command.id and command.title and command.menu
        assert window.actions_by_id[command.id].text() == command.title
        assert command.shortcut == window.table.key(command.id)
    in_menus = [a for menu in window.menus.menus.values() for a in menu.actions() if a.menu() is None]
    assert sorted(a.objectName() for a in in_menus) == sorted(c.id for c in window.table)


def test_quit_stands_below_everything_else_in_the_file_menu(window):
    assert window.menus.menus["File"].actions()[-1].objectName() == "file.quit"


def test_a_changed_key_works_at_once_and_after_a_restart_and_the_button_shows_it(window, hand, tmp_path):
    window.helps.show_shortcuts()
    dialog = window.helps.shortcuts
    dialog.choose("tool.brush")
    hand = Hand(dialog)
    hand.click(dialog.edit)
    hand.key("y", "Return")
    assert dialog.isVisible(), "Enter is a key like others here"
    assert window.table.key("tool.brush") == "Y", "Enter accepts a case already"
    dialog.close()
    settle()

    hand = Hand(window)
    hand.key("b")
    assert window.session.tool == "browse"
    hand.key("y")
    assert window.session.tool == "brush"
    assert window.panel.tools.buttons["brush"].text().endswith("Y")
    window.close()

    again = make_window()
    try:
        again.show()
        open_in(again, SAMPLE)
        assert again.panel.tools.buttons["brush"].text().endswith("Y")
        Hand(again).key("y")
        assert again.session.tool == "brush"
    finally:
        again.close()
        again.deleteLater()


def test_a_clash_is_said_and_changes_nothing_until_the_key_is_taken(window):
    window.helps.show_shortcuts()
    dialog = window.helps.shortcuts
    dialog.choose("tool.brush")

    press(dialog.edit, Qt.Key.Key_E)
    assert "'Eraser'" in dialog.sentence.text()
    assert window.table.key("tool.brush") == "B"

    dialog.take.click()
    assert (window.table.key("tool.brush"), window.table.key("tool.eraser")) == ("E", "")
    assert window.panel.tools.buttons["eraser"].text() == "Eraser"

    dialog.back.click()
    assert (window.table.key("tool.brush"), window.table.key("tool.eraser")) == ("B", "E")
    assert window.panel.tools.buttons["eraser"].text().endswith("E")

    press(dialog.edit, Qt.Key.Key_H)
    assert "hides the masks" in dialog.sentence.text() and not dialog.take.isEnabled()
    dialog.none.click()
    dialog.all_back.click()
    assert window.table.overrides == {} and window.settings.value.shortcuts == {}
    dialog.close()


def test_the_primary_button_goes_on_following_its_new_key(window, hand):
    window.table.set_key("propose", "Ctrl+Y")
    assert window.panel.model.primary.text() == "Propose  Ctrl+Y"

    hand.key("ctrl+y")
    wait(lambda: window.session.proposal is not None)
    assert window.panel.model.primary.text() == "Accept  Ctrl+Y"


def test_the_palette_finds_runs_and_gives_the_keyboard_back(window, hand):
    hand.key("ctrl+shift+p")
    palette = window.helps.palette
    assert palette.isVisible() and len(palette.found()) == len(window.table)

    hand.type("eras")
    assert palette.found()[0] == "tool.eraser"
    assert window.session.tool == "browse"  # its letters are nobody's keys here
    hand.key("Return")
    assert window.session.tool == "eraser" and not palette.isVisible()
    assert QApplication.focusWidget() is window.qt_viewer.canvas.native

    hand.key("ctrl+shift+p")
    assert palette.found()[0] == "tool.eraser"  # used last
    hand.key("Down", "Up", "Down")
    chosen = palette.rows.currentItem().data(0, Qt.ItemDataRole.UserRole)
    assert chosen == palette.found()[1]
    hand.key("Escape")
    assert not palette.isVisible() and window.session.tool == "eraser"
    assert QApplication.focusWidget() is window.qt_viewer.canvas.native


def test_the_palette_shows_a_disabled_command_and_does_not_run_it(window, hand):
    window.actions_by_id["tool.fill"].setEnabled(False)

    hand.key("ctrl+shift+p")
    hand.type("fill")
    palette = window.helps.palette
    assert palette.found()[0] == "tool.fill" and palette.rows.topLevelItem(0).isDisabled()
    hand.key("Return")

    assert palette.isVisible() and window.session.tool == "browse"
    hand.type("zzz")
    assert palette.found() == []
    hand.key("Return", "Down", "Escape")
    assert not palette.isVisible()


def test_the_palette_closes_when_something_else_is_clicked(window, hand):
    hand.key("ctrl+shift+p")

    hand.click(window.statusBar())

    assert not window.helps.palette.isVisible()


def test_the_cheat_sheet_shows_the_keys_of_today_and_closes_with_its_own_key(window, hand):
    window.table.set_key("tool.brush", "Q")
    hand.key("question")
    sheet = window.helps.cheat_sheet
    shown = {label.text() for label in sheet.findChildren(QLabel)}
    assert {"Q", "Brush", "1 … 9", "Wheel", "Right drag", "H, held"} <= shown

    hand.key("e")
    assert sheet.isVisible() and window.session.tool == "browse"
    hand.key("question")
    assert not sheet.isVisible()
    hand.key("question", "Escape")
    assert not sheet.isVisible() and QApplication.focusWidget() is window.qt_viewer.canvas.native


def test_every_key_stands_on_the_cheat_sheet(window):
    rows = [row for _, rows in groups(window.table) for row in rows]
    keys = {window.table.key(c.id) for c in window.table} - {""}

    assert len(rows) == len(keys) - 8  # nine labels are one row


def test_light_is_chosen_kept_and_ticked(window):
    before = window.palette().window().color().lightness()
    window.actions_by_id["view.light"].trigger()
    window.menus.refresh()
    settle()

    assert before < 128 < window.palette().window().color().lightness()
    assert window.actions_by_id["view.light"].isChecked()
    assert window.settings.value.theme == "light"

    again = make_window()
    assert again.settings.value.theme == "light"
    again.switch_theme()
    assert QApplication.palette().window().color().lightness() < 128
    again.close()
    again.deleteLater()


def test_the_about_box_names_version_and_purpose_and_the_window_has_an_icon(window):
    window.actions_by_id["help.about"].trigger()

    box = window.helps.about
    assert box.text() == ABOUT and "not a medical device" in ABOUT
    assert not box.iconPixmap().isNull() and not window.windowIcon().isNull()
    box.close()


@pytest.mark.skipif(sys.platform != "linux", reason="freedesktop.org")
def test_the_launcher_is_installed_from_the_menu_and_a_sentence_says_so(window):
    window.actions_by_id["help.launcher"].trigger()

    wait(lambda: "among your programs" in window.notices.text())
    assert files_of(places())[0].is_file()


def test_a_launcher_that_cannot_be_made_is_a_sentence(window, monkeypatch, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    for name in ("XDG_DATA_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(in_the_way))

    window.actions_by_id["help.launcher"].trigger()

    wait(lambda: "cannot be made" in window.notices.text())


@pytest.mark.skipif(API_NAME == "PyQt6", reason="PyQt6 lets nobody make such an event")
def test_a_file_that_the_system_asks_to_open_is_opened(window):
    asked = OpenEvents(window.files.open, window)  # the program has one where files come as events: on macOS
    QApplication.instance().installEventFilter(asked)
    QApplication.sendEvent(QApplication.instance(), QFileOpenEvent(str(SAMPLE)))

    wait(lambda: window.session.case is not None)
    assert window.session.case.volume.name == SAMPLE.stem


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("undo", "undo"),
        ("file open mask", "file.open_mask"),
        ("lbl 3", "label.3"),
        ("MASK SAVE", "file.save"),
        ("ndb", None),
    ],
)
def test_words_in_any_order_parts_and_letters_in_order_are_found(window, query, first):
    found = ranked(window.table, query, [])

    assert (found[0].id if found else None) == first


def test_the_panel_makes_room_for_a_long_key(window, hand):
    window.table.set_key("tool.brush", "Ctrl+F12")
    window.table.set_key("tool.browse", "Ctrl+F11")

    button = window.panel.tools.buttons["brush"]
    wait(lambda: button.width() >= button.sizeHint().width())
    room = window.panel.viewport().width()
    assert button.mapTo(window.panel.viewport(), button.rect().bottomRight()).x() < room


def test_a_long_key_stands_in_the_tooltip_and_a_tooltip_of_its_own_stays(window):
    tools = window.panel.tools
    undo = tools.undo.toolTip()
    window.table.set_key("tool.fill", "Ctrl+Alt+Shift+F12")
    window.table.set_key("undo", "Ctrl+Backspace")

    assert tools.buttons["fill"].text() == "Fill"
    assert tools.buttons["fill"].toolTip() == "Fill (Ctrl+Alt+Shift+F12)"
    assert (tools.undo.text(), tools.undo.toolTip()) == ("Undo", undo)


def test_a_button_of_a_grid_follows_its_key_in_the_tooltip(window):
    button = tool_button("All", "Work on all slices", window.table.hints["tool.fill"])
    button.setParent(window)
    window.table.set_key("tool.fill", "K")

    assert (button.text(), button.toolTip()) == ("All", "Work on all slices (K)")


def test_both_enter_keys_do_what_one_of_them_is_given_for(window, hand):
    window.table.set_key("tool.eraser", "Return")

    hand.key("KP_Enter")
    assert window.session.tool == "eraser"
    window.session.choose_tool("browse")
    hand.key("Return")
    assert window.session.tool == "eraser"
    assert "'Eraser'" in window.table.objection("undo", "Enter")
