"""The dock in plain napari: choice of layers above the same panel as in the standalone window."""

from typing import TYPE_CHECKING

from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QComboBox, QFormLayout, QShortcut, QVBoxLayout, QWidget

from featherseg.session.commands import Command, session_commands
from featherseg.session.session import Session
from featherseg.session.settings import Theme
from featherseg.session.stroke_commands import stroke_commands
from featherseg.session.tool_commands import tool_commands
from featherseg.session.toolbox import Toolbox
from featherseg.session.unsure_commands import unsure_commands
from featherseg.ui.connections import Connections
from featherseg.ui.dispatch import UiThread
from featherseg.ui.input_sense import InputSense
from featherseg.ui.notices import NoticeBar
from featherseg.ui.panel import SessionPanel
from featherseg.ui.save_box import SaveBox
from featherseg.ui.style import sheet
from featherseg.ui.teach_box import TeachBox
from featherseg.viewer.dock_view import NEW, DockView
from featherseg.window.files import Files
from featherseg.window.schooling import layer_teaching
from featherseg_engines.inference.proposal import Proposal

if TYPE_CHECKING:
    import napari

KEYS = {
    "propose": "Ctrl+Alt+Space",
    "whole": "Ctrl+Alt+R",
    "drop": "Ctrl+Alt+D",
    "model.unsure": "Ctrl+Alt+U",
    "live": "Ctrl+Alt+W",
    "model.teach": "Ctrl+Alt+T",
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z",
    "tool.brush": "Ctrl+Alt+B",
    "tool.eraser": "Ctrl+Alt+E",
    "tool.fill": "Ctrl+Alt+F",
    "tool.browse": "Ctrl+Alt+V",
    "tool.polygon": "Ctrl+Alt+Y",
    "tool.grow": "Ctrl+Alt+G",
    "tool.smart": "Ctrl+Alt+M",
    "tool.smart_not": "Ctrl+Alt+Shift+M",
    "tool.lasso": "Ctrl+Alt+L",
    "tool.box": "Ctrl+Alt+Shift+L",
    "smart.free": "Ctrl+Alt+A",
    "smart.let_go": "Ctrl+Alt+Shift+D",
    "tool.keep_island": "Ctrl+Alt+J",
    "tool.remove_island": "Ctrl+Alt+Shift+J",
    "label.fill_holes": "Ctrl+Alt+H",
    "label.interpolate": "Ctrl+Alt+I",
    "label.copy_next": "Ctrl+Alt+C",
}
"""Chords with modifiers only: napari's own keys stay napari's (Ctrl+Alt+S is one: a stroke is M, to mark)."""


LAYER_KEYS = ("undo", "redo")
"""Bound on the labels layer itself, where they take the place of napari's."""


class FeathersegDock(QWidget):
    """Works on the image and labels layers of the viewer, whoever opened them."""

    def __init__(self, napari_viewer: "napari.viewer.Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = Session(UiThread(self).post)
        self.view = DockView(self.session, napari_viewer)
        self._viewer = napari_viewer
        self.image_choice, self.labels_choice = QComboBox(), QComboBox()
        self.image_choice.setAccessibleName("Image layer")
        self.labels_choice.setAccessibleName("Labels layer")
        self.toolbox = Toolbox(self.session)
        self.panel = SessionPanel(self.session, KEYS, self.toolbox)
        self.files = Files(self.session, self)
        self.teaching = layer_teaching(self.session)
        self.teach = TeachBox(self.teaching, KEYS["model.teach"])
        self.sense = InputSense(self.teaching.felt_input, self)
        self._lay_out()
        self._add_shortcuts()
        self.image_choice.activated.connect(self._on_image_chosen)
        self.labels_choice.activated.connect(self._on_labels_chosen)
        self.connections = Connections()
        layers = napari_viewer.layers.events
        for signal in (layers.inserted, layers.removed):
            self.connections.add(signal, self._on_layers_changed)
        self.connections.add(self.session.proposed, self._on_proposed)
        self.connections.add(self.view.bound, self._fill)
        self.connections.add(napari_viewer.events.theme, self._on_theme)
        self.connections.add(self.teaching.changed, self._on_teaching)
        self._on_theme()
        self._on_layers_changed()
        release, close, end = self.view.release, self.session.close, self.teaching.close
        disconnect, forget = self.connections.clear, self.teach.connections.clear
        self.destroyed.connect(lambda: (disconnect(), forget(), end(), release(), close()))

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Image", self.image_choice)
        form.addRow("Labels", self.labels_choice)
        choices = QWidget()
        choices.setLayout(form)
        self.notices = NoticeBar(self.session)
        self.panel.put_on_top(choices)
        self.panel.put_below(SaveBox(self.session, self.files.ask_save))
        self.panel.put_at_foot(self.teach)
        column = QVBoxLayout(self)
        column.addWidget(self.notices)
        column.addWidget(self.panel, 1)

    def _on_theme(self, _: object = None) -> None:
        """Follow napari, dark or light."""
        theme: Theme = "light" if get_theme(self._viewer.theme).type == "light" else "dark"
        self.panel.wear(theme)
        self.notices.setStyleSheet(sheet(theme))

    def _add_shortcuts(self) -> None:
        session, toolbox = self.session, self.toolbox
        teach = Command("model.teach", "Teach", "", "Model", self.teaching.start)
        for command in (
            teach,
            *session_commands(session),
            *unsure_commands(session),
            *tool_commands(session, toolbox),
            *stroke_commands(session),
        ):
            if command.id in KEYS and command.id not in LAYER_KEYS:
                shortcut = QShortcut(QKeySequence(KEYS[command.id]), self)
                shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
                shortcut.setAutoRepeat(False)
                shortcut.activated.connect(command.run)

    def _on_teaching(self) -> None:
        self.sense.wake(self.teaching.running)

    def _on_proposed(self, proposal: Proposal | None) -> None:
        if proposal is not None:
            self.view.need_ghost()

    def _on_image_chosen(self, index: int) -> None:
        image = self.image_choice.itemData(index)
        fitting = self.view.labels_for(image) if image is not None else []
        self.view.bind(image, fitting[-1] if fitting else None)
        self._fill()

    def _on_labels_chosen(self, index: int) -> None:
        if self.view.image is not None:
            self.view.bind(self.view.image, self.labels_choice.itemData(index))
            self._fill()

    def _on_layers_changed(self, _: object = None) -> None:
        if self.view.image is None and (images := self.view.images()):
            fitting = self.view.labels_for(images[-1])
            self.view.bind(images[-1], fitting[-1] if fitting else None)
        self._fill()

    def _fill(self) -> None:
        self.image_choice.clear()
        for image in self.view.images():
            self.image_choice.addItem(image.name, image)
        if not self.image_choice.count():
            self.image_choice.addItem("Open an image in napari", None)
        self.labels_choice.clear()
        self.labels_choice.addItem(NEW, None)
        for layer in self.view.labels_for(self.view.image) if self.view.image is not None else ():
            self.labels_choice.addItem(layer.name, layer)
        for box, chosen in ((self.image_choice, self.view.image), (self.labels_choice, self.view.labels)):
            for i in range(box.count()):
                if box.itemData(i) == chosen:
                    box.setCurrentIndex(i)
