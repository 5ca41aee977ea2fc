"""Connections to a session, kept as a list so that a widget that goes leaves nothing behind."""

from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance


class Connections:
    """Signal and slot pairs of one owner."""

    def __init__(self) -> None:
        self._pairs: list[tuple[SignalInstance, Callable[..., Any]]] = []

    def add(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect and remember. ``signal`` is a psygnal signal or a napari event emitter."""
        signal.connect(slot)
        self._pairs.append((signal, slot))

    def clear(self) -> None:
        """Disconnect everything."""
        for signal, slot in self._pairs:
            try:
                signal.disconnect(slot)
            except (ValueError, RuntimeError, TypeError):
                continue  # its owner is gone already
        self._pairs.clear()
