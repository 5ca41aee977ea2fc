"""Journal and undo: the same labels as plain copies, after restarts, with a full disk and a read-only folder."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.plain_labels import SHAPE, Plain, Step, make_workspace, perform

from featherseg_engines.annotation import journal as journal_module
from featherseg_engines.annotation.history import History, not_saved
from featherseg_engines.annotation.packing import pack, unpack
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import JournalError, ReadError, WriteError
from featherseg_engines.imaging.readers import read_mask
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Box, LabelMap

edits = st.builds(lambda seed: Step("edit", 0, seed), st.integers(0, 10_000))
orders = st.one_of(
    edits,
    edits,
    st.just(Step("undo")),
    st.just(Step("redo")),
    st.builds(lambda case: Step("switch", case), st.integers(1, 3)),
    st.just(Step("save")),
    st.just(Step("save")),
)
EDIT, OTHER, SAVE, UNDO, REDO = (
    Step("edit", 0, 1),
    Step("edit", 0, 2),
    Step("save"),
    Step("undo"),
    Step("redo"),
)


@pytest.fixture
def folder(tmp_path) -> Path:
    make_workspace(tmp_path / "w")
    return tmp_path / "w"


def stroke(history: History, value: int, z: int = 0) -> None:
    box = Box((z, 3, 4), (z + 1, 20, 24))
    history.do(
        history.labels.propose_edit(f"Brush {value}", "hand", box, np.full((1, 17, 20), value, np.uint8))
    )


@settings(max_examples=25, deadline=None)
@example([EDIT, SAVE, OTHER, "reopen", UNDO, UNDO])
@example([EDIT, OTHER, UNDO, SAVE, REDO, "reopen", UNDO])
@example([EDIT, OTHER, SAVE, UNDO, EDIT, Step("switch", 2), EDIT, SAVE, Step("switch", 1), UNDO, "reopen"])
@given(st.lists(st.one_of(orders, st.just("reopen")), max_size=30))
def test_any_sequence_of_edits_undo_redo_switch_and_reopen_gives_what_plain_copies_give(sequence):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "w"
        cases = make_workspace(folder)
        plain = Plain(cases)
        workspace = Workspace(folder)
        opened = workspace.open_case(plain.active)
        for step in sequence:
            if isinstance(step, str):
                workspace.close()
                workspace = Workspace(folder)
                opened = workspace.open_case(plain.active)
            elif step.kind == "switch":
                opened = workspace.open_case(step.case)
            elif step.kind == "save":
                workspace.write_through(plain.active)
            else:
                perform(opened.history, step)
            if not isinstance(step, str):
                plain.take(step)
            assert np.array_equal(opened.history.labels.array, plain.now(plain.active))
        for case in cases:
            assert np.array_equal(workspace.open_case(case).history.labels.array, plain.now(case))
        workspace.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(orders.filter(lambda s: s.kind in ("edit", "undo", "redo")), max_size=25))
def test_undo_without_a_workspace_gives_what_plain_copies_give(sequence):
    plain, history = Plain([1]), History(LabelMap(np.zeros(SHAPE, np.uint8)))
    for step in sequence:
        perform(history, step)
        plain.take(step)
        assert np.array_equal(history.labels.array, plain.now(1))
        assert len(history.done) == plain.at[1]


def test_a_packed_edit_comes_back_bit_for_bit_and_small():
    labels = LabelMap(np.zeros((1, 400, 500), np.uint16))
    yy, xx = np.mgrid[:400, :500]
    disc = ((yy - 200) ** 2 + (xx - 250) ** 2 < 80**2)[None] * np.uint16(700)
    edit = labels.propose_edit("Brush", "hand", Box((0, 0, 0), (1, 400, 500)), disc, "seen")
    packed = pack(edit)
    back = unpack(packed)
    assert (back.name, back.source, back.detail, back.box) == ("Brush", "hand", "seen", edit.box)
    assert back.after.dtype == np.uint16 and np.array_equal(back.after, edit.after)
    assert packed.size < 4000 and packed.changed == np.count_nonzero(disc)


def test_undo_names_and_redo_survive_a_restart(folder):
    with Workspace(folder, "AB") as workspace:
        history = workspace.open_case(1).history
        stroke(history, 1)
        stroke(history, 2, z=3)
        history.undo()
    with Workspace(folder, "AB") as workspace:
        history = workspace.open_case(1).history
        assert [s.name for s in history.done] == ["Brush 1"]
        assert [s.name for s in history.undone] == ["Brush 2"]
        assert history.redo().name == "Brush 2" and (history.labels.array[3] == 2).any()
        assert [(p.name, p.kind, p.who) for p in workspace.past()][:2] == [
            ("Brush 2", "redo", "AB"),
            ("Brush 2", "undo", "AB"),
        ]


def test_an_empty_edit_is_a_step_too(folder):
    with Workspace(folder) as workspace:
        history = workspace.open_case(1).history
        box = Box((0, 0, 0), (1, 4, 4))
        history.do(
            history.labels.propose_edit(
                "Accept: nothing found", "proposal", box, np.zeros((1, 4, 4), np.uint8)
            )
        )
    with Workspace(folder) as workspace:
        assert [s.changed for s in workspace.open_case(1).history.done] == [0]


def test_half_a_stroke_on_the_canvas_reaches_no_file(folder):
    with Workspace(folder) as workspace:
        opened = workspace.open_case(1)
        stroke(opened.history, 1)
        finished = opened.history.labels.array.copy()
        opened.history.labels.array[2] = 9  # the canvas is in the middle of a stroke
        assert workspace.write_through(1)
        assert np.array_equal(read_mask(folder / opened.case.mask), finished)


def test_writing_through_twice_writes_once(folder):
    with Workspace(folder) as workspace:
        stroke(workspace.open_case(2).history, 1)
        assert workspace.behind() == [2]
        assert workspace.write_through(2) and not workspace.write_through(2)
        assert workspace.behind() == []
        assert workspace.case(2).volumes_ml == {1: pytest.approx(17 * 20 * 3.0 * 0.8 * 0.9 / 1000)}


def test_closing_waits_for_a_mask_that_is_being_written(folder):
    workspace = Workspace(folder)
    stroke(workspace.open_case(1).history, 1)
    failed = []

    def write() -> None:
        try:
            workspace.write_through(1)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    workspace.close()
    for thread in threads:
        thread.join()
    assert not failed and not list((folder / "masks").glob(".featherseg-*"))
    with Workspace(folder) as again:
        assert (again.open_case(1).history.labels.array == 1).sum() == 17 * 20


def test_a_crash_between_the_mask_file_and_its_mark_changes_nothing(folder):
    with Workspace(folder) as workspace:
        history = workspace.open_case(1).history
        stroke(history, 1)
        workspace.write_through(1)
        stroke(history, 2)
        history.undo()
        stroke(history, 3, z=1)
        case = workspace.case(1)
        write_mask(folder / case.mask, history.labels.array, case.geometry)  # and the power goes here
        assert np.array_equal(workspace.open_case(1).history.labels.array, history.labels.array)


def test_a_missing_mask_file_is_rebuilt_from_the_journal_and_told(folder):
    with Workspace(folder) as workspace:
        opened = workspace.open_case(1)
        stroke(opened.history, 4)
        workspace.write_through(1)
        (folder / opened.case.mask).unlink()
        again = workspace.open_case(1)
        assert "was rebuilt" in again.told
        assert np.array_equal(again.history.labels.array, opened.history.labels.array)


def test_a_mask_changed_by_another_program_comes_in_as_a_step_that_can_be_undone(folder):
    with Workspace(folder) as workspace:
        opened = workspace.open_case(1)
        stroke(opened.history, 1)
        workspace.write_through(1)
        case, ours = workspace.case(1), opened.history.labels.array.copy()
        theirs = np.roll(ours, 2, axis=1) * 3
        write_mask(folder / case.mask, theirs, case.geometry)
        again = workspace.open_case(1)
        assert "changed by another program" in again.told
        assert np.array_equal(again.history.labels.array, theirs) and workspace.behind() == [1]
        again.history.undo()
        assert np.array_equal(again.history.labels.array, ours)
        again.history.redo()
        workspace.write_through(1)
        last = workspace.open_case(1)
        assert last.told == "" and np.array_equal(last.history.labels.array, theirs)
        assert [s.name for s in last.history.done] == ["Brush 1", "Changed by another program"]


def test_old_steps_are_let_go_only_after_the_mask_file_holds_them(folder, monkeypatch):
    monkeypatch.setattr(journal_module, "KEEP_STEPS", 3)
    with Workspace(folder) as workspace:
        opened = workspace.open_case(1)
        for value in range(1, 7):
            stroke(opened.history, value)
        assert len(workspace.open_case(1).history.done) == 6
        workspace.write_through(1)
        again = workspace.open_case(1).history
        assert [s.name for s in again.done] == ["Brush 4", "Brush 5", "Brush 6"]
        while again.undo():
            pass
        assert again.labels.array.max() == 3
        (folder / opened.case.mask).unlink()
        with pytest.raises(ReadError, match="volume0"):
            workspace.open_case(1)


def test_a_full_disk_keeps_what_was_reported_and_says_what_was_not_saved(folder):
    with Workspace(folder) as workspace:
        history = workspace.open_case(1).history
        stroke(history, 1)
        reported = history.labels.array.copy()
        pages = workspace.store.connection.execute("PRAGMA page_count").fetchone()[0]
        workspace.store.connection.execute(f"PRAGMA max_page_count = {pages}")
        noise = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
        with pytest.raises(JournalError, match="disk is full"):
            while True:
                reported = history.labels.array.copy()
                history.do(history.labels.propose_edit("Noise", "tool", Box((0, 0, 0), SHAPE), noise))
                noise = noise[::-1]
        assert history.unsaved == 1 and "1 edit is in memory only" in not_saved(history.unsaved)
        assert np.array_equal(workspace.open_case(1).history.labels.array, reported)
        in_memory = history.labels.array.copy()
        with pytest.raises(JournalError):
            history.undo()
        assert np.array_equal(history.labels.array, reported) and history.unsaved == 2
        with pytest.raises(JournalError):
            history.redo()
        workspace.store.connection.execute("PRAGMA max_page_count = 100000")
        history.retry()
        assert history.unsaved == 0
        assert np.array_equal(workspace.open_case(1).history.labels.array, in_memory)


def test_a_disk_that_is_full_for_masks_keeps_the_old_mask_and_the_journal(folder, monkeypatch):
    with Workspace(folder) as workspace:
        opened = workspace.open_case(1)
        stroke(opened.history, 1)
        workspace.write_through(1)
        before = (folder / opened.case.mask).read_bytes()
        stroke(opened.history, 2)

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(WriteError, match="disk full"):
                workspace.write_through(1)
        assert (folder / opened.case.mask).read_bytes() == before
        assert np.array_equal(workspace.open_case(1).history.labels.array, opened.history.labels.array)
        assert workspace.write_through(1)


LIMITED = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import WriteError
from featherseg_engines.labels import Box
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
workspace = Workspace(Path(sys.argv[1]))
history = workspace.open_case(1).history
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
shape = history.labels.array.shape
rng = np.random.default_rng(1)
finished = 0
for step in range(200):
    noise = rng.integers(0, 255, shape).astype(np.uint8)
    try:
        history.do(history.labels.propose_edit("Noise", "tool", Box((0, 0, 0), shape), noise))
        finished += 1
    except WriteError as error:
        print(finished, history.unsaved, error)
        break
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a program's file sizes")
def test_writes_that_the_system_really_refuses_lose_nothing_that_was_finished(folder):
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder)], capture_output=True, text=True, timeout=120
    )
    finished, unsaved, sentence = run.stdout.split(" ", 2)
    assert int(finished) > 0 and unsaved == "1" and "not saved" in sentence, run.stderr
    rng = np.random.default_rng(1)
    for _ in range(int(finished)):
        expected = rng.integers(0, 255, SHAPE).astype(np.uint8)
    with Workspace(folder) as workspace:
        history = workspace.open_case(1).history
        assert len(history.done) == int(finished)
        assert np.array_equal(history.labels.array, expected)


def test_a_database_that_becomes_read_only_says_so_and_keeps_the_edit_in_memory(folder):
    with Workspace(folder) as workspace:
        history = workspace.open_case(1).history
        stroke(history, 1)
        workspace.store.connection.execute("PRAGMA query_only = ON")
        with pytest.raises(JournalError, match="read-only"):
            stroke(history, 2)
        assert history.unsaved == 1 and (history.labels.array == 2).any()
        workspace.store.connection.execute("PRAGMA query_only = OFF")
        stroke(history, 3, z=2)
        assert history.unsaved == 0
        assert [s.name for s in workspace.open_case(1).history.done] == ["Brush 1", "Brush 2", "Brush 3"]


READ_ONLY = """
import os, sys
from pathlib import Path
import SimpleITK, filelock, nibabel, psutil  # before the rights to read them are given away
import numpy as np
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import WriteError
from featherseg_engines.imaging.readers import read_mask
from featherseg_engines.labels import Box
if os.geteuid() == 0:  # root may write anywhere: be nobody
    os.seteuid(65534)
