"""The drum codec at run time: strokes in, codes out; codes in, sound out. NumPy and ONNX Runtime, no torch."""
