"""The whole product without a screen: what is open, what is proposed, what a person did to it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from psygnal import Signal

from featherseg.session import mask_files
from featherseg.session.case import OpenCase, new_case, suggested_mask
from featherseg.session.editing import Editing
from featherseg.session.labelling import Labelling
from featherseg.session.notice import Notice, Offer
from featherseg.session.opening import Early, Opening
from featherseg.session.proposing import HURRIED_S, Proposing
from featherseg.session.slice_marks import accepted_detail
from featherseg.session.strokes import SmartStrokes
from featherseg.session.tool import Tool
from featherseg.session.unsure import Unsure
from featherseg.session.viewing import Index, Viewing
from featherseg.session.whole_run import WholeRun
from featherseg.session.worker import Post
from featherseg_engines.errors import FeathersegError
from featherseg_engines.imaging.overlay import laid_over
from featherseg_engines.imaging.volume import Volume
from featherseg_engines.inference.onnx_engine import OnnxEngine
from featherseg_engines.inference.proposal import FLOOR, Engine, Proposal
from featherseg_engines.labels import Box, Edit, Label, Labels, LabelTable
from featherseg_engines.models.bundle import ModelBundle
from featherseg_engines.models.catalogue import Catalogue


class Session:
    """State and orders; lives on the thread that ``post`` posts to (the UI thread).

    Parameters
    ----------
    post
        Runs a callable later on this session's thread.
    catalogue
        The models to choose from; the catalogue says which to begin with.
    make_engine
        Makes the engine in the inference thread.
    """

    completed = Signal(object)  # OpenCase whose last slice has been read
    opened = Signal(object)  # OpenCase, or None when nothing is open
    proposed = Signal(object)  # Proposal, or None when the ghost goes
    threshold_changed = Signal(float)
    edited = Signal(object, str)  # Edit and "do", "adopt", "undo" or "redo"
    model_changed = Signal(object)  # ModelBundle or None
    label_changed = Signal(int)
    labels_changed = Signal()  # names, colours, locks or visibility in the label table
    tool_changed = Signal(str)
    brush_changed = Signal(int)
    masks_hidden = Signal(bool)
    slice_changed = Signal(int)
    busy_changed = Signal(bool)
    noticed = Signal(object)  # Notice, or None when the problem went away
    saved = Signal(object)  # Path

    def __init__(
        self,
        post: Post,
        catalogue: Catalogue | None = None,
        make_engine: Callable[[], Engine] = OnnxEngine,
    ) -> None:
        self.post = post
        self.catalogue = catalogue or Catalogue()
        self.case: OpenCase | None = None
        self.labelling = Labelling()
        self.editing = Editing(self.labelling, self.tell)
        self.editing.edited.connect(self.edited.emit)
        self.labelling.chosen.connect(self.label_changed.emit)
        self.labelling.changed.connect(self.labels_changed.emit)
        self.threshold = 0.5
        self.z = 0
        self._before: OpenCase | None = None
        self.viewing = Viewing()
        self.opening = Opening(post, self.tell)
        self.model: ModelBundle | None = self.catalogue.first()
        self.tool: Tool = "browse"
        self.brush_size = 15
        self.proposing = Proposing(self, post, make_engine)
        self.proposing.proposed.connect(self.proposed.emit)
        self.proposing.busy_changed.connect(self.busy_changed.emit)
        self.smart = SmartStrokes(self)
        self.whole = WholeRun(self)
        self.unsure = Unsure(self)
        self.viewing.window_changed.connect(self._on_window)
        self._adopt_labels_of_model()

    @property
    def table(self) -> LabelTable:
        """Names and colours of the labels."""
        return self.labelling.table

    @property
    def active_label(self) -> int:
        """The number that is painted and accepted."""
        return self.labelling.active

    def close(self) -> None:
        """Stop the threads."""
        self.opening.close()
        self.proposing.close()

    # -- opening and saving -----------------------------------------------------------------------------

    @property
    def reading(self) -> bool:
        """Whether something is being read."""
        return self.opening.busy

    def open_image(self, path: Path) -> None:
        """Read an image, volume or DICOM folder off this thread and open it.

        Where it cannot be read, what was open stays open and a notice says why.
        """
        if not path.name or path.name == "..":  # the folder one stands in has a name too
            path = path.resolve()
        steps = self._steps()
        early = Early(lambda volume: self._begun(volume, steps), self._broken)
        self.opening.open(path, lambda volume: self._was_read(path, volume, steps), early=early)

    def _steps(self) -> tuple[object, ...]:
        return (self.case, *self.case.history.done[-1:]) if self.case else ()

    def _begun(self, volume: Volume, steps: tuple[object, ...]) -> None:
        """Show a long series whose slices are still to come; what was open waits in case they never do."""
        if steps == self._steps() or not (self.case and self.case.unsaved):
            self._before = self.case
            self.use(new_case(volume, growing=True))

    def _broken(self) -> None:
        """The slices will not come: back to what was open, unless somebody has drawn here."""
        case = self.case
        if case is not None and case.growing:
            case.growing = False
            if case.unsaved:
                text = "Reading ended early: black slices were not read. Labels are kept."
                self.tell(Notice(text, "problem"))
            else:
                self.use(self._before)
        self._before = None

    def _was_read(self, path: Path, volume: Volume, steps: tuple[object, ...]) -> None:
        if self.case is not None and self.case.growing:
            self._before, self.case.growing, self.case.volume = None, False, volume
            self.viewing.complete(volume)
            self.completed.emit(self.case)
            self.proposing.follow()
            self._offer_mask(path, volume)
            return
        if steps == self._steps() or not (self.case and self.case.unsaved):
            self._show(path, volume)
            return
        offer = Offer("Discard them and open it", lambda: self._show(path, volume))
        text = f"'{volume.name}' is ready; the labels here were changed meanwhile and are not saved."
        self.tell(Notice(text, offers=(offer,)))

    def _show(self, path: Path, volume: Volume) -> None:
        self.use(new_case(volume))
        self._offer_mask(path, volume)

    def _offer_mask(self, path: Path, volume: Volume) -> None:
        mask = suggested_mask(path, volume)
        if mask.is_file():
            offer = Offer("Load it", lambda: self.open_mask(mask))
            self.tell(Notice(f"There is a saved mask '{mask.name}' beside this image.", offers=(offer,)))
        elif volume.warnings:
            self.tell(Notice(" ".join(volume.warnings)))

    def lay_over(self, path: Path) -> None:
        """Show a second series over the open one; where that cannot be, a notice says why."""
        if self.case is None:
            self.tell(Notice("Open an image first; then a second series can be laid over it."))
            return
        base = self.case.volume

        def resample(other: Volume) -> None:
            title = f"Laying '{other.name}' over"
            self.opening.compute(title, lambda ear: laid_over(base, other), show)

        def show(other: Volume) -> None:
            if self.case is not None and self.case.volume is base:
                self.viewing.lay_over(other)
                self.tell(Notice(" ".join(other.warnings)) if other.warnings else None)

        self.opening.open(path, resample)

    def use(self, case: OpenCase | None) -> None:
        """Make ``case`` the one that is open."""
        self.proposing.opened(None)
        self.case, self.z = case, 0
        self.editing.case = case
        self.tell(None)
        self.viewing.open(case.volume if case else None)
        self.smart.opened(case)
        self.opened.emit(case)
        self.proposing.opened(case)
        self.smart.resume()

    def open_mask(self, path: Path) -> None:
        """Load label numbers onto the open image as one undoable step."""
        mask_files.open_mask(self, path)

    def save_mask(self, path: Path) -> bool:
        """Write the labels; where that fails they stay as they are, unsaved, and a notice says why."""
        return mask_files.save_mask(self, path)

    # -- proposals ------------------------------------------------------------------------------------

    @property
    def proposal(self) -> Proposal | None:
        """The ghost on screen."""
        return self.proposing.proposal

    @property
    def busy(self) -> bool:
        """Whether a proposal is being computed for what is on screen."""
        return self.proposing.busy

    def propose(self) -> None:
        """Ask the model for a mask of the slice on screen; the answer arrives as a ghost."""
        self.proposing.propose()

    def set_threshold(self, threshold: float) -> None:
        """Move the threshold (0.05..0.95); a ghost on screen follows without running the model again."""
        self.threshold = min(max(threshold, FLOOR), 1.0 - FLOOR)
        self.threshold_changed.emit(self.threshold)
        self.proposing.describe()

    def drop(self) -> None:
        """Let the ghost go, with its marks, and whatever is being computed."""
        covers = self.proposal is not None and self.proposal.request.spans_volume
        self.proposing.drop()
        if not covers:
            self.smart.forget()
        self.proposing.settle()

    def _on_window(self, _: object) -> None:
        self.proposing.follow(HURRIED_S if self.busy else 0.0)

    def accept(self) -> None:
        """Make the ghost a label as one undoable step, never over what a person painted or accepted."""
        proposal, case = self.proposal, self.case
        if proposal is None or case is None or self.smart.accept_when_there():
            return
        values = self.label_values(proposal).astype(case.labels.array.dtype)
        mask = values[proposal.mask(self.threshold)]
        current = case.labels.array[proposal.box.slices]
        after = np.where((current == 0) & (mask > 0), mask, current)
        name = "Accept proposal" if (mask > 0).any() else "Accept: nothing found"
        detail = f"{proposal.model} {proposal.weights} at {self.threshold:.2f}"
        if self.smart.owns(proposal):
            detail = accepted_detail(detail, proposal.request.z)
        self.proposing.drop()
        self.do(case.labels.propose_edit(name, "proposal", proposal.box, after, detail))
        self.proposing.settle()

    def label_values(self, proposal: Proposal) -> Labels:
        """Label number for each of the proposal's class numbers (0 first).

        A model with one class fills the active label; one with several keeps its own numbers.
        """
        entries = proposal.request.model.card.labels
        values = [0, self.active_label] if len(entries) == 1 else [0, *(e.value for e in entries)]
        return np.asarray(values, np.int64)

    # -- editing --------------------------------------------------------------------------------------

    def paint(self, name: str, box: Box, after: Labels) -> None:
        """Make the labels in ``box`` equal ``after`` as one undoable step by hand."""
        if self.case is not None:
            self.do(self.case.labels.propose_edit(name, "hand", box, after))

    def do(self, edit: Edit) -> None:
        """Apply an edit as one undoable step, as far as locked labels let it."""
        self.editing.do(edit)

    def adopt(self, edit: Edit) -> Edit:
        """Take in an edit that the canvas has applied already (a finished stroke); what was kept of it."""
        return self.editing.adopt(edit)

    def undo(self) -> None:
        """Take back the newest step, whoever did it; a ghost that was asked for and not marked goes first."""
        marked = self.smart.owns(self.proposal)
        if self.proposal is not None and not self.proposing.unasked and not marked:
            self.drop()
        else:
            self.editing.undo()

    def redo(self) -> None:
        """Do the newest taken-back step again."""
        self.editing.redo()

    # -- choices --------------------------------------------------------------------------------------

    def choose_model(self, name_or_folder: str) -> None:
        """Propose with another model from now on; a ghost of the old one goes."""
        try:
            bundle = self.catalogue.resolve(name_or_folder)
        except FeathersegError as error:
            self.tell(Notice(str(error), "problem"))
            return
        self.proposing.let_go()
        self.model = bundle
        self._adopt_labels_of_model()
        self.model_changed.emit(bundle)
        self.choose_label(bundle.card.labels[0].value)
        self.proposing.follow()

    def swap_model(self, bundle: ModelBundle) -> None:
        """Propose with what was taught (or before it) from now on, between two requests, work in hand unharmed.

        The active label stays. A ghost on screen is asked for anew: until the answer is there nothing is shown, for
        a mask of the old model is not the new one's.
        """
        proposing = self.proposing
        again = self.case is not None and (self.proposal is not None or self.busy) and not proposing.unasked
        active = self.active_label
        proposing.let_go()
        self.catalogue.add(bundle.folder)
        self.model = bundle
        self._adopt_labels_of_model()
        self.model_changed.emit(bundle)
        if active in self.table.rows:
            self.choose_label(active)
        if again and not self.whole.running:
            self.propose()
        else:
            proposing.follow()

    def add_model(self, folder: Path) -> None:
        """Take in a model bundle from a folder anywhere and propose with it from now on."""
        self.catalogue.add(folder)
        self.choose_model(str(folder))

    def choose_label(self, value: int) -> None:
        """Paint and accept with this label number."""
        self.labelling.choose(value)

    def choose_tool(self, tool: Tool) -> None:
        """Take a tool in hand; "browse" moves the image."""
        self.tool = tool
        self.tool_changed.emit(tool)
        self.proposing.prepare()

    def set_brush_size(self, size: int) -> None:
        """Brush diameter in voxels, 1..200."""
        self.brush_size = min(max(size, 1), 200)
        self.brush_changed.emit(self.brush_size)

    def hide_masks(self, hidden: bool) -> None:
        """Hide or show labels and ghost, to see the image alone."""
        self.masks_hidden.emit(hidden)

    def go_to_slice(self, z: int) -> None:
        """Note which slice is on screen; a ghost of another slice goes."""
        self.go_to((z, *self.viewing.position[1:]))

    def go_to(self, index: Index) -> None:
        """Put the cross of the views on a voxel (z, y, x); a ghost of another slice goes."""
        if self.case is None:
            return
        self.viewing.go_to(index)
        z = self.viewing.position[0]
        if z != self.z:
            before, self.z = self.z, z
            self.proposing.moved(before)
            self.slice_changed.emit(z)
            self.smart.resume()

    def tell(self, notice: Notice | None) -> None:
        """Show a sentence, or take the last one away."""
        self.noticed.emit(notice)

    def _adopt_labels_of_model(self) -> None:
        drawn = self.labelling.shared or (self.case is not None and bool(self.case.labels.array.any()))
        for entry in self.model.card.labels if self.model else ():
            if entry.value not in self.table.rows or not drawn:
                self.labelling.put(Label(entry.value, entry.name, entry.colour))
        self.labelling.ensure((self.active_label,))
