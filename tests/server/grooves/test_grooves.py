"""Grooves that are made up while the server plays: by a clock of the test's own, with drummers that play by rule."""

import dataclasses

import mido
import numpy as np
import pytest

from ghostnote.errors import InputError, MissingError
from ghostnote.events import GrooveCommand, NoteEvent, PanicEvent, SetTempo, TransportEvent
from ghostnote.files.midi_map import load_map
from ghostnote.files.preset import Preset
from ghostnote.music.performance import Performance, make_hits
from server.engine.transport import Transport
from server.grooves.grooves import AHEAD_SECONDS, Grooves
from server.grooves.sources import GrooveFolder

PROMPT = GrooveCommand("prompt", "funk")
STEP = 0.02


@dataclasses.dataclass(frozen=True)
class Request:
    bpm: float = 120.0
    bars: int = 2
    meter: tuple[int, int] = (4, 4)
    name: str = "funk"


class Late:
    """A drummer who plays everything an eighth of a quarter note late and at full force."""

    def play(self, performance, start=0.0):
        hits = performance.hits.copy()
        hits["time"] += 60 / performance.bpm / 8
        hits["velocity"] = 1.0
        return dataclasses.replace(performance, hits=hits)


class Models:
    """Plays one kick on every quarter note; the velocity tells the groove, 0.1 the first."""

    def __init__(self, request=Request(), take=None):
        self.request, self.taken, self.missing = request, take, ()
        self.history = []

    def check(self, action):
        if action in self.missing:
            raise MissingError("no model")

    def parse(self, prompt):
        if prompt == "blah":
            raise InputError("prompt 'blah': 'blah' is not understood")
        return self.request

    def generate(self, request, bpm, seed):
        return quarters(request.bars, bpm, 0.1 * (seed + 1), request.meter)

    def play_on(self, performance, drummer, seed):
        self.history.append(performance)
        return quarters(1, performance.bpm, 0.1 * (seed + 1))

    def take(self, drummer, style):
        return self.taken


def quarters(bars, bpm, velocity, meter=(4, 4)):
    beats = bars * meter[0] * 4 // meter[1]
    hits = make_hits([(n * 60 / bpm, 0, min(1.0, velocity)) for n in range(beats)])
    return Performance(hits, bpm=bpm, meter=meter, duration=beats * 60 / bpm)


class Rig:
    """The drummer with a transport, a clock and a record of what was sent; commands take effect at once."""

    def __init__(self, models=None, folder=None):
        self.time, self.transport, self.sent, self.settings = 100.0, Transport(), [], Preset()
        self.transport.transport(TransportEvent(0.0, "stop", 0.0))
        self.models = models or Models()
        self.grooves = Grooves(
            self.models, self.play, lambda: self.transport, lambda: self.settings, folder, lambda: self.time
        )
        self.do = self.grooves.do

    def play(self, item):
        self.sent.append((self.time, item))
        if isinstance(item, SetTempo):
            self.transport.set_tempo(self.time, item.bpm)
        elif isinstance(item, TransportEvent):
            self.transport.transport(item)

    def run(self, seconds, *, working=True):
        for _ in range(round(seconds / STEP)):
            while working and self.grooves.work():
                pass
            self.grooves.tick()
            self.time += STEP

    @property
    def hits(self):
        return [item for _, item in self.sent if isinstance(item, NoteEvent)]

    @property
    def beats(self):
        return [self.transport.reached(hit.at) for hit in self.hits]


def test_bars_follow_each_other_without_gap_and_overlap():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(20)
    assert np.allclose(np.diff([hit.at for hit in rig.hits]), 0.5)
    assert rig.beats[0] == pytest.approx(0)
    assert [round(hit.velocity, 1) for hit in rig.hits[:24]] == [0.1] * 8 + [0.2] * 8 + [0.3] * 8
    assert rig.grooves.late_bars == 0


def test_every_hit_is_sent_ahead_of_its_time_but_hardly_more_than_needed():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(10)
    leads = [item.at - at for at, item in rig.sent if isinstance(item, NoteEvent)]
    assert 0.05 < min(leads) <= max(leads) <= AHEAD_SECONDS + 1e-9


def test_the_tempo_of_the_prompt_is_set_and_the_transport_started_and_stopped_with_the_groove():
    rig = Rig(Models(Request(bpm=90.0)))
    rig.do(PROMPT)
    rig.run(5)
    assert rig.transport.bpm == 90.0
    assert rig.transport.playing
    assert rig.grooves.state == ("playing", "funk", 2)
    rig.do(GrooveCommand("stop"))
    assert not rig.transport.playing
    assert rig.grooves.state == ("stopped", "funk", 0)


