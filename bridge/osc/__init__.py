"""The OSC server and OSCQuery."""
