"""From cases to a better model: batches, losses, trainer, export. Needs the extra `train`."""
