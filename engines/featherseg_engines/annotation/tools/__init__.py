"""Tools on the active label: each takes a scene and gives one edit; locked labels are never changed."""
