"""Window mode on a real JACK server: a client sends MIDI clock, song position and hits, as a host does.

Timing is asserted on the best of a few tries, because the machine that runs the tests may be busy.
"""

import os

import numpy as np
import pytest

from ghostnote.osc.free_port import free_port
from tests.support.jack import JackServer, Probe, jack_missing, running, wait_until
from tests.support.live import NOTE_ON, click_server, connect, osc, status

pytestmark = pytest.mark.skipif(bool(jack_missing()), reason=f"needs JACK: {jack_missing()}")

RATE, BPM = 48000, 300
TICK = RATE * 60 // (BPM * 24)
BEAT, WINDOW = 24 * TICK, 4 * 24 * TICK
START, CONTINUE, STOP, CLOCK = b"\xfa", b"\xfb", b"\xfc", b"\xf8"
MILLISECOND = RATE // 1000
TRIES = 5


def song_position(beat):
    sixteenths = round(4 * beat)
    return bytes([0xF2, sixteenths & 0x7F, sixteenths >> 7])


def clock(beats):
    return [(tick * TICK, CLOCK) for tick in range(round(24 * beats))]


def hits(first, last, every=0.29):
    """Hits from beat `first` of the plan to `last`, at places that no tick has."""
    return [(round(beat * BEAT) + 37, NOTE_ON) for beat in np.arange(first, last, every)]


def heard_after(probe, plan, seconds):
    """Frames from each hit that was sent to its click, and how many clicks there were besides."""
    begin, audio = probe.take(plan, seconds)
    level = np.abs(audio).max(axis=1)
    clicks = np.flatnonzero(level > 0.3)
    sent = np.array([frame - begin for frame, data in probe.sent if data == NOTE_ON])
    expected = sent + WINDOW
    near = clicks[np.abs(clicks[None] - expected[:, None]).argmin(axis=1)] if len(clicks) else sent
    return near - sent, len(clicks) - len(sent)


@pytest.fixture
def jack_server():
    with JackServer(f"ghostnote-window-{os.getpid()}", rate=RATE) as server:
        yield server


@pytest.fixture
def window_server(jack_server):
    """The port of a server in window mode at the tempo of the clock, and a client that is wired to it."""
    port = free_port()
    with running(click_server(port), jack_server), Probe(jack_server) as probe:
        connect(probe)
        osc(port, "/ghostnote/tempo", BPM)
        osc(port, "/ghostnote/mode", "window")
        wait_until(lambda: status(port)["mode"] == "window", 10, "not in window mode")
        yield port, probe


def best(port, probe, plan, seconds):
    """How far each hit is from the declared latency [frames] in the best of some tries; nothing may hang after any.

    In none but the best may anything be heard that was not played: blocks that JACK loses tear a click in two.
    """
    tries = []
    for _ in range(TRIES):
        delays, besides = heard_after(probe, plan, seconds)
        figures = status(port)
        assert figures["pending"] == 0
        off = np.abs(delays - RATE * float(figures["engine_latency_ms"]) / 1000)
        tries.append((max(0, besides), float(np.mean(off >= 20 * MILLISECOND)), float(np.median(off)), off))
        if not any(tries[-1][:2]) and tries[-1][2] < MILLISECOND / 4:
            break
    besides, *_, off = min(tries, key=lambda one: one[:3])
    assert besides == 0
    return off


def test_under_a_midi_clock_every_hit_sounds_exactly_one_window_later(window_server):
    port, probe = window_server
    live = sum(float(status(port)[f"{part}_latency_ms"]) for part in ("hop", "lead", "limiter"))
    plan = [(0, song_position(0)), (0, START), *clock(10), *hits(0.5, 9.5)]
    off = best(port, probe, plan, (10 * BEAT + WINDOW) / RATE + 0.5)
    figures = status(port)
    assert figures["window_latency_ms"] == pytest.approx(1000 * WINDOW / RATE, rel=0.001)
    assert figures["engine_latency_ms"] == pytest.approx(figures["window_latency_ms"] + live, abs=0.01)
    assert np.median(off) < MILLISECOND
    assert np.mean(off < 20 * MILLISECOND) > 0.9


def test_stop_start_and_seek_lose_no_hit_play_none_twice_and_leave_nothing_behind(window_server):
    port, probe = window_server
    moves = [
        (0.0, song_position(0)), (0.0, START),
        (5.5, STOP),
        (7.25, song_position(18)), (7.25, CONTINUE),  # seek while stopped
        (10.5, STOP), (10.5, song_position(2)), (10.5, CONTINUE),  # a loop, as hosts jump back
        (13.0, START),  # from the beginning, without a stop
        (15.0, STOP),
    ]  # fmt: skip
    plan = [*((round(beat * BEAT), data) for beat, data in moves), *clock(18), *hits(0.5, 17.0)]
    off = best(port, probe, plan, (18 * BEAT + WINDOW) / RATE + 0.5)
    assert np.median(off) < MILLISECOND
    assert np.mean(off < 20 * MILLISECOND) > 0.9
    assert status(port)["lost_hits"] == 0


def test_panic_forgets_what_waits_in_the_window(window_server):
    port, probe = window_server
    plan = [(0, START), *clock(8), *hits(0.5, 3.0), (round(3.4 * BEAT), bytes([0xB9, 123, 0]))]
    _, audio = probe.take(plan, (8 * BEAT + WINDOW) / RATE)
    assert not audio.any()
    assert status(port)["pending"] == 0
