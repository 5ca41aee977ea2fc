"""Clicks on a labels layer of plain napari: a click tool acts there, otherwise the cross goes there."""

from typing import Any

from napari.layers import Labels

from featherseg.session.session import Session
from featherseg.session.tool import CLICK_TOOLS, Click


class Clicks:
    """Listens to one layer; in a 3D display nothing can be clicked."""

    def __init__(self, session: Session, layer: Labels) -> None:
        self._session, self._layer = session, layer
        layer.mouse_drag_callbacks.append(self._on_pressed)

    def release(self) -> None:
        """Let go of the layer."""
        if self._on_pressed in self._layer.mouse_drag_callbacks:
            self._layer.mouse_drag_callbacks.remove(self._on_pressed)

    def _on_pressed(self, layer: Any, event: Any) -> None:
        case, displayed = self._session.case, list(event.dims_displayed)
        acts = self._session.tool in CLICK_TOOLS
        if not (acts or self._session.tool == "browse") or event.button != 1:
            return
        if len(displayed) != 2 or case is None:
            return
        voxel = [round(float(i)) for i in layer.world_to_data(event.position)][-layer.ndim :]
        lift, extra = 3 - layer.ndim, len(event.position) - layer.ndim
        at = [0] * lift + voxel
        if not all(0 <= i < n for i, n in zip(at, case.volume.geometry.shape, strict=True)):
            return
        shown = {d - extra + lift for d in displayed}
        axis = next(a for a in range(3) if a not in shown)
        click = Click((at[0], at[1], at[2]), axis, "Shift" in event.modifiers)
        if acts:
            self._session.viewing.clicked.emit(click)
        else:
            self._session.go_to(click.at)
