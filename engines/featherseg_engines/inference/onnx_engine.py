"""Proposals from deployed networks on the CPU; knows nothing of torch."""

import time
from collections.abc import Callable, Collection, Iterator

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ModelError
from featherseg_engines.inference import crops, whole
from featherseg_engines.inference.backends import Choice, open_runner
from featherseg_engines.inference.flips import mirrored
from featherseg_engines.inference.postprocess import Levels, probabilities
from featherseg_engines.inference.proposal import PLAIN, CancelToken, Options, Proposal, Request
from featherseg_engines.inference.runner import Runner
from featherseg_engines.inference.self_timing import choice_for
from featherseg_engines.inference.volume_run import Step, sweep
from featherseg_engines.labels import Box
from featherseg_engines.models.bundle import ModelBundle

Floats = npt.NDArray[np.float32]


class OnnxModel:
    """One bundle's network, loaded, checked against its card.

    Parameters
    ----------
    choice
        How to compute it (:func:`~featherseg_engines.inference.self_timing.choice_for`); left out, ONNX Runtime
        in fp32 with ``threads``: what every measured number in a card is made with. Where the choice cannot be
        had (any more), ONNX Runtime too.

    Raises
    ------
    ModelError
        A file is missing or damaged, or inputs and outputs do not fit the card.
    """

    def __init__(self, bundle: ModelBundle, threads: int = 2, choice: Choice | None = None) -> None:
        bundle.verify()
        self.bundle = bundle
        self._runner = self._open(choice or Choice(threads=threads))
        try:
            self._check()
        except ModelError:
            if choice is None or choice.backend == "onnxruntime":
                raise
            self._runner = self._open(Choice(threads=threads))
            self._check()

    def _open(self, choice: Choice) -> Runner:
        try:
            return open_runner(self.bundle, choice)
        except Exception as error:  # neither ONNX Runtime's nor OpenVINO's errors share a public base class
            if choice.backend != "onnxruntime":  # what was fastest once may be gone or mended since
                return self._open(Choice(threads=choice.threads))
            name = self.bundle.card.name
            raise ModelError(f"The model '{name}' cannot be loaded; install it again.") from error

    def _check(self) -> None:
        card, signature = self.bundle.card, self._runner.signature
        shape = signature.inputs[0]
        if len(signature.inputs) != 1 or len(shape) != card.dims + 2:
            raise ModelError(
                f"The model '{card.name}' does not take one {card.dims}D image; it cannot be used."
            )
        if shape[1] is not None and shape[1] != card.preprocessing.channels:
            raise ModelError(
                f"The model '{card.name}' takes {shape[1]} channels and its card says "
                f"{card.preprocessing.channels}; mend the card."
            )
        if any(side is not None for side in shape[2:]):
            raise ModelError(
                f"The model '{card.name}' takes images of one size only; export it with free height and width."
            )
        maps = signature.output[1:2]
        if maps and maps[0] is not None and maps[0] != card.outputs:
            raise ModelError(
                f"The model '{card.name}' gives {maps[0]} maps and its card says {card.outputs}; mend the card."
            )

    def probability(
        self, pixels: npt.NDArray[np.generic], between: Callable[[], None] = whole.nothing
    ) -> Floats:
        """Probability (labels, y, x) of a slice (y, x[, 3]), at its own size."""
        return whole.of_slice(self.bundle.card.preprocessing, pixels, self._answer, between)

    def volume_probability(
        self, voxels: npt.NDArray[np.generic], between: Callable[[], None] = whole.nothing
    ) -> Floats:
        """Probability (labels, z, y, x) of a volume (z, y, x[, 3]) by overlapping blocks, or slice by slice.

        ``between`` is called before each block or slice and may raise to stop.
        """
        return whole.of_volume(self.bundle.card.preprocessing, voxels, self._answer, between)

    def volume_slices(self, voxels: npt.NDArray[np.generic]) -> Iterator[Floats]:
        """As :meth:`volume_probability`, slice by slice (labels, y, x): the memory does not grow with depth."""
        return whole.slices_of_volume(self.bundle.card.preprocessing, voxels, self._answer)

    def slice_crop(
        self,
        pixels: npt.NDArray[np.generic],
        z: int,
        options: Options = PLAIN,
        between: Callable[[], None] = whole.nothing,
    ) -> tuple[Box, Levels]:
        """What is proposed for a slice (y, x[, 3]), cut out: its box at slice ``z`` and its levels."""
        pre = self.bundle.card.preprocessing.seen_in(options.window)
        network = mirrored(self._answer, 2) if options.flips else self._answer
        return crops.of_slice(pre, pixels, z, network, between)

    def volume_crop(
        self,
        voxels: npt.NDArray[np.generic],
        options: Options = PLAIN,
        between: Callable[[], None] = whole.nothing,
    ) -> tuple[Box, Levels]:
        """What is proposed for a volume (z, y, x[, 3]) by a network that takes volumes, cut out."""
        pre = self.bundle.card.preprocessing.seen_in(options.window)
        network = mirrored(self._answer, 3) if options.flips else self._answer
        return crops.of_volume(pre, voxels, network, between)

    def answers(self, batch: Floats) -> Floats:
        """Probabilities (n, labels, *sides) for n inputs of one size (n, channels, *sides).

        A block of a volume that is all one value shows nothing, and is not put before the network: the shipped one
        sees a label there with certainty.
        """
        card = self.bundle.card
        if card.dims == 3 and batch.min() == batch.max():
            return np.zeros((len(batch), len(card.labels), *batch.shape[2:]), np.float32)
        logits = np.moveaxis(self._run(batch), 1, 0)
        return np.moveaxis(probabilities(logits, card.activation), 0, 1)

    def _answer(self, batch: Floats) -> Floats:
        return np.asarray(self.answers(batch)[0], np.float32)

    def _run(self, batch: Floats) -> Floats:
        """Logits (n, outputs, *sides) of n images (n, channels, *sides)."""
        card = self.bundle.card
        try:
            logits = self._runner.run(batch)
        except Exception as error:  # neither ONNX Runtime's nor OpenVINO's errors share a public base class
            raise ModelError(f"The model '{card.name}' failed on this image; try another model.") from error
        if logits.shape != (len(batch), card.outputs, *batch.shape[2:]):
            raise ModelError(
                f"The model '{card.name}' answered with maps {logits.shape[1:]} where its card means "
                f"{(card.outputs, *batch.shape[2:])}; it cannot be used."
            )
        if not np.isfinite(logits).all():
            raise ModelError(f"The model '{card.name}' gave values that are not numbers for this image.")
        return logits


