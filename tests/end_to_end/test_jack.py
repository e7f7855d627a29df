"""The whole server on a real JACK server without hardware: MIDI in one side, sound out of the other.

Timing is asserted on the median over many hits, because the machine that runs the tests may be busy.
"""

import os
import signal
import subprocess
import time

import numpy as np
import pytest

from ghostnote.osc.free_port import free_port
from tests.support.jack import JackServer, Probe, ghostnote, jack_missing, running
from tests.support.live import NOTE_ON, click_server, connect, osc, status
from tests.support.paths import TINY

pytestmark = pytest.mark.skipif(bool(jack_missing()), reason=f"needs JACK: {jack_missing()}")


def clicks_after_hits(probe, count=40, seconds=0.06):
    """Frames from each hit sent to the click nearest to it in the second after it, for those that were heard."""
    every = round(seconds * probe.rate)
    random = np.random.default_rng(0)
    plan = [(every * (n + 2) + int(random.integers(0, 300)), NOTE_ON) for n in range(count)]
    begin, audio = probe.take(plan, (count + 6) * every / probe.rate)
    heard = np.flatnonzero(np.abs(audio).max(axis=1) > 0.3)
    sent = np.array([frame - begin for frame, _ in probe.sent])
    return [heard[np.argmax(heard > frame)] - frame for frame in sent if (heard > frame).any()]


@pytest.fixture
def jack_server(request):
    rate, block = getattr(request, "param", (48000, 128))
    with JackServer(f"ghostnote-e2e-{os.getpid()}", rate=rate, block=block) as server:
        yield server


@pytest.mark.parametrize("jack_server", [(48000, 128), (48000, 1024), (44100, 256), (96000, 256)], indirect=True)
def test_a_hit_sounds_after_the_declared_latency(jack_server):
    port = free_port()
    sizes = (f"block={jack_server.block}", f"rate={jack_server.rate}")
    with running(click_server(port, *sizes), jack_server), Probe(jack_server) as probe:
        connect(probe)
        declared = float(status(port)["engine_latency_ms"])
        for _ in range(3):
            measured = 1000 * np.median(clicks_after_hits(probe)) / probe.rate
            if abs(measured - declared) < 1:
                break
        assert measured == pytest.approx(declared, abs=1)


def test_osc_changes_the_kit_audibly_and_panic_and_status_answer(jack_server):
    port = free_port()
    with running(click_server(port), jack_server), Probe(jack_server) as probe:
        connect(probe)
        _, before = probe.take([], 0.3)
        osc(port, "/ghostnote/kit", "tone")
        time.sleep(0.2)
        _, after = probe.take([], 0.3)
        assert np.median(np.abs(before)) == 0
        assert np.median(np.abs(after)) == pytest.approx(0.1, abs=1e-3)
        assert osc(port, "/ghostnote/kit") == ("tone",)
        figures = status(port)
        assert figures["bundle"] == "click"
        assert figures["hops"] > 0


def test_the_server_comes_back_when_jack_is_killed_and_started_again(jack_server):
    port = free_port()
    with running(click_server(port), jack_server) as process:
        with Probe(jack_server) as probe:
            connect(probe)
        osc(port, "/ghostnote/level/snare", -6.0)
        time.sleep(0.5)
        jack_server.kill()
        time.sleep(1)
        jack_server.start()
        with Probe(jack_server) as probe:
            connect(probe)
            assert len(clicks_after_hits(probe, count=10)) > 0
            assert osc(port, "/ghostnote/level/snare") == (-6.0,)
        assert process.poll() is None


def test_serve_plays_a_groove_through_a_bundle_and_ends_cleanly_on_ctrl_c(jack_server, tmp_path):
    port = free_port()
    command = ghostnote("serve", "--bundle", str(TINY), "--osc-port", str(port), "--play", "pocket_funk")
    screen = tmp_path / "screen.txt"
    with screen.open("wb") as log, running(command, jack_server, log) as process, Probe(jack_server) as probe:
        connect(probe)
        _, audio = probe.take([], 1.5)
        figures = status(port)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    text = screen.read_text()
    assert np.abs(audio).max() > 0.01
    assert figures["hits"] > 0
    assert figures["queue_dropped"] == 0
    for wanted in ("Ghostnote In", f"port {port}", "hop 256", "Live", "Bitwig", "Ctrl-C"):
        assert wanted in text


def test_without_a_device_serve_says_so_on_one_line():
    nobody = {**os.environ, "JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}
    from server.audio.portaudio import list_outputs

    if list_outputs():
        pytest.skip("this machine has an audio device")
    done = subprocess.run(
        ghostnote("serve", "--bundle", str(TINY)), env=nobody, capture_output=True, text=True, timeout=60
    )
    complaint = [line for line in done.stderr.splitlines() if line.startswith("ghostnote:")]
    assert done.returncode == 2
    assert len(complaint) == 1
    assert "no audio output device" in complaint[0]