folder = Path(sys.argv[1])
workspace = Workspace(folder)
opened = workspace.open_case(1)
def stroke(value):
    box = Box((0, 3, 4), (1, 20, 24))
    after = np.full((1, 17, 20), value, np.uint8)
    opened.history.do(opened.history.labels.propose_edit("Brush", "hand", box, after))
stroke(1)
workspace.write_through(1)
mask = folder / opened.case.mask
before = mask.read_bytes()
stroke(2)
for place in (folder, folder / "masks"):
    place.chmod(0o500)
try:
    workspace.write_through(1)
except WriteError as error:
    print(error)
assert mask.read_bytes() == before
assert (workspace.open_case(1).history.labels.array == opened.history.labels.array).all()
workspace.close()
looking = Workspace(folder, read_only=True)
assert (looking.open_case(1).history.labels.array == opened.history.labels.array).all()
looking.close()
for name in ("featherseg.sqlite", "featherseg.lock"):
    (folder / name).chmod(0o400)
    try:
        Workspace(folder)
    except WriteError as error:
        print(error)
    (folder / name).chmod(0o600)
for place in (folder, folder / "masks"):
    place.chmod(0o700)
workspace = Workspace(folder)
assert workspace.write_through(1)
assert (read_mask(mask) == 2).any()
"""


@pytest.mark.skipif(os.name != "posix", reason="rights of folders are set differently on Windows")
def test_a_folder_that_becomes_read_only_keeps_everything_and_can_be_looked_at():
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "w"
        make_workspace(folder)
        if os.geteuid() == 0:
            Path(place).chmod(0o755)
            for path in (folder, *folder.rglob("*")):
                os.chown(path, 65534, 65534)
        run = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(folder)], capture_output=True, text=True, timeout=120
        )
        assert run.returncode == 0, run.stderr
        sentences = run.stdout.splitlines()
        assert len(sentences) == 3 and all("read-only" in sentence for sentence in sentences)


def test_labels_of_another_type_are_refused_before_anything_changes(folder):
    with Workspace(folder) as workspace:
        history = workspace.open_case(1).history
        other = LabelMap(np.zeros(SHAPE, np.uint16))
        edit = other.propose_edit("Brush", "hand", Box((0, 0, 0), (1, 2, 2)), np.full((1, 2, 2), 300))
        with pytest.raises(ValueError, match="uint16"):
            history.do(edit)
        assert not history.done and not history.labels.array.any()


def test_every_commit_is_flushed_to_the_disk(folder):
    with Workspace(folder) as workspace:
        assert workspace.store.connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert workspace.store.journal_mode == "wal"
        assert isinstance(workspace.store.connection, sqlite3.Connection)
