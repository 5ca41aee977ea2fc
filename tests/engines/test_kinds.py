"""Which pictures are of another kind than the parent's, and a look that learns to tell them apart."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.paths import TINY

from featherseg.session.samples import bundled_samples
from featherseg_engines.datasets import read_dataset
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.inference.postprocess import labels_at
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.networks.beside import Beside
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.teaching.candidate import CandidateAbout, export_candidate
from featherseg_engines.teaching.classes import Outputs, outputs_of
from featherseg_engines.teaching.helpings import Helpings, prepared
from featherseg_engines.teaching.kinds import LookLearns, differ
from featherseg_engines.teaching.learn import Budget, learn
from featherseg_engines.teaching.order import Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.pupil import pupil
from featherseg_engines.teaching.replay import replay_of
from featherseg_engines.training.measuring import answer_of

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
    for _ in range(15):
        look.learn((food.next()[0] - mean) / std)
    with torch.no_grad():
        mine, theirs = (network.kind((x - mean) / std) > 0 for x in (food.of_person(), food.of_parent()))
    assert mine.float().mean() >= 0.75 and theirs.float().mean() <= 0.25


@pytest.mark.parametrize("label", ["lesion", "hair"])
def test_the_parent_stays_beside_for_pictures_of_another_kind_and_not_for_its_own(label, skin, cells):
    for taught, beside in ((skin, False), (cells, True)):
        order = TeachOrder(tuple(taught), (label,), (1,), SKIN, SKIN, Settings(seed=3, threads=1))
        network = learn(taught, order, Budget(1e9, steps=1), Free()).network
        assert isinstance(network, Beside) is beside


def test_what_the_parent_knew_is_as_it_was_and_the_bundle_answers_as_it_was_taught(cells, tmp_path):
    order = TeachOrder(tuple(cells), ("nucleus",), (1,), SKIN, SKIN, Settings(seed=3, threads=1))
    learned = learn(cells, order, Budget(1e9, steps=3), Free())
    parent = pupil(SKIN, outputs_of(replace(order, classes=("lesion",))), default_registry()).state_dict()
    kept, drawn = learned.network.known.state_dict(), learned.network.learner.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in parent.items())
    assert any(not torch.equal(drawn[name], value) for name, value in parent.items() if "head" not in name)

    bundle = export_candidate(learned, order, tmp_path / "mine", CandidateAbout("repsegnet.mine", "Mine"))
    assert bundle.card.training.settings["form"] == "beside" and bundle.card.training.settings["known"] == 2
    taught, deployed = answer_of(learned.network, learned.preprocessing), OnnxModel(bundle)
    for case in cells[:2]:
        found = labels_at(deployed.volume_probability(case.voxels), 0.5)
        assert (found == taught(case.voxels)).mean() > 0.99
    assert len(deployed.evidence(cells[0].voxels[0]).maps) >= 4, "strokes read the learner's features"

    def again(*names):
        return pupil(bundle, outputs_of(TeachOrder((), names, (1,), bundle, bundle)), default_registry())

    assert torch.equal(again("nucleus").look[-1].bias, learned.network.look[-1].bias)
    more = again("vein")
    assert more.learner.head.weight.shape[0] == 4 and more.known.head.weight.shape[0] == 2
