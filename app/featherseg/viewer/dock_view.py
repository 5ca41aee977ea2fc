"""Inside somebody's napari: a session over whatever image and labels layers the viewer holds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils import DirectLabelColormap
from psygnal import Signal

from featherseg.session.case import new_case
from featherseg.session.notice import Notice
from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.viewer.clicks import Clicks
from featherseg.viewer.dock_strokes import DockStrokes
from featherseg.viewer.layers import ABOVE, Ghost, LabelsBinding, colormap
from featherseg.viewer.unsure import MARK, UnsureGlow
from featherseg_engines.geometry import Geometry
from featherseg_engines.imaging.volume import Volume, Window
from featherseg_engines.labels import Edit, LabelMap

GHOST_NAME = "Featherseg proposal"
NEW = "New labels layer"
UNKNOWN = "#999999"
VOLUME_KEY = "featherseg"
"""Where a layer that our reader made carries its volume, in its metadata."""


class DockView:
    """Binds a session to one image layer and one labels layer of a napari viewer.

    The labels layer's own array is what the session edits. Without a labels layer one is added at the first
    edit or tool, never before. napari hands plugins a proxy of each layer, so layers are compared by ``==``,
    never by identity. Undo inside the labels layer is the session's (napari's is shadowed there).
    """

    bound = Signal()  # other layers are worked on from now on

    def __init__(self, session: Session, viewer: Any) -> None:
        self.session, self.viewer = session, viewer
        self.image: Image | None = None
        self.labels: Labels | None = None
        self._limits = Connections()
        self._binding: LabelsBinding | None = None
        self._clicks: Clicks | None = None
        self._strokes: DockStrokes | None = None
        self._ghost: Ghost | None = None
        self._ghost_layer: Labels | None = None
        self._glow: UnsureGlow | None = None
        self.connections = Connections()
        self.connections.add(viewer.dims.events.current_step, self._on_step)
        self.connections.add(viewer.layers.events.removed, self._on_removed)
        self.connections.add(session.edited, self._on_edited)
        self.connections.add(session.tool_changed, self._on_tool)
        self.connections.add(session.masks_hidden, self._on_hidden)
        self.connections.add(session.labels_changed, self._on_looks)
        self._looks = _looks(session)

    def images(self) -> list[Image]:
        """Image layers that can be worked on, topmost last."""
        found = [layer for layer in self.viewer.layers if isinstance(layer, Image)]
        return [layer for layer in found if MARK not in layer.metadata]

    def labels_for(self, image: Image) -> list[Labels]:
        """Labels layers on the same grid as ``image``."""
        shape = _grid(image)
        return [
            layer
            for layer in self.viewer.layers
            if isinstance(layer, Labels) and not self._ours(layer) and tuple(layer.data.shape) == shape
        ]

    def _ours(self, layer: Labels) -> bool:
        """Whether a layer only shows something."""
        strokes = self._strokes.marks if self._strokes is not None else None
        return any(layer == shown for shown in (self._ghost_layer, strokes) if shown is not None)

    def bind(self, image: Image | None, labels: Labels | None) -> None:
        """Work on these layers from now on; ``labels`` None means a new one when it is needed."""
        self._unbind()
        if image is None:
            self.session.use(None)
            return
        sentence = _refusal(image, labels)
        if sentence:
            self.session.use(None)
            self.session.tell(Notice(sentence, "problem"))
            return
        self.image, self.labels = image, labels
        volume = _volume(image)
        array = np.zeros(_grid(image), np.uint8) if labels is None else labels.data
        self.session.use(new_case(volume, LabelMap(array if array.ndim == 3 else array[None])))
        self._glow = UnsureGlow(
            self.session,
            self.viewer.layers,
            _transform(image),
            self._place,
            lambda: self.viewer.layers.index(image) + 1,
            flat=image.ndim == 2,
        )
        self._limits = Connections()
        self._limits.add(image.events.contrast_limits, self._on_limits)
        self._on_step()
        if labels is not None:
            self._take(labels)

    def release(self) -> None:
        """Let go of session and viewer; labels layers stay, the ghost goes."""
        self.connections.clear()
        self._unbind()

    def _unbind(self) -> None:
        self._limits.clear()
        if self._binding is not None:
            for key in ("Control-Z", "Control-Shift-Z"):
                self._binding.layer.bind_key(key, None, overwrite=True)
            self._binding.release()
        if self._clicks is not None:
            self._clicks.release()
        if self._ghost is not None:
            self._ghost.release()
        if self._glow is not None:
            self._glow.release()
        ghost, self._ghost_layer = self._ghost_layer, None
        if self._strokes is not None:
            self._strokes.release()
        self._binding = self._clicks = self._strokes = self._ghost = self._glow = self.image = self.labels = (
            None
        )
        if ghost is not None and ghost in self.viewer.layers:
            self.viewer.layers.remove(ghost)

    def _take(self, labels: Labels) -> None:
        self.labels = labels
        self._binding, self._clicks = LabelsBinding(self.session, labels), Clicks(self.session, labels)
        if self.image is not None:
            grid = _transform(self.image)
            self._strokes = DockStrokes(self.session, self.viewer, labels, grid, self._place)
        labels.bind_key("Control-Z", lambda _: self.session.undo(), overwrite=True)
        labels.bind_key("Control-Shift-Z", lambda _: self.session.redo(), overwrite=True)
        self.viewer.layers.selection.active = labels
        self.bound.emit()

    def _need_labels(self) -> None:
        case, image = self.session.case, self.image
        if case is None or image is None or self.labels is not None:
            return
        array = case.labels.array
        layer = self.viewer.add_labels(
            array if image.ndim == 3 else array[0],
            name=f"{image.name} labels",
            metadata={VOLUME_KEY: case.volume},
            **_transform(image),
        )
        layer.colormap = colormap(self.session)
        self._take(layer)

    def need_ghost(self) -> None:
        """Have the layer the proposal is drawn on, on top; called when a proposal is about to be shown."""
        image, layers = self.image, self.viewer.layers
        if image is None:
            return
        if self._ghost_layer is not None:
            if layers[-1] != self._ghost_layer:
                layers.move(layers.index(self._ghost_layer), len(layers))
            return
        active = layers.selection.active
        blank = np.zeros((1,) * image.ndim, np.uint8)
        layer = self.viewer.add_labels(blank, name=GHOST_NAME, blending=ABOVE, **_transform(image))
        self._ghost_layer = layer
        self._ghost = Ghost(self.session, layer, self._place, flat=image.ndim == 2)
        layers.selection.active = active

    def _place(self, offset: Sequence[int]) -> Sequence[float]:
        image = self.image
        assert image is not None
        world = np.append(np.asarray(image.data_to_world(tuple(offset)), float)[-image.ndim :], 1.0)
        matrix = np.asarray(image.affine.affine_matrix, float)
        return [float(v) for v in (np.linalg.inv(matrix) @ world)[:-1]]

    def _on_step(self, _: object = None) -> None:
        if self.image is not None and self.image.ndim == 3 and self.session.case is not None:
            point = tuple(self.viewer.dims.point)[-3:]
            self.session.go_to_slice(round(float(self.image.world_to_data(point)[0])))

    def _on_limits(self, _: object = None) -> None:
        """napari's contrast limits are the window that the model sees, once a person has moved them."""
        if self.image is not None and not self.image.rgb:
            low, high = (float(v) for v in self.image.contrast_limits)
            self.session.viewing.choose_window(Window((low + high) / 2, max(high - low, 1e-6)))

    def _on_edited(self, edit: Edit, how: str) -> None:
        self._need_labels()

    def _on_tool(self, tool: str) -> None:
        if tool != "browse":
            self._need_labels()
        if self.labels is not None:
            self.viewer.layers.selection.active = self.labels

    def _on_hidden(self, hidden: bool) -> None:
        for layer in (self.labels, self._ghost_layer):
            if layer is not None:
                layer.visible = not hidden

    def _on_looks(self) -> None:
        before, self._looks = self._looks, _looks(self.session)
        if all(self._looks.get(value) == look for value, look in before.items()):
            return  # a row more; colours that somebody chose in napari stay
        for layer in (self.labels, self._ghost_layer):
            if layer is not None:
                layer.colormap = _over_others(self.session)

    def _on_removed(self, event: Any) -> None:
        if self._ghost is not None and event.value == self._ghost_layer:
            self._ghost.release()
            self._ghost = self._ghost_layer = None
        elif (
            self._strokes is not None
            and self._strokes.marks is not None
            and event.value == self._strokes.marks
        ):
            self._strokes.gone()
        elif self._glow is not None and self._glow.layer is not None and event.value == self._glow.layer:
            self.session.unsure.show(False)  # somebody took it off napari's list
        elif event.value in (self.image, self.labels):
            self.bind(None, None)


