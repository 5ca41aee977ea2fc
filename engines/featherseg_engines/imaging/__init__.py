"""Images in and out: voxels with their geometry."""
