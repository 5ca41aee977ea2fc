"""The workspace: cases in and out, moved folders, the lock, the label table, older and newer databases."""

import contextlib
import io
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from PIL import Image
from support.dicom_series import geometry_of, make_series
from support.paths import SAMPLE
from support.plain_labels import SHAPE, make_workspace

from featherseg_engines.annotation import shares
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.export.registry import export_accepted, standard_exporters
from featherseg_engines.annotation.intake import add_folder, add_images, add_series, import_masks
from featherseg_engines.annotation.label_rows import LabelRow
from featherseg_engines.annotation.presets import PRESETS
from featherseg_engines.annotation.schema import MIGRATIONS, TABLES, version_of
from featherseg_engines.annotation.store import DATABASE, Store
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import JournalError, ReadError, WorkspaceBusy
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.dicom.segmentation import read_segmentation, write_segmentation
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.labels import Box, Code, Label, LabelTable


@pytest.fixture
def folder(tmp_path) -> Path:
    make_workspace(tmp_path / "w")
    return tmp_path / "w"


def paint(workspace: Workspace, case: int, value: int = 1) -> np.ndarray:
    history = workspace.open_case(case).history
    box = Box((0, 3, 4), (1, 9, 14))
    history.do(history.labels.propose_edit("Brush", "hand", box, np.full((1, 6, 10), value, np.uint8)))
    return history.labels.array


def test_photographs_and_volumes_come_in_linked_with_grid_state_and_thumbnail(tmp_path, folder):
    with Workspace(folder) as workspace:
        intake = add_images(workspace, [SAMPLE])
        (case,) = intake.cases
        assert not intake.refused and case.linked and case.is_photograph and case.channels == 3
        assert case.state is CaseState.NEW and case.mask == "masks/skin_lesion.png"
        first = workspace.case(1)
        assert first.geometry.shape == SHAPE and first.geometry.calibrated
        assert np.allclose(first.geometry.spacing_mm, (3.0, 0.8, 0.9))
        assert np.allclose(first.geometry.origin_mm, (5.0, -7.0, 11.0))
        small = Image.open(io.BytesIO(workspace.thumbnail(case.id)))
        assert max(small.size) == 96 and small.size[0] > small.size[1] and small.mode == "RGB"
        wide = Image.open(io.BytesIO(workspace.thumbnail(1)))
        assert wide.size == (96, round(96 * 40 * 0.8 / (48 * 0.9)))
        assert np.array_equal(workspace.read_volume(case).voxels, read_image(SAMPLE).voxels)


def test_what_cannot_be_read_is_left_out_and_named_and_nothing_comes_in_twice(tmp_path, folder):
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with Workspace(folder) as workspace:
        intake = add_images(workspace, [tmp_path / "broken.png", SAMPLE, SAMPLE])
        assert [case.name for case in intake.cases] == ["skin_lesion"]
        assert "broken.png" in intake.refused[0] and "already" in intake.refused[1]


def test_a_folder_comes_in_by_name_and_equal_names_are_kept_apart(tmp_path, folder):
    for place in ("a", "b", ".hidden"):
        (tmp_path / "photos" / place).mkdir(parents=True)
        Image.new("L", (30, 20)).save(tmp_path / "photos" / place / "IMG.png")
    with Workspace(folder) as workspace:
        cases = add_folder(workspace, tmp_path / "photos", copy=True).cases
        assert [c.name for c in cases] == ["IMG", "IMG (2)"]
        assert [c.image for c in cases] == ["images/IMG.png", "images/IMG (2).png"]
        assert len({c.mask for c in cases}) == 2


@pytest.mark.parametrize("name", ["CON", "a:b?c", "über Größe", "x" * 200])
def test_masks_get_file_names_that_every_system_takes(tmp_path, folder, name):
    volume = Volume(np.zeros(SHAPE, np.uint8), Geometry(SHAPE))
    with Workspace(folder, reader=lambda path, uid: volume) as workspace:
        (case,) = add_series(workspace, tmp_path, [("1.2.3", name)]).cases
        assert case.series_uid == "1.2.3" and case.name == name
        stem = Path(case.mask).name.removesuffix(".nii.gz")
        assert stem.upper() != "CON" and not set(stem) & set('<>:"/\\|?*') and len(stem) <= 90
        paint(workspace, case.id)
        assert workspace.write_through(case.id) and (folder / case.mask).exists()


