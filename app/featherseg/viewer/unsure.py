"""A glow over the image where the model is unsure of the proposal on screen; no layer while nobody asks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils import Colormap

from featherseg.session.session import Session
from featherseg.ui.connections import Connections
from featherseg.viewer.layers import ABOVE

MARK = "featherseg-glow"
"""In the metadata of the layer, so that nobody takes it for an image."""
NAME = "Featherseg: where the model is unsure"
GLOW = (0.6, 0.2, 1.0)
"""Violet: of the hues the farthest from all label colours and from greys, also for the colour-blind."""
FLOOR = 0.5
"""Share of the most unsure from which it glows: probabilities from 0.11 to 0.89."""
STRONGEST = 0.65
"""Opacity of the glow where the model is most unsure: the image stays visible through it."""


def glow() -> Colormap:
    """From transparent, up to the floor, to strong."""
    shade = np.linspace(0, 1, 256)
    colours = np.tile(np.array([*GLOW, 0.0], np.float32), (256, 1))
    colours[:, 3] = np.clip((shade - FLOOR) / (1 - FLOOR), 0, 1) * STRONGEST
    return Colormap(colours, name="unsure")


class UnsureGlow:
    """Draws the session's shades on a layer of the crop's size, under the labels and the ghost.

    Parameters
    ----------
    layers
        The viewer's layer list.
    grid
        Arguments of the layer: its place in the world but for the offset of the crop.
    place
        Gives the layer's ``translate`` for a voxel offset of the layer's dimension.
    below
        Where in the list the layer goes.
    flat
        True where the canvas shows the case as a 2D image.
    """

    def __init__(
        self,
        session: Session,
        layers: Any,
        grid: Mapping[str, Any],
        place: Callable[[Sequence[int]], Sequence[float]],
        below: Callable[[], int],
        *,
        flat: bool,
    ) -> None:
        self._session, self._layers, self._grid = session, layers, grid
        self._place, self._below, self._flat = place, below, flat
        self.layer: Image | None = None
        self._hidden = False
        self.connections = Connections()
        self.connections.add(session.unsure.changed, self._on_changed)
        self.connections.add(session.proposed, self._on_changed)
        self.connections.add(session.masks_hidden, self._on_hidden)
        self._on_changed()

    def release(self) -> None:
        """Let go of the session and take the layer away."""
        self.connections.clear()
        self._remove()

    def _on_hidden(self, hidden: bool) -> None:
        self._hidden = hidden
        self._on_changed()

    def _on_changed(self, _: object = None) -> None:
        unsure, proposal = self._session.unsure, self._session.proposal
        if not unsure.shown:
            self._remove()
        elif proposal is None or proposal.box.empty or self._hidden:
            if self.layer is not None:
                self.layer.visible = False
        else:
            shades, start = unsure.shades, proposal.box.start
            assert shades is not None
            self._draw(shades[0] if self._flat else shades, start[1:] if self._flat else start)

    def _draw(self, shades: Any, start: Sequence[int]) -> None:
        if self.layer is None:
            self.layer = self._add(shades)
        else:
            self.layer.data = shades
        self.layer.translate = self._place(start)
        self.layer.visible = True

    def _add(self, shades: Any) -> Image:
        active = self._layers.selection.active
        layer = Image(
            shades,
            name=NAME,
            metadata={MARK: True},
            colormap=glow(),
            contrast_limits=(0, 255),
            blending=ABOVE,
            interpolation2d="linear",
            **self._grid,
        )
        self._layers.insert(self._below(), layer)
        self._layers.selection.active = active
        return layer

    def _remove(self) -> None:
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._layers:
            self._layers.remove(layer)
