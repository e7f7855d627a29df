"""What the long measurements conclude from what they saw; the measurements themselves are make targets."""

import random
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ardour.line_up import RATE, click_offsets, lag, make_region
from benchmarks.ardour.session_file import add_region
from benchmarks.latency import calm_hits
from benchmarks.soak import LateHops, SoakSample, growth, page
from benchmarks.soak_load import LOADS, groove, plan
from benchmarks.stalls import StallWatch
from bridge.midi.decode import MidiDecoder
from ghostnote.files.midi_map import load_map

SESSION = """<Session id-counter="40"><Sources/><Regions/>
<Routes><Route name="Sound" alignment-choice="Automatic"/><Route name="Master"/></Routes>
<Playlists><Playlist id="7" name="Sound"/><Playlist id="8" name="Drums"/></Playlists></Session>"""


def test_the_region_of_a_groove_lies_on_whole_frames(tmp_path: Path):
    _, performance = make_region("driving_rock", tmp_path)
    frames = performance.hits["time"] * RATE
    assert len(frames) > 50
    assert frames[0] >= 0.9 * RATE
    assert np.abs(frames - np.round(frames)).max() < 1e-3


def test_a_region_is_put_into_the_track_it_is_meant_for(tmp_path: Path):
    session = tmp_path / "session"
    (session / "interchange" / "session" / "midifiles").mkdir(parents=True)
    (session / "session.ardour").write_text(SESSION)
    midi = tmp_path / "groove.mid"
    midi.write_bytes(b"MThd")
    add_region(session, midi, "Drums", 8)
    root = ET.parse(session / "session.ardour").getroot()
    source, region = root.find("Sources/Source"), root.find("Playlists/Playlist[@name='Drums']/Region")
    assert source is not None
    assert region is not None
    assert region.attrib["source-0"] == source.attrib["id"] == "40"
    assert region.attrib["length"] == "b15360@b0"
    assert root.attrib["id-counter"] == "42"
    assert root.find("Playlists/Playlist[@name='Sound']/Region") is None
    assert [r.attrib.get("alignment-choice") for r in root.iter("Route")] == ["UseCaptureTime", None]
    assert (session / "interchange" / "session" / "midifiles" / "groove.mid").is_file()
    shutil.rmtree(session)


def test_clicks_are_found_at_their_distance_and_missing_ones_counted():
    hits = np.zeros(20, [("time", "f8")])
    hits["time"] = np.arange(1, 21) / 4
    audio = np.zeros((6 * RATE, 2), np.float32)
    frames = np.round(hits["time"] * RATE).astype(int) + 560
    audio[frames] = 0.5
    audio[frames[7]] = 0
    audio[frames[9]], audio[frames[9] + 30] = 0, 0.5
    offsets = click_offsets(audio, hits)
    assert offsets[7] == -1
    assert offsets[9] == 590
    assert (np.delete(offsets, [7, 9]) == 560).all()


def test_the_lag_of_a_moved_sound_is_how_far_it_was_moved():
    sound = np.random.default_rng(0).normal(size=(RATE, 2)).astype(np.float32)
    moved = np.concatenate([np.zeros((321, 2), np.float32), 0.5 * sound])
    behind, correlation = lag(moved, sound)
    assert behind == 321
    assert correlation == pytest.approx(1, abs=0.02)


def test_growth_is_told_per_hour_and_without_the_warm_up():
    looks = [SoakSample(60.0 * n, 200 + 6 * n / 60 + (50 if n > 1 else 0), 90 - n / 60, 13, 10, {}) for n in range(16)]
    assert growth(looks, lambda one: one.rss).startswith("+6.00 ±")
    assert growth(looks, lambda one: one.own).startswith("-1.00 ±")
    assert growth(looks[:4], lambda one: one.rss) == "too short to tell"


def test_hits_are_calm_without_a_stall_around_them_and_a_lost_cycle_before_their_sound():
    stalls = StallWatch()
    stalls.stalls = [(103.05, 0.004)]
    hits, lost = np.array([1.0, 2.0, 3.0, 3.9, 4.1, 5.0]), np.array([0.99, 2.04, 5.2])
    assert calm_hits(hits, lost, stalls, 100.0).tolist() == [True, False, False, False, True, True]


def test_a_soak_tells_the_bundle_and_whether_the_machine_was_busy():
    same = {"bundle": "tiny", "total_latency_ms": 15.667}
    figures = [{"hops": 1000, "late_hops": 1, **same}, {"hops": 3000, "late_hops": 3, **same}]
    looks = [SoakSample(600.0 * n, 200, 90, 13, 10, one) for n, one in enumerate(figures)]
    quiet, busy = (page(LOADS["groove"], looks, {"stuck notes": "no"}, 128, load) for load in (0.1, 1.5))
    assert "bundle tiny" in quiet
    assert "latency declared: 15.67 ms" in quiet
    assert "late hops: 2 of 2000 (0.1000%)" in quiet
    assert "stuck notes: no" in quiet
    assert "nothing else was at work" in quiet
    assert "busy with other programs" in busy


def test_the_loads_of_the_soak_hold_hits_that_the_server_understands():
    decoder = MidiDecoder(load_map("gm"))
    messages = plan(random.Random(1), RATE)
    events = [event for frame, data in messages for event in decoder.feed(frame / RATE, data)]
    assert len(messages) >= 200
    assert len(events) > 100
    played = groove(random.Random(2), RATE)
    assert all(0 <= frame < 10 * RATE for frame, _ in played)
    notes = [data for _, data in played if data[0] == 0x99]
    assert len(notes) > 40 and max(frame for frame, _ in played) > 8 * RATE
    assert all(decoder.feed(0.0, data) for data in notes)


def test_a_late_hop_is_explained_by_a_stall_of_its_second_or_the_one_before():
    late, stalls = LateHops(), StallWatch()
    late.counts = [(float(n), total) for n, total in enumerate([0, 2, 2, 5, 5, 6])]
    assert late.unexplained(stalls) == 6
    stalls.stalls = [(2.5, 0.004)]
    assert late.unexplained(stalls) == 3, "those between 2 and 3 s; 3 to 4 s had none"
    stalls.stalls = [(0.5, 0.004), (2.5, 0.004), (3.5, 0.029)]
    assert late.unexplained(stalls) == 0
    assert stalls.text == "3 longer than 1 ms, the longest 29.0 ms"
