"""Runs a tool on the active label: at once where the region is small, else off the UI thread on a copy."""

import math
from collections.abc import Callable

from psygnal import Signal

from featherseg.session.background import Ear
from featherseg.session.case import OpenCase
from featherseg.session.notice import Notice, Offer
from featherseg.session.session import Session
from featherseg_engines.annotation.history import Step
from featherseg_engines.annotation.tools.scene import Plane, Scene
from featherseg_engines.errors import ToolError
from featherseg_engines.labels import Edit, LabelMap

SMALL = 4_000_000
"""Voxels up to which a tool is done before anybody could see that it takes time."""
Act = Callable[[Scene], Edit]
Then = Callable[[], None]


class ToolRunner:
    """Makes a scene of the open case, runs a tool in it and has the session do the edit; UI thread.

    Labels that were changed while a tool was computing are never overwritten: its answer is thrown away, and a
    notice offers to do it again.
    """

    ran = Signal(str)  # name of a tool whose answer was taken

    def __init__(self, session: Session, small: int = SMALL) -> None:
        self._session, self._small = session, small
        self._told: Notice | None = None
        session.noticed.connect(self._on_noticed)

    def run(
        self, name: str, act: Act, plane: Plane | None, then: Then | None = None, work: int | None = None
    ) -> None:
        """Run ``act`` in ``plane`` (None: in the whole volume); ``then`` is called before its edit is done.

        ``work`` is the voxels it costs in terms of a simple tool; by default the region's.
        """
        session, case = self._session, self._session.case
        if case is None:
            self.tell("Open an image first: File, Open image, or drop one on the window.")
            return
        if session.opening.busy:
            self.tell(f"{name} has to wait: something is still being read or computed; wait, or cancel that.")
            return
        try:
            scene = self._scene(case.labels, case, plane)
            if (math.prod(scene.region.shape) if work is None else work) > self._small:
                self._run_beside(name, act, scene, then)
                return
            edit = act(scene)
        except ToolError as error:
            self.tell(self._named(str(error)))
            return
        self._take(name, edit, then)

    def tell(self, sentence: str) -> None:
        """Say why nothing was done; gone with the next tool that does something."""
        self._tell(Notice(sentence))

    def silence(self) -> None:
        """Take our last sentence away, where it is still on screen."""
        if self._told is not None:
            self._session.tell(None)

    def _tell(self, notice: Notice) -> None:
        self._told = notice
        self._session.tell(notice)

    def _on_noticed(self, notice: Notice | None) -> None:
        if notice is not self._told:
            self._told = None

    def _scene(self, labels: LabelMap, case: OpenCase, plane: Plane | None) -> Scene:
        session = self._session
        if plane is not None and case.volume.geometry.shape[plane.axis] <= plane.index:
            raise ToolError("This slice is not in the case any more; go to another slice.")
        locked = session.labelling.locked
        return Scene(labels, case.volume.geometry, session.active_label, locked, plane)

    def _run_beside(self, name: str, act: Act, scene: Scene, then: Then | None) -> None:
        case = self._session.case
        assert case is not None
        copy = LabelMap(scene.labels.array.copy())
        beside = self._scene(copy, case, scene.plane)
        newest = _newest(case)

        def work(ear: Ear) -> Edit | str:
            try:
                return act(beside)
            except ToolError as error:
                return str(error)

        def done(answer: Edit | str) -> None:
            if self._session.case is not case:
                return
            if isinstance(answer, str):
                self.tell(self._named(answer))
            elif _newest(case) != newest or (case.labels.array[answer.box.slices] != answer.before).any():
                self._offer_again(name, lambda: self.run(name, act, scene.plane, then, self._small + 1))
            else:
                self._take(name, answer, then)

        self._session.opening.compute(f"{name} on label {scene.active}", work, done)

    def _offer_again(self, name: str, again: Then) -> None:
        text = f"The labels were changed while '{name}' was computed; they stay as they are now."
        self._tell(Notice(text, offers=(Offer("Do it again", again),)))

    def _take(self, name: str, edit: Edit, then: Then | None) -> None:
        self.silence()
        if then is not None:
            then()
        if edit.changed:
            self._session.do(edit)
        else:
            self.tell(f"{name}: there is nothing to change.")
        self.ran.emit(name)

    def _named(self, sentence: str) -> str:
        """The sentence with the active label's name in place of its number."""
        row = self._session.table.rows.get(self._session.active_label)
        return sentence.replace(f"Label {row.value} ", f"'{row.name}' ", 1) if row is not None else sentence


def _newest(case: OpenCase) -> tuple[Step, ...]:
    return tuple(case.history.done[-1:])
