"""Loss and gradients of a batch; on a GPU recorded once and replayed, so that Python costs nothing."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from featherseg_engines.training.accelerator.pool import Room
from featherseg_engines.training.samples import IGNORE

WARM = 3
"""Batches worked through before one is recorded."""


class Fitted(nn.Module):
    """A network for inputs (b, c, h, w) of any size, which it sees at its own: scaled, and filled up by their edge.

    Parameters
    ----------
    stride
        The sides that it takes are multiples of this.
    scale
        Of its pictures' sides against those of the inputs; its answer is scaled back.
    """

    def __init__(self, network: nn.Module, stride: int, scale: float = 1.0) -> None:
        super().__init__()
        self.network, self.stride, self.scale = network, stride, scale

    def forward(self, x: Tensor) -> Tensor:
        """Logits (b, k, h, w)."""
        size = x.shape[-2:]
        height, width = (max(1, round(n * self.scale)) for n in size)
        if (height, width) != size:
            smooth = self.scale < 1
            x = F.interpolate(x, (height, width), mode="bilinear", align_corners=False, antialias=smooth)
        filled = F.pad(x, (0, -width % self.stride, 0, -height % self.stride), mode="replicate")
        answer: Tensor = self.network(filled)[..., :height, :width]
        if (height, width) != size:
            answer = F.interpolate(answer.float(), size, mode="bilinear", align_corners=False)
        return answer


class Step:
    """Called with images (b, c, h, w) in 0..1 and labels (b, h, w): leaves gradients, gives the loss.

    On a GPU the first call records the work as a CUDA graph, channels last in memory (depthwise convolutions took
    three to five times as long otherwise); every batch must have the size of the first. ``teachers`` answer the
    same images and are heeded by weight ``heed`` (distillation: Hinton et al. 2015, at temperature 1).
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        room: Room,
        half: bool,
        teachers: Sequence[nn.Module] = (),
        heed: float = 0.0,
    ) -> None:
        self._network, self._loss, self._room, self._half = network, loss, room, half
        self._teachers = [t.to(room.mean.device).eval().requires_grad_(False) for t in teachers]
        self._heed = heed if teachers else 0.0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._images = self._labels = self._value = torch.empty(0)

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """The loss, detached, on the device."""
        if images.device.type != "cuda":
            for parameter in self._network.parameters():
                parameter.grad = None
            return self._work(images, labels)
        if self._graph is None:
            self._record(images, labels)
        assert self._graph is not None
        self._images.copy_(images)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._value.clone()

    def _work(self, images: Tensor, labels: Tensor) -> Tensor:
        inputs = (images - self._room.mean) / self._room.std
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self._half, cache_enabled=False):
            logits = self._network(inputs)
        logits = logits.float()
        loss: Tensor = self._loss(logits, labels)
        if self._heed:
            loss = (1 - self._heed) * loss + self._heed * self._taught(inputs, logits, labels)
        loss.backward()
        return loss.detach()

    def _taught(self, inputs: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy against the teachers' mean answer where labels are known, and Dice to it."""
        with (
            torch.no_grad(),
            torch.autocast(inputs.device.type, torch.bfloat16, enabled=self._half, cache_enabled=False),
        ):
            told = torch.stack([torch.softmax(t(inputs).float(), dim=1) for t in self._teachers]).mean(0)
        known = (labels != IGNORE).unsqueeze(1).float()
        entropy = -(told * F.log_softmax(logits, dim=1) * known).sum() / known.sum().clamp(min=1)
        found, told = torch.softmax(logits, dim=1)[:, 1:] * known, told[:, 1:] * known
        dice = 1 - 2 * (found * told).sum() / ((found**2).sum() + (told**2).sum()).clamp(min=1)
        return entropy + dice

    def _record(self, images: Tensor, labels: Tensor) -> None:
        self._images = images.contiguous(memory_format=torch.channels_last).clone()
        self._labels = labels.clone()
        before = {k: v.clone() for k, v in self._network.state_dict().items()}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM):
                self._clear()
                self._work(self._images, self._labels)
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        self._clear()
        graph = torch.cuda.CUDAGraph()
        # on a stream of its own: graphs recorded on one stream share cuBLAS's scratch memory
        with torch.cuda.graph(graph, stream=stream):
            self._value = self._work(self._images, self._labels)
        for parameter in self._network.parameters():
            _lay_alike(parameter)
        self._network.load_state_dict(before)
        self._graph = graph

    def _clear(self) -> None:
        for parameter in self._network.parameters():
            parameter.grad = None


def _lay_alike(parameter: nn.Parameter) -> None:
    """Give a gradient its parameter's strides, which differ along sides of 1 at most: optimizers compare them."""
    if parameter.grad is not None and parameter.grad.stride() != parameter.stride():
        parameter.grad = parameter.grad.as_strided(parameter.shape, parameter.stride())
