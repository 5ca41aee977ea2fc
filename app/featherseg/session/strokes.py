"""Strokes, regions and islands on the ghost: each one step of the history, and what they taught goes along."""

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from featherseg.session.notice import Notice
from featherseg.session.slice_marks import Marked, Reader, marking_edit, prompts_of
from featherseg_engines.annotation.history import Step
from featherseg_engines.inference.proposal import Key, Proposal
from featherseg_engines.labels import Box, Edit
from featherseg_engines.refine.islands import Place, others_of, pixels_of
from featherseg_engines.refine.prompts import Mask, Prompts, Region, Stroke
from featherseg_engines.refine.record import Carried, Kind, Mark

if TYPE_CHECKING:
    from featherseg.session.case import OpenCase
    from featherseg.session.session import Session

Index = tuple[int, int, int]
VOLUMES = "This model answers for the whole volume at once; smart strokes need a model that takes slices."
ALL_SLICES = (
    "This proposal is for all slices: Space accepts it, Esc drops it; then strokes can refine slice by slice."
)
INTRICATE = "This mark is too intricate to be kept; draw it in two parts."


class SmartStrokes:
    """What a person marked on the ghosts of the open case; lives on the session's thread.

    Everything follows from the case's history and the model in use, so undo, redo and a restart give the same
    ghost again. A mark changes no label: it asks for another ghost. What the newest strokes taught is carried to
    slices without marks of their own, until it is let go.
    """

    changed = Signal()  # marks, or what is carried, are others now

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.carried: Carried | None = None
        self._reader = Reader()
        self._found: tuple[object, Marked] | None = None
        self._prompts: dict[int, Prompts] = {}
        self._before: Proposal | None = None
        self._accepting: Key | None = None
        session.edited.connect(self._on_edited)
        session.proposed.connect(self._on_proposed)
        session.model_changed.connect(self._on_model)

    # -- orders -----------------------------------------------------------------------------------------

    def stroke(self, stroke: Stroke) -> None:
        """Say that the label is here, or is not: one step; the ghost of that slice follows."""
        name = "Smart stroke +" if stroke.positive else "Smart stroke \N{MINUS SIGN}"
        self._mark(name, "stroke", stroke.z, (stroke.box, stroke.mask), positive=stroke.positive)

    def keep_within(self, region: Region) -> None:
        """Have nothing proposed outside a box or a lasso."""
        self._mark("Region", "region", region.box.start[0], (region.box, region.mask))

    def free(self) -> None:
        """Take the box or lasso of the slice on screen away."""
        if self.region is not None:
            self._mark("No region", "region", self._session.z, None)

    def island(self, at: Index, *, keep: bool) -> None:
        """Send all islands of the ghost away but the one at a voxel, or that one alone."""
        proposal = self._session.proposal
        if proposal is None or not self.over_ghost(at):
            self._session.tell(Notice("Point at an island of the proposal to keep it alone, or to drop it."))
            return
        objection = self.objection()
        if objection is not None:
            self._session.tell(objection)
            return
        plane, start = self._ghost_plane(proposal)
        away = others_of(plane, (at[1] - start[0], at[2] - start[1]), keep=keep)
        box, mask = pixels_of(away, plane & ~away, Place(at[0], *start, self._shape()))
        if box.empty:
            self._session.tell(Notice("This is the only island of the proposal."))
            return
        name = "Keep proposed island" if keep else "Drop proposed island"
        self._mark(name, "without", at[0], (box, mask))

    def let_go(self) -> None:
        """Forget what the strokes of another slice taught; a ghost that came of it is asked for anew."""
        if self.carried is None:
            return
        self.carried = None
        self._renewed()
        proposal = self._session.proposal
        if proposal is not None and not self.marks() and not proposal.request.spans_volume:
            self._session.proposing.refine()
        else:
            self._session.proposing.follow()

    def forget(self) -> None:
        """End the marks of the slice on screen, as one step; nothing where there are none."""
        if self.marks():
            self._mark("Drop proposal", "drop", self._session.z, None)

    def accept_when_there(self) -> bool:
        """Whether the newest mark is still being answered: then the answer is accepted as soon as it comes."""
        session = self._session
        proposal = session.proposal
        if proposal is None or not session.busy or not self.owns(proposal):
            return False
        wanted = session.proposing.request_at(session.z).key
        self._accepting = wanted if proposal.request.key != wanted else None
        return self._accepting is not None

    def resume(self) -> None:
        """Bring the ghost of the slice on screen back, where it is marked."""
        shown = self._session.proposal
        covers = shown is not None and shown.request.spans_volume
        if self.marks() and not covers and self.objection() is None:
            self._session.proposing.refine()
        self.changed.emit()

    def opened(self, case: "OpenCase | None") -> None:
        """Another case is open: nothing is carried over from the one before."""
        self.carried = self._before = self._accepting = None
        self._reader = Reader()
        self._renewed()

    # -- what there is ----------------------------------------------------------------------------------

    def marks(self, z: int | None = None) -> tuple[Mark, ...]:
        """What is marked on a slice (the one on screen) now, oldest first."""
        return self._marked().slices.get(self._session.z if z is None else z, ())

    @property
    def region(self) -> Region | None:
        """The box or lasso of the slice on screen."""
        drawn = next((mark for mark in reversed(self.marks()) if mark.kind == "region"), None)
        if drawn is None or drawn.box is None or drawn.mask is None:
            return None
        return Region(drawn.box, drawn.mask)

    def prompts(self, z: int) -> Prompts:
        """What a model is told of a slice; the same object until something changes."""
        self._marked()
        if z not in self._prompts:
            self._prompts[z] = prompts_of(self.marks(z), self._shape(), self._fitting())
        return self._prompts[z]

    def everywhere(self) -> Prompts:
        """Prompts that ask for nothing but what a first stroke needs to be answered at once."""
        box = Box((self._session.z, 0, 0), (self._session.z + 1, *self._shape()))
        return Prompts(region=Region(box, np.ones(box.shape, np.bool_)))

    def owns(self, proposal: Proposal | None) -> bool:
        """Whether a ghost is one that was marked."""
        return proposal is not None and not proposal.request.spans_volume and bool(self.marks())

    @property
    def previous(self) -> Proposal | None:
        """The ghost as it was before the newest mark, while the one after it is on screen."""
        shown, before = self._session.proposal, self._before
        if shown is None or before is None or shown is before or before.request.z != shown.request.z:
            return None
        return before

    @property
    def follows(self) -> Carried | None:
        """What the slice on screen has from strokes elsewhere; None where it has marks of its own."""
        return None if self.marks() else self._fitting()

    def over_ghost(self, at: Index) -> bool:
        """Whether the ghost on screen is at a voxel."""
        proposal = self._session.proposal
        if proposal is None or proposal.box.empty or proposal.request.spans_volume:
            return False
        if at[0] != proposal.request.z:
            return False
        plane, (y, x) = self._ghost_plane(proposal)
        inside = 0 <= at[1] - y < plane.shape[0] and 0 <= at[2] - x < plane.shape[1]
        return inside and bool(plane[at[1] - y, at[2] - x])

    def objection(self) -> Notice | None:
        """Why the ghost cannot be marked now; None where it can."""
        session = self._session
        objection = session.proposing.objection()
        if objection is not None or session.model is None:
            return objection
        if session.model.card.dims == 3:
            return Notice(VOLUMES)
        if session.proposal is not None and session.proposal.request.spans_volume:
            return Notice(ALL_SLICES)
        values = [entry.value for entry in session.model.card.labels]
        if len(values) > 1 and session.active_label not in values:
            name = session.table.rows[session.active_label].name
            return Notice(f"The model does not know '{name}'; choose one of its labels, or use the brush.")
        marks = self.marks()
        if marks and marks[0].label != self._label():
            row = session.table.rows.get(values[marks[0].label])
            name = row.name if row is not None else f"label {values[marks[0].label]}"
            return Notice(f"The strokes of this slice are for '{name}'; accept or drop that proposal first.")
        return None

    # -- within -----------------------------------------------------------------------------------------

    def _mark(
        self,
        name: str,
        kind: Kind,
        z: int,
        where: tuple[Box, Mask] | None,
        *,
        positive: bool = True,
    ) -> None:
        session, case = self._session, self._session.case
        objection = self.objection() if kind != "drop" else None
        if objection is not None or case is None or session.model is None:
            session.tell(objection)
            return
        depth, height, width = case.volume.geometry.shape
        if not 0 <= z < depth or (where and not _inside(where[0], (height, width))):
            raise ValueError("a mark must lie inside the image")
        base = None if self.marks(z) else self._fitting()
        box, mask = where or (None, None)
        mark = Mark(kind, z, session.model.identity, self._label(), positive, box, mask, base)
        try:
            edit = marking_edit(name, mark, case.labels)
        except ValueError:
            session.tell(Notice(INTRICATE))
            return
        self._accepting = None
        if z == session.z:
            self._before = session.proposal
        session.do(edit)

    def _label(self) -> int:
        session = self._session
        values = [entry.value for entry in session.model.card.labels] if session.model else []
        return values.index(session.active_label) if len(values) > 1 and session.active_label in values else 0

    def _marked(self) -> Marked:
        case, model = self._session.case, self._session.model
        if case is None or model is None:
            return Marked()
        steps = case.history.done
        newest: Step | None = steps[-1] if steps else None
        if self._found is None or self._found[0] != (case.token, len(steps), newest, model.identity):
            found = self._reader.marked(steps, model.identity)
            self._found = (case.token, len(steps), newest, model.identity), found
            self._prompts.clear()
        return self._found[1]

    def _fitting(self) -> Carried | None:
        """What is carried, where it fits the model in use."""
        model, carried = self._session.model, self.carried
        return carried if carried is not None and model and carried.head.model == model.identity else None

    def _shape(self) -> tuple[int, int]:
        case = self._session.case
        _, height, width = case.volume.geometry.shape if case is not None else (1, 1, 1)
        return height, width

    def _ghost_plane(self, proposal: Proposal) -> tuple[Mask, tuple[int, int]]:
        """Where the ghost is what the strokes speak of (y, x), and where that begins."""
        classes = proposal.mask(self._session.threshold)[0]
        return classes == self._label() + 1, (proposal.box.start[1], proposal.box.start[2])

    def _renewed(self) -> None:
        self._marked()  # what an edit changes is told from what was there before
        self._prompts.clear()
        self.changed.emit()

    def _on_edited(self, edit: Edit, how: str) -> None:
        if edit.source not in ("stroke", "proposal"):
            return
        session = self._session
        before = self._found[1] if self._found is not None else Marked()
        now = self._marked()
        others = {z for z in {*before.slices, *now.slices} if before.slices.get(z) != now.slices.get(z)}
        for z in others:
            self._carry_back(z, before.slices.get(z, ()), how, edit)
        self._prompts.clear()
        if how in ("undo", "redo"):
            self._before = None
        if session.z in others:
            self._ask_again(how)
        elif others and how != "do" and edit.source == "stroke":
            session.tell(Notice(f"{how.capitalize()}: {edit.name.lower()}, on slice {min(others) + 1}."))
        self.changed.emit()

    def _ask_again(self, how: str) -> None:
        """The marks of the slice on screen are others: the ghost follows, or goes with them."""
        session = self._session
        if self.marks() or how == "undo":
            if self.marks() or session.proposal is not None or session.busy:
                session.proposing.refine()
        else:
            session.proposing.let_go()

    def _carry_back(self, z: int, old: tuple[Mark, ...], how: str, edit: Edit) -> None:
        """What is carried when marks of slice ``z`` were taken back, dropped or done again elsewhere."""
        if self.carried is not None and self.carried.z != z:
            return
        if self.marks(z):
            if z != self._session.z:
                known = self._session.proposing.known(z)
                if known is not None and known.head is not None:
                    self.carried = Carried(known.head, z)
        elif edit.source == "stroke" and old:
            self.carried = old[0].base

    def _on_proposed(self, proposal: Proposal | None) -> None:
        if proposal is None:
            self._before = None
            self._accepting = None
            return
        request, stroked = proposal.request, self._marked().stroked
        newest = bool(stroked) and stroked[-1] == request.z
        if proposal.head is not None and request.prompts.strokes and newest:
            self.carried = Carried(proposal.head, request.z)
            self._prompts.clear()
            self.changed.emit()
            self._session.proposing.follow()
        if self._accepting is not None and request.key == self._accepting:
            self._session.post(self._accept_this)

    def _accept_this(self) -> None:
        proposal, wanted = self._session.proposal, self._accepting
        self._accepting = None
        if proposal is not None and proposal.request.key == wanted:
            self._session.accept()

    def _on_model(self, _: object) -> None:
        self._before = self._accepting = None
        self._renewed()
        self.resume()


def _inside(box: Box, shape: tuple[int, int]) -> bool:
    corners = (*box.start[1:], shape[0] - box.stop[1], shape[1] - box.stop[2])
    return not box.empty and all(n >= 0 for n in corners)
