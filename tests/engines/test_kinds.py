"""Which pictures are of another kind than the parent's, and a look that learns to tell them apart."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.paths import TINY

from featherseg.session.own_models import OwnModel, details_in_words
from featherseg.session.samples import bundled_samples
from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import ModelError
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.kind import LOOKS, looks_of, sight_of_kind
from featherseg_engines.inference.onnx_engine import OnnxEngine, OnnxModel
from featherseg_engines.inference.proposal import CancelToken, Request
from featherseg_engines.inference.runner import OnnxRunner
from featherseg_engines.inference.volume_run import whole_volume
from featherseg_engines.models.bundle import LOOK, WITHIN, open_bundle
from featherseg_engines.models.card import Asking, read_card
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.networks.measured_look import MeasuredLook
from featherseg_engines.teaching.candidate import CandidateAbout, export_candidate
from featherseg_engines.teaching.classes import Outputs
from featherseg_engines.teaching.exchange import export_model, import_model
from featherseg_engines.teaching.helpings import Helpings, prepared
from featherseg_engines.teaching.kinds import LookCompares, LookLearns, differ, look_for
from featherseg_engines.teaching.learn import Budget, learn
from featherseg_engines.teaching.likeness import border_between
from featherseg_engines.teaching.order import Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.replay import replay_of
from featherseg_engines.training.export import onnx_bytes

SKIN = Catalogue().resolve("repsegnet.skin")
LGMSNET = Catalogue().resolve("lgmsnet.skin")
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


def test_few_pictures_unlike_each_other_are_still_of_another_kind(skin, replay):
    """Three dark, one like stained tissue: no one border parts them from skin, yet all lie far from it."""
    rng = np.random.default_rng(0)
    dark = [rng.poisson(12, (96, 128, 1)).repeat(3, 2) for _ in range(3)]
    stained = np.stack([rng.normal(level, 14, (96, 128)) for level in (190, 120, 170)], -1)
    seen = [np.clip(one, 0, 255).astype(np.uint8)[None] for one in (*dark, stained)]
    cases = [TaughtCase(str(i), str(i), v, (v[..., 0] > 90).astype(np.uint8)) for i, v in enumerate(seen)]
    assert differ(pieces(cases), replay)
    for a in range(0, len(skin), 4):
        assert not differ(pieces(skin[a : a + 4]), replay)


def test_a_single_picture_says_too_little(cells, replay):
    assert not differ(pieces(cells[:1]), replay)


def test_the_look_learns_whose_kind_a_picture_is(cells, replay):
    torch.manual_seed(0)
    look = LookLearns(SKIN, pieces(cells), replay, seed=1)
    for _ in range(15):
        look.learn()
    food = Helpings(pieces(cells), replay, PRE, 8, 2)
    with torch.no_grad():
        mine, theirs = (look.kind(x) > 0 for x in (food.of_person(), food.of_parent()))
    assert mine.float().mean() >= 0.75 and theirs.float().mean() <= 0.25


def test_a_picture_that_is_the_only_one_of_its_sort_is_still_the_persons(cells, replay):
    look = LookLearns(SKIN, pieces(cells), replay, seed=1)
    for parameter in look.network.parameters():
        torch.nn.init.zeros_(parameter)
    torch.nn.init.constant_(look.network[-1].bias, -3.0)
    saying = {
        id(p.sample): -0.5 - i for i, p in enumerate([*look._mine, *(replay[i] for i in range(0, 96, 3))])
    }
    look._of = lambda piece: saying[id(piece.sample)]
    look.finish()
    assert look.network[-1].bias.item() == pytest.approx(-3.0 + 0.5 + (2 * len(cells) - 1) / 2)
    for said in (lambda _: 0.0, lambda piece: 9.0 if saying[id(piece.sample)] > -len(cells) else 1.0):
        look._of, before = said, look.network[-1].bias.item()
        look.finish()
        assert look.network[-1].bias.item() == before, (
            "they cannot be parted, or the border lies near the person's"
        )


@pytest.mark.parametrize("label", ["lesion", "hair"])
def test_the_parent_is_held_for_pictures_of_another_kind_and_not_for_its_own(label, skin, cells):
    for taught, held in ((skin, False), (cells, True)):
        order = TeachOrder(tuple(taught), (label,), (1,), SKIN, SKIN, Settings(seed=3, threads=1))
        assert (learn(taught, order, Budget(1e9, steps=1), Free()).look is not None) is held


@pytest.fixture(scope="module")
def mine(cells, tmp_path_factory):
    """A skin model that was taught small things on cells, which it sees closer than skin."""
    fine = [replace(case, voxels=np.tile(case.voxels, (1, 2, 2, 1))) for case in cells]
    board = np.indices(fine[0].voxels.shape[1:3]).sum(axis=0) // 8 % 2
    fine = [replace(case, labels=(np.tile(case.labels, (1, 2, 2)) * board).astype(np.uint8)) for case in fine]
    order = TeachOrder(tuple(fine), ("nucleus",), (1,), SKIN, SKIN, Settings(seed=3, threads=1))
    with pytest.MonkeyPatch.context() as small:
        small.setattr(
            "featherseg_engines.teaching.learn.BATCH", 2
        )  # the look has its own, which must part the kinds
        learned = learn(fine, order, Budget(1e9, steps=60), Free())
    folder = tmp_path_factory.mktemp("models") / "mine"
    return export_candidate(learned, order, folder, CandidateAbout("repsegnet.mine", "Mine")), fine


def test_what_the_parent_knew_it_answers_as_ever_at_its_own_size(mine, skin):
    bundle, _ = mine
    assert bundle.card.preprocessing != PRE and bundle.card.known == f"repsegnet.skin {SKIN.identity}"
    deployed, parent = OnnxModel(bundle), OnnxModel(SKIN)
    for case in skin:
        found, told = deployed.volume_probability(case.voxels), parent.volume_probability(case.voxels)
        assert len(found) == len(bundle.card.labels) and np.allclose(found[:1], told, atol=1e-4)
        assert found[1:].max() < 1e-6, "what it does not know it does not find"
    assert deployed.seeing(skin[0].voxels).evidence(skin[0].voxels[0]).maps, "strokes read its features"


def test_the_list_of_models_says_what_it_holds(mine):
    row = OwnModel(mine[0], record=None, shipped=False, loaded=False)
    assert "Holds repsegnet.skin, which answers for its own kind" in details_in_words(row)
    assert "mirror images" in details_in_words(row) and "shows the likeliest place" in details_in_words(row)
    unsaid = replace(mine[0], card=replace(mine[0].card, asking=Asking()))
    assert not any(word in details_in_words(replace(row, bundle=unsaid)) for word in ("mirror", "likeliest"))


def test_a_person_is_answered_by_what_was_taught(mine):
    bundle, cells = mine
    deployed = OnnxModel(bundle)
    assert all(deployed.seeing(case.voxels) is deployed for case in cells)
    assert len(deployed.evidence(cells[0].voxels[0]).maps) >= 4
    assert bundle.card.asking.mirrored and not SKIN.card.asking.mirrored


def test_the_engine_answers_slices_and_volumes_with_the_one_whose_kind_they_are(mine, skin):
    bundle, _ = mine
    engine, parent = OnnxEngine(threads=1), OnnxModel(SKIN)
    stack = np.concatenate([skin[0].voxels] * 3)
    volume = Volume(stack, Geometry(stack.shape[:3]))
    alone = engine.propose(Request(1, volume, 1, bundle), CancelToken())
    told = parent.volume_probability(stack)[0, 1]
    _, rows, columns = alone.box.slices
    assert np.abs(alone.levels[0, 0] / 255 - told[rows, columns]).max() < 0.01
    *_, last = whole_volume(engine, replace(Request(1, volume, 1, bundle), whole=True))
    assert last.whole.levels.shape[0] == len(bundle.card.labels)
    assert np.abs(last.whole.levels[0, 1] / 255 - told[last.whole.box.slices[1:]]).max() < 0.01


def test_a_colleague_gets_both_and_a_damaged_part_is_refused(mine, tmp_path, skin):
    bundle, _ = mine
    export_model(bundle, tmp_path / "mine.fsmodel")
    theirs = import_model(tmp_path / "mine.fsmodel", tmp_path / "models")
    ours, found = (OnnxModel(b).volume_probability(skin[0].voxels) for b in (bundle, theirs))
    assert np.array_equal(ours, found)
    for name in WITHIN:
        with (theirs.folder / name).open("ab") as file:
            file.write(b" ")
        with pytest.raises(ModelError, match="damaged"):
            OnnxModel(theirs)
        (theirs.folder / name).write_bytes((bundle.folder / name).read_bytes())
    OnnxModel(theirs)
    (theirs.folder / LOOK).unlink()
    with pytest.raises(ModelError, match="lacks its file"):
        OnnxModel(theirs)


def test_seen_at_another_size_norms_begin_from_the_persons_pictures_and_keep_the_parents_otherwise(cells):
    parent, asked = LGMSNET.card.preprocessing, []

    def start(factor):
        fine = [replace(c, voxels=np.tile(c.voxels, (1, factor, factor, 1))) for c in cells]
        board = np.indices(fine[0].voxels.shape[1:3]).sum(axis=0) // (8 if factor > 1 else 200) % 2
        fine = [replace(c, labels=board[None].astype(np.uint8)) for c in fine]
        order = TeachOrder(tuple(fine), ("nucleus",), (1,), LGMSNET, LGMSNET, Settings(seed=3, threads=1))
        learned = learn(fine, order, Budget(1e9, steps=1), Free())
        asked.append(learned.preprocessing == parent)
        return learned.network.state_dict()[norm]

    shipped = load_file(str(LGMSNET.weights))
    norm = "stem.1.running_mean"
    first, kept, settled = shipped[norm].float(), start(1), start(2)
    assert asked == [True, False]
    assert torch.allclose(kept, first, atol=1e-3) and not torch.allclose(settled, first, atol=1e-2)


@pytest.mark.parametrize(("empty", "steps"), [(False, 4), (True, 3)])
def test_few_pictures_of_another_kind_are_not_learnt_by_heart(cells, monkeypatch, empty, steps):
    for name, value in (("APART_STEPS", 3), ("APART_ALWAYS", 4), ("STEPS_A_PIECE", 0)):
        monkeypatch.setattr(f"featherseg_engines.teaching.learn.{name}", value)
    if empty:  # one picture without a label
        cells = [replace(cells[0], labels=np.zeros_like(cells[0].labels)), *cells[1:]]
    order = TeachOrder(tuple(cells), ("nucleus",), (1,), SKIN, SKIN, Settings(seed=3, threads=1))
    told = []
    learned = learn(cells, order, 1e6, Free(), told.append)
    assert learned.steps == steps and told[-1].done == 1.0 and told[-1].seconds_left == 0.0
    assert learned.asking.mirrored and learned.asking.always is not empty


def test_taught_further_it_holds_what_shipped_and_not_what_was_taught(mine, skin):
    bundle, cells = mine
    order = TeachOrder(tuple(cells), ("nucleus",), (1,), bundle, bundle, Settings(seed=3, threads=1))
    learned = learn(cells, order, Budget(1e9, steps=1), Free())
    assert learned.look is not None and learned.look.known.identity == SKIN.identity
    assert learned.outputs.labels == bundle.card.labels


def test_where_no_picture_ships_numbers_in_the_card_tell_the_parents_kind(skin, cells):
    """The skin model, as if none of its pictures might ship."""
    looks = looks_of(PRE, [case.voxels[0] for case in skin])
    parent = replace(
        SKIN, card=replace(SKIN.card, looks=looks, training=replace(SKIN.card.training, dataset="no"))
    )
    assert replay_of(parent, PRE, Free()) == ()

    def found(own):
        return look_for(
            parent, lambda sight: prepared(own, sight, Outputs(SKIN.card.labels, (1,), 1), Free()), Free(), 1
        )

    assert found(skin[::2]) is None and found(cells[:1]) is None
    look = found(cells)
    assert isinstance(look, LookCompares) and look.known is parent
    sight = sight_of_kind(PRE)
    with torch.no_grad():
        told = [look.network(torch.from_numpy(sight.apply(case.voxels[0])[0])) for case in (*skin, *cells)]
    assert [bool(one > 0) for one in told] == [False] * len(skin) + [True] * len(cells)
    nothing = replace(parent, card=replace(parent.card, looks=()))
    assert look_for(nothing, lambda sight: pieces(cells), Free(), 1) is None


def test_the_border_in_the_file_is_the_one_that_was_found(skin, cells, tmp_path):
    """Beyond the line or far away: the exported look says the same of each picture as the numbers do."""
    rng = np.random.default_rng(0)
    theirs, mine = rng.normal(0, 1, (20, 9)), rng.normal(4, 1, (6, 9))
    border = border_between(mine, theirs)
    assert (
        (theirs @ border.weights.numpy() + border.bias).max()
        <= 0
        < (mine @ border.weights.numpy() + border.bias).min()
    )
    away = border.whitening.numpy() @ (theirs - border.centre.numpy()).T
    assert (away**2).sum(axis=0).max() < border.reach
    other_side = border.whitening.numpy() @ (-40.0 - border.centre.numpy())
    assert (other_side**2).sum() > border.reach, "far from all of the parent's, if on their side of the line"
    looks = np.array(looks_of(PRE, [case.voxels[0] for case in skin]))
    real = border_between(np.array(looks_of(PRE, [case.voxels[0] for case in cells])), looks)
    network = MeasuredLook(real, torch.tensor(PRE.mean), torch.tensor(PRE.std))
    (tmp_path / LOOK).write_bytes(onnx_bytes(network, torch.zeros(1, 3, 64, 64)))
    runner = OnnxRunner(tmp_path / LOOK, threads=1, rewrite=False)
    for case in (*skin, *cells):
        seen, _ = sight_of_kind(PRE).apply(case.voxels[0])
        told = np.array(looks_of(PRE, [case.voxels[0]]))[0]
        away = real.whitening.numpy() @ (told - real.centre.numpy())
        expected = max(told @ real.weights.numpy() + real.bias, away @ away / real.reach - 1)
        assert float(runner.run(seen).max()) == pytest.approx(expected, rel=0.02, abs=0.01)


def test_a_taught_model_tells_how_its_pictures_look_and_is_held_by_the_next(skin, cells, tmp_path):
    order = TeachOrder(tuple(skin), ("lesion",), (1,), None, None, Settings(seed=3, threads=1))
    learned = learn(skin, order, Budget(1e9, steps=1), Free())
    first = export_candidate(learned, order, tmp_path / "first", CandidateAbout("repsegnet.mine", "Mine"))
    assert (
        len(first.card.looks) == min(len(skin), 32)
        and first.card.looks == open_bundle(first.folder).card.looks
    )
    order = TeachOrder(tuple(cells), ("nucleus",), (1,), first, first, Settings(seed=3, threads=1))
    learned = learn(cells, order, Budget(1e9, steps=1), Free())
    second = export_candidate(learned, order, tmp_path / "second", CandidateAbout("repsegnet.next", "Next"))
    assert second.card.known == f"repsegnet.mine {first.identity}" and not second.card.looks
    deployed = OnnxModel(second)
    assert all(deployed.seeing(case.voxels) is deployed for case in cells)
    assert not any(deployed.seeing(case.voxels) is deployed for case in skin)


@pytest.mark.parametrize(
    "looks", [[[0.1] * 8], [[0.1] * 9, ["far"] * 9], [3.0], "none", [[float("nan")] * 9]]
)
def test_a_card_whose_looks_are_no_numbers_is_refused(looks, tmp_path):
    told = SKIN.card.to_json()
    path = tmp_path / "card.json"
    path.write_text(json.dumps({**told, "looks": looks}), "utf-8")
    with pytest.raises(ModelError, match=r"card\.json"):
        read_card(path)
    path.write_text(json.dumps({k: v for k, v in told.items() if k != "looks"}), "utf-8")
    assert read_card(path).looks == (), "a card from before"


@pytest.mark.parametrize(
    "bundle", [b for b in Catalogue().bundles() if b.card.dims == 2], ids=lambda b: b.card.name
)
def test_every_shipped_card_tells_how_its_pictures_look(bundle):
    assert 2 <= len(bundle.card.looks) <= LOOKS
