"""What watchers are shown: levels and bands of known sounds, hits at their time, nothing unasked."""

import numpy as np
import pytest

from ghostnote.events import NoteEvent, OpennessEvent, PanicEvent
from server.audio.meters import (
    BANDS,
    FLOOR_DB,
    METER_S,
    SPECTRUM_S,
    Meters,
    band_edges,
    peaks_db,
    spectrum_db,
    window_frames,
)
from server.audio.output import NullOutput

BLOCK = 256


def sine(hertz, amplitude, rate=48_000, frames=4096):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(frames) / rate))[:, None].astype(np.float32)


def band_of(hertz):
    return int(np.searchsorted(band_edges(), hertz)) - 1


class Rig:
    """A watch at an output that plays what it is given; time passes with the blocks."""

    def __init__(self, rate=48_000):
        self.output = NullOutput(rate, BLOCK)
        self.watch = Meters(lambda: self.output)
        self.watch.set_watched(True)
        self.now = 100.0

    def play(self, audio):
        told = []
        for start in range(0, len(audio), BLOCK):
            self.output.write(self.output.consumed(), audio[start : start + BLOCK])
            self.output.advance()
            self.now += BLOCK / self.output.rate
            told += self.watch.take(self.now)
        return told


@pytest.fixture
def rig():
    return Rig()


def test_peaks_are_those_of_each_side_in_dbfs():
    sound = sine(1000, 1.0) * [0.5, 0.1]
    assert peaks_db(sound) == pytest.approx([-6.02, -20.0], abs=0.05)
    assert peaks_db(np.zeros((100, 2), np.float32)).tolist() == [FLOOR_DB, FLOOR_DB]


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("band", [30, 40, 46])
def test_a_sine_shows_in_its_band_with_its_peak_level(rate, band):
    hertz = np.sqrt(band_edges()[band] * band_edges()[band + 1])
    levels = spectrum_db(sine(hertz, 0.25, rate, window_frames(rate)).repeat(2, axis=1), rate)
    assert len(levels) == BANDS
    assert int(levels.argmax()) == band == band_of(hertz)
    assert levels[band] == pytest.approx(-12.04, abs=0.2)
    assert np.delete(levels, [band - 1, band, band + 1]).max(initial=FLOOR_DB) < -50


def test_a_low_sine_is_spread_over_neighbours_but_nothing_of_it_is_lost():
    levels = spectrum_db(sine(60, 0.5), 48_000)
    assert abs(int(levels.argmax()) - band_of(60)) <= 1
    assert 10 * np.log10(np.sum(10 ** (levels / 10))) == pytest.approx(-6.02, abs=0.3)


def test_meter_and_spectrum_come_at_their_pace_and_no_peak_is_missed(rig):
    click = np.zeros((48_128, 2), np.float32)
    click[20_000] = (0.5, -1.0)
    told = rig.play(sine(1000, 0.1, frames=48_128).repeat(2, axis=1) + click)
    meters = [values for address, values in told if address == "/ghostnote/meter"]
    spectra = [values for address, values in told if address == "/ghostnote/spectrum"]
    assert len(meters) == pytest.approx(1 / METER_S, abs=3)
    assert len(spectra) == pytest.approx(1 / SPECTRUM_S, abs=2)
    assert max(left for left, _ in meters) == pytest.approx(20 * np.log10(0.5 - 0.1 * np.sin(np.pi / 3)), abs=0.01)
    assert sum(right > -1.0 for _, right in meters) == 1
    assert {len(values) for values in spectra} == {BANDS}


def test_silence_is_told_once(rig):
    assert rig.play(np.zeros((9_600, 2), np.float32)) == []
    rig.play(sine(1000, 0.5, frames=9_600 // BLOCK * BLOCK).repeat(2, axis=1))
    after = rig.play(np.zeros((48_000, 2), np.float32))
    quiet = [address for address, values in after if max(values) == FLOOR_DB]
    assert sorted(quiet) == ["/ghostnote/meter", "/ghostnote/spectrum"]
    assert rig.play(np.zeros((9_600, 2), np.float32)) == []


def test_hits_are_shown_at_their_time_and_panic_forgets_those_that_wait(rig):
    rig.watch.on_event(NoteEvent(100.5, 0, 0.75))
    rig.watch.on_event(NoteEvent(99.0, 1, 0.5))
    rig.watch.on_event(OpennessEvent(99.0, 0.5))
    assert rig.watch.take(100.0) == [("/ghostnote/played", ("snare", 0.5))]
    assert rig.watch.take(100.5) == [("/ghostnote/played", ("kick", 0.75))]
    rig.watch.on_event(NoteEvent(101.0, 0, 0.75))
    rig.watch.on_event(PanicEvent(100.6))
    assert rig.watch.take(102.0) == []


def test_nothing_is_gathered_while_nobody_watches(rig):
    rig.watch.set_watched(False)
    rig.watch.on_event(NoteEvent(99.0, 0, 0.75))
    rig.watch.set_watched(True)
    assert rig.watch.take(100.0) == []


def test_a_lost_output_is_waited_for_and_the_next_one_is_read_from_its_start(rig):
    rig.play(sine(1000, 0.5, frames=4_096).repeat(2, axis=1))
    lost, rig.output = rig.output, None
    assert rig.watch.take(200.0) == []
    rig.output = NullOutput(lost.rate, BLOCK)
    rig.now = 300.0
    told = rig.play(sine(1000, 0.25, frames=4_096).repeat(2, axis=1))
    assert max(left for address, (left, *_) in told if address == "/ghostnote/meter") == pytest.approx(-12.04, abs=0.1)
