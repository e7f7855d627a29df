"""OSC bytes to messages with our time stamps, and back; wraps python-osc, whose errors become InputError."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from ghostnote.errors import InputError
from ghostnote.osc.limits import MAX_AHEAD_S, MAX_PACKET
from ghostnote.osc.schema import Values


@dataclass(frozen=True, slots=True)
class Message:
    """One OSC message that has arrived."""

    at: float
    """When it takes effect, seconds of `time.perf_counter()`: its time tag or its arrival, whichever is later."""
    address: str
    args: tuple[Any, ...]


def read_packet(data: bytes, arrival: float) -> list[Message]:
    """Messages of a packet in order of time; `arrival` is its `time.perf_counter()`. Raises InputError.

    Time tags are absolute times of the system's clock and are converted to perf_counter by the current difference of
    the two.
    """
    if len(data) > MAX_PACKET:
        raise InputError(f"OSC packet of {len(data)} bytes, expected at most {MAX_PACKET}")
    try:
        timed = OscPacket(data).messages
    except Exception as error:  # python-osc lets errors of struct, Unicode, recursion and others through
        raise InputError(f"not an OSC packet ({str(error) or type(error).__name__:.80})") from error
    offset = time.perf_counter() - time.time()
    messages = [Message(max(arrival, m.time + offset), m.message.address, tuple(m.message.params)) for m in timed]
    late = max((m.at for m in messages), default=arrival) - arrival
    if late > MAX_AHEAD_S:
        raise InputError(
            f"time tag {late:.0f} s ahead, expected at most {MAX_AHEAD_S:g} s: are the clocks synchronised?"
        )
    return messages


def write_message(address: str, values: Sequence[Any]) -> bytes:
    """The bytes of one message; str, float and int become s, f and i (h beyond 32 bits)."""
    return _message(address, values).dgram


def write_bundle(at: float, address: str, values: Sequence[Any]) -> bytes:
    """The bytes of a bundle of one message that is meant for `at`, seconds of the system's clock (`time.time()`)."""
    bundle = OscBundleBuilder(at)  # type: ignore[arg-type]  # python-osc types it as int, and takes a float
    bundle.add_content(_message(address, values))
    return bundle.build().dgram


def write_values(address: str, values: Values) -> bytes:
    """The bytes of a message that fits into one UDP packet: values at the end that do not fit are dropped."""
    while len(data := write_message(address, values)) > MAX_PACKET:
        values = values[: len(values) // 2]
    return data


def _message(address: str, values: Sequence[Any]) -> OscMessage:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build()


def quiet_parser() -> None:
    """Drop the warnings that python-osc writes to the root logger, one for each unknown type tag of a packet."""
    logging.getLogger().addFilter(_not_from_parser)


def _not_from_parser(record: logging.LogRecord) -> bool:
    return record.module not in ("osc_message", "osc_bundle")
