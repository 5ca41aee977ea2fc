"""The case column in the real window, with a real mouse and real keys."""

import shutil

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QApplication, QMessageBox
from support.hand import Hand, settle, wait
from support.photographs import IMAGES, photographs

from featherseg.session.gathering import gather, send_out
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.export.registry import standard_exporters
from featherseg_engines.labels import Box


@pytest.fixture
def folder(tmp_path):
    return photographs(tmp_path / "Fälle", 5, "a rather long name of a photograph {}.jpg")


@pytest.fixture
def bench(window, folder):
    bench = window.work.bench
    assert bench.open(folder)
    gather(bench, [folder])
    wait(lambda: bench.current is not None)
    settle(0.3)
    return bench


def row_point(window, row):
    cases = window.work.cases.list
    return cases, cases.visualRect(cases.cases.index(row)).center()


def click_row(hand, window, row):
    cases, at = row_point(window, row)
    there = cases.viewport().mapToGlobal(at)
    hand._do("mousemove", str(there.x()), str(there.y()), "click", "1")
    settle()


def test_the_column_comes_with_a_workspace_and_goes_with_it(window, folder):
    assert not window.work.cases.isVisible()
    window.files.open(folder)
    assert "not a workspace yet" in window.notices.text()
    window.notices._buttons.itemAt(0).widget().click()
    wait(lambda: window.work.bench.current is not None)
    assert window.work.cases.isVisible() and len(window.work.bench.cases) == 5
    window.work.files.close()
    assert not window.work.cases.isVisible() and window.session.case is None


def test_the_image_keeps_seventy_percent_of_the_width_beside_both_columns(window, bench):
    window.resize(1366, 768)
    settle()
    assert window.work.cases.isVisible() and window.panel.isVisible()
    assert window.planes.width() >= 0.7 * window.width()
    assert window.panel.widget().width() <= window.panel.viewport().width(), "nothing is cut off"


def test_a_click_opens_a_case_and_the_keys_go_on_reaching_the_image(window, bench):
    hand = Hand(window)
    click_row(hand, window, 2)
    wait(lambda: bench.current.id == bench.cases[2].id)
    hand.key("n")
    wait(lambda: bench.current.id == bench.cases[3].id)
    hand.key("shift+n")
    wait(lambda: bench.current.id == bench.cases[2].id)
    hand.key("Return")
    wait(lambda: bench.current.id == bench.cases[3].id)
    hand.key("KP_Enter")
    wait(lambda: bench.current.id == bench.cases[4].id)
    assert window.work.cases.progress.text() == "2 of 5 accepted"
    hand.key("shift+f")
    assert bench.current.state is CaseState.FLAGGED


def test_n_pressed_fast_goes_on_by_as_many_cases(window, bench):
    for _ in range(3):
        bench.next()
    wait(lambda: bench.current.id == bench.cases[3].id)
    bench.next()
    bench.next(backwards=True)
    settle(0.5)
    assert bench.current.id == bench.cases[3].id and not window.session.reading


def test_enter_in_the_filter_accepts_nothing_and_hands_the_keys_back(window, bench):
    hand = Hand(window)
    hand.click(window.work.cases.filter)
    hand.type("graph 3 n")
    hand.key("BackSpace", "BackSpace")
    assert [case.name[-1] for case in bench.cases] == ["3"]
    hand.key("Return")
    assert str(bench.progress) == "0 of 5 accepted"
    assert window.qt_viewer.canvas.native.hasFocus()
    hand.key("n")
    wait(lambda: bench.current.name.endswith("3"))


def test_enter_ends_a_typed_threshold_and_accepts_nothing(window, bench):
    hand = Hand(window)
    box = window.panel.model.threshold._label
    hand.click(box)
    hand.key("ctrl+a")
    hand.type("0.3")
    hand.key("Return")
    assert window.session.threshold == pytest.approx(0.3)
    assert str(bench.progress) == "0 of 5 accepted"


