"""Between the session and napari's layers."""
