"""Proposing for every case: what is stored is not computed again, also after a restart; it shows at once."""

import shutil
import threading

import numpy as np
import pytest
from support.paths import TINY

from featherseg.session.gathering import gather
from featherseg.session.session import Session
from featherseg.session.workbench import Workbench
from featherseg.session.workspace_run import WorkspaceRun
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.proposals import ProposalFiles
from featherseg_engines.errors import ModelError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.writers import write_mask
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Box

IMAGES = sorted((TINY / "dev" / "images").glob("*"))


class Engine:
    """Answers when the gate is open; says which images it was asked for."""

    def __init__(self):
        self.gate, self.free = threading.Semaphore(0), False
        self.asked: list[str] = []
        self.fails: set[str] = set()

    def propose(self, request, cancel):
        self.asked.append(request.volume.name)
        if not self.free:
            self.gate.acquire(timeout=10)
        if request.volume.name in self.fails:
            raise ModelError("It gave values that are not numbers.")
        box = Box((request.z, 3, 4), (request.z + 1, 13, 24))
        return Proposal(
            request, box, np.full((1, 1, 10, 20), 200, np.uint8), "m", request.model.identity, 0.2
        )


@pytest.fixture
def folder(tmp_path):
    """Three photographs and a volume of three slices."""
    made = tmp_path / "Fälle"
    made.mkdir()
    for i in range(3):
        shutil.copy(IMAGES[i], made / f"photo{i}{IMAGES[i].suffix}")
    values = np.random.default_rng(0).integers(0, 255, (3, 30, 40)).astype(np.uint8)
    write_mask(made / "volume.nii.gz", values, Geometry((3, 30, 40), (3.0, 1.0, 1.0)))
    return made


class Desk:
    """A session, its workbench and the queue, as the program has them."""

    def __init__(self, pump, engine):
        self.pump, self.engine = pump, engine
        self.session = Session(pump.post, make_engine=lambda: engine)
        self.notices = []
        self.session.noticed.connect(self.notices.append)
        self.bench = Workbench(self.session, pump.post, "AB")
        self.run = WorkspaceRun(self.bench)

    def close(self):
        self.run.close()
        self.bench.end()
        self.session.close()

    def open(self, case) -> None:
        self.bench.open_case(case)
        self.pump.until(lambda: self.bench.current is not None and self.bench.current.id == case.id)

    def done(self) -> int:
        progress = self.run.progress
        return int(progress.text.split(": ")[1].split()[0]) if progress else -1


@pytest.fixture
def make(pump, folder):
    made = []

    def build(engine=None) -> Desk:
        desk = Desk(pump, engine or Engine())
        made.append(desk)
        fresh = not (folder / "featherseg.sqlite").exists()
        assert desk.bench.open(folder)
        if fresh:
            gather(desk.bench, [folder])
            pump.until(lambda: desk.bench.current is not None and len(desk.bench.cases) == 4)
        return desk

    yield build
    for desk in made:
        desk.close()


def test_every_case_is_answered_in_the_list_s_order_and_stored(make, pump, folder):
    desk = make()
    desk.engine.free = True
    heard = []
    desk.run.on_answer = lambda case, volume, proposal: heard.append((case.name, volume.name, proposal.box))
    desk.run.start()
    assert desk.run.progress.text == "Proposing for every case: 0 of 4 cases"
    pump.until(lambda: not desk.run.running)
    assert [name for name, _, _ in heard] == ["photo0", "photo1", "photo2", "volume"]
    assert heard[-1][2] == Box((0, 3, 4), (3, 13, 24))
    assert desk.notices[-1].text == "Proposals are there for 4 of 4 cases."
    assert len(list((folder / "proposals").iterdir())) == 4
    assert {case.state for case in desk.bench.cases} == {CaseState.PROPOSED}


def test_a_run_goes_on_after_the_program_was_closed_and_opened_again(make, pump):
    desk = make()
    desk.run.start()
    desk.engine.gate.release(2)
    pump.until(lambda: desk.done() == 2)
    desk.close()
    again = make()
    again.engine.free = True
    again.run.start()
    pump.until(lambda: not again.run.running)
    assert sorted(set(again.engine.asked)) == ["photo2", "volume"]
    again.run.start()
    before = len(again.engine.asked)
    pump.until(lambda: not again.run.running)
    assert len(again.engine.asked) == before, "all is stored"


def test_cancel_and_closing_the_workspace_stop_it(make, pump):
    desk = make()
    desk.run.start()
    pump.until(lambda: bool(desk.engine.asked))
    desk.run.cancel()
    assert not desk.run.running and desk.run.progress is None
    desk.engine.gate.release()
    desk.run.start()
    assert desk.run.running
    desk.bench.close()
    assert not desk.run.running


def test_a_paused_queue_computes_nothing_until_it_is_resumed(make, pump):
    desk = make()
    desk.run.start()
    desk.engine.gate.release()
    pump.until(lambda: desk.done() == 1)
    desk.run.pause()
    assert desk.run.progress.left == "paused"
    desk.engine.gate.release(5)
    desk.open(desk.bench.cases[2])
    desk.session.propose()
    pump.until(lambda: desk.session.proposal is not None)
    assert desk.engine.asked.count("photo1") <= 1 and "volume" not in desk.engine.asked
    desk.engine.free = True
    desk.run.resume()
    pump.until(lambda: not desk.run.running)
    assert "volume" in desk.engine.asked


