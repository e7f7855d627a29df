"""The app: starts the server as a process and speaks OSC to it. No DSP, no ONNX."""
