"""Outlooks kept as cases are proposed for, the case list by use, and where Enter goes; without a screen."""

import numpy as np
import pytest
from support.photographs import IMAGES, photographs

from featherseg.session.case_order import Shown
from featherseg.session.gathering import gather
from featherseg.session.outlooks import NONE_KNOWN
from featherseg.session.workbench import Workbench
from featherseg_engines.annotation.cases import CaseState
from featherseg_engines.annotation.outlook import LENGTH, Outlook
from featherseg_engines.annotation.workspace import Workspace
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal, Request
from featherseg_engines.inference.uncertainty import case_score
from featherseg_engines.labels import Box


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr("featherseg.session.writing.QUIET_S", 0.1)


@pytest.fixture
def folder(tmp_path):
    return photographs(tmp_path / "Fälle", 5)


@pytest.fixture
def bench(session, pump, folder):
    made = Workbench(session, pump.post, "AB")
    assert made.open(folder)
    gather(made, [folder])
    pump.until(lambda: made.current is not None)
    yield made
    made.close()


def answer(session, level, z=0, volume=None, whole=False):
    """A proposal whose every voxel stands at one level."""
    volume = volume or session.case.volume
    depth = volume.geometry.shape[0] if whole else 1
    first = 0 if whole else z
    box = Box((first, 2, 2), (first + depth, 22, 22))
    levels = np.full((1, *box.shape), level, np.uint8)
    request = Request(1, volume, z, session.model, whole=whole)
    return Proposal(request, box, levels, "m", session.model.identity, 0.0)


def note(bench, pump, case, level, **kwargs):
    """As a queue tells of a case; waits until it is kept."""
    kept = []
    slot = kept.append
    bench.outlooks.noted.connect(slot)
    volume = kwargs.pop("volume", None) or bench.workspace.read_volume(case)
    bench.outlooks.note(case.id, volume, answer(bench.session, level, volume=volume, **kwargs))
    pump.until(lambda: case.id in kept)
    bench.outlooks.noted.disconnect(slot)


def on_disk(bench):
    return {o.case_id: o.score for o in bench.workspace.outlooks.of(bench.session.model.identity)}


USEFUL = Shown(sort="useful")


def test_a_shown_proposal_is_kept_as_the_outlook_of_the_case_in_hand(bench, pump):
    session = bench.session
    session.propose()
    pump.until(lambda: bench.outlooks.score(bench.current) is not None)
    assert bench.outlooks.score(bench.current) == pytest.approx(session.unsure.score)
    assert on_disk(bench) == {bench.current.id: pytest.approx(session.unsure.score)}


def test_a_loose_image_leaves_no_outlook(bench, session, pump):
    session.open_image(IMAGES[0])
    pump.until(lambda: session.case is not None and session.case.number is None)
    session.proposing.show(answer(session, 140))
    bench.outlooks.close()
    assert not on_disk(bench)


def test_leaving_a_case_and_closing_write_what_waits(bench, pump, folder):
    bench.session.proposing.show(answer(bench.session, 140))
    first = bench.current
    assert bench.close()
    with Workspace(folder, read_only=True) as workspace:
        assert [o.case_id for o in workspace.outlooks.newest()] == [first.id]


def test_slices_of_a_volume_count_together_and_an_answer_for_all_replaces_them(bench, pump):
    volume = Volume(np.zeros((3, 30, 30), np.uint8), Geometry((3, 30, 30)))
    case, session = bench.cases[1], bench.session
    note(bench, pump, case, 140, volume=volume)
    note(bench, pump, case, 250, volume=volume, z=1)
    together = case_score([answer(session, level, volume=volume).levels for level in (140, 250)])
    assert bench.outlooks.score(case) == pytest.approx(together)
    note(bench, pump, case, 250, volume=volume)
    assert bench.outlooks.score(case) == pytest.approx(case_score([answer(session, 250).levels]))
    note(bench, pump, case, 160, volume=volume, whole=True)
    assert bench.outlooks.score(case) == pytest.approx(case_score([answer(session, 160).levels]))


def test_a_workspace_opened_to_be_read_keeps_nothing(bench, session, pump, folder):
    number = bench.cases[0].id
    bench.close()
    assert bench.open(folder, read_only=True)
    bench.open_case(bench.cases[0])
    pump.until(lambda: bench.current is not None)
    session.proposing.show(answer(session, 140))
    bench.outlooks.note(number, session.case.volume, answer(session, 140))
    bench.close()
    with Workspace(folder, read_only=True) as workspace:
        assert not workspace.outlooks.newest()


