"""Which pictures are of another kind than the parent's, and a look that learns to tell them apart."""

import numpy as np
import pytest
import torch
from support.paths import TINY

from featherseg.session.samples import bundled_samples
from featherseg_engines.datasets import read_dataset
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.networks.beside import Beside
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.teaching.classes import Outputs
from featherseg_engines.teaching.helpings import Helpings, prepared
from featherseg_engines.teaching.kinds import LookLearns, differ
from featherseg_engines.teaching.learn import Budget, learn
from featherseg_engines.teaching.order import Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.replay import replay_of

SKIN = Catalogue().resolve("repsegnet.skin")
PRE = SKIN.card.preprocessing


class Free:
    """A person who never interferes."""

    def between(self) -> None:
        """Go on."""


def pieces(cases):
    return prepared(cases, PRE, Outputs(SKIN.card.labels, (1,), 1), Free())


@pytest.fixture(scope="module")
def skin():
    data = read_dataset(TINY, "train")
    read = [(case, *data.read(case)) for case in data.cases]
    return [TaughtCase(c.name, c.group, v.voxels, m.astype(np.uint8)) for c, v, m in read]


@pytest.fixture(scope="module")
def cells():
    sample = next(s for s in bundled_samples() if s.several)
    seen = [read_image(path).voxels for path in sample.images[:6]]
    return [TaughtCase(str(i), str(i), v, (v[..., 0] > 90).astype(np.uint8)) for i, v in enumerate(seen)]


@pytest.fixture(scope="module")
def replay():
    return replay_of(SKIN, PRE, Free())


def test_skin_is_of_the_kind_that_a_skin_model_knows_and_cells_are_not(skin, cells, replay):
    assert not differ(pieces(skin), replay)
    assert differ(pieces(cells), replay)


def test_a_single_picture_says_too_little(cells, replay):
    assert not differ(pieces(cells[:1]), replay)


def test_the_look_learns_whose_kind_a_picture_is(cells, replay):
    torch.manual_seed(0)
    known, learner = (default_registry().build("unext_s", in_channels=3, classes=2) for _ in range(2))
    network = Beside(learner, known, 3, 2)
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (PRE.mean, PRE.std))
    food = Helpings(pieces(cells), replay, PRE, 8, 1, mixed=False)
    look = LookLearns(network, food, lambda x: (x - mean) / std)
    for step in range(20):
        look.learn((food.next()[0] - mean) / std, 1 - step / 20)
    with torch.no_grad():
        mine, theirs = (network.kind((x - mean) / std) > 0 for x in (food.of_person(), food.of_parent()))
    assert mine.float().mean() >= 0.75 and theirs.float().mean() <= 0.25


def test_a_new_label_leaves_the_parent_as_it_is_whatever_the_pictures_are(skin):
    order = TeachOrder(tuple(skin), ("hair",), (1,), SKIN, SKIN, Settings(seed=3, threads=1))
    assert isinstance(learn(skin, order, Budget(1e9, steps=1), Free()).network, Beside)


def test_the_parents_label_on_its_own_kind_of_picture_is_learnt_on(skin, cells):
    for taught, beside in ((skin, False), (cells, True)):
        order = TeachOrder(tuple(taught), ("lesion",), (1,), SKIN, SKIN, Settings(seed=3, threads=1))
        network = learn(taught, order, Budget(1e9, steps=1), Free()).network
        assert isinstance(network, Beside) is beside