def _looks(session: Session) -> dict[int, tuple[str, bool]]:
    return {row.value: (row.colour, row.visible) for row in session.table}


def _over_others(session: Session) -> DirectLabelColormap:
    """The session's colours; numbers that its table does not know stay in sight, in grey."""
    colours: dict[int | None, object] = {None: UNKNOWN, 0: np.zeros(4)}
    for row in session.table:
        colours[row.value] = row.colour if row.visible else np.zeros(4)
    return DirectLabelColormap(color_dict=colours)


def _grid(image: Image) -> tuple[int, ...]:
    data = image.data[0] if image.multiscale else image.data
    return tuple(int(n) for n in data.shape[: image.ndim])


def _refusal(image: Image, labels: Labels | None) -> str:
    if image.ndim not in (2, 3):
        return f"'{image.name}' has {image.ndim} dimensions; choose an image layer with 2 or 3."
    if labels is not None and not isinstance(labels.data, np.ndarray):
        return f"'{labels.name}' is not held in memory and cannot be edited; duplicate it first."
    return ""


def _volume(image: Image) -> Volume:
    known = image.metadata.get(VOLUME_KEY)
    if isinstance(known, Volume) and known.voxels.size == np.size(image.data):
        return known  # our own reader's: with its direction, modality and DICOM instances
    voxels = np.asarray(image.data[0] if image.multiscale else image.data)
    if image.rgb:
        voxels = voxels[..., :3]
    if image.ndim == 2:
        voxels = voxels[None]
    spacing = [abs(float(s)) or 1.0 for s in image.scale[-image.ndim :]]
    if image.ndim == 2:
        spacing = [1.0, *spacing]
    shape = (int(voxels.shape[0]), int(voxels.shape[1]), int(voxels.shape[2]))
    geometry = Geometry(shape, (spacing[0], spacing[1], spacing[2]), calibrated=any(s != 1 for s in spacing))
    path = Path(image.source.path) if image.source.path else None
    return Volume(voxels, geometry, "", image.name, path)


def _transform(image: Image) -> dict[str, Any]:
    return {
        "scale": image.scale,
        "translate": image.translate,
        "rotate": image.rotate,
        "shear": image.shear,
        "affine": image.affine,
        "units": image.units,
    }
