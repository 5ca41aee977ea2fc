"""Model bundles: network, weights, preprocessing, labels and card in one folder."""
