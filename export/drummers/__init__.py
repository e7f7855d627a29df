"""The drummers' networks as ONNX graphs in model folders."""
