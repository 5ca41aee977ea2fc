"""How sure the model is of the proposal on screen, in words and as a switch."""

import numpy as np
import pytest

from featherseg.session.case import new_case
from featherseg.session.unsure import in_words
from featherseg.session.unsure_commands import unsure_commands
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.inference.uncertainty import entropy, slice_score
from featherseg_engines.labels import Box


@pytest.fixture
def case(session):
    made = new_case(Volume(np.zeros((3, 20, 20), np.uint8), Geometry((3, 20, 20))))
    session.use(made)
    return made


def show(session, level, z):
    box = Box((z, 4, 4), (z + 1, 12, 12))
    levels = np.full((1, 1, 8, 8), level, np.uint8)
    proposal = Proposal(session.proposing.request_at(z), box, levels, "m", "w", 0.0)
    session.proposing.show(proposal)
    return proposal


def test_score_and_shades_are_those_of_the_proposal_on_screen_and_go_with_it(session, case):
    assert session.unsure.score is None and session.unsure.shades is None
    proposal = show(session, 140, 0)
    assert session.unsure.score == slice_score(proposal.levels)
    assert np.abs(session.unsure.shades / 255 - entropy(proposal.levels)).max() < 0.003
    session.go_to_slice(1)
    assert session.unsure.score is None and session.unsure.shades is None
    show(session, 250, 1)
    assert session.unsure.score < 0.1


def test_the_switch_is_told_once_and_its_command_has_a_tick(session):
    told = []
    session.unsure.changed.connect(told.append)
    shown, mirrored = unsure_commands(session)
    assert not shown.checked() and not mirrored.checked()
    shown.run()
    session.unsure.show(True)
    mirrored.run()
    assert told == [True] and shown.checked() and mirrored.checked()
    assert session.proposing.flips


def test_a_score_is_said_in_words_and_per_cent():
    assert in_words(0.0) == "Sure (100 %)"
    assert in_words(0.39) == "Unsure (61 %)"
