"""Proposals from deployed networks on the CPU; knows nothing of torch."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from featherseg_engines.errors import ModelError
from featherseg_engines.inference import crops, whole
from featherseg_engines.inference.asking import asked, on_request, telling
from featherseg_engines.inference.backends import Choice, open_runner
from featherseg_engines.inference.feature_outputs import feature_names
from featherseg_engines.inference.kind import Kind
from featherseg_engines.inference.postprocess import Levels, probabilities
from featherseg_engines.inference.proposal import PLAIN, CancelToken, Options, Proposal, Request
from featherseg_engines.inference.refiner import Refiner
from featherseg_engines.inference.revealing import Revealing, evidence_of
from featherseg_engines.inference.runner import Runner
from featherseg_engines.inference.self_timing import choice_for
from featherseg_engines.inference.volume_run import Step, sweep
from featherseg_engines.labels import Box
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.refine.evidence import Evidence

Floats = npt.NDArray[np.float32]
NEVER = -30.0
"""Logit of a label that the one who answers does not know."""


class OnnxModel:
    """One bundle's network, loaded, checked against its card.

    Parameters
    ----------
    choice
        How to compute it (:func:`~featherseg_engines.inference.self_timing.choice_for`); left out, ONNX Runtime
        in fp32 with ``threads``: what every measured number in a card is made with. Where the choice cannot be
        had (any more), ONNX Runtime too.
    unknown
        Labels that it does not know and never finds: they come last in its answers.

    Raises
    ------
    ModelError
        A file is missing or damaged, or inputs and outputs do not fit the card.
    """

    def __init__(
        self, bundle: ModelBundle, threads: int = 2, choice: Choice | None = None, *, unknown: int = 0
    ) -> None:
        bundle.verify()
        self.bundle, self._unknown = bundle, unknown
        self._tell = telling(bundle.card.asking)
        self._asked = asked(self._plain_answers, bundle.card.asking, bundle.card.dims)
        self._choice = choice or Choice(threads=threads)
        self._revealer: Runner | None = None
        self._runner = self._open(self._choice)
        try:
            self._check()
        except ModelError:
            if choice is None or choice.backend == "onnxruntime":
                raise
            self._choice = Choice(threads=threads)
            self._runner = self._open(self._choice)
            self._check()
        self._other = self._held(threads, timed=choice is not None)

    def _held(self, threads: int, *, timed: bool) -> "tuple[OnnxModel, Kind] | None":
        """The model that this one holds, and what says whose kind a picture is."""
        known = self.bundle.known()
        if known is None:
            return None
        card = self.bundle.card
        unknown = card.outputs - known.card.outputs
        kinds = {card.activation, known.card.activation}
        if unknown < 0 or kinds != {"softmax"} or known.card.dims != card.dims:
            raise ModelError(f"The model '{card.name}' holds another that does not fit it.")
        held = OnnxModel(known, threads, choice_for(known) if timed else None, unknown=unknown)
        return held, Kind(self.bundle, known)

    def seeing(self, voxels: npt.NDArray[np.generic]) -> "OnnxModel":
        """The model that answers for voxels (z, y, x[, 3]): the one it holds, if they are of that one's kind."""
        if self._other is None or self._other[1].taught(voxels):
            return self
        return self._other[0]

    def _open(self, choice: Choice, further: tuple[str, ...] = ()) -> Runner:
        try:
            return open_runner(self.bundle, choice, further)
        except Exception as error:  # neither ONNX Runtime's nor OpenVINO's errors share a public base class
            if choice.backend != "onnxruntime":  # what was fastest once may be gone or mended since
                return self._open(Choice(threads=choice.threads), further)
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
        """Probability (labels, y, x) of a slice (y, x[, 3]), at its own size; of this model (:meth:`seeing`)."""
        return whole.of_slice(self.bundle.card.preprocessing, pixels, self._answer, between, self._tell)

    def volume_probability(
        self, voxels: npt.NDArray[np.generic], between: Callable[[], None] = whole.nothing
    ) -> Floats:
        """Probability (labels, z, y, x) of a volume (z, y, x[, 3]) by overlapping blocks, or slice by slice.

        ``between`` is called before each block or slice and may raise to stop.
        """
        model = self.seeing(voxels)
        return whole.of_volume(model.bundle.card.preprocessing, voxels, model._answer, between, model._tell)

    def volume_slices(self, voxels: npt.NDArray[np.generic]) -> Iterator[Floats]:
        """As :meth:`volume_probability`, slice by slice (labels, y, x): the memory does not grow with depth."""
        model = self.seeing(voxels)
        pre = model.bundle.card.preprocessing
        return whole.slices_of_volume(pre, voxels, model._answer, tell=model._tell)

    def slice_crop(
        self,
        pixels: npt.NDArray[np.generic],
        z: int,
        options: Options = PLAIN,
        between: Callable[[], None] = whole.nothing,
    ) -> tuple[Box, Levels]:
        """What is proposed for a slice (y, x[, 3]), cut out: its box at slice ``z`` and its levels."""
        pre = self.bundle.card.preprocessing.seen_in(options.window)
        network = on_request(self._answer, options.flips, self.bundle.card.asking, 2)
        return crops.of_slice(pre, pixels, z, network, between, self._tell)

    def volume_crop(
        self,
        voxels: npt.NDArray[np.generic],
        options: Options = PLAIN,
        between: Callable[[], None] = whole.nothing,
    ) -> tuple[Box, Levels]:
        """What is proposed for a volume (z, y, x[, 3]) by a network that takes volumes, cut out."""
        pre = self.bundle.card.preprocessing.seen_in(options.window)
        network = on_request(self._answer, options.flips, self.bundle.card.asking, 3)
        return crops.of_volume(pre, voxels, network, between)

    def evidence(
        self,
        pixels: npt.NDArray[np.generic],
        options: Options = PLAIN,
        between: Callable[[], None] = whole.nothing,
    ) -> Evidence:
        """What strokes on a slice (y, x[, 3]) are read with: the answer and the network's features."""
        pre = self.bundle.card.preprocessing.seen_in(options.window)
        return evidence_of(pre, pixels, self._reveal(options), self.bundle.identity, between, self._tell)

    def _reveal(self, options: Options) -> Revealing:
        """The network with its features; mirrored answers are averaged, features are those of the image itself."""
        card = self.bundle.card
        asking = replace(card.asking, mirrored=options.flips or card.asking.mirrored)

        def reveal(batch: Floats) -> tuple[Floats, list[Floats]]:
            seen: list[list[Floats]] = []

            def answer(turned: Floats) -> Floats:
                logits, maps = self._revealed(turned) if not seen else (self._run(turned), [])
                seen.append(maps)
                return probabilities(logits[0], card.activation)

            return asked(answer, asking, 2)(batch), seen[0]

        return reveal

    def _revealed(self, batch: Floats) -> tuple[Floats, list[Floats]]:
        """Logits (1, outputs, h, w) and features (k, h', w') of one image; a second network loaded when first asked.

        A file in which no features are found, or that cannot give them, answers without.
        """
        if self._revealer is None:
            names = feature_names(self.bundle.onnx.read_bytes())
            self._revealer = self._open_revealing(names) if names else self._runner
        if self._revealer is self._runner:
            return self._run(batch), []
        try:
            logits, maps = self._revealer.reveal(batch)
        except Exception:  # neither ONNX Runtime's nor OpenVINO's errors share a public base class
            self._revealer = self._runner
            return self._run(batch), []
        return self._checked(logits, batch), [values[0] for values in maps]

    def _open_revealing(self, names: tuple[str, ...]) -> Runner:
        try:
            return self._open(self._choice, names)
        except ModelError:
            return self._runner

    def answers(self, batch: Floats) -> Floats:
        """Probabilities (n, labels, *sides) for n inputs of one size (n, channels, *sides).

        A block of a volume that is all one value shows nothing, and is not put before the network: the shipped one
        sees a label there with certainty.
        """
        card = self.bundle.card
        if card.dims == 3 and batch.min() == batch.max():
            return np.zeros((len(batch), len(card.labels) + self._unknown, *batch.shape[2:]), np.float32)
        return self._asked(batch)

    def _plain_answers(self, batch: Floats) -> Floats:
        card = self.bundle.card
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
        return self._checked(logits, batch)

    def _checked(self, logits: Floats, batch: Floats) -> Floats:
        card = self.bundle.card
        if logits.shape != (len(batch), card.outputs, *batch.shape[2:]):
            raise ModelError(
                f"The model '{card.name}' answered with maps {logits.shape[1:]} where its card means "
                f"{(card.outputs, *batch.shape[2:])}; it cannot be used."
            )
        if not np.isfinite(logits).all():
            raise ModelError(f"The model '{card.name}' gave values that are not numbers for this image.")
        if self._unknown:
            never = np.full((len(logits), self._unknown, *logits.shape[2:]), NEVER, logits.dtype)
            logits = np.concatenate([logits, never], axis=1)
        return logits


