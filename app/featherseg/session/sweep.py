"""A run over all slices of a volume in the inference thread, how far it is, and how long it still takes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from psygnal import SignalInstance

from featherseg.session.worker import Post
from featherseg_engines.inference.proposal import Engine, Proposal, Request
from featherseg_engines.inference.volume_run import Step, whole_volume


@dataclass(frozen=True, slots=True)
class RunProgress:
    """What a run does, the part of it that is done (0..1), and the seconds left where somebody can know."""

    text: str
    part: float
    left_s: float | None
    paused: bool = False

    @property
    def left(self) -> str:
        """How long still, in words."""
        return "paused" if self.paused else left_in_words(self.left_s)


class Run(Protocol):
    """What a person can watch, pause and cancel; lives on the session's thread."""

    @property
    def changed(self) -> SignalInstance:
        """Emitted with nothing when ``progress`` is another."""
        ...

    @property
    def progress(self) -> RunProgress | None:
        """How far it is; None where nothing runs."""
        ...

    def pause(self) -> None:
        """Stop after the step that is being taken, to go on later."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def cancel(self) -> None:
        """Stop for good; what was found is kept."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Who hears of a sweep, on the session's thread: of each step, and with a sentence why it cannot go on."""

    step: Callable[[Step], None]
    broke: Callable[[str], None]


class Sweep:
    """A :class:`~featherseg.session.worker.LongRun` that answers for a whole volume.

    Parameters
    ----------
    known
        Slices that were answered before.
    sigma
        Asked in the inference thread when all slices are there: slices over which the answer is to agree.
    """

    def __init__(
        self,
        request: Request,
        post: Post,
        heard: Heard,
        known: Mapping[int, Proposal] | None = None,
        sigma: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.request = request
        self._post, self._heard = post, heard
        self._known, self._sigma = known, sigma
        self._steps: Iterator[Step] | None = None
        self.last = Step(0, 1, slices=len(known or ()))
        self._pace: list[float] = [0.0, 0.0]
        self._silent = False

    def step(self, engine: Engine) -> bool:
        """One step, in the inference thread."""
        if self._steps is None:
            self._steps = whole_volume(engine, self.request, self._known, self._sigma)
        step = next(self._steps, None)
        if step is None:  # it had ended, and was started again before its owner heard of that
            return False
        self._post(lambda: self._hear(step))
        return step.whole is None

    def broke(self, sentence: str) -> None:
        """A step failed, in the inference thread."""
        self._post(lambda: self._fail(sentence))

    def silence(self) -> None:
        """Nobody is to hear of it any more."""
        self._silent = True

    @property
    def part(self) -> float:
        """How much is done, 0..1."""
        return self.last.done / max(1, self.last.total)

    @property
    def left_s(self) -> float | None:
        """Seconds still to go by the pace so far; None before there is one."""
        units, seconds = self._pace
        return (self.last.total - self.last.done) * seconds / units if units else None

    def _hear(self, step: Step) -> None:
        if self._silent:
            return
        if self.last.done:  # the first step also loaded the model
            self._pace[0] += step.done - self.last.done
            self._pace[1] += step.seconds
        self.last = step
        self._heard.step(step)

    def _fail(self, sentence: str) -> None:
        if not self._silent:
            self._heard.broke(sentence)


def left_in_words(seconds: float | None) -> str:
    """How long still, as a person says it."""
    if seconds is None:
        return ""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"{round(seconds / 5) * 5} s left"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min left"
    return f"{minutes // 60} h {minutes % 60} min left"
