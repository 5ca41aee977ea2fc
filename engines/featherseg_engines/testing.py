"""The contract that every network keeps, as a test class to inherit; for our networks and for other people's.

::

    class TestMine(NetworkContract):
        spec = MY_SPEC
        params = 123_456

Collected by pytest from the inheriting class; the contract itself has no name that pytest collects.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from featherseg_engines.networks.counting import count
from featherseg_engines.networks.spec import NetworkSpec, deployed_form
from featherseg_engines.training.export import onnx_bytes

TOLERANCE = 1e-4
"""Largest difference between two forms of a network, relative to the largest logit."""


def randomise_norms(network: nn.Module) -> None:
    """Give every BatchNorm statistics and weights as after a training, so that folding has work to do."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.normal_(0.0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0.0, 0.2)


def export_onnx(module: nn.Module, example: Tensor, path: Path) -> None:
    """Write ``module`` as ONNX with batch and all sides free, as the trainer does."""
    path.write_bytes(onnx_bytes(module, example))


def run_onnx(path: Path, image: Tensor) -> Tensor:
    """Logits of an exported network in ONNX Runtime, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": image.numpy()})
    return torch.from_numpy(np.asarray(logits))


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    """Fail where two sets of logits differ by more than :data:`TOLERANCE` of the largest."""
    assert ours.shape == theirs.shape
    scale = theirs.abs().max().item()
    difference = (ours - theirs).abs().max().item()
    assert difference < TOLERANCE * scale, f"logits differ by {difference:.2e} at a scale of {scale:.2e}"


class NetworkContract:
    """What holds for every network.

    Attributes
    ----------
    spec
        The row under test.
    params
        Parameters of the training form at the published channels and classes, exactly.
    params_deployed, gmacs
        Of the deployed form, and multiply-adds / 1e9 (within 0.5 %); not tested where ``None``.
    norms_left
        BatchNormalization nodes that no folding can remove.
    idle
        Endings of the names of parameters that cannot matter (a bias before an InstanceNorm).
    """

    spec: NetworkSpec
    params: int
    params_deployed: int | None = None
    gmacs: float | None = None
    norms_left: int = 0
    idle: tuple[str, ...] = ()

    def sides(self, *multiples: int) -> tuple[int, ...]:
        """Sides that are the given multiples of the stride."""
        return tuple(self.spec.stride * m for m in multiples[: self.spec.dims])

    def image(self, batch: int, sides: Sequence[int], channels: int | None = None) -> Tensor:
        """A random image or volume."""
        return torch.randn(batch, channels or self.spec.in_channels, *sides)

    def trained(self, seed: int = 0) -> nn.Module:
        """A network in eval mode whose BatchNorms look trained."""
        torch.manual_seed(seed)
        network = self.spec.make()
        randomise_norms(network)
        return network.eval()

    def test_logits_have_the_image_s_sides_for_any_channels_and_classes(self) -> None:
        """Odd multiples of the stride, not square; 1, 3, 4 channels; 1, 2, 5 classes."""
        sides = self.sides(1, 3, 2)
        for channels, classes in ((1, 2), (3, 1), (4, 5)):
            network = self.spec.make(in_channels=channels, classes=classes).eval()
            with torch.inference_mode():
                logits = network(self.image(1, sides, channels))
            assert logits.shape == (1, classes, *sides)

    def test_a_gradient_reaches_every_parameter_but_the_idle(self) -> None:
        """By chance a ReLU may shut a whole layer off; a parameter must be reached at one of a few starts."""
        missing: set[str] = set()
        for seed in range(4):
            found, faint = self._unreached(seed)
            missing = found if seed == 0 else missing & found
            if not missing:
                break
        assert not missing, f"no gradient reaches {sorted(missing)}"
        assert not faint, f"said to be idle, but a gradient reaches {sorted(faint)}"

    def _unreached(self, seed: int) -> tuple[set[str], set[str]]:
        network = self.trained(seed)
        logits = network(self.image(1, self.sides(2, 1, 1)))
        (logits * torch.randn_like(logits)).sum().backward()
        sizes = {
            n: 0.0 if p.grad is None else p.grad.abs().max().item() for n, p in network.named_parameters()
        }
        noise = 1e-4 * max(sizes.values())
        idle = {name for name in sizes if name.endswith(self.idle)} if self.idle else set()
        return (
            {name for name, size in sizes.items() if size == 0.0 and name not in idle},
            {name for name in idle if sizes[name] > noise},
        )

    def test_a_seed_fixes_weights_and_logits(self) -> None:
        """Also in training mode, where dropout draws."""
        answers = []
        for _ in range(2):
            torch.manual_seed(7)
            network = self.spec.make().train()
            with torch.no_grad():
                answers.append(network(self.image(2, self.sides(2, 1, 1))))
        assert torch.equal(answers[0], answers[1])

    def test_the_deployed_form_answers_as_the_training_form(self) -> None:
        """In eval mode, with statistics as after a training; the training form is left as it was."""
        network = self.trained()
        image = self.image(2, self.sides(2, 1, 1))
        with torch.inference_mode():
            before = network(image)
            after = deployed_form(network)(image)
            assert torch.equal(before, network(image))
        assert_close(after, before)

    def test_the_exported_network_answers_at_other_sides_and_batches(self, tmp_path: Path) -> None:
        """Exported at one size, asked at others; only norms that cannot be folded are left in the file."""
        network, path = self.trained(), tmp_path / "network.onnx"
        export_onnx(deployed_form(network), self.image(1, self.sides(2, 2, 2)), path)
        kinds = [node.op_type for node in onnx.load(path).graph.node]
        assert kinds.count("BatchNormalization") == self.norms_left
        for batch, sides in ((2, self.sides(1, 3, 2)), (1, self.sides(3, 2, 1))):
            image = self.image(batch, sides)
            with torch.inference_mode():
                expected = network(image)
            assert_close(run_onnx(path, image), expected)

    def test_weights_survive_safetensors_exactly(self, tmp_path: Path) -> None:
        """Every tensor of the state, bit by bit, in a network built anew."""
        network, path = self.trained(), tmp_path / "weights.safetensors"
        save_file(network.state_dict(), path)
        other = self.spec.make()
        other.load_state_dict(load_file(path))
        expected = network.state_dict()
        for name, tensor in other.state_dict().items():
            assert torch.equal(tensor, expected[name]), name

    def test_parameters_and_multiply_adds_are_those_of_the_specification(self) -> None:
        """At the published channels, classes and sides."""
        counts = count(self.spec)
        assert counts.params_train == self.params
        if self.params_deployed is not None:
            assert counts.params_deployed == self.params_deployed
        if self.gmacs is not None:
            assert abs(counts.gmacs_train - self.gmacs) <= 0.005 * self.gmacs
