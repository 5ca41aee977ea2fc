"""Headless engines of Featherseg: imaging, networks, inference, training, annotation, model bundles."""
