"""Qt widgets that mirror a session. No napari here."""
