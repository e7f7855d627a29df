import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostnote.events import (
    ChokeEvent,
    ClockEvent,
    NoteEvent,
    OpennessEvent,
    PanicEvent,
    ProgramEvent,
    SetFeel,
    SetKit,
    TransportEvent,
)
from server.engine.engine import CATCH_UP_HOPS
from server.render.limiter import Limiter
from tests.support.engine import Rig


def expected(rig: Rig, at: float) -> float:
    return rig.device_frame(at) + rig.engine.latency.engine


@settings(max_examples=25, deadline=None)
@given(
    block=st.sampled_from([32, 64, 100, 128, 256, 441, 512, 1024]),
    hop=st.sampled_from([128, 240, 256, 512]),
    times=st.lists(st.floats(0.0, 0.4), min_size=1, max_size=12),
)
def test_every_click_lands_at_its_arrival_plus_the_declared_latency(block, hop, times):
    rig = Rig(block=block, hop=hop)
    begin = rig.time + 0.05
    hits = [NoteEvent(begin + t, lane % 22, 0.5) for lane, t in enumerate(times)]
    rig.send(*hits)
    rig.run(begin + 0.7)
    wanted = sorted({round(expected(rig, hit.at)) for hit in hits})
    found = rig.clicks()
    assert rig.engine.stats.late_hops == 0
    assert rig.engine.stats.hits == len(hits)
    assert set(rig.renderer.calls) == {1}
    assert all(np.min(np.abs(found - frame)) <= 1 for frame in wanted)
    assert all(np.min(np.abs(np.array(wanted) - frame)) <= 1 for frame in found)


def test_the_limiter_is_part_of_the_declared_latency_and_holds_the_ceiling():
    rig = Rig(limiter=Limiter(48000))
    hits = [NoteEvent(rig.time + 0.05, 0, 0.5), NoteEvent(rig.time + 0.2, 0, 1.0), NoteEvent(rig.time + 0.2, 1, 1.0)]
    rig.send(*hits)
    rig.run(rig.time + 0.5)
    assert rig.engine.latency.limiter == 64
    assert rig.clicks() == pytest.approx([expected(rig, hits[0].at), expected(rig, hits[1].at)], abs=1)
    assert np.abs(rig.output.played()).max() < 1.0


@pytest.mark.parametrize("ppm", [-200, 0, 80, 300])
def test_latency_stays_when_the_device_drifts_and_is_seen_at_random_moments(ppm):
    rig = Rig(ppm=ppm, sharp=False)
    begin = rig.time + 8.0
    hits = [NoteEvent(begin + 0.0313 * n, 1, 0.5) for n in range(400)]
    rig.send(*hits)
    rig.run(begin + 14)
    found = rig.clicks()
    error = np.array([found[np.argmin(np.abs(found - expected(rig, h.at)))] - expected(rig, h.at) for h in hits])
    assert len(found) == len(hits)
    assert np.std(error) < 0.0001 * 48000
    assert np.max(np.abs(error)) < 0.0003 * 48000
    assert rig.engine.clock.jumps == 0


@pytest.mark.parametrize(("bundle_rate", "rate"), [(48000, 44100), (48000, 96000), (44100, 48000)])
def test_another_device_rate_keeps_every_hit_in_its_place(bundle_rate, rate):
    rig = Rig(bundle_rate=bundle_rate, rate=rate, block=128)
    begin = rig.time + 0.05
    hits = [NoteEvent(begin + t, 0, 0.9) for t in (0.0, 0.0501, 0.1003, 0.2, 0.333)]
    rig.send(*hits)
    rig.run(begin + 0.6)
    sound = np.abs(rig.output.played()[:, 0])
    assert rig.engine.stats.late_hops == 0
    for hit in hits:
        frame = expected(rig, hit.at)
        near = int(frame) - 200
        assert near + np.argmax(sound[near : near + 400]) == pytest.approx(frame, abs=2)


def test_a_stall_drops_sound_but_never_shifts_what_follows():
    rig = Rig()
    begin = rig.time + 0.1
    hits = [NoteEvent(begin + 0.01 * n, 3, 0.5) for n in range(60)]
    rig.send(*hits)
    rig.stalls = [(begin + 0.2, begin + 0.26)]
    rig.run(begin + 1.0)
    stats, found = rig.engine.stats, rig.clicks()
    assert stats.late_hops > 0
    assert stats.dropped_frames > 0
    after = [h for h in hits if h.at > begin + 0.27]
    for hit in after:
        assert np.min(np.abs(found - expected(rig, hit.at))) <= 1
    assert len(found) < len(hits)
    assert max(rig.renderer.calls) == CATCH_UP_HOPS


def test_a_long_stall_is_skipped_and_the_grid_stays():
    rig = Rig()
    begin = rig.time + 0.1
    hits = [NoteEvent(begin + 0.02 * n, 3, 0.5) for n in range(100)]
    rig.send(*hits)
    rig.stalls = [(begin + 0.3, begin + 1.2)]
    rig.run(begin + 2.5)
    found = rig.clicks()
    assert rig.renderer.resets == 1
    assert rig.engine.stats.late_hops >= 0.9 * 48000 / 256 - 5
    for hit in hits:
        if hit.at > begin + 1.25:
            assert np.min(np.abs(found - expected(rig, hit.at))) <= 1


def test_a_gap_is_faded_out_and_in():
    rig = Rig()
    rig.inbox.put(SetKit({"high": 1.0}))
    rig.stalls = [(rig.time + 0.2, rig.time + 0.25)]
    rig.run(rig.time + 0.5)
    sound = rig.output.played()[:, 0]
    inside = sound[np.argmax(sound > 0.5) :]
    assert inside.min() == 0
    assert np.max(np.abs(np.diff(inside))) < 0.05


