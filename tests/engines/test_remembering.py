"""A pupil is drawn to what its parent says, on the parent's images or where the parent agrees with the person."""

import torch
from torch import Tensor, nn

from featherseg_engines.teaching.remembering import OWN_WEIGHT, Remembering


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(3, 2, 1)


def gain(remembering: Remembering, labels: Tensor, replayed: int, by_parent: Tensor, others: Tensor) -> float:
    """How much less the loss is for the parent's own answer than for another."""
    inputs = torch.zeros(2, 3, 4, 4)
    return float(
        remembering.loss(inputs, others, labels, replayed)
        - remembering.loss(inputs, by_parent, labels, replayed)
    )


def test_the_parents_answer_on_its_own_images_costs_least() -> None:
    parent = network()
    remembering = Remembering(parent, 2)
    said = parent(torch.zeros(2, 3, 4, 4)).detach()
    assert gain(remembering, torch.zeros(2, 4, 4, dtype=torch.long), 1, said, -said) > 0.01


def test_a_new_output_must_stay_silent_on_the_parents_images() -> None:
    parent = network()
    remembering = Remembering(parent, 2)
    said = parent(torch.zeros(2, 3, 4, 4)).detach()
    quiet, loud = (torch.cat([said, torch.full((2, 1, 4, 4), v)], 1) for v in (-9.0, 3.0))
    assert gain(remembering, torch.zeros(2, 4, 4, dtype=torch.long), 1, quiet, loud) > 0.1


def test_without_such_images_the_person_is_never_contradicted() -> None:
    parent = network()
    remembering = Remembering(parent, 2)
    said = parent(torch.zeros(2, 3, 4, 4)).detach()
    wrong, right = 1 - said.argmax(1), said.argmax(1)
    assert gain(remembering, wrong, 0, said, -said) == 0.0
    assert gain(remembering, right, 0, said, -said) > 0.01 * OWN_WEIGHT


def test_what_the_parent_says_does_not_move_with_the_pupil() -> None:
    pupil = network()
    remembering, inputs = Remembering(pupil, 2), torch.ones(1, 3, 2, 2)
    before = remembering.loss(inputs, torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2).long(), 1)
    nn.init.zeros_(pupil.weight)
    after = remembering.loss(inputs, torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2).long(), 1)
    assert float(before) == float(after)