def test_the_list_shows_the_most_useful_first_then_flagged_then_accepted(bench, pump):
    cases = list(bench.cases)
    for case, level in zip(cases, (250, 150, 250, 130, 135), strict=True):
        note(bench, pump, case, level)
    bench.set_state([cases[4]], CaseState.FLAGGED)
    bench.set_state([cases[3]], CaseState.ACCEPTED)
    bench.show(USEFUL)
    assert bench.cases[0].id == cases[1].id
    assert [c.id for c in bench.cases[-2:]] == [cases[4].id, cases[3].id]
    assert sorted(c.id for c in bench.cases) == [c.id for c in cases]
    bench.show(Shown(sort="useful", descending=True))
    assert bench.cases[-1].id == cases[1].id
    bench.show(Shown(sort="useful", text="photo2"))
    assert [c.id for c in bench.cases] == [cases[2].id]


def test_enter_opens_the_most_useful_case_where_the_list_is_sorted_so(bench, pump):
    cases = list(bench.cases)
    for case, level in ((cases[3], 130), (cases[4], 200)):
        note(bench, pump, case, level)
    bench.show(USEFUL)
    bench.accept()
    pump.until(lambda: bench.current is not None and bench.current.id == cases[3].id)


def test_enter_goes_by_the_list_in_every_other_order(bench, pump):
    cases = list(bench.cases)
    for case, level in ((cases[3], 130), (cases[4], 200)):
        note(bench, pump, case, level)
    bench.accept()
    pump.until(lambda: bench.current is not None and bench.current.id == cases[1].id)


def test_enter_goes_by_the_list_where_hardly_anything_is_known(bench, pump):
    cases = list(bench.cases)
    note(bench, pump, cases[3], 130)
    bench.show(USEFUL)
    assert [c.id for c in bench.cases] == [cases[i].id for i in (3, 0, 1, 2, 4)]
    bench.accept()
    pump.until(lambda: bench.current is not None and bench.current.id == cases[1].id)


def test_the_next_most_useful_case_passes_by_those_it_showed_and_begins_again(bench, pump):
    cases = list(bench.cases)
    bench.outlooks.open_next()
    assert bench.session.notices[-1].text == NONE_KNOWN
    for case, level in ((cases[2], 130), (cases[4], 230)):
        note(bench, pump, case, level)
    seen = []
    for _ in range(3):
        bench.outlooks.open_next()
        before = bench.current.id
        pump.until(lambda before=before: bench.current is not None and bench.current.id != before)
        seen.append(bench.current.id)
    assert seen == [cases[2].id, cases[4].id, cases[2].id]
    assert str(bench.progress) == "0 of 5 accepted"


def test_outlooks_of_another_model_do_not_count_and_come_back_with_it(bench, pump):
    case, session = bench.cases[1], bench.session
    first = session.model.card.name
    other = next(b.card.name for b in session.catalogue.bundles() if b.card.name != first)
    note(bench, pump, case, 130)
    session.choose_model(other)
    assert bench.outlooks.score(case) is None
    session.choose_model(first)
    assert bench.outlooks.score(case) is not None


def test_a_number_given_again_has_no_outlook_of_the_case_that_is_gone(bench, pump):
    case = bench.cases[4]
    note(bench, pump, case, 130)
    bench.remove([case])
    assert bench.outlooks.score(case) is None and case.id not in on_disk(bench)


def test_an_accepted_case_has_no_mark(bench, pump):
    case = bench.cases[1]
    note(bench, pump, case, 130)
    bench.set_state([case], CaseState.ACCEPTED)
    assert bench.outlooks.score(bench.cases[1]) is None


def test_what_the_disk_refuses_is_said_and_does_not_stop_the_next(bench, pump):
    db = bench.workspace.store.connection
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    volume = bench.workspace.read_volume(bench.cases[1])
    for number in range(1, 6):
        bench.outlooks.note(number, volume, answer(bench.session, 130, volume=volume))
    pump.until(lambda: any(n and "could not be kept" in n.text for n in bench.session.notices))
    db.execute("PRAGMA max_page_count = 100000")
    note(bench, pump, bench.cases[1], 140)


def test_many_cases_are_put_in_order(bench):
    rng = np.random.default_rng(1)
    for case in bench.cases:
        vector = rng.random(LENGTH, np.float32)
        bench.workspace.outlooks.put(Outlook(case.id, bench.session.model.identity, rng.random(), vector))
    bench.show(USEFUL)
    assert len(bench.cases) == 5
