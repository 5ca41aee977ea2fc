"""From an image to a proposal: preprocessing with its inverse and ONNX Runtime."""