def test_after_a_stop_nothing_more_is_sent():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(3.3)
    rig.do(GrooveCommand("stop"))
    before = len(rig.hits)
    rig.run(5)
    assert len(rig.hits) == before
    assert rig.hits[-1].at <= rig.time - 5 + AHEAD_SECONDS


def test_hits_follow_a_change_of_tempo_and_stay_on_the_beat():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(5)
    rig.transport.set_tempo(rig.time, 60.0)
    changed = rig.time
    rig.run(10)
    later = [hit.at for hit in rig.hits if hit.at > changed + AHEAD_SECONDS]
    assert np.allclose(np.diff(later), 1.0)
    assert np.allclose(np.array([rig.transport.reached(at) for at in later]) % 1, 0)


def test_a_playing_transport_is_joined_at_its_next_barline():
    rig = Rig()
    rig.transport.transport(TransportEvent(rig.time, "start", 1.5))
    rig.do(GrooveCommand("prompt", "funk"))
    rig.run(4)
    assert rig.beats[0] == pytest.approx(4)
    assert not any(isinstance(item, TransportEvent) for _, item in rig.sent)


def test_a_new_prompt_takes_over_at_a_barline():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(2.6)
    rig.models.request = Request(bars=1, meter=(3, 4), bpm=120.0)
    rig.models.generate = lambda request, bpm, seed: quarters(1, bpm, 0.9, (3, 4))
    rig.do(PROMPT)
    rig.run(10)
    new = [beat for beat, hit in zip(rig.beats, rig.hits, strict=True) if hit.velocity > 0.85]
    assert np.allclose(np.diff(rig.beats), 1)
    assert new[0] % 4 == pytest.approx(0)
    assert new[0] <= 8


def test_the_new_tempo_of_a_prompt_begins_with_its_first_bar():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(1.0)
    rig.models.request = Request(bpm=60.0, bars=1)
    asked = []
    make = rig.models.generate
    rig.models.generate = lambda request, bpm, seed: asked.append(bpm) or make(request, bpm, seed)
    rig.do(PROMPT)
    rig.run(12)
    assert set(asked) == {60.0}
    (change,) = [at for at, item in rig.sent if isinstance(item, SetTempo) and item.bpm == 60.0]
    begin = next(hit.at for hit in rig.hits)
    assert (change - begin) / 2.0 == pytest.approx(round((change - begin) / 2.0), abs=0.02)


def test_a_bar_that_is_late_is_replaced_by_the_one_before_and_counted():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(1)
    rig.run(10, working=False)
    assert np.allclose(np.diff([hit.at for hit in rig.hits]), 0.5)
    assert rig.grooves.late_bars == 3


def test_a_jump_of_the_host_goes_on_at_the_next_barline():
    rig = Rig()
    rig.transport.transport(TransportEvent(rig.time, "start", 0.0))
    rig.do(PROMPT)
    rig.run(4.3)
    event = TransportEvent(rig.time, "continue", 41.0)
    rig.transport.transport(event)
    rig.grooves.on_event(event)
    before = len(rig.hits)
    rig.run(5)
    assert rig.beats[before] == pytest.approx(44)
    assert np.allclose(np.diff(rig.beats[before:]), 1)


@pytest.mark.parametrize("event", [TransportEvent(0.0, "stop", 0.0), PanicEvent(0.0)])
def test_the_groove_ends_with_the_hosts_transport_and_at_a_panic(event):
    rig = Rig()
    rig.do(PROMPT)
    rig.run(1)
    rig.grooves.on_event(event)
    assert rig.grooves.state[0] == "stopped"


def test_what_the_drummer_adds_is_scaled_by_the_settings_feel():
    rig = Rig(Models(take=Late()))
    for amount in (0.0, 0.5, 1.0):
        rig.settings = Preset(feel={"timing": amount, "velocity": amount})
        rig.do(PROMPT)
        before = len(rig.hits)
        rig.run(1.0)
        rig.do(GrooveCommand("stop"))
        hit = rig.hits[before]
        assert hit.performed
        assert (rig.transport.reached(hit.at) % 1) == pytest.approx(amount / 8, abs=1e-6)
        assert hit.velocity == pytest.approx(0.1 + amount * 0.9)


def test_without_a_drummer_the_hits_are_not_marked_as_performed():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(1)
    assert not rig.hits[0].performed


