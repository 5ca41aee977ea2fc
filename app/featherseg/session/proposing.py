"""What the model is asked, what it answered, and which answer is on screen."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from featherseg.session.notice import Notice
from featherseg.session.self_timing import SelfTiming
from featherseg.session.tool import MARKING
from featherseg.session.worker import InferenceWorker, Post
from featherseg_engines.imaging.volume import Window
from featherseg_engines.inference.cache import ProposalCache
from featherseg_engines.inference.proposal import PLAIN, Engine, Key, Options, Proposal, Request
from featherseg_engines.refine.prompts import UNPROMPTED

if TYPE_CHECKING:
    from featherseg.session.case import OpenCase
    from featherseg.session.session import Session

NOTHING_FOUND = "Nothing found. Accept to record that nothing is here, or lower the threshold."
AHEAD, BEHIND = 12, 6
"""Slices computed ahead in the direction a person scrolls, and in the other."""
HURRIED_S = 0.12
"""Who changes slices faster than the model answers is asked for after a rest of this length."""
LIVE_VOXELS = 4 * 2**20
"""Largest volume that a network of volumes answers unasked; a larger one takes long enough to be asked for."""


class Proposing:
    """The way from a request to the ghost; lives on the session's thread.

    An answer is shown when it answers what is on screen now, by content: image, slice, weights and options. What
    came too late, or was computed ahead, is kept in a bounded cache and shown in the same moment it is wanted.

    Parameters
    ----------
    session
        Says what is on screen: case, slice, model, window.

    Attributes
    ----------
    measures
        Whether the fastest way to compute a model on this machine is looked for in idle time, once.
    """

    proposed = Signal(object)  # Proposal, or None when the ghost goes
    busy_changed = Signal(bool)
    live_changed = Signal(bool)

    def __init__(self, session: "Session", post: Post, make_engine: Callable[[], Engine]) -> None:
        self._session = session
        self.proposal: Proposal | None = None
        self.busy = False
        self.live = False
        self.flips = False
        self.measures = False
        self._measured: set[str] = set()
        self.cache = ProposalCache()
        self.worker = InferenceWorker(make_engine, post, self._answered, self._failed)
        self._serial = 0
        self._wanted: Key | None = None
        self._asked = False  # whether a person asked for what is wanted or on screen; else it came by itself
        self._settled: set[Key] = set()  # accepted or dropped by a person: live mode leaves them alone
        self._said: tuple[str, str] | None = None
        self._direction = 1
        self._case: OpenCase | None = None

    def close(self) -> None:
        """Stop the thread."""
        self.worker.close()

    def opened(self, case: "OpenCase | None") -> None:
        """Another case is open and on screen now, or none (told before the old one goes)."""
        self.let_go()
        self.worker.look_ahead(())
        old, self._case = self._case, case
        if old is not None and not old.volume.content:
            self.cache.forget(old.token)
        self.follow()

    def wanting(self) -> bool:
        """Whether an answer is wanted or being computed just now; from any thread."""
        return self.busy or self.worker.answering

    # -- asking -------------------------------------------------------------------------------------------

    def propose(self) -> None:
        """Ask for the slice on screen because a person wants it."""
        objection = self.objection()
        if objection is not None:
            self._session.tell(objection)
            return
        request = self.request_at(self._session.z)
        depth = request.volume.geometry.shape[0]
        if request.spans_volume and depth > 1 and request.volume.voxels.size > LIVE_VOXELS:
            self._session.whole.start()  # it takes long: with progress and Cancel
            return
        if not request.volume.content:  # somebody else's array, which may have changed without a word
            self.cache.discard(request.key)
        self._asked = True
        self._settled.discard(request.key)
        self._ask(request)

    def refine(self) -> None:
        """Ask for the slice on screen as it is marked now; the ghost stays until the answer comes."""
        if self.objection() is not None:
            return
        request = self.request_at(self._session.z)
        self._asked = True
        self._settled.discard(request.key)
        there = self.proposal is not None and self.proposal.request.key == request.key
        if request.key != self._wanted or not (self.busy or there):
            self._ask(request)

    def known(self, z: int) -> Proposal | None:
        """The answer for a slice as it is marked now, where it was given before."""
        return self.cache.get(self.request_at(z))

    def settle(self) -> None:
        """A person is done with the slice on screen as it is now: live mode leaves it alone."""
        if self._session.case is not None and self._session.model is not None:
            self._settled.add(self.request_at(self._session.z).key)

    def objection(self) -> Notice | None:
        """Why nothing can be asked now; None where it can."""
        session = self._session
        if session.case is None:
            return Notice("Open an image first: File, Open image, or drop one on the window.")
        if session.case.growing:
            return Notice("The series is still being read; propose when all slices are there.")
        if session.model is None:
            return Notice("There is no model to propose with; install one.", "problem")
        return None

    def go_live(self, live: bool) -> None:
        """Let the proposal follow slice, window and model by itself, or no longer; a ghost stays."""
        if live == self.live:
            return
        self.live = live
        self._said = None
        if not live:
            self.worker.look_ahead(())
        self.live_changed.emit(live)
        if self.proposal is None:
            self.follow()

    def mirror(self, flips: bool) -> None:
        """Ask over mirrored images too from now on, or no longer."""
        if flips != self.flips:
            self.flips = flips
            self.follow()

    def follow(self, after_s: float = 0.0) -> None:
        """In live mode, propose for what is on screen now; a ghost of the same slice stays until then."""
        shown = self.proposal
        if not self.live or not self._may_follow() or (shown is not None and shown.request.whole):
            return
        request = self.request_at(self._session.z)
        if request.key in self._settled:
            self.let_go()
        elif request.key != self._wanted and not self._labelled():
            self._asked = False
            self._ask(request, after_s)
        self._look_ahead()

    def moved(self, before: int) -> None:
        """Another slice is on screen than ``before``: its own proposal in live mode, else none."""
        session = self._session
        if self.proposal is not None and self.proposal.request.spans_volume:
            return
        left = self.proposal is not None and self.proposal.request.piece
        if session.model is not None and session.model.card.dims == 3 and not left:
            return  # what is being computed is for all slices
        self._direction = 1 if session.z >= before else -1
        hurried = self.busy  # slices change faster than the model answers: let the drawing have the processor
        if self.live and self._may_follow():
            request = self.request_at(session.z)
            alone = request.key in self._settled or self._labelled()
            known = None if alone else self.cache.get(request)
            if known is not None:
                self._asked, self._wanted = False, request.key
                self.worker.cancel()
                self._show(known)
                self._look_ahead()
                return
        self.let_go()
        self.follow(HURRIED_S if hurried else 0.0)

    def drop(self) -> None:
        """Let the ghost go because a person does not want it; live mode does not bring it back by itself."""
        if self._wanted is not None:
            self._settled.add(self._wanted)
        shown = self.proposal
        if shown is not None and shown.request.whole:
            self._settled.update(
                shown.request.at(z).key for z in range(shown.request.volume.geometry.shape[0])
            )
        self.let_go()

    def let_go(self) -> None:
        """Let the ghost go, and whatever is being computed."""
        self._wanted = None
        self.worker.cancel()
        self._set_busy(False)
        if self.proposal is not None:
            self.proposal = None
            if self._asked:
                self._session.tell(None)
            self.proposed.emit(None)

    def show(self, proposal: Proposal, *, asked: bool = True) -> None:
        """Show an answer that came another way (a long run) as the one for what is on screen."""
        self._asked, self._wanted = asked, proposal.request.key
        self.worker.cancel()
        self._show(proposal)

    def take(self, proposal: Proposal) -> None:
        """Keep what a long run found for a slice; where that slice is on screen and has no ghost, show it."""
        self.cache.put(proposal)
        if proposal.request.z == self._session.z:
            self.recall(proposal.request)

    def recall(self, run: Request) -> None:
        """Show what a long run over all slices has found for the one on screen; its ghost of another slice goes."""
        request, shown = run.at(self._session.z), self.proposal
        left = shown is not None and shown.request.piece and shown.request.z != request.z
        if (shown is not None and not left) or (self.busy and self._wanted != request.key):
            return
        if self._session.smart.marks():
            return  # a person's marks say more than the run knows
        known = None if request.key in self._settled else self.cache.get(request)
        if known is not None:
            self.show(known, asked=False)
        elif left:
            self.let_go()

    @property
    def unasked(self) -> bool:
        """Whether the ghost on screen came by itself."""
        return self.proposal is not None and not self._asked

    def request_at(self, z: int) -> Request:
        """What would be asked for a slice of the open case."""
        case, model = self._session.case, self._session.model
        assert case is not None and model is not None
        self._serial += 1
        prompts = self._session.smart.prompts(z) if model.card.dims == 2 else UNPROMPTED
        options = self._options()
        return Request(self._serial, case.volume, z, model, options, case.image, prompts=prompts)

    def _options(self) -> Options:
        viewing = self._session.viewing
        untouched = not viewing.presets or viewing.window in (None, viewing.presets[0])
        window = None if untouched or viewing.window is None else _bare(viewing.window)
        model = self._session.model
        if model is not None and model.card.preprocessing.intensity == "window":
            window = None
        return Options(window, self.flips) if window or self.flips else PLAIN

    def _may_follow(self) -> bool:
        case, model = self._session.case, self._session.model
        if case is None or case is not self._case or case.growing or model is None:
            return False
        return model.card.dims == 2 or case.labels.array.size <= LIVE_VOXELS

    def _labelled(self) -> bool:
        """Whether the slice on screen holds what the model would label: then nothing comes there by itself."""
        session = self._session
        case, model = session.case, session.model
        if case is None or model is None:
            return False
        if model.card.dims == 3:
            return False
        entries = model.card.labels
        values = [session.active_label] if len(entries) == 1 else [entry.value for entry in entries]
        return bool(np.isin(case.labels.array[session.z], values).any())

    def _ask(self, request: Request, after_s: float = 0.0) -> None:
        self._wanted = request.key
        known = self.cache.get(request)
        if known is not None:
            self.worker.cancel()
            self._show(known)
            return
        self.worker.submit(request, after_s)
        self._set_busy(True)

    def _look_ahead(self) -> None:
        session = self._session
        if session.case is None or session.model is None or session.model.card.dims == 3:
            return
        depth = session.case.volume.geometry.shape[0]
        near = (
            [self.request_at(z) for z in neighbours(session.z, depth, self._direction)] if self.live else []
        )
        if session.tool in MARKING and self.proposal is not None:
            near.insert(0, replace(self.request_at(session.z), prompts=session.smart.everywhere()))
        self.worker.look_ahead([request for request in near if request.key not in self.cache])

    def prepare(self) -> None:
        """A tool that marks the ghost is in hand: have what the first stroke needs computed before it comes."""
        shown = self.proposal
        if self._session.tool in MARKING and shown is not None and not shown.request.spans_volume:
            self._look_ahead()

    # -- answers ------------------------------------------------------------------------------------------

    def _answered(self, proposal: Proposal) -> None:
        self.cache.put(proposal)
        model = proposal.request.model
        if self.measures and model.identity not in self._measured:
            self._measured.add(model.identity)
            self.worker.run(SelfTiming(model), idle=True)
        if proposal.request.key == self._wanted and self.proposal is not proposal:
            self._show(proposal)

    def _show(self, proposal: Proposal) -> None:
        self._said = None
        self._set_busy(False)
        self.proposal = proposal
        self.describe()
        self.proposed.emit(proposal)
        if not proposal.request.prompts.strokes:
            self.prepare()

    def _failed(self, request: Request, sentence: str) -> None:
        if request.key != self._wanted:
            return
        self._wanted = None
        self._set_busy(False)
        about = (request.model.card.name, sentence)
        if self._asked or about != self._said:  # in live mode a model that fails on each slice says so once
            self._said = about
            self._session.tell(Notice(sentence, "problem"))
        if self.proposal is not None:
            self.proposal = None
            self.proposed.emit(None)

    def describe(self) -> None:
        """Say where nothing was found, if a person asked; a ghost that comes by itself says nothing."""
        if self.proposal is not None and self._asked:
            self._session.tell(Notice(NOTHING_FOUND) if self.nothing_found else None)

    @property
    def nothing_found(self) -> bool:
        """Whether the proposal on screen is that nothing is here."""
        proposal = self.proposal
        if proposal is None:
            return False
        if proposal.box.empty:
            return True
        if len(proposal.levels) == 1:
            return bool(proposal.levels.max() < self._session.threshold * 255)
        return not proposal.mask(self._session.threshold).any()

    def _set_busy(self, busy: bool) -> None:
        if busy != self.busy:
            self.busy = busy
            self.busy_changed.emit(busy)


def neighbours(z: int, depth: int, direction: int) -> Iterator[int]:
    """Slices near ``z``, those likely to be wanted first: two in the direction of scrolling for one behind."""
    for step in range(1, AHEAD + 1):
        found = [z + step * direction]
        if step % 2 == 0 and step // 2 <= BEHIND:
            found.append(z - step // 2 * direction)
        yield from (at for at in found if 0 <= at < depth)


def _bare(window: Window) -> Window:
    """The window without its name, which says nothing of the image."""
    return Window(window.centre, window.width)