class OnnxEngine:
    """Keeps the models in use loaded and answers requests; used by one thread."""

    def __init__(self, threads: int = 2, keep: int = 2) -> None:
        self._threads, self._keep = threads, keep
        self._models: dict[tuple[str, str], OnnxModel] = {}

    def model(self, bundle: ModelBundle) -> OnnxModel:
        """The loaded model of a bundle; the oldest of more than ``keep`` is dropped."""
        key = (str(bundle.folder), bundle.identity)
        found = self._models.pop(key, None) or OnnxModel(bundle, self._threads, choice_for(bundle))
        self._models[key] = found
        while len(self._models) > self._keep:
            self._models.pop(next(iter(self._models)))
        return found

    def sweep(self, request: Request, known: Collection[int] = ()) -> Iterator[Step]:
        """Answer for all slices, a step at a time; see :class:`~featherseg_engines.inference.volume_run.Sweeper`."""
        return sweep(self.model(request.model), request, known)

    def forget(self, bundle: ModelBundle) -> None:
        """Load a bundle's model anew when it is next asked for: another way to compute it was chosen."""
        self._models.pop((str(bundle.folder), bundle.identity), None)

    def propose(self, request: Request, cancel: CancelToken) -> Proposal:
        """Answer a request; see :class:`~featherseg_engines.inference.proposal.Engine`."""
        model = self.model(request.model)
        cancel.check()
        started = time.perf_counter()
        card, volume = request.model.card, request.volume
        if card.dims == 3:
            box, levels = model.volume_crop(volume.voxels, request.options, cancel.check)
        else:
            box, levels = model.slice_crop(volume.slice(request.z), request.z, request.options, cancel.check)
        seconds = time.perf_counter() - started
        return Proposal(request, box, levels, card.name, request.model.identity, seconds)