class OnnxEngine:
    """Keeps the models in use loaded and answers requests; used by one thread."""

    def __init__(self, threads: int = 2, keep: int = 2) -> None:
        self._threads, self._keep = threads, keep
        self._models: dict[tuple[str, str], OnnxModel] = {}
        self._refiner = Refiner()

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
        return sweep(self.model(request.model).seeing(request.volume.voxels), request, known)

    def forget(self, bundle: ModelBundle) -> None:
        """Load a bundle's model anew when it is next asked for: another way to compute it was chosen."""
        self._models.pop((str(bundle.folder), bundle.identity), None)

    def propose(self, request: Request, cancel: CancelToken) -> Proposal:
        """Answer a request; see :class:`~featherseg_engines.inference.proposal.Engine`.

        With prompts the slice's evidence is computed once and kept: a further stroke does not run the network.
        """
        model = self.model(request.model).seeing(request.volume.voxels)
        cancel.check()
        started = time.perf_counter()
        card, volume = request.model.card, request.volume
        head = None
        if not request.prompts.empty:
            box, levels, head = self._refiner.answer(model, request, cancel.check)
        elif card.dims == 3:
            box, levels = model.volume_crop(volume.voxels, request.options, cancel.check)
        else:
            box, levels = model.slice_crop(volume.slice(request.z), request.z, request.options, cancel.check)
        seconds = time.perf_counter() - started
        return Proposal(request, box, levels, card.name, request.model.identity, seconds, head)
