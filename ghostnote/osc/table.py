"""The OSC namespace: one table from which the server, docs/osc.md, the OSCQuery tree and controller layouts follow.

A row is an address with its arguments, how its current value is read from a `ServerSnapshot`, and what a message to
it requests.
"""

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final, Literal

from ghostnote.errors import InputError
from ghostnote.events import (
    ChokeEvent,
    Command,
    Event,
    GrooveCommand,
    LoadBundle,
    NoteEvent,
    OpennessEvent,
    PanicEvent,
    SetDrummer,
    SetFeel,
    SetKit,
    SetMode,
    SetTempo,
    TransportEvent,
    TransportKind,
)
from ghostnote.files.bundle import bundle_folder
from ghostnote.files.preset import (
    FEEL,
    MODES,
    PIECE_ASPECTS,
    TEMPO_BPM,
    dump_preset,
    main_kit,
)
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME, PIECES, lanes_of_piece
from ghostnote.osc.piece_addresses import level_address, pan_address, sound_address
from ghostnote.osc.schema import ROOT, Address, Argument, ServerSnapshot, Values

ERROR: Final = f"{ROOT}/error"
SUBSCRIBE: Final = f"{ROOT}/subscribe"
UNSUBSCRIBE: Final = f"{ROOT}/unsubscribe"
WATCH: Final = f"{ROOT}/watch"
PLAYED: Final = f"{ROOT}/played"
METER: Final = f"{ROOT}/meter"
SPECTRUM: Final = f"{ROOT}/spectrum"
RECORD: Final = f"{ROOT}/record"
PRESET: Final = f"{ROOT}/preset"
PANIC: Final = f"{ROOT}/panic"
GROOVE_PROMPT: Final = f"{ROOT}/groove/prompt"
SETTINGS: Final = f"{ROOT}/settings"
BUNDLE: Final = f"{ROOT}/bundle"
LOADING: Final = f"{ROOT}/loading"
STATUS: Final = f"{ROOT}/status"
SUBSCRIPTION_S: Final = 60.0
"""Seconds after which a subscription expires unless it is renewed."""
MAX_PATTERN: Final = 100
"""Longest address that is looked up, in characters."""


def find(pattern: str) -> tuple[Address, ...]:
    """Rows whose address matches an OSC 1.0 pattern (`*`, `?`, `[ab]`, `[!ab]`, one `{a,b}` per part), in table order.

    Wildcards do not cross `/` and match only rows that have a value: hits, panic and the like must be spelt out. An
    address that matches nothing gives ().
    """
    if pattern in BY_PATH:
        return (BY_PATH[pattern],)
    if len(pattern) > MAX_PATTERN or not any(sign in pattern for sign in "*?[{"):
        return ()
    parts = [_alternatives(part) for part in pattern.split("/")]
    return tuple(row for row in TABLE if row.read and _fits(parts, row.path.split("/")))


def _alternatives(part: str) -> list[str]:
    head, brace, rest = part.partition("{")
    body, _, tail = rest.partition("}")
    return [head + choice + tail for choice in body.split(",")] if brace else [part]


def _fits(parts: list[list[str]], names: list[str]) -> bool:
    return len(parts) == len(names) and all(
        any(fnmatchcase(name, choice) for choice in choices) for choices, name in zip(parts, names, strict=True)
    )


