"""A JACK server without hardware, a server state, and a UDP client."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
from pythonosc.osc_message import OscMessage

from ghostnote.files.preset import Preset
from ghostnote.osc.packet import write_message
from ghostnote.osc.schema import State

JACK_SERVER = "ghostnote-test"


@contextmanager
def running_jackd(name):
    """A JACK server with the dummy driver, at real-time pace, until the block ends."""
    command = ["jackd", "-r", "-n", name, "-d", "dummy", "-r", "48000", "-p", "128"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(lambda: subprocess.run(["jack_wait", "-s", name, "-c"], capture_output=True).stdout.startswith(b"run"))
        yield process
    finally:
        process.terminate()
        process.communicate()


def wait_for(condition, timeout=10.0):
    """Wait until `condition()` holds; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def repeat_until(action, condition, timeout=10.0):
    """Do it again and again until `condition()` holds: JACK drops what a client without realtime rights missed."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "tried in vain"
        action()
        time.sleep(0.2)


@pytest.fixture
def jack_name(monkeypatch):
    if not (shutil.which("jackd") and shutil.which("jack_wait")):
        pytest.skip("needs jackd and jack_wait (Debian packages jackd2, jack-example-tools)")
    name = f"{JACK_SERVER}-{os.getpid()}"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    return name


@pytest.fixture
def state():
    settings = Preset(bundle="tiny", kit={"tr808": 1.0})
    return State(settings=settings, kits=("tr808", "jazz", "rock"), drummers=("one", "two"), latency=768)


class Client:
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

    def hear(self):
        message = OscMessage(self.socket.recv(65536))
        return message.address, tuple(message.params)

    def ask(self, address, *values):
        self.send(address, *values)
        return self.hear()


@pytest.fixture
def client_of():
    clients = []

    def make(server):
        clients.append(Client(server.address))
        return clients[-1]

    yield make
    for client in clients:
        client.socket.close()
