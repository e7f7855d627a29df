"""MIDI clients beside ours, on JACK."""

import contextlib

import rtmidi

from bridge.midi.ports import IN_NAME, OUT_NAME
from tests.support.waiting import wait_for


class Player:
    """A MIDI client as a DAW is one."""

    def __init__(self):
        self.out = open_client(lambda: rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "daw"))
        self.out.open_port(next(i for i, name in enumerate(self.out.get_ports()) if IN_NAME in name))

    def send(self, *data):
        self.out.send_message(list(data))


class Recorder:
    def __init__(self):
        self.heard = []
        self.port = open_client(lambda: rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "recorder"))
        self.port.set_callback(lambda message, _: self.heard.append(bytes(message[0])))
        self.port.open_port(next(i for i, name in enumerate(self.port.get_ports()) if OUT_NAME in name))


def open_client(make):
    """A client of the JACK server, which may need a few attempts on a busy machine."""
    clients = []

    def attempt():
        with contextlib.suppress(rtmidi.SystemError):
            clients.append(make())
        return bool(clients)

    wait_for(attempt)
    return clients[0]
