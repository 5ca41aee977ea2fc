"""Half precision only where this processor is faster in it."""

import os
import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from featherseg_engines.training import layout

ASKS = "from featherseg_engines.training.layout import half_is_faster; print(half_is_faster())"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN limits itself on x86 only")
def test_a_processor_without_bfloat16_learns_in_float32():
    """There PyTorch's own kernels for it make a step nine times slower."""
    limited = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    told = subprocess.run(
        [sys.executable, "-c", ASKS], env=limited, check=True, capture_output=True, text=True, timeout=120
    )
    assert told.stdout.strip() == "False"


@pytest.mark.parametrize(("half_s", "expected"), [(0.4, True), (0.9, False), (9.0, False)])
def test_it_must_be_clearly_faster(monkeypatch, half_s, expected):
    times = iter([half_s, 1.0])
    monkeypatch.setattr(layout, "_best", lambda work: next(times))
    assert layout.half_is_faster.__wrapped__() is expected


def test_networks_that_cannot_are_never_tried(monkeypatch):
    monkeypatch.setattr(layout, "half_is_faster", lambda: True)
    assert layout.in_half_here(nn.Sequential(nn.BatchNorm2d(2)))
    assert not layout.in_half_here(nn.Sequential(nn.InstanceNorm2d(2)))


def test_it_is_tried_also_where_no_gradients_are_kept():
    """Norms that are settled before the first step ask first."""
    with torch.no_grad():
        assert isinstance(layout.half_is_faster.__wrapped__(), bool)
    with torch.inference_mode():
        assert isinstance(layout.half_is_faster.__wrapped__(), bool)
