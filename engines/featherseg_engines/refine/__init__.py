"""One stroke re-reads the network's own features for this image: the proposal follows without running it again."""
