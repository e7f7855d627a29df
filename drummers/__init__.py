"""What plays: grooves from a prompt, continuation, humanising. Runs on numpy and ONNX Runtime, without torch."""
