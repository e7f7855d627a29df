import socket

import pytest

from ghostnote.errors import InputError
from ghostnote.osc.free_port import free_port

HOST = "127.0.0.1"
KINDS = pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])


@KINDS
def test_a_free_port_is_free_for_osc_and_for_oscquery(kind):
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((HOST, free_port()))


def test_a_wanted_port_that_is_free_is_taken():
    port = free_port()
    assert free_port(HOST, port) == port


@KINDS
def test_a_taken_port_is_passed_over(kind):
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((HOST, 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        assert free_port(HOST, taken.getsockname()[1]) != taken.getsockname()[1]


def test_a_host_that_is_not_this_machine_is_named():
    with pytest.raises(InputError, match=r"192\.0\.2\.1"):
        free_port("192.0.2.1")
