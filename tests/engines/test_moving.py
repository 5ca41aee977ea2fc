"""The lesson's optimizer moves as PyTorch's does, and does not wait for PyTorch's compiler."""

import subprocess
import sys

import torch
from torch import nn

from featherseg_engines.teaching.moving import DECAY, Mover


def test_it_moves_as_pytorch_s_adamw_and_leaves_what_has_no_gradient():
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(5, 3)) for _ in range(3)]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    mover, adamw = Mover(ours, 1e-2), torch.optim.AdamW(theirs, lr=1e-2, weight_decay=DECAY)
    for step in range(6):
        mover.clear()
        adamw.zero_grad()
        for own, other in list(zip(ours, theirs, strict=True))[: 2 if step < 3 else 3]:
            own.grad = torch.randn_like(own)
            other.grad = own.grad.clone()
        mover.rate = adamw.param_groups[0]["lr"] = 1e-2 / (step + 1)
        mover.step()
        adamw.step()
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other)


def test_the_first_step_of_a_lesson_imports_no_compiler():
    said = (
        "import sys, numpy as np\n"
        "from featherseg_engines.errors import Cancelled\n"
        "from featherseg_engines.models.catalogue import Catalogue\n"
        "from featherseg_engines.teaching.order import Settings, TaughtCase, TeachOrder\n"
        "from featherseg_engines.teaching.school import Aids, standard_school\n"
        "class Go:\n"
        "    def between(self): pass\n"
        "rng = np.random.default_rng(0)\n"
        "voxels = lambda: rng.integers(0, 255, (1, 64, 64, 3)).astype(np.uint8)\n"
        "labels = np.zeros((1, 64, 64), np.uint8); labels[:, 20:40, 20:40] = 1\n"
        "cases = tuple(TaughtCase(f'c{i}', f'g{i}', voxels(), labels) for i in range(4))\n"
        "parent = Catalogue().resolve('repsegnet.skin')\n"
        "order = TeachOrder(cases, ('noise',), (1,), parent, parent, Settings())\n"
        "def listen(at): raise Cancelled\n"
        "try:\n"
        "    standard_school().learn(cases, order, 60.0, Go(), listen, Aids())\n"
        "except Cancelled:\n"
        "    print('torch._dynamo' in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=300
    )
    assert told.stdout.strip() == "False"
