"""Measures, while nothing else is to be done, which way of computing the model in use is fastest here."""

from collections.abc import Generator

from featherseg_engines.inference.backends import Choice
from featherseg_engines.inference.onnx_engine import OnnxEngine
from featherseg_engines.inference.proposal import Engine
from featherseg_engines.inference.self_timing import choice_for, timing
from featherseg_engines.models.bundle import ModelBundle


class SelfTiming:
    """A long run that ends with the model loaded in the fastest way; every request goes before its next step.

    It happens once for each network on a machine, and says nothing: until it ends, and where it fails, the plain
    way answers.
    """

    def __init__(self, bundle: ModelBundle) -> None:
        self._bundle = bundle
        self._steps: Generator[None, None, Choice] | None = None

    def step(self, engine: Engine) -> bool:
        """See :class:`~featherseg.session.worker.LongRun`."""
        if not isinstance(engine, OnnxEngine):
            return False
        if self._steps is None:
            if choice_for(self._bundle) is not None:
                return False
            self._steps = timing(self._bundle)
        try:
            next(self._steps)
        except StopIteration:
            engine.forget(self._bundle)
            return False
        return True

    def broke(self, sentence: str) -> None:
        """See :class:`~featherseg.session.worker.LongRun`."""
