"""The standalone window: the one place that composes."""
