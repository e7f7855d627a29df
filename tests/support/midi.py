"""MIDI clients beside ours, on JACK."""

import rtmidi

from bridge.midi.ports import IN_NAME, OUT_NAME


class Player:
    """A MIDI client as a DAW is one."""

    def __init__(self):
        self.out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "daw")
        self.out.open_port(next(i for i, name in enumerate(self.out.get_ports()) if IN_NAME in name))

    def send(self, *data):
        self.out.send_message(list(data))


class Recorder:
    def __init__(self):
        self.heard = []
        self.port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "recorder")
        self.port.set_callback(lambda message, _: self.heard.append(bytes(message[0])))
        self.port.open_port(next(i for i, name in enumerate(self.port.get_ports()) if OUT_NAME in name))
