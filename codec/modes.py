"""What rings steadily in a struck sound: its strongest damped sinusoids, found, quantised and sounded.

A drum head or a cymbal rings at the frequencies of its modes, each dying away exponentially. `find_modes` takes peaks
of a long spectrum, fits frequency and decay of all of them together to the waveform (Gauss-Newton; amplitudes by least
squares) and repeats on what is left. Errors count relative to the sound's own envelope, so a tail matters as much as
an attack, and the first 10 ms, which are no ringing, do not count.

A mode is a row of `MODE_COLUMNS` numbers: angular frequency [rad per frame], decay [1 / frame], and the complex
amplitudes at the stroke's first frame of mid (L + R) / 2 and side (L - R) / 2 as real and imaginary parts:
mid(n) = Re((a + ib) exp((-decay + i frequency) n)).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from codec.bands import SAMPLE_RATE

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Codes = NDArray[np.int16]
Numbers = NDArray[np.floating[Any]]

MOST_MODES: Final = 36
MODE_COLUMNS: Final = 6
ROUNDS: Final = 3
SPECTRUM_FRAMES: Final = 16_384
LONGEST_FRAMES: Final = 40_960
"""So much of a stroke is fitted (0.85 s)."""
SHORTEST_FRAMES: Final = 2_048
"""Shorter sounds have no modes that matter."""
ATTACK_FRAMES: Final = 480
LOWEST_HZ: Final = 40.0
HIGHEST_HZ: Final = 14_000.0
ABOVE_DB: Final = 9.0
"""A peak stands so far above the median of its surroundings."""
T60_SECONDS: Final = (0.02, 20.0)
"""Range of the time in which a mode dies away by 60 dB."""

CODE_SIZES: Final = (8192, 32, 128, 32, 16, 16)
"""Numbers of values of a mode's codes: frequency, decay, level, phase of mid, share of side, phase of side."""
LEVEL_OFFSET_DB: Final = 110
_DECAYS: Final = tuple(np.log(1000) / (SAMPLE_RATE * t60) for t60 in reversed(T60_SECONDS))


def mid_side(audio: Floats) -> Floats:
    """[frames, 2] left, right -> mid, side; a function that undoes itself is `left_right`."""
    return np.stack([audio[:, 0] + audio[:, 1], audio[:, 0] - audio[:, 1]], axis=1) * np.float32(0.5)


def left_right(sound: Floats) -> Floats:
    """[frames, 2] mid, side -> left, right."""
    return np.stack([sound[:, 0] + sound[:, 1], sound[:, 0] - sound[:, 1]], axis=1)


def sound_modes(modes: Doubles, frames: int) -> Floats:
    """The modes from their stroke's beginning on, [frames, 2] mid, side."""
    if not len(modes):
        return np.zeros((frames, 2), np.float32)
    return np.ascontiguousarray((_amplitudes(modes).T @ _oscillations(modes, frames)).real.T)