def test_states_are_filtered_and_the_order_turned(window, bench):
    panel = window.work.cases
    bench.set_state(bench.cases[:2], CaseState.ACCEPTED)
    panel.states.setCurrentIndex(panel.states.findText("✓ Accepted"))
    panel.states.activated.emit(panel.states.currentIndex())
    assert len(bench.cases) == 2 == panel.list.model().rowCount()
    panel.states.setCurrentIndex(0)
    panel.states.activated.emit(0)
    panel.direction.setChecked(True)
    assert bench.cases[0].name.endswith("4")


def test_the_menu_of_a_row_accepts_flags_and_takes_back(window, bench):
    menu = window.work.cases.list.menu_for(bench.cases[:2])
    titles = {action.text(): action for action in menu.actions()}
    titles["✓ Accept 2 cases"].trigger()
    assert [case.state for case in bench.cases[:2]] == [CaseState.ACCEPTED] * 2
    menu.close()
    menu = window.work.cases.list.menu_for(bench.cases[:1])
    next(action for action in menu.actions() if "Back" in action.text()).trigger()
    assert bench.cases[0].state is CaseState.IN_WORK
    menu.close()


def test_f2_folds_the_column(window, bench):
    hand = Hand(window)
    before = window.planes.width()
    hand.key("F2")
    assert not window.work.cases.isVisible() and window.planes.width() > before
    hand.key("F2")
    assert window.work.cases.isVisible()


def test_images_dropped_on_the_column_become_cases(window, bench, tmp_path):
    other = tmp_path / "more.jpg"
    shutil.copy(IMAGES[0], other)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(other))])
    window.work.cases.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    wait(lambda: len(bench.cases) == 6)
    assert bench.current.id == bench.cases[0].id, "what was open stays open"


def test_a_loose_image_leaves_the_case_and_keeps_the_workspace(window, bench, tmp_path):
    loose = tmp_path / "loose.jpg"
    shutil.copy(IMAGES[0], loose)
    window.files.open(loose)
    wait(lambda: window.session.case is not None and window.session.case.number is None)
    assert bench.current is None and bench.workspace is not None and window.work.cases.isVisible()
    window.session.propose()
    wait(lambda: window.session.proposal is not None)
    window.session.accept()
    bench.open_case(bench.cases[1])
    settle(0.3)
    assert bench.current is None and "not saved" in window.notices.text()
    window.session.case.mark_saved(loose)
    bench.open_case(bench.cases[1])
    wait(lambda: bench.current is not None)


def test_opening_a_folder_that_is_a_workspace_opens_it(window, bench, folder):
    assert bench.close() and not window.work.cases.isVisible()
    window.files.open(folder)
    assert bench.workspace is not None and len(bench.cases) == 5


def test_initials_signed_now_stand_beside_the_next_edit(window, bench):
    hand = Hand(window)
    hand.click(window.work.cases.who)
    hand.type("XY")
    hand.key("Return")
    window.session.propose()
    wait(lambda: window.session.proposal is not None)
    window.session.accept()
    bench.refresh()
    assert bench.cases[0].who == "XY"


def test_the_filled_button_leads_from_propose_to_accept_to_the_next_case(window, bench):
    hand, primary, session = Hand(window), window.panel.model.primary, window.session
    first = bench.current.id
    assert primary.text().startswith("Propose")
    hand.click(primary)
    wait(lambda: session.proposal is not None)
    assert primary.text() == "Accept  Space"
    hand.click(primary)
    assert primary.text() == "Accept case  Enter"
    hand.click(primary)
    wait(lambda: bench.current.id != first)
    assert bench.cases[0].state is CaseState.ACCEPTED and primary.text().startswith("Propose")


def refuse(bench, refused):
    bench.workspace.store.connection.execute(f"PRAGMA query_only = {'ON' if refused else 'OFF'}")


def answer(button):
    """Press a button of the question that comes next; what it said."""
    said = []

    def press():
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            said.append(box.text())
            box.button(button).click()
        else:
            QTimer.singleShot(50, press)

    QTimer.singleShot(50, press)
    return said


