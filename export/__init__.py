"""Checkpoints to bundles: ONNX graphs, manifest, snapshot, parity."""
