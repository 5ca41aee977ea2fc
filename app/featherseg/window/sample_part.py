"""What the samples add to the window: tiles, a menu, the model that suits each, the first steps over them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMenu

from featherseg.session.case import OpenCase
from featherseg.session.commands import Command
from featherseg.session.first_steps import FirstSteps
from featherseg.session.notice import Notice
from featherseg.session.samples import Sample, own_copy
from featherseg.ui.connections import Connections
from featherseg.ui.first_steps_strip import FirstStepsStrip
from featherseg.ui.welcome import Welcome

if TYPE_CHECKING:
    from featherseg.window.main_window import MainWindow


class SamplePart:
    """Composes the samples with the window."""

    def __init__(self, samples: Sequence[Sample], window: "MainWindow") -> None:
        self.samples, self._window = tuple(samples), window
        self._coming: Sample | None = None
        self._folder: Path | None = None
        self.welcome = Welcome(self.samples, self.open)
        teaching = window.teach.teaching if window.teach is not None else None
        self.steps = FirstSteps(window.session, teaching, window.settings.value.hinted, self._done)
        self.strip: FirstStepsStrip | None = None
        self.connections = Connections()
        self.connections.add(window.session.opened, self._on_opened)

    def commands(self) -> list[Command]:
        """The steps again, for the menu and the palette."""
        return [Command("help.first_steps", "First steps", "", "Help", self.again)]

    def join(self, hints: dict[str, str], menu: QMenu) -> FirstStepsStrip:
        """The strip, and a submenu of all samples behind the first entries of ``menu``."""
        many = next((s for s in self.samples if s.several), None)
        self.strip = FirstStepsStrip(self.steps, hints, None if many is None else lambda: self.open(many))
        if self.samples:
            before = menu.actions()
            sub = QMenu("Open sample", menu)
            for sample in self.samples:
                action = sub.addAction(f"{sample.title[0].upper()}{sample.title[1:]} ({sample.modality})")
                action.setStatusTip(sample.origin)
                action.triggered.connect(lambda _=False, s=sample: self.open(s))
            at = next((a for a in before if a.objectName() == "file.overlay"), None)
            menu.insertMenu(at, sub)
        return self.strip

    def open(self, sample: Sample) -> None:
        """Open it, with its model; a folder of pictures becomes a workspace of this person's own."""
        window = self._window
        self._coming = sample
        if not sample.several:
            window.files.open(sample.path)
            return
        if window.work is None:
            return
        window.session.opening.compute(
            "Copying the pictures", lambda _: own_copy(sample), lambda folder: self._begin(folder, sample)
        )

    def _begin(self, folder: Path, sample: Sample) -> None:
        self._folder = folder
        if self._window.work is not None:
            self._window.work.files.begin(folder, sample)

    def again(self) -> None:
        """Show the steps once more, over what is open."""
        if self._window.session.case is None:
            self._window.session.tell(Notice("Open a sample first; the steps are shown over it."))
            return
        work = self._window.work
        self.steps.begin(many=work is not None and work.bench.workspace is not None, again=True)

    def release(self) -> None:
        """Let go of the session."""
        self.connections.clear()
        self.steps.release()
        if self.strip is not None:
            self.strip.connections.clear()

    def _on_opened(self, case: OpenCase | None) -> None:
        if case is None:
            return  # a workspace that opens closes the last case first
        sample, self._coming = self._coming, None
        if sample is None or not self._is(case, sample):
            if case.number is None and any(self._is(case, s) for s in self.samples if not s.several):
                self.steps.begin(many=False)  # as `dev.py run` opens it: a file like any other
            elif case.number is None or not self._in_own_folder():
                self.steps.rest()
            return
        if not sample.several:
            self._window.session.choose_model(sample.model)
        self._window.session.tell(Notice(sample.origin))
        self.steps.begin(many=sample.several)

    def _is(self, case: OpenCase, sample: Sample) -> bool:
        if sample.several:
            return case.number is not None and self._in_own_folder()
        path = case.volume.path
        if path is None or path.name != sample.path.name:
            return False  # before the disk is asked, which may be a network's
        return path.resolve() == sample.path.resolve()

    def _in_own_folder(self) -> bool:
        work = self._window.work
        workspace = work.bench.workspace if work is not None else None
        return workspace is not None and workspace.folder == self._folder

    def _done(self) -> None:
        self._window.keep_hinted()