def find_modes(sound: Floats, most: int = MOST_MODES) -> Doubles:
    """Up to `most` modes of one stroke, [modes, MODE_COLUMNS]; sound [frames, 2] mid, side, the stroke at its start."""
    heard = np.asarray(sound[:LONGEST_FRAMES], np.float32)
    modes = np.zeros((0, MODE_COLUMNS))
    if len(heard) < SHORTEST_FRAMES:
        return modes
    weight, rest = _weight(heard), heard
    for turn in range(1, ROUNDS + 1):
        found = _peaks(rest, modes, min(-(-most // ROUNDS), most - len(modes)))
        if not len(found):
            break
        modes = _fit_amplitudes(heard, np.concatenate([modes, found]), weight)
        for _ in range(3 if turn == ROUNDS else 2):
            modes = _refine(heard, modes, weight)
        rest = heard - sound_modes(modes, len(heard))
    return modes


def encode_modes(sound: Floats, most: int = MOST_MODES) -> Codes:
    """The codes of a stroke's modes, [modes, 6]; sound [frames, 2] mid, side.

    Amplitudes are fitted once more to the frequencies and decays that the codes can say.
    """
    codes = quantise(find_modes(sound, most))
    if len(codes):
        heard = np.asarray(sound[:LONGEST_FRAMES], np.float32)
        codes[:, 2:] = quantise(_fit_amplitudes(heard, dequantise(codes), _weight(heard)))[:, 2:]
    return codes


def quantise(modes: Doubles) -> Codes:
    """Modes -> the nearest codes [modes, 6], 0 <= code < CODE_SIZES."""
    mid, side = _amplitudes(modes).astype(np.complex128).T
    hz = modes[:, 0] * SAMPLE_RATE / (2 * np.pi)
    t60 = np.log(1000) / (modes[:, 1] * SAMPLE_RATE)
    shortest, longest = T60_SECONDS
    columns = (
        (CODE_SIZES[0] - 1) * (np.maximum(hz, 0) / HIGHEST_HZ) ** (2 / 3),
        (CODE_SIZES[1] - 1) * np.log(t60 / shortest) / np.log(longest / shortest),
        20 * np.log10(np.hypot(abs(mid), abs(side)) + 1e-9) + LEVEL_OFFSET_DB,
        np.angle(mid) / (2 * np.pi) * CODE_SIZES[3] % CODE_SIZES[3],
        np.arctan2(abs(side), abs(mid)) / (np.pi / 2) * (CODE_SIZES[4] - 1),
        np.angle(side) / (2 * np.pi) * CODE_SIZES[5] % CODE_SIZES[5],
    )
    codes = np.rint(np.stack(columns, axis=1))
    for phase in (3, 5):
        codes[:, phase] %= CODE_SIZES[phase]
    return np.clip(codes, 0, np.array(CODE_SIZES) - 1).astype(np.int16)


def dequantise(codes: Codes) -> Doubles:
    """Codes [modes, 6] -> modes [modes, MODE_COLUMNS]."""
    place, decay, level, phase, share, side_phase = codes.astype(np.float64).T
    shortest, longest = T60_SECONDS
    omega = 2 * np.pi * HIGHEST_HZ / SAMPLE_RATE * (place / (CODE_SIZES[0] - 1)) ** 1.5
    t60 = shortest * (longest / shortest) ** (decay / (CODE_SIZES[1] - 1))
    amplitude = 10 ** ((level - LEVEL_OFFSET_DB) / 20)
    angle = share / (CODE_SIZES[4] - 1) * np.pi / 2
    mid = amplitude * np.cos(angle) * np.exp(2j * np.pi * phase / CODE_SIZES[3])
    side = amplitude * np.sin(angle) * np.exp(2j * np.pi * side_phase / CODE_SIZES[5])
    return np.stack([omega, np.log(1000) / (SAMPLE_RATE * t60), mid.real, mid.imag, side.real, side.imag], axis=1)


def _amplitudes(modes: Doubles) -> NDArray[np.complex64]:
    """Of mid and side, [modes, 2]."""
    return (modes[:, [2, 4]] + 1j * modes[:, [3, 5]]).astype(np.complex64)


def _oscillations(modes: Doubles, frames: int) -> NDArray[np.complex64]:
    """exp((-decay + i frequency) n), [modes, frames], as products of coarse and fine steps: far fewer exponentials."""
    fine = 256
    rate = (-modes[:, 1] + 1j * modes[:, 0])[:, None]
    coarse_steps = np.exp(rate * np.arange(0, frames, fine)).astype(np.complex64)
    fine_steps = np.exp(rate * np.arange(fine)).astype(np.complex64)
    return (coarse_steps[:, :, None] * fine_steps[:, None]).reshape(len(modes), -1)[:, :frames]


def _weight(heard: Floats) -> Floats:
    """One over the envelope (50 ms, at most 40 dB below its peak), rising from 0 over the attack, [frames], up to 1."""
    envelope = _mean((heard**2).sum(axis=1), SAMPLE_RATE // 20)
    weight = 1 / np.sqrt(envelope + envelope.max() * 1e-4 + 1e-12)
    weight /= weight.max()
    weight[:ATTACK_FRAMES] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(ATTACK_FRAMES) / ATTACK_FRAMES)
    return weight.astype(np.float32)


def _solve(rows: Numbers, target: Numbers, ridge: float) -> Doubles:
    """Least squares: the x [unknowns, ...] for which x.T @ rows is nearest to target [frames, ...]."""
    normal = (rows @ rows.T).astype(np.float64)
    normal[np.diag_indices_from(normal)] *= 1 + ridge
    normal[np.diag_indices_from(normal)] += 1e-9
    return np.asarray(np.linalg.solve(normal, (rows @ target).astype(np.float64)), np.float64)


def _fit_amplitudes(heard: Floats, modes: Doubles, weight: Floats) -> Doubles:
    wave = _oscillations(modes, len(heard))
    rows = np.concatenate([wave.real, -wave.imag]) * weight
    solution = _solve(rows, heard * weight[:, None], 1e-4)
    real, imaginary = solution[: len(modes)], solution[len(modes) :]
    amplitudes = np.stack([real[:, 0], imaginary[:, 0], real[:, 1], imaginary[:, 1]], axis=1)
    return np.concatenate([modes[:, :2], amplitudes], axis=1)


def _refine(heard: Floats, modes: Doubles, weight: Floats) -> Doubles:
    """One Gauss-Newton step of all frequencies (at most 1 Hz) and decays, then the amplitudes anew."""
    wave, amplitudes = _oscillations(modes, len(heard)), _amplitudes(modes)
    rest = (heard - (amplitudes.T @ wave).real.T) * weight[:, None]
    moved = wave * (np.arange(len(heard), dtype=np.float32) * weight)
    slopes = [amplitudes[:, channel, None] * moved for channel in (0, 1)]
    by_decay = np.concatenate([-slope.real for slope in slopes], axis=1)
    by_frequency = np.concatenate([-slope.imag for slope in slopes], axis=1)
    step = _solve(np.concatenate([by_decay, by_frequency]), rest.T.reshape(-1), 0.05)
    faster, higher = step[: len(modes)], step[len(modes) :]
    hertz = 2 * np.pi / SAMPLE_RATE
    decay = modes[:, 1] + np.clip(faster, -0.5 * modes[:, 1], modes[:, 1])
    omega = modes[:, 0] + np.clip(higher, -hertz, hertz)
    changed = np.stack([omega, np.clip(decay, *_DECAYS)], axis=1)
    return _fit_amplitudes(heard, np.concatenate([changed, modes[:, 2:]], axis=1), weight)


def _peaks(rest: Floats, known: Doubles, most: int) -> Doubles:
    """First guesses of up to `most` new modes, amplitudes 0: the strongest peaks, no neighbours and not known."""
    frames = min(SPECTRUM_FRAMES, len(rest))
    size = 4 * frames
    spectrum = np.fft.rfft(rest[:frames] * np.hanning(frames)[:, None], n=size, axis=0)
    power = (np.abs(spectrum) ** 2).sum(axis=1) + 1e-14
    hz = np.arange(len(power)) * SAMPLE_RATE / size
    floor = np.interp(np.arange(len(power)), np.arange(0, len(power), 8), _median(power[::8], 41))
    inner = (power[1:-1] > power[:-2]) & (power[1:-1] >= power[2:])
    tops = np.flatnonzero(inner) + 1
    tops = tops[(hz[tops] > LOWEST_HZ) & (hz[tops] < HIGHEST_HZ) & (power[tops] > floor[tops] * 10 ** (ABOVE_DB / 10))]
    taken = known[:, 0] * SAMPLE_RATE / (2 * np.pi)
    rows: list[tuple[float, ...]] = []
    for top in tops[np.argsort(-power[tops])]:
        if len(rows) >= most:
            break
        near_known = len(taken) and np.abs(taken - hz[top]).min() <= 0.7 * SAMPLE_RATE / frames
        if near_known or any(abs(hz[top] - row[-1]) <= 16 * SAMPLE_RATE / size for row in rows):
            continue
        louder = int(abs(spectrum[top, 1]) > abs(spectrum[top, 0]))
        omega = 2 * np.pi * _vertex(np.log(power[top - 1 : top + 2]), top) / size
        rows.append((omega, _first_decay(rest[:frames, louder], omega), float(hz[top])))
    return np.array([(*row[:2], 0.0, 0.0, 0.0, 0.0) for row in rows]).reshape(-1, MODE_COLUMNS)


def _vertex(three: Doubles, middle: int) -> float:
    """Place of the top of the parabola through three neighbouring values."""
    low, top, high = three
    return float(middle + 0.5 * (low - high) / (low - 2 * top + high + 1e-12))


def _first_decay(channel: Floats, omega: float) -> float:
    """Decay [1 / frame] from the level at `omega` in the first and the second half."""
    half = len(channel) // 2
    shifted = channel[: 2 * half] * np.exp(-1j * omega * np.arange(2 * half))
    early, late = (abs((part * np.hanning(half)).sum()) + 1e-12 for part in (shifted[:half], shifted[half:]))
    return float(np.clip(np.log(early / late) / half, 2e-5, _DECAYS[1]))


def _median(values: Doubles, width: int) -> Doubles:
    """Running median of an odd width, the ends reflected."""
    padded = np.pad(values, width // 2, mode="symmetric")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=-1)


def _mean(values: Floats, width: int) -> Doubles:
    """Running mean, the ends repeated."""
    total = np.concatenate(
        [[0.0], np.cumsum(np.pad(values.astype(np.float64), (width // 2, width - 1 - width // 2), mode="edge"))]
    )
    return (total[width:] - total[:-width]) / width