def test_a_moved_workspace_keeps_its_masks_copied_images_and_images_that_moved_along(tmp_path, folder):
    with Workspace(folder) as workspace:
        (copied,) = add_images(workspace, [SAMPLE], copy=True).cases
        expected = paint(workspace, 1)
        paint(workspace, copied.id)
        workspace.write_through(1)
    (tmp_path / "elsewhere").mkdir()
    shutil.move(folder, tmp_path / "elsewhere" / "w")
    shutil.move(tmp_path / "w-images", tmp_path / "elsewhere" / "w-images")
    with Workspace(tmp_path / "elsewhere" / "w") as workspace:
        assert np.array_equal(workspace.open_case(1).history.labels.array, expected)
        assert workspace.read_volume(workspace.case(1)).geometry.shape == SHAPE
        assert workspace.read_volume(workspace.case(copied.id)).channels == 3
    assert str(tmp_path).encode() not in _texts(tmp_path / "elsewhere" / "w", "name, mask, hint")


def _texts(folder: Path, columns: str) -> bytes:
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db:
        return repr(db.execute(f"SELECT {columns} FROM cases").fetchall()).encode()


def test_an_image_that_is_gone_is_named_and_can_be_linked_anew(tmp_path, folder):
    with Workspace(folder) as workspace:
        shutil.move(tmp_path / "w-images", tmp_path / "other")
        with pytest.raises(ReadError, match=r"'volume0\.nii\.gz'"):
            workspace.read_volume(workspace.case(1))
        workspace.relink(1, tmp_path / "other" / "volume0.nii.gz")
        assert workspace.read_volume(workspace.case(1)).geometry.shape == SHAPE


def test_the_list_is_filtered_sorted_and_walked_and_tells_the_progress(folder):
    with Workspace(folder, "AB") as workspace:
        workspace.set_state([2], CaseState.ACCEPTED)
        workspace.set_state([3], CaseState.FLAGGED)
        paint(workspace, 1)
        assert workspace.case(1).state is CaseState.IN_WORK and workspace.case(1).who == "AB"
        assert workspace.case(1).changed.endswith("+00:00")
        assert str(workspace.progress()) == "1 of 3 accepted"
        assert [c.id for c in workspace.cases(sort="state")] == [3, 1, 2]
        assert [c.id for c in workspace.cases(sort="name", descending=True)] == [3, 2, 1]
        assert [c.id for c in workspace.cases({CaseState.IN_WORK, CaseState.FLAGGED})] == [1, 3]
        assert [c.id for c in workspace.cases(text="UME1")] == [2]
        shown = workspace.cases(sort="name")
        assert workspace.next_case(3, shown).id == 1 and workspace.next_case(1, shown, backwards=True).id == 3
        assert workspace.next_case(None, shown).id == 1 and workspace.next_case(1, []) is None


def test_a_removed_case_leaves_its_files_and_a_new_one_of_its_name_takes_others(tmp_path, folder):
    with Workspace(folder) as workspace:
        paint(workspace, 1)
        workspace.write_through(1)
        old = folder / workspace.case(1).mask
        workspace.remove_cases([1])
        assert [c.id for c in workspace.cases()] == [2, 3] and old.exists() and workspace.past() == []
        (case,) = add_images(workspace, [tmp_path / "w-images" / "volume0.nii.gz"]).cases
        assert case.name == "volume0" and folder / case.mask != old
        assert not workspace.open_case(case.id).history.done