def paint(session):
    session.paint("Brush", Box((0, 5, 5), (1, 9, 9)), np.ones((1, 4, 4), np.uint8))


def test_what_the_disk_refuses_is_told_and_asked_about_before_it_is_lost(window, bench, tmp_path):
    refuse(bench, True)
    paint(window.session)
    assert window.status.saved.text() == "● 1 edit not saved"
    said = answer(QMessageBox.StandardButton.Cancel)
    loose = tmp_path / "loose.jpg"
    shutil.copy(IMAGES[0], loose)
    window.files.open(loose)
    assert "refuses" in said[0] and bench.current is not None and not window.session.reading
    answer(QMessageBox.StandardButton.Cancel)
    assert not window.close() and bench.workspace is not None
    refuse(bench, False)
    window.work.files.save()
    assert window.status.saved.text() == "✓ every edit saved"
    assert window.work.files.may_leave()


def test_the_window_closes_all_the_same_where_the_person_says_so(window, bench):
    refuse(bench, True)
    paint(window.session)
    said = answer(QMessageBox.StandardButton.Discard)
    assert window.close() and said and bench.workspace is None


def test_a_case_is_taken_off_the_list_only_after_asking_and_its_files_stay(window, bench, folder):
    paint(window.session)
    answer(QMessageBox.StandardButton.Cancel)
    window.work.files.remove(bench.cases[:1])
    assert len(bench.cases) == 5
    said = answer(QMessageBox.StandardButton.Yes)
    window.work.files.remove(bench.cases[:1])
    assert "photograph 0" in said[0] and len(bench.cases) == 4 and window.session.case is None
    assert (folder / "a rather long name of a photograph 0.jpg").exists()


def test_an_image_that_moved_is_linked_anew(window, bench, tmp_path):
    case = bench.cases[2]
    source = bench.workspace.image_path(case)
    moved = tmp_path / "moved.jpg"
    source.rename(moved)
    bench.open_case(case)
    wait(lambda: "link it anew" in window.notices.text())
    bench.relink(case, moved)
    wait(lambda: bench.current.id == case.id)


def test_with_the_keyboard_in_the_list_arrows_and_enter_mean_the_list(window, bench):
    hand, cases = Hand(window), window.work.cases.list
    cases.setFocus(Qt.FocusReason.TabFocusReason)
    hand.key("Down", "Down", "Return")
    wait(lambda: bench.current.id == bench.cases[2].id)
    assert str(bench.progress) == "0 of 5 accepted"
    assert window.qt_viewer.canvas.native.hasFocus()


def test_an_export_goes_on_while_cases_are_opened(window, bench, tmp_path):
    bench.set_state(bench.cases, CaseState.ACCEPTED)
    out = tmp_path / "out"
    send_out(bench, standard_exporters()["nnunet"], out)
    bench.next()
    wait(lambda: bench.current.id == bench.cases[1].id)
    wait(lambda: not bench.errands.busy)
    assert len(list(out.rglob("*.*"))) >= 10


def test_widths_that_somebody_chose_stay_as_shares_of_the_window(window, bench):
    window.columns.set_shares((0.2, 0.25))
    window.resize(1500, 800)
    settle()
    sizes = window.columns.sizes()
    assert sizes[0] == pytest.approx(0.2 * window.columns.width(), abs=8)
    window.work.fold()
    window.work.fold()
    assert window.columns.sizes()[0] == pytest.approx(sizes[0], abs=2)


def test_the_history_of_a_case_comes_back_with_its_times(window, bench):
    paint(window.session)
    bench.next()
    wait(lambda: bench.current.id == bench.cases[1].id)
    steps = window.work.history.panel.steps
    assert steps.rowCount() == 1
    bench.next(backwards=True)
    wait(lambda: bench.current.id == bench.cases[0].id)
    assert steps.rowCount() == 2 and ":" in steps.index(0).data()
