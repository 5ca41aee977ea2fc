"""LGMSNet's tokens, and the memory its attention takes once deployed."""

import subprocess
import sys
from pathlib import Path

import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from featherseg_engines.networks.lgms_blocks import fold_patches, unfold_patches
from featherseg_engines.networks.lgmsnet import LGMSNet, lgmsnet3d
from featherseg_engines.testing import assert_close, export_onnx, run_onnx

PEAK_GROWTH = """
import sys
import numpy as np
import onnxruntime

def kilobytes(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))

before = kilobytes("VmRSS")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
session.run(None, {"image": np.zeros((1, 3, 512, 512), np.float32)})
print((kilobytes("VmHWM") - before) / 1024)
"""


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 5),
    halves=st.lists(st.integers(1, 4), min_size=2, max_size=3),
)
def test_folding_undoes_unfolding_in_images_and_volumes(batch: int, channels: int, halves: list[int]) -> None:
    x = torch.randn(batch, channels, *[2 * half for half in halves])
    tokens = unfold_patches(x)
    assert tokens.shape[0] == batch * 2 ** len(halves)
    assert torch.equal(fold_patches(tokens, x.shape[2:]), x)


def test_tokens_of_one_sequence_hold_the_same_place_in_every_patch() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert unfold_patches(x)[..., 0].tolist() == [
        [0, 2, 8, 10],
        [1, 3, 9, 11],
        [4, 6, 12, 14],
        [5, 7, 13, 15],
    ]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    path = tmp_path / "lgmsnet.onnx"
    export_onnx(LGMSNet().deployed(), torch.zeros(1, 3, 64, 64), path)
    return path


def test_deployed_attention_is_one_operator_in_each_block(exported: Path) -> None:
    kinds = [node.op_type for node in onnx.load(exported).graph.node]
    assert kinds.count("MultiHeadAttention") == 4
    assert "Softmax" not in kinds


def test_norms_over_a_large_map_stay_exact(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, path = LGMSNet().eval(), tmp_path / "lgmsnet.onnx"
    export_onnx(network.deployed(), torch.zeros(1, 3, 64, 64), path)
    image = torch.randn(1, 3, 512, 512)
    with torch.inference_mode():
        assert_close(run_onnx(path, image), network(image))


@pytest.mark.slow
def test_norms_over_a_large_volume_stay_exact(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, path = lgmsnet3d().eval(), tmp_path / "lgmsnet3d.onnx"
    export_onnx(network.deployed(), torch.zeros(1, 1, 64, 64, 64), path)
    image = torch.randn(1, 1, 96, 96, 96)
    with torch.inference_mode():
        assert_close(run_onnx(path, image), network(image))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_deployed_at_512_takes_less_than_500_megabytes(exported: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PEAK_GROWTH, str(exported)], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) < 500, f"peak memory grew by {run.stdout} MB"
