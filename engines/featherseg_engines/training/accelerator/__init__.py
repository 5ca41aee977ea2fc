"""Training where a GPU is at hand: the whole data set lies on the device, and so do the random changes."""
