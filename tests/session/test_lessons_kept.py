"""The whole loop without a screen: cases of a workspace, the engine's teacher, versions kept, in use and back."""

import shutil

import pytest
from support.paths import TINY
from support.taught import Copying, copied, shipped

from featherseg.session.gathering import gather, take_masks
from featherseg.session.session import Session
from featherseg.session.teaching import Teaching
from featherseg.session.workbench import Workbench
from featherseg.session.workspace_source import WorkspaceSource
from featherseg.window.schooling import Gathering
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.models.bundle import file_sha256
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.teaching.record import learnt_cases
from featherseg_engines.teaching.teach import LocalTeacher
from featherseg_engines.teaching.versions import Versions


class Loop:
    """A session over ten photographs with a person's masks; a spoiled model ships, lessons end with a good one."""

    def __init__(self, pump, folder):
        self.pump, self.folder = pump, folder
        self.base = copied(shipped(), folder / "shipped" / "repsegnet.skin", spoiled=True)
        self.school = Copying(shipped())
        self.versions = Versions(folder / "models")
        self._images()
        self.start()
        assert self.bench.open(folder / "workspace")
        gather(self.bench, [folder / "images"])
        pump.until(lambda: len(self.bench.cases) == 10 and not self.bench.errands.busy)
        take_masks(self.bench, sorted((folder / "masks").iterdir()))
        pump.until(lambda: not self.session.reading)

    def _images(self):
        for kind in ("images", "masks"):
            (self.folder / kind).mkdir()
        masks = {p.stem: p for split in ("dev", "train") for p in (TINY / split / "masks").iterdir()}
        images = {p.stem: p for split in ("dev", "train") for p in (TINY / split / "images").iterdir()}
        names = sorted(set(masks) & set(images))
        for number in range(10):
            for kind, files in (("images", images), ("masks", masks)):
                file = files[names[number % len(names)]]
                shutil.copy(file, self.folder / kind / f"case{number}{file.suffix}")

    def start(self):
        """The program begins, as after a restart."""
        catalogue = Catalogue((self.versions.folder, self.folder / "shipped"))
        self.session = Session(self.pump.post, catalogue=catalogue)
        self.bench = Workbench(self.session, self.pump.post, "AB")
        source = WorkspaceSource(self.bench, Gathering(catalogue), learnt_cases)
        self.teaching = Teaching(
            self.session, source, self.versions, lambda: LocalTeacher(self.school.school)
        )

    def teach(self):
        self.teaching.start()
        self.pump.until(lambda: not self.teaching.running, 60)

    def close(self):
        self.teaching.close()
        self.bench.close()
        self.session.close()


@pytest.fixture
def loop(pump, tmp_path):
    made = Loop(pump, tmp_path)
    made.bench.set_state(made.bench.cases, CaseState.ACCEPTED)
    yield made
    made.close()


def test_what_was_learnt_is_kept_comes_into_use_and_is_there_after_a_restart(loop):
    before = file_sha256(loop.base.onnx)
    assert loop.teaching.stock.new == 10
    loop.teach()
    assert loop.teaching.sentence.startswith("Better: "), loop.teaching.sentence
    assert loop.session.model.card.name == "repsegnet-yours1.skin"
    assert loop.teaching.stock.new == 0 and loop.teaching.stock.cases == 10
    assert file_sha256(loop.base.onnx) == before
    loop.close()
    loop.start()
    assert loop.session.model.card.name == "repsegnet-yours1.skin"


def test_undo_brings_the_old_model_back_for_good(loop):
    loop.teach()
    loop.teaching.undo()
    assert loop.session.model.card.name == "repsegnet.skin"
    loop.close()
    loop.start()
    assert loop.session.model.card.name == "repsegnet.skin"
    assert [version.name for version in loop.versions.all()] == ["repsegnet-yours1.skin"]


def test_the_second_lesson_starts_from_the_base_and_must_beat_the_first(loop):
    loop.teach()
    loop.teach()
    assert loop.teaching.sentence.startswith("Not better") and loop.teaching.stage == "finished"
    newest, first = loop.versions.all()
    assert newest.record.parent.startswith("repsegnet.skin ")
    assert newest.record.beaten.startswith("repsegnet-yours1.skin ")
    assert first.in_use and not newest.in_use
    assert sorted(newest.record.held_out) == sorted(first.record.held_out)


def test_a_lesson_on_a_full_disk_is_a_sentence_and_leaves_nothing(loop, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loop.school, "export", full)
    loop.teach()
    assert loop.teaching.stage == "failed" and "The disk is full" in loop.teaching.sentence
    assert loop.versions.all() == [] and loop.session.model.card.name == "repsegnet.skin"
    assert not list(loop.versions.folder.glob("*"))
