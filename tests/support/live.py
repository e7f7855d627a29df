"""A server that clicks, as a process on a JACK server without hardware, and talking to it."""

import socket
import sys
import time

from ghostnote.osc.packet import read_packet, write_message
from tests.support.jack import wait_until

NOTE_ON = bytes([0x99, 36, 127])
START_SECONDS = 30


def click_server(port, *pairs):
    return [sys.executable, "-m", "benchmarks.click_server", "0", "midi_api=jack", f"osc_port={port}", *pairs]


def osc(port, address, *values):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(write_message(address, values), ("127.0.0.1", port))
        if not values:
            return read_packet(client.recv(65536), time.perf_counter())[0].args
    return ()


def status(port):
    figures = osc(port, "/ghostnote/status")
    return dict(zip(figures[::2], figures[1::2], strict=True))


def connect(probe):
    wait_until(
        lambda: len(probe.ports("PortAudio:out")) > 1 and probe.ports("Ghostnote In"),
        START_SECONDS,
        "the server has no ports",
    )
    probe.connect(probe.ports("Ghostnote In")[0], probe.ports("PortAudio:out")[:2])
    time.sleep(1)