def test_a_kit_change_while_playing_makes_no_gap():
    rig = Rig()
    rig.run(rig.time + 0.1)
    before = rig.engine.stats.late_hops
    rig.inbox.put(SetKit({"high": 1.0}))
    rig.run(rig.time + 0.1)
    assert rig.engine.stats.late_hops == before
    assert rig.engine.live.settings.kit == {"high": 1.0}
    assert rig.output.played()[-1, 0] == 1.0


def test_panic_silences_what_sounds_and_what_waits():
    rig = Rig()
    rig.inbox.put(SetKit({"high": 1.0}))
    rig.run(rig.time + 0.1)
    rig.renderer.level = 0.0
    rig.inbox.put(NoteEvent(rig.time + 0.5, 0, 1.0))
    rig.inbox.put(PanicEvent(rig.time))
    at = rig.time
    rig.run(rig.time + 1.0)
    recent_hops = rig.output.played()[:, 0]
    silent_from = int(rig.device_frame(at)) + 4 * 256
    assert not recent_hops[silent_from:].any()
    assert np.max(np.abs(np.diff(recent_hops[int(rig.device_frame(at)) :]))) < 0.1
    assert rig.engine.stats.lost_hits == 1
    assert rig.renderer.resets == 1


def test_the_inbox_is_bounded_and_counts_what_it_refuses():
    rig = Rig(bound=100)
    accepted = [rig.inbox.put(NoteEvent(rig.time, 0, 0.5)) for _ in range(150)]
    assert sum(accepted) == 100
    assert rig.inbox.dropped == 50
    assert len(rig.inbox) == 100


def test_hits_far_ahead_are_bounded_too():
    rig = Rig(bound=10**6)
    for _ in range(5000):
        rig.inbox.put(NoteEvent(rig.time + 50, 0, 0.5))
    rig.run(rig.time + 0.02)
    assert rig.engine.pending == 4096
    assert rig.engine.stats.lost_hits == 5000 - 4096


def test_a_hit_that_reaches_the_thread_late_sounds_at_once_and_is_counted():
    rig = Rig()
    hit = NoteEvent(rig.time + 0.05, 0, 0.5)
    rig.send(hit, late=0.03)
    rig.run(rig.time + 0.3)
    assert rig.engine.stats.late_hits == 1
    assert 0 < rig.clicks()[0] - expected(rig, hit.at) < 0.04 * 48000


def test_two_strokes_inside_one_hop_are_both_rendered():
    rig = Rig()
    at = rig.time + 0.1
    rig.send(NoteEvent(at, 0, 0.5), NoteEvent(at + 0.0004, 1, 0.5), NoteEvent(at + 0.0008, 0, 0.5))
    rig.run(rig.time + 0.3)
    assert len(rig.clicks()) == 3


def test_openness_and_chokes_reach_the_hop_in_which_they_happen():
    rig = Rig()
    at = rig.time + 0.05
    rig.send(OpennessEvent(at, 0.7), ChokeEvent(at + 0.05, 15))
    rig.run(rig.time + 0.3)
    opened = [n for n, hop in enumerate(rig.renderer.seen) if hop.openness == 0.7]
    choked = [n for n, hop in enumerate(rig.renderer.seen) if hop.chokes == (15,)]
    assert opened == list(range(opened[0], len(rig.renderer.seen)))
    assert len(choked) == 1
    assert choked[0] - opened[0] == pytest.approx(0.05 * 48000 / 256, abs=1)


def test_a_program_change_selects_the_kit_and_unknown_programs_are_counted():
    rig = Rig()
    rig.inbox.put(ProgramEvent(rig.time, 1))
    rig.inbox.put(ProgramEvent(rig.time, 99))
    rig.run(rig.time + 0.05)
    assert rig.engine.live.settings.kit == {"high": 1.0}
    assert rig.engine.stats.refused == 1


def test_midi_clock_gives_tempo_and_beat():
    rig = Rig()
    begin, bpm = rig.time + 0.01, 90.0
    ticks = [ClockEvent(begin + n * 60 / bpm / 24) for n in range(24 * 8)]
    rig.send(TransportEvent(begin, "start", 0.0), *ticks)
    rig.run(begin + 8 * 60 / bpm)
    assert rig.engine.transport.bpm == pytest.approx(bpm, rel=1e-3)
    assert rig.engine.transport.beat_at(rig.time) == pytest.approx(8.0, abs=0.05)
    rig.send(TransportEvent(rig.time, "stop", 8.0))


def test_swing_delays_the_off_beat_and_leaves_the_beat():
    rig = Rig()
    rig.inbox.put(SetFeel("swing", 1.0))
    rig.run(rig.time + 0.02)
    begin = rig.time + 0.02
    rig.send(TransportEvent(begin, "start", 0.0), NoteEvent(begin, 0, 0.5), NoteEvent(begin + 0.25, 0, 0.5))
    rig.run(begin + 0.6)
    late = rig.clicks() - [expected(rig, begin), expected(rig, begin + 0.25)]
    assert late[0] == pytest.approx(0, abs=1)
    assert late[1] == pytest.approx(48000 * 0.5 / 6, abs=2)


def test_the_clock_finds_its_place_again_after_the_device_lost_time():
    rig = Rig()
    rig.run(rig.time + 1.0)
    rig._start += 0.02
    rig.run(rig.time + 1.5)
    assert rig.engine.clock.jumps == 1
    begin = rig.time + 0.01
    rig.send(NoteEvent(begin, 0, 0.5))
    rig.run(begin + 0.2)
    assert rig.clicks()[-1] == pytest.approx(expected(rig, begin), abs=1)
