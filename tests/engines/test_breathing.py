"""A lesson gives way within its steps, its waiting is no learning time, and torch comes in gently."""

import copy
import subprocess
import sys
import time

import pytest
import torch
from monai.losses import DiceLoss
from torch import nn

from featherseg_engines.errors import Cancelled
from featherseg_engines.teaching.breathing import Patient, breathe
from featherseg_engines.training.losses import SoftCrossEntropyDice


class Control:
    """Counts how often it is asked, and says stop at the n-th time."""

    def __init__(self, stop_at=10**9, wait_s=0.0):
        self.asked, self._stop_at, self._wait_s = 0, stop_at, wait_s

    def between(self):
        self.asked += 1
        time.sleep(self._wait_s)
        if self.asked >= self._stop_at:
            raise Cancelled


def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Sequential(nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2)))


def test_a_step_asks_before_each_layer_and_after_each_gradient():
    network, control = small(), Control()
    breathe(network, control.between)
    found = network(torch.rand(2, 3, 12, 12))
    assert control.asked == 4
    found.sum().backward()
    assert control.asked == 4 + 6


@pytest.mark.parametrize("at", [2, 6])
def test_cancel_ends_a_step_on_the_way_forth_and_on_the_way_back(at):
    network = small()
    breathe(network, Control(stop_at=at).between)
    with pytest.raises(Cancelled):
        network(torch.rand(2, 3, 12, 12)).sum().backward()


def test_a_copy_made_before_asks_nobody():
    network, control = small(), Control()
    average = copy.deepcopy(network)
    breathe(network, control.between)
    average(torch.rand(2, 3, 12, 12))
    assert control.asked == 0


def test_waiting_is_no_learning_time():
    patient = Patient(Control(wait_s=0.05))
    clock = patient.clock(lambda: time.monotonic())
    began, real = clock(), time.monotonic()
    patient.between()
    assert clock() - began <= time.monotonic() - real - 0.05


def test_torch_is_imported_whole_and_no_monai_with_a_lesson_on_slices():
    code = (
        "from featherseg_engines.teaching.gentle_import import load_torch; load_torch(); import sys, torch;"
        "import featherseg_engines.teaching.learn, featherseg_engines.teaching.candidate;"
        "print(float(torch.ones(2, 2).matmul(torch.ones(2, 2)).sum()), 'monai' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["8.0", "False"]


def test_dice_in_the_loss_is_monai_s():
    logits, labels = torch.randn(3, 3, 8, 9), torch.randint(0, 3, (3, 8, 9))
    target = nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    theirs = DiceLoss(softmax=True, batch=True, reduction="none", smooth_nr=0.05, smooth_dr=0.05)
    ours = SoftCrossEntropyDice(cross_entropy_weight=0.0)
    assert torch.allclose(ours(logits, labels), theirs(logits, target).mean())