def play_in(rig, beats, velocity=0.7):
    """Somebody plays quarter notes from now on."""
    for _ in range(beats):
        rig.grooves.on_event(NoteEvent(rig.time, 2, velocity))
        rig.run(60 / rig.transport.bpm)


@pytest.mark.parametrize("early", [True, False])
def test_it_plays_on_from_the_barline_after_two_bars_that_were_played_in(early):
    rig = Rig()
    begin = rig.time
    if early:
        rig.do(GrooveCommand("continue"))
        assert rig.grooves.state == ("listening", "", 0)
    play_in(rig, 8)
    if not early:
        rig.do(GrooveCommand("continue"))
    rig.run(6)
    assert rig.hits[0].at == pytest.approx(begin + 4.0, abs=1e-6)
    assert np.allclose(np.diff([hit.at for hit in rig.hits]), 0.5)
    assert rig.grooves.state[0] == "playing"
    first = rig.models.history[0]
    assert first.duration == pytest.approx(4.0)
    assert np.allclose(first.hits["time"], np.arange(8) * 0.5)
    assert set(rig.models.history[-1].hits["lane"]) == {0}


def test_with_one_bar_it_goes_on_listening():
    rig = Rig()
    rig.do(GrooveCommand("continue"))
    play_in(rig, 4)
    rig.run(6)
    assert rig.grooves.state[0] == "listening"
    assert not rig.hits


def test_it_hears_four_bars_at_most_and_those_of_a_running_transport():
    rig = Rig()
    rig.transport.transport(TransportEvent(rig.time, "start", 0.0))
    play_in(rig, 24)
    rig.do(GrooveCommand("continue"))
    rig.run(1)
    assert rig.models.history[0].duration == pytest.approx(8.0)
    assert rig.beats[0] % 1 == pytest.approx(0)
    assert rig.beats[0] >= 24


def test_wrong_words_a_missing_model_and_a_start_without_words_are_refused_and_change_nothing():
    rig = Rig()
    with pytest.raises(InputError, match="send /ghostnote/groove/prompt"):
        rig.do(GrooveCommand("start"))
    with pytest.raises(InputError, match="'blah' is not understood"):
        rig.do(GrooveCommand("prompt", "blah"))
    rig.models.missing = ("continue",)
    with pytest.raises(MissingError, match="no model"):
        rig.do(GrooveCommand("continue"))
    assert rig.grooves.state == ("stopped", "", 0)


def test_start_plays_the_last_prompt_again_at_the_present_tempo():
    rig = Rig()
    rig.do(PROMPT)
    rig.run(1)
    rig.do(GrooveCommand("stop"))
    rig.transport.set_tempo(rig.time, 75.0)
    rig.do(GrooveCommand("start"))
    before = len(rig.hits)
    rig.run(3)
    assert rig.transport.bpm == 75.0
    assert np.allclose(np.diff([hit.at for hit in rig.hits[before:]]), 0.8)


def test_a_fault_while_making_up_ends_the_groove_and_is_told():
    rig = Rig()

    def fail(*_):
        raise InputError("too slow")

    rig.models.generate = fail
    rig.do(PROMPT)
    rig.run(1)
    assert rig.grooves.state[0] == "stopped"
    assert rig.grooves.fault == "too slow"


def test_every_groove_is_written_to_the_folder_and_nothing_there_is_overwritten(tmp_path):
    (tmp_path / "grooves").mkdir()
    mine = tmp_path / "grooves" / "funk-120bpm-001.mid"
    mine.write_text("mine")
    rig = Rig(folder=GrooveFolder(tmp_path / "grooves", load_map("gm")))
    rig.do(PROMPT)
    rig.run(9)
    assert mine.read_text() == "mine"
    files = sorted(path.name for path in mine.parent.iterdir())
    assert files[:3] == ["funk-120bpm-001.mid", "funk-120bpm-002.mid", "funk-120bpm-003.mid"]
    assert sum(m.type == "note_on" and m.velocity > 0 for m in mido.MidiFile(mine.parent / files[1])) == 8


def test_what_was_played_on_is_written_when_it_ends(tmp_path):
    rig = Rig(folder=GrooveFolder(tmp_path, load_map("gm")))
    rig.do(GrooveCommand("continue"))
    play_in(rig, 8)
    rig.run(4)
    assert not list(tmp_path.iterdir())
    rig.do(GrooveCommand("stop"))
    rig.grooves.work()
    (path,) = tmp_path.iterdir()
    assert path.name == "continued-120bpm-001.mid"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be created"):
        GrooveFolder(tmp_path / "file" / "grooves", load_map("gm"))
