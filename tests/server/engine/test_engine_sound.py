"""The engine with a real (tiny) bundle: what is heard live is what the file renderer writes."""

import numpy as np
import pytest

from ghostnote.events import NoteEvent, OpennessEvent
from ghostnote.files.preset import Preset
from ghostnote.music.grid import HopEvents
from server.audio.output import NullOutput
from server.engine.engine import Engine
from server.engine.inbox import Inbox
from server.engine.live_settings import LiveSettings
from server.render.bundle import load_renderer
from tests.support.paths import TINY

RATE = 48000
PLAYED = [(0, 0, 0.9), (40, 10, 0.5), (77, 1, 0.7), (77, 12, 0.8), (131, 5, 1.0)]
"""(hop, lane, velocity); each hit lies 7 frames times its lane into its hop."""
HOPS = 220


def heard_live(monkeypatch, block, settings=None, hops=HOPS):
    """The hits through the engine on a device that takes blocks, in simulated time: (hops rendered, sound of them)."""
    now = 0.0
    output = NullOutput(RATE, block)
    renderer, inbox = load_renderer(TINY), Inbox()
    asked: list[HopEvents] = []
    render = renderer.render
    monkeypatch.setattr(renderer, "render", lambda events: asked.extend(events) or render(events))
    engine = Engine(output, inbox, LiveSettings(renderer, settings), now=lambda: now)
    taken = 0

    def take_blocks(until):
        nonlocal now, taken
        while taken * block / RATE <= until:
            now = taken * block / RATE
            output.advance()
            taken += 1
            engine.clock.observe(now, output.consumed())
        now = until

    while not engine.clock.settled:
        take_blocks(taken * block / RATE)
    engine.begin()
    first = round(engine.clock.frame_at(engine.due()) + engine.latency.lead) // engine.hop
    begin = ((first + 4) * engine.hop - engine.latency.engine + engine.latency.window) / RATE
    events = [NoteEvent(begin + (at * engine.hop + 7 * lane + 0.2) / RATE, lane, v) for at, lane, v in PLAYED]
    waiting = [OpennessEvent(begin - 0.2 / RATE, 0.6), *events]
    for _ in range(hops):
        take_blocks(engine.due())
        while waiting and waiting[0].at <= now:
            inbox.put(waiting.pop(0))
        engine.render_hop()
    take_blocks(now + (8192 + 2 * block) / RATE)
    assert engine.stats.late_hops == 0
    assert engine.stats.late_hits == 0
    return asked, output.played()[first * engine.hop : (first + hops) * engine.hop]


@pytest.mark.parametrize("block", [32, 128, 441, 2048])
def test_live_sound_is_the_file_s_within_60_db_for_any_block(block, monkeypatch):
    asked, heard = heard_live(monkeypatch, block)
    struck = [(n - 4, hit.lane, hit.offset) for n, hop in enumerate(asked) for hit in hop.hits]
    assert struck == [(at, lane, 7 * lane) for at, lane, _ in PLAYED]
    wanted = load_renderer(TINY).render(asked)
    assert np.abs(wanted).max() > 0.01
    error = np.sqrt(np.mean((heard - wanted) ** 2)) / np.sqrt(np.mean(wanted**2))
    assert 20 * np.log10(error + 1e-12) < -60


def test_window_sound_is_live_sound_one_window_later_without_a_seam(monkeypatch):
    bpm, delay = 400.0, 28800
    _, live = heard_live(monkeypatch, 128)
    asked, windows = heard_live(monkeypatch, 128, Preset(mode="window", tempo=bpm), HOPS + delay // 256 + 1)
    assert sum(len(hop.hits) for hop in asked) == len(PLAYED)
    wanted = load_renderer(TINY).render(asked)[: len(windows)]
    error = np.sqrt(np.mean((windows - wanted) ** 2)) / np.sqrt(np.mean(wanted**2))
    assert 20 * np.log10(error + 1e-12) < -60
    onset = np.flatnonzero(np.abs(live).max(axis=1) > 0.02)[0]
    later = np.flatnonzero(np.abs(windows).max(axis=1) > 0.02)[0]
    assert abs(later - onset - delay) < 256
