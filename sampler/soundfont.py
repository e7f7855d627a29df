"""Any SoundFont's drum preset as a `Kit`: every note rendered alone through FluidSynth at a few velocities.

Needs the optional package pyfluidsynth and the FluidSynth library of the system.
"""

import struct
from ctypes import c_int, c_void_p
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError, MissingError
from ghostnote.files.midi_map import MidiMap, load_map
from ghostnote.music.articulations import ARTICULATIONS, CYMBAL_LANES, HAT_LANES, LANE_OF_NAME, N_LANES, lanes_of_piece
from kits.layers import LAYER, MAX_VELOCITY, KitSummary
from sampler.kit import SAMPLE_RATE, Kit

DRUM_BANK: Final = 128
REFERENCE_VELOCITIES: Final = (25, 51, 76, 102, 127)
DRUM_SECONDS: Final = 2.5
CYMBAL_SECONDS: Final = 4.0
ATTACK_DB: Final = -60
"""A sound begins where it comes this close to its peak [dB]; anything more than 1 ms before that is cut."""
TAIL_DB: Final = -66
"""A sound ends where it stays this far below its peak [dB]."""
LEAD_S: Final = 0.001
FADE_S: Final = 0.05
LOUDNESS_S: Final = 0.15
KIT_PEAK_DB: Final = -3.0
"""Peak of the louder of kick and snare [dBFS], as in the kits of recorded files."""
CUT_FADE_S: Final = 0.25
"""Fade of a sound that still rings where its time is over."""
SILENCE: Final = 1e-5
"""A stroke whose peak stays below this makes no sound."""
_CHANNEL: Final = 9
_CHUNK: Final = 4800
_BUFFER: Final = (("out", c_void_p), ("off", c_int), ("incr", c_int))

_Stroke = tuple[int, NDArray[np.float32]]
"""Velocity 1..127 and its sound, float32 [frames, 2]."""


def load_soundfont(
    path: Path, *, program: int = 0, midi_map: MidiMap | None = None, sample_rate: int = SAMPLE_RATE
) -> Kit:
    """The drum preset `program` (bank 128) of the SoundFont `path` as a kit at `sample_rate`.

    `midi_map` gives the note of every articulation, default General MIDI. Articulations that the map or the preset
    lacks play the first one of their piece that sounds. Raises MissingError for a missing file, package or library,
    InputError for a file that is not a SoundFont, a missing preset or a piece that makes no sound.
    """
    path = Path(path)
    info = read_info(path)
    midi_map = midi_map or load_map("gm")
    with _Synth(path, sample_rate) as synth:
        preset = synth.select(program)
        strokes = _render(synth, midi_map, sample_rate)
    notes = [_note_of_lane(lane, midi_map, strokes) for lane in range(N_LANES)]
    playable = [note for note in notes if note is not None]
    if len(playable) < N_LANES:
        silent = dict.fromkeys(ARTICULATIONS[lane].piece for lane, note in enumerate(notes) if note is None)
        raise InputError(f"{path}: preset {program} ({preset}) has no sound for {', '.join(silent)}")
    kit_info = KitSummary(
        id=path.stem if program == 0 else f"{path.stem}_{program}",
        name=f"{info.get('INAM') or path.stem}: {preset}",
        character=f"SoundFont {path.name}, drum preset {program}",
        licence=info.get("ICOP") or "not stated in the SoundFont",
        author=info.get("IENG") or "not stated in the SoundFont",
    )
    return _assemble(kit_info, playable, strokes, sample_rate)


def read_info(path: Path) -> dict[str, str]:
    """The texts of a SoundFont's INFO list by chunk name (INAM name, IENG author, ICOP copyright, ...).

    Raises MissingError for a missing file, InputError for one that is not a SoundFont (RIFF form "sfbk").
    """
    try:
        with path.open("rb") as file:
            head = file.read(20)
            if len(head) < 20 or head[:4] != b"RIFF" or head[8:16] != b"sfbkLIST":
                raise InputError(f"{path} is not a SoundFont: expected a RIFF file of the form 'sfbk'")
            body = file.read(struct.unpack_from("<I", head, 16)[0])
    except OSError as error:
        raise MissingError(f"cannot read the SoundFont {path}: {error.strerror}") from error
    texts: dict[str, str] = {}
    at = 4  # after the list's own name
    while at + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, at)
        value = body[at + 8 : at + 8 + size].split(b"\0")[0]
        if name.isupper():  # the others are version numbers
            texts[name.decode("latin-1")] = value.decode("latin-1").strip()
        at += 8 + size + size % 2
    return texts


