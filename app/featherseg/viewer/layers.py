"""The two layers that every canvas has: the labels a person owns and the ghost the model proposes."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from napari.layers import Labels
from napari.utils import DirectLabelColormap

from featherseg.session.session import Session
from featherseg.session.stroke_commands import HINTS
from featherseg.session.tool import MARKING
from featherseg.ui.connections import Connections
from featherseg.viewer.strokes import TITLES, edit_from_stroke
from featherseg_engines.inference.proposal import Proposal
from featherseg_engines.labels import Edit

MODES = {"brush": "paint", "eraser": "erase", "fill": "fill", "polygon": "polygon", "picker": "pick"}
"""napari's mode for a tool; with every other one the canvas itself does nothing to the labels."""
PLANE_MODES = {tool: mode for tool, mode in MODES.items() if tool != "polygon"}
"""Without the polygon: our planes draw it themselves, as napari keeps half of one that was left."""
ABOVE = "translucent_no_depth"
"""Blending that draws layers of one plane in their order."""
GHOST_CONTOUR = 2
"""Pixels of the ghost's contour; a label has a thin contour and a fill, so the two are told apart at once."""


def colormap(session: Session) -> DirectLabelColormap:
    """napari's colour map of the session's label table; hidden labels are transparent."""
    colours: dict[int | None, object] = {None: np.zeros(4), 0: np.zeros(4)}
    for value, colour in session.table.colours().items():
        colours[value] = colour
    return DirectLabelColormap(color_dict=colours)


class LabelsBinding:
    """Keeps one napari Labels layer and a session's labels the same.

    The layer's array *is* the session's array. Strokes on the layer become edits of the session; edits of the
    session refresh the layer; tool, brush and active label follow the session.
    """

    def __init__(self, session: Session, layer: Labels, modes: Mapping[str, str] = MODES) -> None:
        self.session, self.layer, self._modes = session, layer, modes
        self._painting = False
        self._chosen = session.active_label
        self.connections = Connections()
        for signal, slot in (
            (layer.events.paint, self._on_painted),
            (layer.events.selected_label, self._on_picked),
            (session.edited, self._on_edited),
            (session.tool_changed, self._on_tool),
            (session.brush_changed, self._on_brush),
            (session.label_changed, self._on_label),
        ):
            self.connections.add(signal, slot)
        self._on_label(session.active_label)
        self._on_brush(session.brush_size)
        self._on_tool(session.tool)

    def release(self) -> None:
        """Let go of layer and session."""
        self.connections.clear()

    def _on_painted(self, event) -> None:  # type: ignore[no-untyped-def]
        title = TITLES.get(str(self.layer.mode), "Paint")
        self._painting = True
        try:
            edit = edit_from_stroke(self.layer.data, event.value, title)
            as_painted = self.session.adopt(edit) is edit
        finally:
            self._painting = False
        if not as_painted:  # part of it was taken back: a locked label, or outside the range
            self.layer.refresh()

    def _on_picked(self, _: object = None) -> None:
        picked = int(self.layer.selected_label)
        if picked == self._chosen:
            return  # napari says it anew when only the colours changed
        if picked > 0 and picked != self.session.active_label:
            self.session.choose_label(picked)
        elif picked <= 0 and self.session.tool == "picker":  # nothing there: go on with the label in hand
            self.layer.selected_label = self.session.active_label

    def _on_edited(self, edit: Edit, how: str) -> None:
        if (
            not self._painting and not edit.box.empty
        ):  # what was painted here is on screen already, in other planes it is not
            self.layer.refresh()

    def _on_tool(self, tool: str) -> None:
        self.layer.mode = self._modes.get(tool, "pan_zoom")
        if tool not in self._modes:
            self.layer.mouse_pan = tool not in MARKING
        if tool in HINTS:
            self.layer.help = HINTS[tool]
        if tool not in self._modes and tool != "browse":
            self.layer.cursor = "crosshair"

    def _on_brush(self, size: int) -> None:
        self.layer.brush_size = size

    def _on_label(self, value: int) -> None:
        self._chosen = value
        self.layer.selected_label = value


class Ghost:
    """Draws the session's proposal as contours only, on a layer of the crop's size; no proposal, no pixels.

    Parameters
    ----------
    place
        Gives the layer's ``translate`` for a voxel offset of the layer's dimension.
    flat
        True where the canvas shows the case as a 2D image.
    """

    def __init__(
        self,
        session: Session,
        layer: Labels,
        place: Callable[[Sequence[int]], Sequence[float]],
        *,
        flat: bool,
    ) -> None:
        self.session, self.layer, self._place, self._flat = session, layer, place, flat
        self._colours: object = None
        layer.contour = GHOST_CONTOUR
        layer.opacity = 1.0
        layer.editable = False
        self.connections = Connections()
        self.connections.add(session.proposed, self._on_proposed)
        self.connections.add(session.threshold_changed, self._on_threshold)
        self._on_proposed(session.proposal)

    def release(self) -> None:
        """Let go of the session."""
        self.connections.clear()

    def _on_threshold(self, _: float) -> None:
        self._on_proposed(self.session.proposal)

    def _on_proposed(self, proposal: Proposal | None) -> None:
        if proposal is None or proposal.box.empty:
            self.layer.data = np.zeros((1, 1) if self._flat else (1, 1, 1), np.uint8)
            return
        values = self.session.label_values(proposal)
        mask = values[proposal.mask(self.session.threshold)].astype(np.uint8)
        start = proposal.box.start
        colours = self.session.table.colours()
        if colours != self._colours:
            self._colours, self.layer.colormap = colours, colormap(self.session)
        self.layer.data = mask[0] if self._flat else mask
        self.layer.translate = self._place(start[1:] if self._flat else start)