def test_existing_masks_come_in_by_their_stem_as_one_step(tmp_path, folder):
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 3, SHAPE).astype(np.uint8)
    large = mask.astype(np.uint16) * 200
    geometry = Geometry(SHAPE)
    write_mask(tmp_path / "volume0_mask.nii.gz", mask, geometry)
    write_mask(tmp_path / "VOLUME1.nii.gz", large, geometry)
    write_mask(tmp_path / "volume2_seg.nii.gz", mask[:3], Geometry((3, *SHAPE[1:])))
    write_mask(tmp_path / "nobody.nii.gz", mask, geometry)
    files = sorted(tmp_path.glob("*.nii.gz"))
    with Workspace(folder) as workspace:
        intake = import_masks(workspace, files)
        assert [c.name for c in intake.cases] == ["volume1", "volume0"]
        assert "nobody.nii.gz" in intake.refused[0] and "volume2_seg.nii.gz" in intake.refused[1]
        assert workspace.write_through(2)
    with Workspace(folder) as workspace:
        assert np.array_equal(workspace.open_case(2).history.labels.array, large)
        history = workspace.open_case(1).history
        assert np.array_equal(history.labels.array, mask)
        assert history.undo().source == "file" and not history.labels.array.any()


def test_dicom_series_come_in_as_cases_and_segmentations_find_them(tmp_path, folder):
    grid = geometry_of((4, 20, 24), (2.5, 0.7, 0.9), (0.2, 0.1, -0.1))
    volumes = [make_series(tmp_path / "scans" / name, grid, seed) for seed, name in enumerate("ab")]
    labels = np.zeros(grid.shape, np.uint16)
    labels[1:3, 5:9, 6:12] = 4
    cyst = Label(4, "cyst", "#ff0000", code=Code("367643001", "SCT", "Cyst"))
    write_segmentation(tmp_path / "seg.dcm", labels, LabelTable({4: cyst}), volumes[1])
    with Workspace(folder) as workspace:
        intake = add_folder(workspace, tmp_path / "scans")
        assert len(intake.cases) == 2 and not intake.refused
        (case,) = import_masks(workspace, [tmp_path / "seg.dcm"]).cases
        assert case.series_uid == volumes[1].source.series_uid
        assert workspace.image_path(case) == tmp_path / "scans" / "b" and case.name == "b"
        assert np.array_equal(workspace.read_volume(case).voxels + 1024, volumes[1].voxels)
        assert np.array_equal(workspace.open_case(case.id).history.labels.array, labels)
        assert workspace.labels.table().rows[4].code.meaning == "Cyst"
        workspace.set_state([case.id, 1], CaseState.ACCEPTED)
        told = export_accepted(workspace, standard_exporters()["dicom-seg"], tmp_path / "out")
        assert told[0].startswith("1 segmentations") and "'volume0' was not read from DICOM" in told[1]
        (written,) = (tmp_path / "out").iterdir()
        assert np.array_equal(read_segmentation(written, volumes[1]).labels, labels)
        assert len(add_folder(workspace, tmp_path / "scans").refused) == 2


