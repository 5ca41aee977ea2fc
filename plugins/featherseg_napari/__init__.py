"""Featherseg in plain napari: manifest, dock, nothing else."""
