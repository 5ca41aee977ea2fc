"""Accepted cases out of a workspace in one step."""
