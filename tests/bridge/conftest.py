"""The name of a JACK server that may be started, a server state, and UDP clients."""

import os
import shutil

import pytest

from ghostnote.files.preset import Preset
from ghostnote.osc.schema import ServerSnapshot
from tests.support.osc import UdpClient

JACK_SERVER = "ghostnote-test"


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
    return ServerSnapshot(settings=settings, kits=("tr808", "jazz", "rock"), drummers=("one", "two"), latency=768)


@pytest.fixture
def client_of():
    clients = []

    def make(server):
        clients.append(UdpClient(server.address))
        return clients[-1]

    yield make
    for client in clients:
        client.socket.close()
