"""The lesson on tiny real photographs: it learns, it leaves out what nobody has seen, it stops when told."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from featherseg.session.samples import bundled_samples
from featherseg_engines.datasets import read_dataset
from featherseg_engines.errors import Cancelled, TrainingError
from featherseg_engines.imaging.readers import read_image
from featherseg_engines.inference import whole
from featherseg_engines.inference.onnx_engine import OnnxModel
from featherseg_engines.models.catalogue import Catalogue
from featherseg_engines.networks.registry import default_registry
from featherseg_engines.teaching.candidate import CandidateAbout, export_candidate
from featherseg_engines.teaching.classes import outputs_of
from featherseg_engines.teaching.learn import Budget, learn
from featherseg_engines.teaching.order import UNSEEN, Settings, TaughtCase, TeachOrder
from featherseg_engines.teaching.pupil import ASLEEP, begin_from, pupil
from featherseg_engines.teaching.school import Aids
from featherseg_engines.teaching.sight import in_colour
from featherseg_engines.training.measuring import answer_of

TINY = Path(__file__).parents[1] / "data" / "isic_tiny"


class Free:
    """A person who never interferes."""

    def between(self) -> None:
        """Go on."""


class Stops:
    """A person who cancels after so many questions."""

    def __init__(self, after: int) -> None:
        self.left = after

    def between(self) -> None:
        """Cancel in the end."""
        self.left -= 1
        if self.left < 0:
            raise Cancelled


class Parted:
    """A look that tells two kinds apart."""


def cases_of_skin(count: int = 2, unseen: bool = False) -> tuple[TaughtCase, ...]:
    dataset = read_dataset(TINY, "train")
    cases = []
    for case in dataset.cases[:count]:
        volume, labels = dataset.read(case)
        shrunk = np.ascontiguousarray(volume.voxels[:, ::4, ::4])
        own = labels[:, ::4, ::4].astype(np.uint8)
        if unseen:
            own[:, :, own.shape[2] // 2 :] = UNSEEN
        cases.append(TaughtCase(case.name, case.group, shrunk, own))
    return tuple(cases)


def order_for(*, classes: tuple[str, ...] = ("lesion",), parent: str = "repsegnet.skin") -> TeachOrder:
    bundle = Catalogue().resolve(parent)
    values = tuple(range(1, len(classes) + 1))
    return TeachOrder(cases_of_skin(), classes, values, bundle, bundle, Settings(seed=3, threads=1))


def few(steps: int) -> Budget:
    return Budget(1e9, steps=steps)


def test_a_lesson_ends_with_a_network_that_answers_and_a_curve():
    order = order_for()
    learned = learn(order.cases, order, few(3), Free())
    answer = answer_of(learned.network, learned.preprocessing)(order.cases[0].voxels)
    assert answer.shape == order.cases[0].labels.shape
    assert learned.steps == 3 and learned.curve[-1].step == 3


def test_a_lesson_begins_where_those_of_parts_of_its_cases_have_come_to():
    order = order_for()
    parts = [learn([case], order, few(4), Free()) for case in order.cases]
    still = dataclasses.replace(order.settings, frozen="all but head")
    order = dataclasses.replace(order, settings=still)  # one step hardly moves the rest of the network
    alone, after = (learn(order.cases, order, few(1), Free(), aids=Aids(None, b)) for b in ((), parts))
    name = "encoder1.first.spatial.weight"
    own, theirs = (n.network.state_dict()[name] for n in (alone, after))
    mean = torch.stack([part.network.state_dict()[name] for part in parts]).mean(dim=0)
    assert torch.allclose(theirs, mean) and not torch.allclose(own, mean)
    apart = [parts[0], dataclasses.replace(parts[1], look=Parted())]
    mixed = learn(order.cases, order, few(1), Free(), aids=Aids(None, apart))
    assert torch.equal(mixed.network.state_dict()[name], own), (
        "one of them held its parent, this one does not"
    )


def test_a_lesson_does_not_begin_from_networks_of_another_shape():
    network, other = torch.nn.Linear(2, 1), torch.nn.Linear(3, 1)
    before = network.weight.detach().clone()
    begin_from(network, [other])
    begin_from(network, [])
    assert torch.equal(network.weight, before)


def test_the_same_seed_gives_the_same_candidate():
    order = order_for()
    first, second = (learn(order.cases, order, few(2), Free()).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_new_class_grows_the_head_and_the_old_outputs_keep_their_weights():
    order = order_for(classes=("hair",))
    outputs = outputs_of(order)
    network = pupil(order.parent, outputs, default_registry())
    plain = pupil(order.parent, outputs_of(order_for()), default_registry())
    assert [entry.name for entry in outputs.labels] == ["lesion", "hair"]
    assert len({entry.value for entry in outputs.labels}) == 2 and outputs.labels[1].value == 1
    assert torch.equal(network.network.head.weight[:2], plain.head.weight)
    assert network.network.head.weight.shape[0] == 3


def coloured(case: TaughtCase) -> TaughtCase:
    """A small coloured volume of one photograph, whose second half has another colour."""
    voxels = np.repeat(case.voxels[:, :64, :32], 32, axis=0)
    voxels[..., 2] //= 2
    labels = np.repeat(case.labels[:, :64, :32], 32, axis=0)
    labels[:8, :8, :8] = 1
    return dataclasses.replace(case, voxels=voxels, labels=labels)


def test_colour_grows_the_first_layer_of_a_grey_model_which_answers_as_before():
    grey = Catalogue().resolve("lgmsnet3d.hippocampus")
    outputs = outputs_of(TeachOrder((), ("anterior",), (1,), grey, grey))
    before, now = (pupil(grey, outputs, default_registry(), channels=n).eval() for n in (1, 3))
    x = torch.randn(1, 1, 32, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(now(x.expand(-1, 3, -1, -1, -1)), before(x), rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_a_grey_model_is_taught_colour_and_takes_both(tmp_path):
    grey = Catalogue().resolve("lgmsnet3d.hippocampus")
    cases = tuple(coloured(case) for case in cases_of_skin())
    order = TeachOrder(cases, ("anterior",), (1,), grey, grey, Settings(seed=3, threads=1))
    learned = learn(cases, order, few(1), Free())
    assert learned.preprocessing.channels == 3 == len(learned.preprocessing.mean)
    assert learned.network.state_dict()["stem.0.weight"].shape[1] == 3
    bundle = export_candidate(learned, order, tmp_path / "taught", CandidateAbout("taught"))
    for voxels in (cases[0].voxels, cases[0].voxels[..., 0]):
        assert OnnxModel(bundle).volume_probability(voxels).shape == (3, *cases[0].labels.shape)


def test_grey_pictures_leave_a_grey_model_grey():
    grey = Catalogue().resolve("lgmsnet3d.hippocampus").card.preprocessing
    case = cases_of_skin(1)[0]
    same = dataclasses.replace(case, voxels=np.repeat(case.voxels[..., :1], 3, axis=-1))
    assert in_colour(grey, [same]) == grey
    assert in_colour(grey, [same, case]).channels == 3


def test_a_label_of_the_parent_does_not_take_the_colour_of_a_persons_label():
    bundle = Catalogue().resolve("repsegnet.skin")
    colour = bundle.card.labels[0].colour
    order = TeachOrder((), ("nucleus",), (1,), bundle, bundle, colours=(colour,))
    lesion, nucleus = outputs_of(order).labels
    assert (nucleus.name, nucleus.value, nucleus.colour) == ("nucleus", 1, colour)
    assert lesion.value != 1 and lesion.colour.casefold() != colour.casefold()


def test_what_nobody_has_looked_at_teaches_nothing():
    order = order_for()
    half = cases_of_skin(unseen=True)
    nothing = tuple(
        TaughtCase(c.name, c.group, c.voxels, np.full_like(c.labels, UNSEEN)) for c in order.cases
    )
    with pytest.raises(TrainingError, match="no cases to learn from"):
        learn(nothing, order, few(2), Free())
    assert learn(half, order, few(1), Free()).steps == 1


def test_cancel_is_heard_between_two_steps():
    order = order_for()
    with pytest.raises(Cancelled):
        learn(order.cases, order, few(100), Stops(4))


def test_a_loss_that_is_no_number_ends_the_lesson_with_a_sentence(monkeypatch):
    order = order_for()
    monkeypatch.setattr(
        "featherseg_engines.teaching.learn.SoftCrossEntropyDice",
        lambda: lambda logits, labels: logits.sum() * float("nan"),
    )
    with pytest.raises(TrainingError, match="no longer a number"):
        learn(order.cases, order, few(2), Free())


def test_the_candidate_is_a_bundle_that_answers_as_it_was_taught(tmp_path):
    order = order_for(classes=("hair",))
    learned = learn(order.cases, order, few(2), Free())
    bundle = export_candidate(learned, order, tmp_path / "mine", CandidateAbout("repsegnet.mine", "Mine"))
    voxels = order.cases[0].voxels
    deployed = OnnxModel(bundle).volume_probability(voxels)
    assert len(deployed) == 2
    assert bundle.card.parent.startswith("repsegnet.skin ")
    assert bundle.card.training.settings["form"] == "gated"
    again = pupil(bundle, outputs_of(TeachOrder((), ("hair",), (1,), bundle, bundle)), default_registry())
    assert torch.equal(again.say.bias, learned.network.say.bias)
    more = pupil(bundle, outputs_of(TeachOrder((), ("vein",), (1,), bundle, bundle)), default_registry())
    assert more.say.bias.shape == (4,)


def test_a_task_nobody_has_a_model_for_is_taught_from_scratch():
    order = TeachOrder(
        cases_of_skin(), ("lesion",), (1,), None, None, Settings(seed=1, threads=1, network="unext")
    )
    learned = learn(order.cases, order, few(2), Free())
    assert learned.preprocessing.stride == 32
    assert len(learned.outputs.labels) == 1


def test_a_network_that_comes_apart_at_the_usual_rate_learns_more_gently():
    steps = [learn(o.cases, o, few(1), Free()) for o in (order_for(), order_for(parent="lgmsnet.skin"))]
    assert steps[1].rate < steps[0].rate / 2


def variances(network):
    return torch.cat([v for k, v in network.state_dict().items() if k.endswith("running_var")])


def test_channels_that_sleep_are_no_louder_than_others_when_they_wake():
    """In the nuclei model some never say anything; times 300, a lesson in other pictures came apart by them."""
    parent = Catalogue().resolve("repsegnet.nuclei")
    asleep = [v for k, v in load_file(str(parent.weights)).items() if k.endswith("running_var")]
    assert min(float(v.min()) for v in asleep) < ASLEEP, "else this says nothing"
    order = order_for(classes=("nucleus",), parent=parent.card.name)
    network = pupil(parent, outputs_of(order), default_registry()).eval()
    assert variances(network).min() >= ASLEEP
    sample = next(s for s in bundled_samples() if s.several)
    pixels, pre = read_image(sample.images[0]).voxels[0], parent.card.preprocessing
    with torch.no_grad():
        found = whole.of_slice(
            pre, pixels, lambda x: torch.softmax(network(torch.from_numpy(x)), 1)[0, 1:].numpy()
        )
    assert np.abs(found - OnnxModel(parent).probability(pixels)).max() < 0.05


@pytest.mark.parametrize("finds", [True, False])
def test_a_lesson_that_finds_nothing_begins_again_with_norms_that_learn(monkeypatch, finds):
    monkeypatch.setattr("featherseg_engines.teaching.learn.TRIED", 3)
    monkeypatch.setattr("featherseg_engines.teaching.learn.FOUND", 0.0 if finds else 1.1)
    order, name = order_for(), "bridge.0.norm.running_mean"
    parents = pupil(order.parent, outputs_of(order), default_registry()).state_dict()
    third = learn(order.cases, order, Budget(1e9, steps=3), Free()).network.state_dict()
    assert torch.equal(third["head.weight"], parents["head.weight"]) is not finds, (
        "from the parent's weights again"
    )
    learned = learn(order.cases, order, Budget(1e9, steps=6), Free())
    assert learned.steps == 6 and torch.equal(learned.network.state_dict()[name], parents[name]) is finds
    assert variances(learned.network).min() >= ASLEEP
