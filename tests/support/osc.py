"""Both ends of an OSC connection: a client that shows every message, and what takes what the server enqueues."""

import dataclasses
import socket

from pythonosc.osc_message import OscMessage

from ghostnote.osc.packet import write_message


class UdpClient:
    """A UDP socket that speaks OSC with one server."""

    def __init__(self, server):
        self.server = server
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)

    def send(self, address, *values):
        self.raw(write_message(address, values))

    def raw(self, data):
        self.socket.sendto(data, self.server)

    def receive(self):
        message = OscMessage(self.socket.recv(65536))
        return message.address, tuple(message.params)

    def ask(self, address, *values):
        self.send(address, *values)
        return self.receive()


class Engine:
    """Takes what the server enqueues and carries commands out at once."""

    def __init__(self, state):
        self.state = state
        self.items = []

    def sink(self, item):
        self.items.append(item)
        self.state = dataclasses.replace(self.state, settings=self.state.settings.after(item))