class _Synth:
    """FluidSynth with one SoundFont, dry, rendering single notes. A context manager."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._path = path
        module = _fluidsynth()
        options = {"synth.reverb.active": 0, "synth.chorus.active": 0}
        self._synth = module.Synth(gain=0.5, samplerate=float(sample_rate), channels=16, **options)
        self._write = _float_writer(module)
        self._font = self._synth.sfload(str(path))
        if self._font < 0:
            self._synth.delete()
            raise InputError(f"{path}: FluidSynth cannot read this SoundFont")

    def __enter__(self) -> "_Synth":
        return self

    def __exit__(self, *_: object) -> None:
        self._synth.delete()

    def select(self, program: int) -> str:
        """Take the drum preset `program`; its name."""
        if name := self._name(program):
            self._synth.program_select(_CHANNEL, self._font, DRUM_BANK, program)
            return name
        found = [f"{number} ({name})" for number in range(128) if (name := self._name(number))]
        raise InputError(f"{self._path}: no drum preset {program}; found: {', '.join(found) or 'none'}")

    def note(self, note: int, velocity: int, frames: int) -> NDArray[np.float32]:
        """One stroke rendered from silence: float32 [up to `frames`, 2], shorter where all has died away."""
        self._synth.all_sounds_off(_CHANNEL)
        self._samples(_CHUNK)
        self._synth.noteon(_CHANNEL, note, velocity)
        parts: list[NDArray[np.float32]] = []
        while len(parts) * _CHUNK < frames and (not parts or self._synth.get_active_voice_count()):
            parts.append(self._samples(_CHUNK))
        return np.concatenate(parts)[:frames]

    def _name(self, program: int) -> str:
        return self._synth.sfpreset_name(self._font, DRUM_BANK, program) or ""

    def _samples(self, frames: int) -> NDArray[np.float32]:
        out = np.empty((frames, 2), np.float32)
        self._write(self._synth.synth, frames, out.ctypes.data, 0, 2, out.ctypes.data, 1, 2)
        return out


def _render(synth: _Synth, midi_map: MidiMap, sample_rate: int) -> dict[int, list[_Stroke]]:
    """Strokes by note at rising REFERENCE_VELOCITIES, trimmed; notes that make no sound are left out."""
    strokes: dict[int, list[_Stroke]] = {}
    for lane, note in sorted(midi_map.note_of_lane.items()):
        if note in strokes:
            continue
        seconds = CYMBAL_SECONDS if lane in CYMBAL_LANES + HAT_LANES else DRUM_SECONDS
        rendered = ((v, synth.note(note, v, round(seconds * sample_rate))) for v in REFERENCE_VELOCITIES)
        if sounding := [(v, _trim(sound, sample_rate)) for v, sound in rendered if np.abs(sound).max() > SILENCE]:
            strokes[note] = sounding
    return strokes


def _trim(sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Cut what lies before the attack and after the audible tail of float32 [frames, 2], and fade the end."""
    level = np.abs(sound).max(axis=1)
    first = int(np.argmax(level > level.max() * 10 ** (ATTACK_DB / 20)))
    last = len(level) - int(np.argmax(level[::-1] > level.max() * 10 ** (TAIL_DB / 20)))
    cut = sound[max(0, first - round(LEAD_S * sample_rate)) : last].copy()
    fade = min(len(cut), round((FADE_S if last < len(sound) else CUT_FADE_S) * sample_rate))
    cut[len(cut) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return cut


def _note_of_lane(lane: int, midi_map: MidiMap, strokes: dict[int, list[_Stroke]]) -> int | None:
    """The note that `lane` plays: its own, or the first of its piece that sounds."""
    candidates = (midi_map.note_of_lane.get(other) for other in (lane, *lanes_of_piece(ARTICULATIONS[lane].piece)))
    return next((note for note in candidates if note in strokes), None)


def _assemble(info: KitSummary, notes: list[int], strokes: dict[int, list[_Stroke]], sample_rate: int) -> Kit:
    """The kit whose lanes play `notes` [N_LANES]."""
    loudest = max(np.abs(strokes[notes[LANE_OF_NAME[name]]][-1][1]).max() for name in ("kick", "snare"))
    gain = np.float32(10 ** (KIT_PEAK_DB / 20) / loudest)
    samples: list[NDArray[np.float32]] = []
    first_stroke: dict[int, int] = {}
    for note in dict.fromkeys(notes):
        first_stroke[note] = len(samples)
        samples += [sound * gain for _, sound in strokes[note]]
    rows: list[tuple[float, ...]] = []
    for lane, note in enumerate(notes):
        low = 1
        for number, (velocity, _) in enumerate(strokes[note]):
            sample = first_stroke[note] + number
            high = MAX_VELOCITY if number == len(strokes[note]) - 1 else velocity
            rows.append((lane, low, high, velocity, _loudness_db(samples[sample], sample_rate), 0.0, sample, 1))
            low = velocity + 1
    return Kit(info, sample_rate, np.array(rows, LAYER), tuple(samples), (HAT_LANES,))


def _loudness_db(sound: NDArray[np.float32], sample_rate: int) -> float:
    """RMS of the first LOUDNESS_S of the louder channel [dBFS]."""
    power = np.square(sound[: round(LOUDNESS_S * sample_rate)]).mean(axis=0).max()
    return float(10 * np.log10(power))


def _fluidsynth() -> Any:
    """The pyfluidsynth module. Raises MissingError saying what to install."""
    try:
        import fluidsynth
    except ModuleNotFoundError as error:
        raise MissingError(
            "SoundFonts need the package pyfluidsynth, which is not installed: pip install 'ghostnote[soundfont]'"
        ) from error
    except (ImportError, OSError) as error:
        raise MissingError(
            "SoundFonts need the FluidSynth library, which was not found: apt install libfluidsynth3, "
            "brew install fluid-synth, or https://www.fluidsynth.org for Windows"
        ) from error
    return fluidsynth


def _float_writer(module: Any) -> Any:
    """`fluid_synth_write_float` of the C library, which pyfluidsynth leaves out; its 16-bit output would clip."""
    buffer = [(f"{side}{name}", kind, 1) for side in "lr" for name, kind in _BUFFER]
    return module.cfunc("fluid_synth_write_float", c_int, ("synth", c_void_p, 1), ("len", c_int, 1), *buffer)