OTHER = """
import sys
from pathlib import Path
from featherseg_engines.annotation.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]), "CD")
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_program_is_told_who_has_it_open_and_may_look(folder):
    child = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "open\n"
        with pytest.raises(WorkspaceBusy, match=r"by CD on .* since \d{4}-.* UTC; .*read-only"):
            Workspace(folder, "AB")
        with Workspace(folder, read_only=True) as workspace:
            assert len(workspace.cases()) == 3
            with pytest.raises(JournalError, match="read-only"):
                workspace.set_state([1], CaseState.ACCEPTED)
            with pytest.raises(JournalError, match="read-only"):
                paint(workspace, 1)
    finally:
        child.kill()
        child.wait()
    with Workspace(folder, "AB") as workspace:  # the lock of a dead program holds nobody up
        assert workspace.crashed is not None and (workspace.crashed.who, workspace.crashed.pid) == (
            "CD",
            child.pid,
        )
    with Workspace(folder, "AB") as workspace:
        assert workspace.crashed is None


def test_a_crash_is_told_with_how_much_was_recovered(folder):
    workspace = Workspace(folder, "AB")
    paint(workspace, 1)
    workspace.store.close()  # as if killed: nobody signs out
    workspace._lock.release()
    with Workspace(folder, "AB") as again:
        assert "1 step was recovered" in again.open_case(1).told
        assert again.open_case(2).told == ""


def test_the_same_program_cannot_open_it_twice(folder):
    with Workspace(folder, "AB"), pytest.raises(WorkspaceBusy, match="by AB"):
        Workspace(folder)


def test_labels_have_codes_hot_keys_and_locks_and_go_out_and_in_as_json(tmp_path, folder):
    with Workspace(folder) as workspace:
        workspace.labels.put(PRESETS["hippocampus"])
        workspace.labels.put([LabelRow(Label(7, "Zyste", "#123456", visible=False, locked=True), "2")])
        rows = workspace.labels.rows()
        assert [(r.label.value, r.hotkey) for r in rows] == [(1, "1"), (2, ""), (7, "2")]
        assert rows[0].label.code == Code("5366008", "SCT", "Hippocampus") and workspace.labels.locked() == {
            7
        }
        workspace.labels.export_json(tmp_path / "labels.json")
        workspace.labels.remove(7)
        assert workspace.labels.import_json(tmp_path / "labels.json") == rows
        assert workspace.labels.rows() == rows and workspace.labels.table().rows[7].name == "Zyste"
        (tmp_path / "other.json").write_text(json.dumps({"format": "else"}))
        with pytest.raises(ReadError, match=r"other\.json"):
            workspace.labels.import_json(tmp_path / "other.json")


def test_presets_have_different_colours_and_hot_keys():
    for rows in PRESETS.values():
        assert len({r.label.colour for r in rows}) == len({r.hotkey for r in rows}) == len(rows)


def test_a_newer_database_and_one_that_is_none_are_refused_in_words(tmp_path, folder):
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ReadError, match="newer"):
        Workspace(folder)
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / DATABASE).write_bytes(b"no database at all" * 100)
    with pytest.raises(ReadError, match="'junk' is damaged"):
        Workspace(tmp_path / "junk")
    with pytest.raises(ReadError, match="not a workspace"):
        Workspace(tmp_path / "nowhere", read_only=True)


def test_an_older_database_is_brought_up_to_date_and_a_copy_of_it_kept(folder):
    def add_column(db: sqlite3.Connection) -> None:
        db.execute("ALTER TABLE cases ADD COLUMN note TEXT NOT NULL DEFAULT ''")

    store = Store(folder, steps=(*MIGRATIONS, add_column))
    assert version_of(store.connection) == len(MIGRATIONS) + 1
    assert store.rows("SELECT note FROM cases WHERE id = 1") == [("",)]
    store.close()
    with contextlib.closing(sqlite3.connect(folder / f"featherseg.version-{len(MIGRATIONS)}.sqlite")) as old:
        assert version_of(old) == len(MIGRATIONS) and old.execute(
            "SELECT count(*) FROM cases"
        ).fetchone() == (3,)


def test_a_step_that_fails_leaves_the_older_database_whole(folder):
    def half(db: sqlite3.Connection) -> None:
        db.execute("DROP TABLE labels")
        db.execute("SELECT nonsense")

    with pytest.raises(JournalError):
        Store(folder, steps=(*MIGRATIONS, half))
    with Workspace(folder) as workspace:
        workspace.labels.put(PRESETS["skin"])
        assert len(TABLES.split("CREATE TABLE")) == 6


def test_on_a_network_share_the_rollback_journal_is_used(folder, monkeypatch):
    parts = [SimpleNamespace(mountpoint=str(folder.resolve()), fstype="cifs", opts="rw")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)
    assert shares.on_network_share(folder)
    with Workspace(folder) as workspace:  # it was made with the write-ahead log
        assert workspace.store.journal_mode == "delete"
        assert workspace.store.connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert workspace.store.connection.execute("PRAGMA synchronous").fetchone() == (2,)
        expected = paint(workspace, 1)
        with Workspace(folder, read_only=True) as looking:
            assert np.array_equal(looking.open_case(1).history.labels.array, expected)
    assert not (folder / f"{DATABASE}-wal").exists()


def test_the_disk_of_this_computer_is_no_network_share(tmp_path):
    assert not shares.on_network_share(tmp_path)