def unknown_address(address: str) -> InputError:
    """The error for an address that is not in the table, with the nearest one."""
    near = get_close_matches(address[:MAX_PATTERN], BY_PATH, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"addresses begin with {ROOT}/"
    return InputError(f"no address {address!r:.80}: {hint}")


def _morph(state: ServerSnapshot, _at: float, args: Values) -> list[Command]:
    kits = [str(kit) for kit in args[1:]] or list(state.settings.kit)
    amount = float(args[0])
    if len(kits) != 2 or kits[0] == kits[1]:
        raise InputError(f"{ROOT}/morph: kits {', '.join(kits) or 'none'}, expected amount and two different kits")
    return [SetKit({kits[0]: 1 - amount, kits[1]: amount})]


def _read_morph(state: ServerSnapshot) -> Values:
    kits = list(state.settings.kit.items())
    if not kits:
        return (0.0, "", "")
    return (kits[-1][1] if len(kits) == 2 else 0.0, kits[0][0], kits[-1][0])


def _hit(_state: ServerSnapshot, at: float, args: Values) -> list[Event]:
    articulation, velocity = (*args, 0.8)[:2]
    return [NoteEvent(at, LANE_OF_NAME[str(articulation)], float(velocity))] if float(velocity) > 0 else []


def _transport(state: ServerSnapshot, at: float, args: Values) -> list[Event]:
    kind: TransportKind = {"start": "start", "stop": "stop", "continue": "continue"}[str(args[0])]  # type: ignore[assignment]
    beat = float(args[1]) if len(args) > 1 else 0.0 if kind == "start" else state.beat
    return [TransportEvent(at, kind, beat)]


def _panic(_state: ServerSnapshot, at: float, args: Values) -> list[Event]:
    return [] if 0.0 in args else [PanicEvent(at)]


def _mode(_state: ServerSnapshot, _at: float, args: Values) -> list[Command]:
    return [SetMode("window" if args[0] == "window" else "live")]


def _bundle(state: ServerSnapshot, _at: float, args: Values) -> list[Command]:
    source = str(args[0])
    return [LoadBundle(source if source == state.settings.bundle else str(bundle_folder(source)))]


def _status(state: ServerSnapshot) -> Values:
    return tuple(item for pair in state.status.items() for item in pair)


def _feel(aspect: Literal["timing", "velocity", "swing"], about: str) -> Address:
    return Address(
        f"{ROOT}/feel/{aspect}",
        about,
        (Argument("amount", "f", *FEEL),),
        lambda s: (s.settings.feel.get(aspect, 0.0),),
        lambda s, at, a: [SetFeel(aspect, float(a[0]))],
        feedback=True,
    )


def _groove(action: Literal["start", "stop", "continue"], about: str) -> Address:
    return Address(
        f"{ROOT}/groove/{action}",
        f"{about} A 0, as a button sends on release, does nothing.",
        (Argument("pressed", "f", 0, 1, optional=True),),
        None,
        lambda s, at, a: [] if 0.0 in a else [GrooveCommand(action)],
    )


_ARTICULATION_NAMES: Final = tuple(a.name for a in ARTICULATIONS)
_KIT: Final = Argument("kit", "s", of_state="kits")

TABLE: Final[tuple[Address, ...]] = (
    Address(
        f"{ROOT}/kit",
        "The current kit; in a morph, the one with the larger share.",
        (_KIT,),
        lambda s: (main_kit(s.settings.kit),),
        lambda s, at, a: [SetKit({str(a[0]): 1.0})],
        feedback=True,
    ),
    Address(
        f"{ROOT}/morph",
        "Between two kits: 0 is all the first, 1 all the second; without names, the two of the current morph.",
        (
            Argument("amount", "f", 0, 1),
            Argument("first", "s", of_state="kits", optional=True),
            Argument("second", "s", of_state="kits", optional=True),
        ),
        _read_morph,
        _morph,
        feedback=True,
    ),
    Address(
        f"{ROOT}/drummer",
        "The drummer whose feel grooves and, if asked for, live hits get, by number (names: /ghostnote/drummers).",
        (Argument("drummer", "i", of_state="drummers"),),
        lambda s: (s.settings.drummer,),
        lambda s, at, a: [SetDrummer(int(a[0]))],
        feedback=True,
    ),
    *(level_address(piece) for piece in PIECES),
    *(pan_address(piece) for piece in PIECES),
    *(sound_address(piece, aspect) for piece in PIECES for aspect in PIECE_ASPECTS),
    _feel("timing", "How loosely live hits are timed; how much of the drummer's timing grooves get. 0 none, 1 all."),
    _feel(
        "velocity", "How unevenly live hits are struck; how much of the drummer's dynamics grooves get. 0 none, 1 all."
    ),
    _feel("swing", "Swing: 0 straight, 1 triplets."),
    Address(
        f"{ROOT}/mode",
        "live: plays after one constant latency; window: four beats at a time, played one window later.",
        (Argument("mode", "s", choices=MODES),),
        lambda s: (s.settings.mode,),
        _mode,
        feedback=True,
    ),
    Address(
        f"{ROOT}/tempo",
        "Tempo while no MIDI clock runs.",
        (Argument("tempo", "f", *TEMPO_BPM, "quarter notes per minute"),),
        lambda s: (s.settings.tempo,),
        lambda s, at, a: [SetTempo(float(a[0]))],
        feedback=True,
    ),
    Address(
        f"{ROOT}/transport",
        "The host's transport; without a beat, start begins at 0 and the others stay where they are.",
        (
            Argument("action", "s", choices=("start", "stop", "continue")),
            Argument("beat", "f", 0, unit="quarter notes", optional=True),
        ),
        lambda s: (s.transport,),
        _transport,
        feedback=True,
        replies="s",
    ),
    Address(f"{ROOT}/beat", "Song position in quarter notes.", (), lambda s: (s.beat,), replies="f"),
    Address(
        f"{ROOT}/hit",
        "Play one hit, now or at the time tag of its bundle; velocity 0 plays nothing, the default is 0.8.",
        (
            Argument("articulation", "s", choices=_ARTICULATION_NAMES),
            Argument("velocity", "f", 0, 1, optional=True),
        ),
        None,
        _hit,
    ),
    Address(
        f"{ROOT}/openness",
        "Hi-hat pedal: 0 closed, 1 open.",
        (Argument("openness", "f", 0, 1),),
        None,
        lambda s, at, a: [OpennessEvent(at, float(a[0]))],
    ),
    Address(
        f"{ROOT}/choke",
        "Grab a ringing piece.",
        (Argument("piece", "s", choices=PIECES),),
        None,
        lambda s, at, a: [ChokeEvent(at, lanes_of_piece(str(a[0]))[0])],
    ),
    Address(
        PANIC,
        "Silence everything at once; never rate-limited. A 0, as a button sends on release, does nothing.",
        (Argument("pressed", "f", 0, 1, optional=True),),
        None,
        _panic,
    ),
    Address(
        GROOVE_PROMPT,
        "Generate grooves from this prompt, such as funk 100 bpm, and play them from the next barline on, a new one "
        "each time; sets the tempo.",
        (Argument("prompt", "s"),),
        lambda s: (s.groove[1],),
        lambda s, at, a: [GrooveCommand("prompt", str(a[0]))],
    ),
    _groove("start", "Play grooves from the last prompt."),
    _groove("stop", "End grooves."),
    _groove("continue", "Listen to what is played live, and continue it after two to four bars."),
    Address(
        f"{ROOT}/groove/state",
        "stopped, listening or playing; the prompt, empty when it continues what was played; the bar, from 1.",
        (),
        lambda s: s.groove,
        feedback=True,
        replies="ssi",
    ),
    Address(
        PRESET,
        "Load a saved preset.",
        (Argument("preset", "s"),),
        lambda s: (s.preset,),
        feedback=True,
        served=True,
    ),
    Address(
        BUNDLE,
        "The current bundle. Another, by name or folder, is loaded in the background and then takes over without a "
        "gap; if it cannot, the current one continues and subscribers are sent the error.",
        (Argument("bundle", "s"),),
        lambda s: (s.settings.bundle,),
        _bundle,
        feedback=True,
    ),
    Address(f"{ROOT}/bundles", "The bundles that ship.", (), lambda s: s.bundles, feedback=True, replies="s..."),
    Address(
        LOADING,
        "The bundle that is being loaded; empty when none is.",
        (),
        lambda s: (s.loading,),
        feedback=True,
        replies="s",
    ),
    Address(f"{ROOT}/kits", "All kits.", (), lambda s: s.kits, feedback=True, replies="s..."),
    Address(f"{ROOT}/drummers", "All drummers.", (), lambda s: s.drummers, feedback=True, replies="s..."),
    Address(
        f"{ROOT}/latency",
        "Frames from a hit's arrival to its sound, and the sample rate [Hz].",
        (),
        lambda s: (s.latency, s.sample_rate),
        feedback=True,
        replies="ii",
    ),
    Address(
        SETTINGS,
        "All settings as the text of a preset file.",
        (),
        lambda s: (dump_preset(s.settings),),
        replies="s",
    ),
    Address(STATUS, "Figures of the engine: name, value, name, value ...", (), _status, replies="s*..."),
    Address(
        SUBSCRIBE,
        f"Send every value now and every change for the next {SUBSCRIPTION_S:g} s to the sender, at another port if "
        "one is given; answered by host, port and seconds once all values are sent.",
        (Argument("port", "i", 1, 65535, optional=True),),
        replies="sif",
        served=True,
    ),
    Address(
        UNSUBSCRIBE,
        "End a subscription.",
        (Argument("port", "i", 1, 65535, optional=True),),
        served=True,
    ),
    Address(
        RECORD,
        "1 or a name: record what is played as WAV and MIDI; 0: stop. Answered by 1 while recording (0 once "
        "the files are complete) and the two files. No file is ever overwritten.",
        (Argument("record", "s", switch=True),),
        lambda s: s.record,
        feedback=True,
        replies="iss",
        served=True,
    ),
    Address(
        WATCH,
        f"1: send every hit, the level and the spectrum of the output for the next {SUBSCRIPTION_S:g} s to the sender, "
        "at another port if one is given; 0: stop.",
        (Argument("watching", "i", 0, 1), Argument("port", "i", 1, 65535, optional=True)),
        served=True,
    ),
    Address(PLAYED, "Sent to watchers: a hit, articulation and velocity 0..1, at its time.", replies="sf"),
    Address(
        METER,
        "Sent to watchers: peaks since the last message, left and right [dBFS], about 25 a second, unless silent.",
        replies="ff",
    ),
    Address(
        SPECTRUM,
        "Sent to watchers: levels [dBFS] of bands of equal width in pitch, 40 Hz to 16 kHz, about 15 times a second; "
        "silent when quiet.",
        replies="f...",
    ),
)
BY_PATH: Final = {row.path: row for row in TABLE}
