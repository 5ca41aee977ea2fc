"""Outlooks of cases: kept in the workspace, described alike where cases are alike, ordered by use."""

import contextlib
import shutil
import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import TINY

from featherseg_engines.annotation.intake import add_images
from featherseg_engines.annotation.outlook import LENGTH, Outlook, describe, order_by_use
from featherseg_engines.annotation.schema import MIGRATIONS, version_of
from featherseg_engines.annotation.store import DATABASE, Store
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.errors import JournalError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.crops import nothing_found
from featherseg_engines.inference.proposal import Proposal, Request
from featherseg_engines.labels import Box

IMAGES = sorted((TINY / "dev" / "images").glob("*"))


def outlook(number, score, *values, weights="w"):
    vector = np.zeros(LENGTH, np.float32)
    vector[: len(values)] = values
    return Outlook(number, weights, score, vector)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "cases"
    with Workspace(made, "AB") as workspace:
        add_images(workspace, IMAGES[:3])
    return made


@st.composite
def worlds(draw):
    numbers = draw(st.lists(st.integers(1, 60), unique=True, min_size=1, max_size=25))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    known = [n for n in numbers if draw(st.booleans())]
    made = [outlook(n, float(rng.choice([0.0, 0.2, 0.2, 0.9])), *rng.integers(0, 3, 2)) for n in known]
    done = {n for n in numbers if draw(st.integers(0, 3)) == 0}
    return made, done, numbers


@given(worlds())
@settings(max_examples=200)
def test_the_order_is_a_permutation_without_what_is_done_and_the_unknown_come_last_as_listed(world):
    made, done, numbers = world
    order = order_by_use(made, done, numbers)
    assert sorted(order) == sorted(n for n in numbers if n not in done)
    unknown = [n for n in numbers if n not in done and n not in {o.case_id for o in made}]
    assert order[len(order) - len(unknown) :] == unknown
    assert order == order_by_use(made, done, numbers), "the same every time"


def test_the_least_sure_comes_first_and_then_one_that_is_unlike_it():
    made = [outlook(1, 0.9, 0.0), outlook(2, 0.8, 0.01), outlook(3, 0.5, 1.0)]
    assert order_by_use(made, (), [1, 2, 3]) == [1, 3, 2]


def test_what_is_like_a_case_that_is_done_waits():
    made = [outlook(1, 0.9, 0.0), outlook(2, 0.4, 5.0), outlook(9, 0.1, 0.1)]
    assert order_by_use(made, {9}, [1, 2]) == [2, 1]


def test_one_the_model_is_sure_of_waits_however_far_it_is():
    made = [outlook(1, 0.3, 0.0), outlook(2, 0.0, 50.0), outlook(3, 0.3, 1.0)]
    assert order_by_use(made, (), [1, 2, 3]) == [1, 3, 2]


def test_more_cases_than_are_chosen_one_by_one_all_stand_in_the_order():
    rng = np.random.default_rng(4)
    made = [outlook(n, float(rng.random()), *rng.random(6)) for n in range(1, 301)]
    assert sorted(order_by_use(made, {7}, list(range(1, 301)))) == [n for n in range(1, 301) if n != 7]


def test_outlooks_survive_closing_and_a_newer_one_takes_the_place_of_the_older(folder):
    with Workspace(folder, "AB") as workspace:
        workspace.outlooks.put(outlook(1, 0.3, 1.0))
        workspace.outlooks.put(outlook(2, 0.4, 2.0))
        workspace.outlooks.put(outlook(1, 0.7, 3.0))
        workspace.outlooks.put(outlook(1, 0.1, 4.0, weights="other"))
        workspace.outlooks.put(outlook(77, 0.5))
    with Workspace(folder, read_only=True) as workspace:
        found = workspace.outlooks.of("w")
        assert [(o.case_id, o.score, o.descriptor[0]) for o in found] == [(1, 0.7, 3.0), (2, 0.4, 2.0)]
        assert {o.case_id for o in workspace.outlooks.newest()} == {1, 2}
        with pytest.raises(JournalError, match="read-only"):
            workspace.outlooks.put(outlook(2, 0.5))


