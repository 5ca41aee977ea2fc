"""The lightweight networks, one file each, and their registry."""