def test_accepted_cases_are_left_alone(make, pump):
    desk = make()
    desk.engine.free = True
    desk.bench.set_state(desk.bench.cases[:3], CaseState.ACCEPTED)
    desk.run.start()
    pump.until(lambda: not desk.run.running)
    assert set(desk.engine.asked) == {"volume"}
    desk.bench.set_state(desk.bench.cases, CaseState.ACCEPTED)
    desk.run.start()
    assert not desk.run.running and "accepted" in desk.notices[-1].text


def test_cases_that_fail_are_named_at_the_end_and_the_others_are_done(make, pump, folder):
    desk = make()
    desk.engine.free = True
    desk.engine.fails = {"photo1"}
    next(folder.glob("photo2*")).unlink()
    desk.run.start()
    pump.until(lambda: not desk.run.running)
    last = desk.notices[-1]
    assert last.kind == "problem" and last.text.startswith(
        "Proposals are there for 2 of 4 cases. Not for 'photo1'"
    )
    assert "'photo2'" in last.text and "not numbers" in last.text
    desk.engine.fails.clear()
    desk.open(desk.bench.cases[0])
    desk.session.drop()
    desk.session.propose()
    pump.until(lambda: desk.session.proposal is not None)


def test_a_stored_proposal_shows_when_its_case_is_opened_and_nothing_is_drawn_there(make, pump):
    desk = make()
    desk.engine.free = True
    desk.run.start()
    pump.until(lambda: not desk.run.running)
    before = len(desk.engine.asked)
    volume = desk.bench.cases[3]
    desk.open(volume)
    pump.until(lambda: desk.session.proposal is not None)
    assert desk.session.proposing.unasked and desk.session.proposal.box == Box((0, 3, 4), (3, 13, 24))
    desk.session.go_to_slice(2)
    assert desk.session.proposal is not None and len(desk.engine.asked) == before
    desk.session.accept()
    assert int((desk.session.case.labels.array > 0).sum()) == 600
    desk.open(desk.bench.cases[0])
    pump.until(lambda: desk.session.proposal is not None)
    desk.open(volume)
    desk.run._finding.submit(_probe(desk))
    pump.until(lambda: desk.probed)
    assert desk.session.proposal is None, "there are labels"


def _probe(desk):
    """Work for the thread that looks for stored proposals: done when what was before it is done."""
    from featherseg.session.background import Task

    desk.probed = False

    def done(_):
        desk.probed = True

    return Task(lambda _: None, done, done, done)


def test_a_stored_proposal_of_an_image_that_was_replaced_does_not_show_and_is_computed_anew(
    make, pump, folder
):
    desk = make()
    desk.engine.free = True
    desk.run.start()
    pump.until(lambda: not desk.run.running)
    target = folder / "volume.nii.gz"
    write_mask(target, np.zeros((3, 30, 40), np.uint8), Geometry((3, 30, 40), (3.0, 1.0, 1.0)))
    before = len(desk.engine.asked)
    desk.run.start()
    pump.until(lambda: not desk.run.running)
    assert set(desk.engine.asked[before:]) == {"volume"}


def test_what_a_person_asks_for_and_all_slices_of_the_open_case_go_before_the_queue(make, pump):
    desk = make()
    desk.open(desk.bench.cases[3])
    desk.run.start()
    pump.until(lambda: bool(desk.engine.asked))
    desk.session.whole.start()
    desk.engine.gate.release(4)
    pump.until(lambda: not desk.session.whole.running)
    assert desk.engine.asked[:4] == ["photo0", "volume", "volume", "volume"]
    desk.engine.free = True
    desk.engine.gate.release()
    pump.until(lambda: not desk.run.running)


def test_without_a_workspace_or_read_only_there_is_no_queue_and_it_says_so(make, pump, folder):
    desk = make()
    other = Desk(pump, Engine())
    other.run.start()
    assert "Open a workspace first" in other.notices[-1].text
    assert other.bench.open(folder, read_only=True)
    other.run.start()
    assert not other.run.running and "read-only" in other.notices[-1].text
    other.close()
    assert desk.bench.workspace is not None


def test_a_disk_that_takes_nothing_ends_the_queue_with_one_sentence(make, pump, folder):
    desk = make()
    desk.engine.free = True
    (folder / "proposals").write_text("a file where the folder should be")
    desk.run.start()
    pump.until(lambda: not desk.run.running)
    assert desk.notices[-1].kind == "problem" and "cannot be kept" in desk.notices[-1].text
    assert len(desk.engine.asked) == 1


def test_a_damaged_file_is_not_there_and_names_nobody(make, pump, folder):
    desk = make()
    desk.engine.free = True
    desk.run.start()
    pump.until(lambda: not desk.run.running)
    files, case, model = ProposalFiles(folder), desk.bench.cases[0], desk.session.model
    path = files.path(case, model)
    good = path.read_bytes()
    assert files.get(case, model) is not None and b"photo0" not in good
    for bad in (b"", good[: len(good) // 2], good.replace(b"levels", b"lovels"), b"PK" + bytes(100)):
        path.write_bytes(bad)
        assert files.get(case, model) is None
    for at in range(0, len(good), 13):
        bits = bytearray(good)
        bits[at] ^= 1 << at % 8
        path.write_bytes(bytes(bits))
        found = files.get(case, model)
        assert found is None or found.box == Box((0, 3, 4), (1, 13, 24))
    before = len(desk.engine.asked)
    path.write_bytes(good[:100])
    desk.run.start()
    pump.until(lambda: not desk.run.running)
    assert desk.engine.asked[before:] == ["photo0"] and files.get(case, model) is not None
