"""Featherseg: the session, its panels, the napari view, the window and the command line."""

__version__ = "0.1.0"
