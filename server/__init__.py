"""The realtime renderer: ONNX sessions, the render thread, audio output, statistics, control."""
