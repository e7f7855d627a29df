"""Window mode: what is played in four beats is heard in the next four, whatever the host does meanwhile."""

import time
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ghostnote.errors import InputError
from ghostnote.events import ClockEvent, NoteEvent, PanicEvent, SetKit, SetMode, SetTempo, TransportEvent
from ghostnote.files.preset import Preset
from ghostnote.latency import window_frames
from server.engine import engine
from server.engine.live_settings import LiveSettings
from server.engine.whole_windows import WholeWindows, measure_share
from server.engine.window_clock import Stretch, WindowClock
from tests.support.engine import ClickRenderer, Rig

RATE, HOP = 48000, 256


def window_rig(bpm=240.0, **options):
    """A rig in window mode, one hop after the switch."""
    rig = Rig(**options)
    rig.inbox.put(SetTempo(bpm))
    rig.inbox.put(SetMode("window"))
    rig.run(rig.time + 0.01)
    return rig


class PromptWindows(WholeWindows):
    """Takes no simulated time."""

    def submit(self, events):
        super().submit(events)
        self._jobs[-1].result()


def whole_rig(bpm=240.0, share=0.1):
    """A rig whose renderer is not causal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "WholeWindows", PromptWindows)
        return Rig(causal=False, mode="window", tempo=bpm, share=share)


def recent_hops(rig):
    """(frame, hit, beat) of every hit that was rendered; all hops follow each other."""
    first = rig.engine._next - len(rig.renderer.seen)
    return [
        ((first + n) * HOP + hit.offset, hit, hop.beat + hit.offset / RATE * hop.bpm / 60)
        for n, hop in enumerate(rig.renderer.seen)
        for hit in hop.hits
    ]


def live_frame(rig, at):
    """The frame at which live mode would play a hit of time `at`."""
    return rig.device_frame(at) + rig.engine.latency.hop + rig.engine.latency.lead


def test_a_hit_sounds_exactly_one_window_later_than_in_live_mode():
    rig = window_rig(bpm=240)
    hits = [NoteEvent(rig.time + 0.0137 * n, n % 22, 0.5) for n in range(1, 150)]
    rig.send(*hits)
    rig.run(rig.time + 4)
    assert rig.engine.latency.window == 48000
    wanted = [round(rig.device_frame(hit.at) + rig.engine.latency.engine) for hit in hits]
    assert np.abs(rig.clicks() - wanted).max() <= 1
    assert rig.engine.stats.late_hops == rig.engine.stats.late_hits == rig.engine.stats.lost_hits == 0


def test_the_window_is_part_of_the_declared_latency_in_window_mode_only():
    rig = window_rig(bpm=120)
    assert rig.engine.latency.window == window_frames(120, RATE) == 96000
    assert rig.engine.latency.total == 96000 + Rig().engine.latency.total
    rig.inbox.put(SetMode("live"))
    rig.run(rig.time + 0.02)
    assert rig.engine.latency == Rig().engine.latency
    assert rig.engine.stats.mode_changes == 2


def test_the_window_is_counted_in_frames_of_the_device():
    rig = window_rig(bpm=240, bundle_rate=48000, rate=44100)
    hit = NoteEvent(rig.time + 0.1, 0, 0.9)
    rig.send(hit)
    rig.run(rig.time + 2)
    assert rig.engine.latency.window == pytest.approx(44100)
    sound = np.abs(rig.output.played()[:, 0])
    assert np.argmax(sound) == pytest.approx(rig.device_frame(hit.at) + rig.engine.latency.engine, abs=2)


def test_many_hops_go_into_one_call_and_few_while_nothing_is_ready():
    rig = window_rig()
    calls = []
    render = rig.renderer.render
    rig.renderer.render = lambda events: calls.append(len(events)) or render(events)
    rig.run(rig.time + 1)
    assert max(calls) == 16
    assert len(calls) < 30
    assert rig.engine.stats.late_hops == 0


def test_sound_is_rendered_at_most_a_quarter_of_a_second_ahead():
    rig = window_rig()
    for _ in range(100):
        rig.run(rig.time + 0.01)
        assert 0 <= (rig.engine._next - rig.engine._n) * HOP <= RATE / 4


def test_a_tempo_change_takes_effect_at_the_next_window():
    rig = window_rig(bpm=240)
    begin = rig.time + 0.01
    rig.send(TransportEvent(begin, "start", 0.0))
    rig.run(begin + 0.5)
    rig.inbox.put(SetTempo(120.0))
    rig.run(begin + 0.9)
    assert rig.engine.latency.window == 48000
    rig.run(begin + 1.6)  # two beats at 240 and two at 120 fill the window
    assert rig.engine.latency.window == 96000


def apart_around_a_tempo_change(bpm, hits, change, to_bpm, end):
    """Frames from click to click of `hits`; all times [s] from the start of the transport."""
    rig = window_rig(bpm=bpm)
    begin = rig.time + 0.01
    notes = [NoteEvent(begin + float(at), lane, 0.5) for lane, at in enumerate(hits)]
    rig.send(TransportEvent(begin, "start", 0.0), *notes)
    rig.run(begin + change)
    rig.inbox.put(SetTempo(to_bpm))
    rig.run(begin + end)
    return np.diff(rig.clicks())


def test_what_waits_at_a_tempo_change_is_played_in_the_new_window_s_time():
    apart = apart_around_a_tempo_change(240, np.arange(4) * 0.25, 0.999, 120, 4)
    assert apart == pytest.approx([24000] * 3, abs=RATE * 0.005)  # the change came a little early


def test_music_that_becomes_faster_catches_up_with_what_was_rendered_ahead():
    apart = apart_around_a_tempo_change(120, np.arange(16) * 0.125, 1.999, 240, 5)
    assert apart[0] == pytest.approx(6000, abs=2)
    assert apart[-8:] == pytest.approx([3000] * 8, abs=2)
    assert sum(apart) == pytest.approx(15 * 3000, abs=RATE * 0.005)


def test_a_seek_changes_neither_the_delay_nor_what_waits():
    rig = window_rig(bpm=240)
    begin = rig.time + 0.01
    hits = [NoteEvent(begin + 0.05 * n, n % 22, 0.5) for n in range(40)]
    seeks = [TransportEvent(begin + t, "continue", beat) for t, beat in ((0.0, 0.0), (0.33, 17.5), (0.71, 2.25))]
    rig.send(*hits, *seeks)
    rig.run(begin + 4)
    wanted = [round(rig.device_frame(hit.at) + rig.engine.latency.engine) for hit in hits]
    assert np.abs(rig.clicks() - wanted).max() <= 1


def test_stop_lets_what_waits_sound_and_panic_forgets_it():
    for last, clicks in ((TransportEvent, 1), (PanicEvent, 0)):
        rig = window_rig()
        at = rig.time + 0.05
        rig.send(NoteEvent(at, 0, 0.5), last(at + 0.1, "stop", 0.0) if last is TransportEvent else last(at + 0.1))
        rig.run(rig.time + 3)
        assert len(rig.clicks()) == clicks
        assert rig.engine.pending == 0
        assert rig.engine.stats.lost_hits == 1 - clicks


def test_from_live_to_window_nothing_is_cut():
    rig = Rig()
    rig.inbox.put(SetKit({"high": 1.0}))
    rig.run(rig.time + 0.2)
    rig.send(NoteEvent(rig.time - 0.001, 0, 0.5))
    rig.inbox.put(SetMode("window"))
    before = len(rig.output.played())
    rig.run(rig.time + 1)
    assert (rig.output.played()[before:] >= 1.0).all()
    assert rig.engine.stats.lost_hits == rig.engine.stats.late_hops == 0


def test_from_window_to_live_what_sounds_is_faded_and_hits_sound_at_once():
    rig = window_rig()
    rig.inbox.put(SetKit({"high": 1.0}))
    rig.run(rig.time + 0.5)
    rig.renderer.level = 0.0  # what is rendered from now on is silent, what was rendered ahead is not
    rig.send(NoteEvent(rig.time - 0.02, 0, 0.5))
    rig.run(rig.time + 0.02)
    rig.inbox.put(SetMode("live"))
    at = rig.time
    rig.run(at + 0.02)
    rig.send(NoteEvent(at + 0.1, 0, 0.5))
    rig.run(at + 2)
    sound = rig.output.played()[:, 0]
    assert rig.engine.stats.lost_hits == 1
    assert rig.engine.stats.late_hops == 0
    clicks = np.flatnonzero(sound[int(rig.device_frame(at + 0.02)) :]) + int(rig.device_frame(at + 0.02))
    assert clicks == pytest.approx([rig.device_frame(at + 0.1) + rig.engine.latency.engine], abs=1)
    falling = sound[: int(rig.device_frame(at + 0.02))]
    assert np.abs(np.diff(falling[int(rig.device_frame(at)) - 128 :])).max() < 0.02


def test_midi_clock_leads_the_windows_and_its_jitter_does_not_change_the_latency():
    random = np.random.default_rng(3)
    rig = Rig()
    begin, bpm = rig.time + 0.01, 200.0
    ticks = [ClockEvent(begin + n * 60 / bpm / 24 + 0.0002 * random.standard_normal()) for n in range(24 * 16)]
    rig.send(TransportEvent(begin, "start", 0.0), *sorted(ticks, key=lambda tick: tick.at))
    rig.run(begin + 1.25)
    rig.inbox.put(SetMode("window"))
    rig.run(begin + 2.5)
    windows = set()
    for _ in range(20):
        rig.run(rig.time + 0.1)
        windows.add(rig.engine.latency.window)
    assert len(windows) == 1
    assert windows.pop() == pytest.approx(57600, rel=1e-3)


@dataclass(frozen=True)
class Host:
    """A song played by a host: where it is at a time, and what it says."""

    segments: tuple[tuple[float, float, float], ...]
    """(time, beat, bpm) from which it goes on."""

    def beat(self, at):
        time, beat, bpm = next((s for s in reversed(self.segments) if s[0] <= at), self.segments[0])
        return beat + (at - time) * bpm / 60


actions = st.lists(
    st.tuples(
        st.floats(0.02, 0.9),  # seconds since the last one
        st.sampled_from(["start", "stop", "continue", "tempo"]),
        st.integers(0, 64).map(lambda n: n / 4),  # beat
        st.sampled_from([150.0, 200.0, 240.0, 320.0, 400.0]),
    ),
    max_size=6,
)
gaps = st.lists(st.floats(0.003, 0.4), min_size=1, max_size=20)


@pytest.mark.parametrize(("causal", "share"), [(True, 0.0), (False, 0.2)])
@settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(actions=actions, gaps=gaps, bpm=st.sampled_from([200.0, 300.0]))
def test_no_hit_is_lost_or_heard_twice_or_out_of_order_or_out_of_the_beat(causal, share, actions, gaps, bpm):
    rig = window_rig(bpm=bpm) if causal else whole_rig(bpm, share)
    begin = rig.time + 0.01
    rig.send(TransportEvent(begin, "start", 0.0))
    hits = [NoteEvent(begin + at, n % 22, (n + 1) / 32) for n, at in enumerate(np.cumsum(gaps).tolist())]
    rig.send(*hits)
    segments, jumps, tempi = [(begin, 0.0, bpm)], [begin], {bpm}
    at = begin
    for gap, action, beat, tempo in actions:
        at += gap
        if action == "tempo":
            rig.run(at)
            rig.inbox.put(SetTempo(tempo))
            segments.append((at, Host(tuple(segments)).beat(at), tempo))
            tempi.add(tempo)
        else:
            rig.send(TransportEvent(at, action, beat))
            segments.append((at, beat, segments[-1][2]))
            jumps.append(at)
    rig.run(max(at, hits[-1].at) + 4)
    found = recent_hops(rig)
    assert [hit.velocity for _, hit, _ in found] == [hit.velocity for hit in hits]
    assert rig.engine.pending == 0
    assert rig.engine.stats.late_hops == rig.engine.stats.lost_hits == 0
    windows = [window_frames(tempo, RATE) * (1 + share) for tempo in tempi]
    latency = rig.engine.latency
    clicks = rig.clicks() - latency.limiter
    for (frame, _, beat), hit in zip(found, hits, strict=True):
        assert min(windows) - 2 <= frame - live_frame(rig, hit.at) <= max(windows) + 2
        assert np.abs(clicks - frame).min() == 0
        if len(tempi) == 1 and all(abs(jump - hit.at) > 2 * HOP / RATE for jump in jumps):
            assert beat == pytest.approx(Host(tuple(segments)).beat(hit.at), abs=0.01)


def test_a_model_that_looks_ahead_gets_whole_windows_and_the_time_to_render_is_declared():
    rig = whole_rig(bpm=240, share=0.1)
    calls = []
    render = rig.renderer.render
    rig.renderer.render = lambda events: calls.append(events) or render(events)
    begin = rig.time + 0.05
    hits = [NoteEvent(begin + 0.037 * n, n % 22, 0.5) for n in range(80)]
    rig.send(TransportEvent(begin, "start", 0.0), *hits)
    rig.run(begin + 6)
    assert rig.engine.latency.window == 52800
    wanted = [round(rig.device_frame(hit.at) + rig.engine.latency.engine) for hit in hits]
    assert np.abs(rig.clicks() - wanted).max() <= 1
    assert rig.engine.stats.late_hops == rig.engine.stats.lost_hits == 0
    whole = calls[2:]  # without the one before the start
    assert {len(events) for events in whole} <= {187, 188}
    assert all(abs(events[1].beat - 4 * round(events[1].beat / 4)) < 0.05 for events in whole)


def test_settings_change_between_the_windows_of_a_model_that_looks_ahead():
    rig = whole_rig()
    rig.engine._whole._jobs.append(waiting := Future())
    rig.inbox.put(SetKit({"high": 1.0}))
    rig.run(rig.time + 0.1)
    assert rig.renderer.level == 0
    waiting.set_result(np.zeros((0, 2), np.float32))
    rig.run(rig.time + 0.1)
    assert rig.renderer.level == 1


def test_panic_forgets_the_windows_that_were_rendered_and_the_next_ones_are_in_time():
    rig = whole_rig()
    rig.send(NoteEvent(rig.time + 0.05, 0, 0.5), PanicEvent(rig.time + 0.4))
    rig.run(rig.time + 3)
    assert not len(rig.clicks())
    hit = NoteEvent(rig.time + 0.05, 0, 0.5)
    rig.send(hit)
    rig.run(rig.time + 3)
    assert rig.clicks() == pytest.approx([rig.device_frame(hit.at) + rig.engine.latency.engine], abs=1)


def test_a_model_that_looks_ahead_refuses_to_play_live():
    rig = whole_rig()
    rig.inbox.put(SetMode("live"))
    rig.run(rig.time + 0.1)
    assert rig.engine.live.settings.mode == "window"
    assert rig.engine.stats.refused == 1
    with pytest.raises(InputError, match="bundle click renders whole windows and cannot play in mode live"):
        LiveSettings(ClickRenderer(causal=False), Preset(mode="live"))


def test_a_model_that_looks_ahead_and_is_too_slow_is_refused():
    assert measure_share(ClickRenderer()) == 0
    assert measure_share(ClickRenderer(causal=False)) == 0.05
    slow = ClickRenderer(causal=False)
    render = slow.render
    slow.render = lambda events: time.sleep(0.55) or render(events)
    with pytest.raises(InputError, match="too slow to play here"):
        measure_share(slow)


def test_after_the_device_stood_still_windows_are_in_time_again():
    for rig in (window_rig(), whole_rig()):
        begin = rig.time
        rig.stalls = [(begin + 0.5, begin + 4)]
        rig.run(begin + 5)
        hit = NoteEvent(rig.time + 0.05, 0, 0.5)
        rig.send(hit)
        rig.run(rig.time + 3)
        assert rig.clicks() == pytest.approx([rig.device_frame(hit.at) + rig.engine.latency.engine], abs=1)


changes = st.lists(st.tuples(st.integers(0, 60_000), st.floats(0, 64), st.floats(20, 400)), min_size=1, max_size=10)


@settings(max_examples=100, deadline=None)
@given(changes=changes, ahead=st.integers(0, 12_000), bpm=st.floats(20, 400))
def test_windows_of_any_length_keep_the_order_and_play_each_frame_in_the_time_of_its_window(changes, ahead, bpm):
    clock = WindowClock(RATE, 0, 0.0, bpm)
    now, waiting, delays = 0, [], {clock.delay}
    for gap, beat, tempo in changes:
        waiting += [frame + clock.delay for frame in range(now, now + gap, 2999)]
        now += gap
        stretch = clock.begin(now, beat, tempo, now + ahead)
        if stretch:
            moved = [stretch(frame) for frame in waiting]
            assert all(new == old for new, old in zip(moved, waiting, strict=True) if old < now + ahead)
            assert all(new >= now + ahead for new, old in zip(moved, waiting, strict=True) if old >= now + ahead)
            waiting = moved
        delays.add(clock.delay)
        assert waiting == sorted(waiting)
        assert not waiting or waiting[-1] <= now + clock.delay
        assert clock.music(now + clock.delay) == pytest.approx((beat, 60 * RATE / (RATE * 60 / tempo)), rel=2e-3)
        assert len(clock._marks) < 100
    assert clock.delay in {window_frames(tempo, RATE) for tempo in (bpm, *(t for _, _, t in changes))}


def test_a_stretch_moves_nothing_that_was_rendered_and_shifts_what_comes_later():
    slower = Stretch(begin=1000, start=1000, old=1000, new=2000)
    assert [slower(f) for f in (0, 999, 1000, 1500, 1999, 2000, 2500)] == [0, 999, 1000, 2000, 2998, 3000, 3500]
    faster = Stretch(begin=1100, start=1000, old=1000, new=500)
    assert faster.caught_up == 1300
    assert [faster(f) for f in (1099, 1100, 1200, 1300, 1400, 2000)] == [1099, 1100, 1125, 1150, 1200, 1500]
