"""A map learned from pads reads the pads."""

import tomllib

import pytest
import rtmidi
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bridge.midi.decode import MidiDecoder
from bridge.midi.learn import MapLearner
from bridge.midi.ports import IN_NAME
from cli.main import build_app
from ghostnote.errors import InputError
from ghostnote.events import ChokeEvent, NoteEvent, OpennessEvent
from ghostnote.files.midi_map import load_map, map_names, parse_map
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME
from tests.support.jack import JackServer
from tests.support.waiting import wait_for


def hit(learner, *notes):
    for note in notes:
        learner.receive(bytes((0x99, note, 100, 0x89, note, 0)))
    return learner.fresh()


def test_the_note_hit_most_often_is_learned_and_crosstalk_is_not():
    learner = MapLearner()
    assert learner.learn_note("snare", hit(learner, 38, 36, 38)) == 38
    assert learner.notes == {38: "snare"}


def test_a_note_belongs_to_one_articulation():
    learner = MapLearner()
    learner.learn_note("kick", hit(learner, 36))
    learner.learn_note("kick", hit(learner, 35))
    with pytest.raises(InputError, match="note 36 is already assigned to kick"):
        learner.learn_note("snare", hit(learner, 36))
    assert learner.notes == {36: "kick", 35: "kick"}


def test_nothing_heard_is_told():
    with pytest.raises(InputError, match="no note was received"):
        MapLearner().learn_note("kick", MapLearner().fresh())
    with pytest.raises(InputError, match="nothing to save"):
        MapLearner().text("x")


@pytest.mark.parametrize(
    ("values", "at_open", "at_closed"), [((3, 40, 90, 127, 60, 0), 0, 127), ((120, 60, 5), 120, 5)]
)
def test_the_pedal_is_learned_with_its_polarity(values, at_open, at_closed):
    learner = MapLearner()
    learner.learn_note("kick", hit(learner, 36))
    learner.receive(bytes(byte for value in values for byte in (0xB9, 4, value)))
    learner.receive(bytes((0xB9, 7, 100, 0xB9, 7, 101)))
    assert learner.learn_pedal(learner.fresh()) == 4
    midi_map = learner.map("x")
    assert (midi_map.controller, midi_map.openness(at_open), midi_map.openness(at_closed)) == (4, 1.0, 0.0)


def test_a_controller_that_hardly_moves_is_no_pedal():
    learner = MapLearner()
    learner.receive(bytes((0xB9, 4, 60, 0xB9, 4, 65)))
    assert learner.learn_pedal(learner.fresh()) is None


@given(st.permutations(range(128)).map(lambda notes: notes[: len(ARTICULATIONS)]), st.integers(0, 15))
def test_a_learned_map_plays_every_pad_as_it_was_taught(notes, channel):
    learner = MapLearner()
    for articulation, note in zip(ARTICULATIONS, notes, strict=True):
        learner.receive(bytes((0x90 | channel, note, 90)))
        learner.learn_note(articulation.name, learner.fresh())
    learner.receive(bytes((0xA0 | channel, notes[15], 127)))
    assert learner.learn_choke(learner.fresh())
    midi_map = parse_map(tomllib.loads(learner.text("mine")), "mine", "mine.toml")
    assert midi_map.channel == channel + 1
    decoder = MidiDecoder(midi_map)
    for lane, note in enumerate(notes):
        (event,) = decoder.feed(0, bytes((0x90, note, 127)))
        assert isinstance(event, NoteEvent)
        assert event.lane == lane
    assert decoder.feed(0, bytes((0xA0, notes[15], 127))) == [ChokeEvent(0, 15)]


def test_the_command_learns_a_map_from_a_real_port(jack_name, tmp_path, monkeypatch):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    played = {"kick": (0x90, 11, 90), "hat_open_bow": (0x90, 12, 90), "crash_1": (0x90, 13, 90)}
    pedal = [(0xB0, 4, 0), (0xB0, 4, 70), (0xB0, 4, 127)]
    pads = []

    def answer(_, prompt):
        """Play what the prompt asks for, as a drummer would before pressing Enter."""
        if not pads:
            out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "pads")
            out.open_port(next(i for i, name in enumerate(out.get_ports()) if IN_NAME in name))
            pads.append(out)
        messages = [m for name, m in played.items() if f"[bold]{name}[/bold]" in prompt]
        messages = pedal if "pedal fully" in prompt else messages
        messages = [(0xA0, 13, 127)] if "grab" in prompt else messages
        count = len(arrived) + len(messages)
        for message in messages:
            pads[0].send_message(message)
        wait_for(lambda: len(arrived) >= count) if messages else None
        return ""

    arrived = []
    original = MapLearner.receive

    def receive(self, data):
        original(self, data)
        arrived.append(data)

    monkeypatch.setattr(MapLearner, "receive", receive)
    monkeypatch.setattr("rich.console.Console.input", answer)
    with JackServer(jack_name):
        app = build_app({"map": "cli.setup.map:app"})
        result = CliRunner().invoke(app, ["map", "learn", "pads", "--midi-api", "jack"], catch_exceptions=False)
        pads[0].delete()
    assert result.exit_code == 0, result.output
    assert "pads" in map_names()
    midi_map = load_map("pads")
    assert dict(midi_map.lane_of_note) == {11: 0, 12: LANE_OF_NAME["hat_open_bow"], 13: LANE_OF_NAME["crash_1"]}
    assert MidiDecoder(midi_map).feed(0, bytes((0xB0, 4, 0))) == [OpennessEvent(0, 1.0)]
    assert midi_map.choke_threshold == 64
    again = CliRunner().invoke(app, ["map", "learn", "pads"])
    assert "already exists" in str(again.exception)
    assert "shipped" in str(CliRunner().invoke(app, ["map", "learn", "gm"]).exception)
    shown = CliRunner().invoke(app, ["map", "show", "pads"]).output
    assert "hat_open_bow" in shown
    assert "controller 4, 0 open, 127 closed" in shown
