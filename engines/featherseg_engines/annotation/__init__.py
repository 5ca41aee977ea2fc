"""Annotation: a workspace of cases, the journal of every edit, undo, tools and export; no screen."""