def test_an_outlook_goes_with_its_case(folder):
    with Workspace(folder, "AB") as workspace:
        workspace.outlooks.put(outlook(1, 0.3))
        workspace.remove_cases([1])
        assert workspace.outlooks.of("w") == []


def as_version_one(folder):
    """The workspace as the first version of the program left it."""
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db:
        db.execute("DROP TABLE outlooks")
        db.execute("DROP TABLE lesson_groups")
        db.execute("PRAGMA user_version = 1")
        db.commit()


def all_rows(folder):
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as db:
        return [db.execute(f"SELECT * FROM {t}").fetchall() for t in ("cases", "edits", "events", "labels")]


def test_an_older_workspace_opens_with_its_rows_untouched_and_can_keep_outlooks(folder):
    with Workspace(folder, "AB") as workspace:
        opened = workspace.open_case(1)
        box = Box((0, 3, 3), (1, 9, 9))
        opened.history.do(
            opened.history.labels.propose_edit("Brush", "hand", box, np.ones(box.shape, np.uint8))
        )
    as_version_one(folder)
    before = all_rows(folder)
    with Workspace(folder, "AB") as workspace:
        assert version_of(workspace.store.connection) == len(MIGRATIONS)
        assert workspace.outlooks.of("w") == []
        workspace.outlooks.put(outlook(2, 0.5))
        assert workspace.open_case(1).history.labels.array.sum() == 36
    assert all_rows(folder) == before


def test_an_older_workspace_opened_to_be_read_stays_as_it_is_and_has_no_outlooks(folder, tmp_path):
    as_version_one(folder)
    with Workspace(folder, read_only=True) as workspace:
        assert workspace.outlooks.of("w") == [] == workspace.outlooks.newest()
        assert len(workspace.cases(sort="useful")) == 3
    shutil.copy(folder / DATABASE, tmp_path / "copy.sqlite")
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.sqlite")) as db:
        assert version_of(db) == 1


def test_the_first_steps_of_the_schema_make_what_version_one_was(tmp_path):
    store = Store(tmp_path, steps=MIGRATIONS[:1])
    tables = {row[0] for row in store.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    store.close()
    assert "outlooks" not in tables and {"cases", "edits", "events", "labels"} <= tables


def proposed(volume, box, levels, z=0):
    return Proposal(Request(1, volume, z, None), box, levels, "m", "w", 0.0)


def photograph(shade, side=64):
    return Volume(np.full((1, side, side, 3), shade, np.uint8), Geometry((1, side, side)))


def test_alike_images_are_near_and_unlike_ones_far():
    box, levels = Box((0, 10, 10), (1, 40, 40)), np.full((1, 1, 30, 30), 255, np.uint8)
    dark, same, light = (describe(v, proposed(v, box, levels)) for v in map(photograph, (40, 45, 230)))
    assert dark.shape == (LENGTH,) and dark.dtype == np.float32
    assert np.linalg.norm(dark - same) < np.linalg.norm(dark - light) / 10
    elsewhere = describe(photograph(40), proposed(photograph(40), Box((0, 33, 33), (1, 63, 63)), levels))
    assert np.linalg.norm(dark - elsewhere) > np.linalg.norm(dark - same)


def test_a_volume_is_described_by_the_slice_on_which_most_was_found_in_its_own_values():
    voxels = np.full((4, 16, 16), -1000, np.int16)
    voxels[2, :, 8:] = 1000
    volume = Volume(voxels, Geometry((4, 16, 16)))
    levels = np.zeros((1, 3, 8, 8), np.uint8)
    levels[0, 1] = 255
    parts = describe(volume, proposed(volume, Box((1, 0, 0), (4, 8, 8)), levels)).reshape(8, 8, 4)
    assert parts[0, 0, 0] == 0 and parts[0, 7, 0] == 1
    assert parts[0, 0, 3] == 1 and parts[7, 7, 3] == 0


@pytest.mark.parametrize("shape", [(1, 5, 3), (1, 8, 8, 3), (3, 200, 7)])
def test_images_of_any_size_and_nothing_found_can_be_described(shape):
    volume = Volume(np.full(shape, 7, np.float32), Geometry(shape[:3]))
    vector = describe(volume, proposed(volume, *nothing_found(1)))
    assert vector.shape == (LENGTH,) and np.isfinite(vector).all()
