"""The one renderer: hits in, drum sound out, by one hop (live) or by many (window, file).

Each piece goes through the networks in a pass of its own, unless there is no time for that (`server.render.passes`); a
pass is one element of the batch, sees only its own lanes of the grid, and has its own state and noise. Levels take
effect at the next hop, kit and drummer, too, or a hop or two later where that is worked out beside
(`server.render.conditioning`). What is rendered does not depend on how the hops are cut into calls. Before its first
hit, and once it has rung (`server.render.decay`), a pass is exact silence and rests; the next hit starts it afresh.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.errors import InputError
from ghostnote.music.articulations import PIECES, lanes_of_piece
from ghostnote.music.grid import GridStream, HopEvents, HopHit, piece_columns
from server.render.conditioning import Conditioning
from server.render.decay import Hops, Rings, fade, fades, ring_hops
from server.render.networks import Condition, Networks
from server.render.noise import GumbelStream
from server.render.passes import Group, level_error_db, share_passes

Audio = NDArray[np.float32]
EVERY_PIECE: Final = HopEvents(tuple(HopHit(lanes_of_piece(piece)[0], 0, 1.0) for piece in PIECES))
"""A hop in which every pass is awake."""
WARM_UP_HOPS: Final = 8
_ROLES: Final = ("predictor", "decoder")


@dataclass(frozen=True)
class _Run:
    """What the passes that are awake sound like over some hops of a call."""

    first: int
    end: int
    passes: list[int]
    sound: Audio
    """[passes, frames, channels]"""


class Renderer:
    """Renders hits through a bundle. Not thread-safe: owned by one thread."""

    def __init__(
        self, networks: Networks, *, seed: int = 0, temperature: float | None = None, beside: bool = False
    ) -> None:
        """`temperature`: for all books, 0 = always the likeliest code; None = the bundle's own.

        `beside`: another kit or drummer takes effect a hop or two later, without making the next hop longer.
        """
        self.manifest = networks.manifest
        self.hop, self.sample_rate, self.channels = (
            self.manifest.hop, self.manifest.sample_rate, self.manifest.channels,
        )  # fmt: skip
        self.kits = tuple(kit.id for kit in self.manifest.kits)
        self.drummers = self.manifest.drummers
        self.causal = self.manifest.causal
        self.provider = networks.provider
        self._networks, self._seed = networks, seed
        codes = self.manifest.codes
        own = codes.temperature if temperature is None else (temperature,) * codes.books
        self._temperature = np.array(own, np.float32)
        first_kit = np.zeros((1, len(self.kits)), np.float32)
        first_kit[0, 0] = 1
        self._conditioning = Conditioning(networks.condition, (first_kit, np.zeros(1, np.int64)), beside=beside)
        no_gains = (0.0,) * len(PIECES)
        self._kit_gains = np.array([np.add(kit.gain_db, kit.piece_db or no_gains) for kit in self.manifest.kits])
        self._levels: dict[str, float] = dict.fromkeys(PIECES, 0.0)
        self._pans: dict[str, float] = dict.fromkeys(PIECES, 0.0)
        self._most_passes: int | None = None
        self._shares = share_passes(self._levels, self._pans)
        self._grid, self._rings, self._ring_hops = GridStream(self.hop), Rings(), ring_hops(self.manifest)
        self._set_passes([one.group for one in self._shares])
        self._gains: tuple[object, Audio] | None = None
        self.reset()

    @property
    def groups(self) -> tuple[Group, ...]:
        """The pieces of each pass of the next hop."""
        return tuple(one.group for one in self._passes)

    def figures(self) -> dict[str, float]:
        """By name: passes of a hop, how many it has time for (0: any number), and the farthest that a level is off."""
        off = level_error_db(self._shares, self._levels, self._pans)
        return {"passes": len(self._shares), "most_passes": self._most_passes or 0, "levels_off_db": round(off, 2)}

    def reset(self) -> None:
        """Silence; every hit is forgotten, the noise starts again. Kit, drummer and levels stay."""
        self._hop_index = 0
        self._rings.reset()
        self._grid.reset()
        self._awake: list[int] = []
        self._states = {role: self._networks.initial_state(role, len(PIECES)) for role in _ROLES}
        self._gain = self.gains

    def close(self) -> bool:
        """Free one of the networks; nothing can be rendered afterwards. False once all are free."""
        self._conditioning.close()
        return self._networks.close()

    def set_kit(self, weights: Mapping[str, float]) -> None:
        """One kit {"tr808": 1} or a morph of several, weights >= 0 (their sum is made 1). Raises InputError."""
        row = np.zeros((1, len(self.kits)), np.float32)
        for kit, weight in weights.items():
            row[0, self.manifest.kit_index(kit)] = weight
        if not (np.isfinite(row).all() and row.min() >= 0 and row.sum() > 0):
            raise InputError(f"kit weights {dict(weights)}: expected numbers >= 0, not all 0")
        self._conditioning.want(row / row.sum(), self._conditioning.wanted[1])

    def set_drummer(self, index: int) -> None:
        """The feel of drummer `index`, 0 .. len(drummers) - 1. Raises InputError."""
        self.manifest.check_drummer(index)
        self._conditioning.want(self._conditioning.wanted[0], np.array([index], np.int64))

    def set_levels(self, levels_db: Mapping[str, float], pans: Mapping[str, float]) -> None:
        """Level [dB] and pan (-1 left .. 1 right, as balance) of pieces; those not named get 0 and the centre.

        Raises InputError for a piece that is not in PIECES, a level above 24 dB (-inf mutes) or a pan beyond -1..1.
        """
        for piece in (*levels_db, *pans):
            if piece not in PIECES:
                raise InputError(f"no piece {piece!r}: there are {', '.join(PIECES)}")
        for piece, level in levels_db.items():
            if isnan(level) or level > 24:
                raise InputError(f"level of {piece} is {level} dB, expected at most 24")
        for piece, pan in pans.items():
            if not -1 <= pan <= 1:
                raise InputError(f"pan of {piece} is {pan}, expected -1..1")
        self._levels = dict.fromkeys(PIECES, 0.0) | dict(levels_db)
        self._pans = dict.fromkeys(PIECES, 0.0) | dict(pans)
        self._regroup()

    def limit_passes(self, most: int | None) -> None:
        """Have pieces share passes until there are at most so many; None: a pass for each."""
        self._most_passes = most
        self._regroup()

    def render(self, events: Sequence[HopEvents]) -> Audio:
        """The next len(events) hops, [len(events) * hop, channels], levels as the network gives them (may exceed 1)."""
        mix = np.zeros((len(events) * self.hop, self.channels), np.float32)
        for run in self._render(events):
            gains, before = self.gains[run.passes], self._gain[run.passes]
            part = mix[run.first * self.hop : run.end * self.hop]
            np.einsum("pfc,pc->fc", run.sound, gains, out=part)
            if run.first == 0 and not np.array_equal(gains, before):
                ramp = np.linspace(1, 0, self.hop, endpoint=False, dtype=np.float32)[:, None]
                part[: self.hop] += ramp * np.einsum("pfc,pc->fc", run.sound[:, : self.hop], before - gains)
        if len(events):
            self._gain = self.gains
        return mix

    def render_groups(self, events: Sequence[HopEvents]) -> Audio:
        """As `render`, but each pass by itself, without level and pan: [groups, frames, channels]."""
        sound = np.zeros((len(self._passes), len(events) * self.hop, self.channels), np.float32)
        for run in self._render(events):
            sound[run.passes, run.first * self.hop : run.end * self.hop] = run.sound
        return sound

    def learn(self, events: Sequence[HopEvents]) -> None:
        """Take in the next hops without sound: the grid knows what rings, the networks are as they were."""
        self._grid.rows(events)
        self._rings.advance(events, self._ring)
        self._hop_index += len(events)

    def _render(self, events: Sequence[HopEvents]) -> list[_Run]:
        """Cut where passes wake up or go to rest; in between, what is awake goes through the networks in one call."""
        condition = self._conditioning.value()
        rows = self._grid.rows(events)
        left, length = self._rings.advance(events, self._ring)
        awake = self._longest(left) > 0
        changes = np.flatnonzero((awake[1:] != awake[:-1]).any(axis=1)) + 1
        runs: list[_Run] = []
        for first, end in zip([0, *changes.tolist()], [*changes.tolist(), len(events)], strict=True):
            passes = self._wake(np.flatnonzero(awake[first]).tolist() if len(events) else [])
            if passes:
                sound = self._run_networks(rows[first:end], condition)
                if fades(left[first:end], length[first:end]):
                    gain = self._longest(fade(left[first:end], length[first:end], self.hop))[:, passes]
                    sound *= gain.swapaxes(0, 1).reshape(len(passes), -1, 1)
                runs.append(_Run(first, end, passes, sound))
            self._hop_index += end - first
        return runs

    def _run_networks(self, rows: Audio, condition: Condition) -> Audio:
        """rows [T, columns] -> [awake passes, T * hop, channels]; carries the states."""
        passes = [self._passes[index] for index in self._awake]
        grid = rows * np.stack([one.columns for one in passes])[:, None]
        if self._temperature.any():
            noise = np.stack([one.noise.draw(self._hop_index, len(rows)) for one in passes])
        else:
            noise = np.zeros((1, 1, self.manifest.codes.books, self.manifest.codes.size), np.float32)
        codes = self._networks.predict(grid, condition, self._temperature, noise, self._states["predictor"])
        return self._networks.decode(codes, self._states["decoder"])

    def _wake(self, passes: list[int]) -> list[int]:
        """Let just these passes be awake, and say in which order they go through the networks.

        Those that were at rest begin from silence.
        """
        for index in [one for one in self._awake if one not in passes]:
            place = self._awake.index(index)
            self._awake[place] = self._awake[-1]
            self._awake.pop()
            for state in self._states.values():
                state.drop(place)
        for index in passes:
            if index not in self._awake:
                self._awake.append(index)
                for state in self._states.values():
                    state.add()
        return list(self._awake)

    def _longest(self, of_pieces: NDArray[Any]) -> NDArray[Any]:
        """[hops, pieces, ...] -> the greatest value of each pass's pieces, [hops, passes, ...]."""
        return np.maximum.reduceat(of_pieces[:, self._pieces], self._starts, axis=1)

    @property
    def _ring(self) -> Hops:
        """Hops that a hit makes each piece ring, by the longest of the kits that play."""
        return self._ring_hops[self._conditioning.choice[0][0] > 0].max(axis=0)

    @property
    def gains(self) -> Audio:
        """Level and pan of each pass as factors, with the gains of the kit that plays, [groups, channels]."""
        choice = self._conditioning.choice
        if self._gains is None or self._gains[0] is not choice:
            self._gains = (choice, self._gains_of(choice[0][0]))
        return self._gains[1]

    def _gains_of(self, kit_weights: Audio) -> Audio:
        rows: list[Audio] = []
        kit_db = kit_weights @ self._kit_gains
        for share, one in zip(self._shares, self._passes, strict=True):
            balance = np.array([min(1, 1 - share.pan), min(1, 1 + share.pan)]) if self.channels == 2 else np.ones(1)
            rows.append((10 ** ((share.level + kit_db[one.pieces].mean()) / 20) * balance).astype(np.float32))
        return np.stack(rows)

    def _set_passes(self, groups: Sequence[Group]) -> None:
        self._passes = [self._make_pass(group) for group in groups]
        self._pieces = [piece for one in self._passes for piece in one.pieces]
        """Of all passes, one after the other, and where those of each start."""
        self._starts = np.cumsum([0, *(len(one.pieces) for one in self._passes[:-1])])

    def _make_pass(self, group: Group) -> "_Pass":
        pieces, codes = [PIECES.index(piece) for piece in group], self.manifest.codes
        return _Pass(group, pieces, piece_columns(group), GumbelStream(self._seed, pieces[0], codes.books, codes.size))

    def _regroup(self) -> None:
        """Make the passes fit levels, pans and how many there may be.

        A new pass continues from the pass that most of its pieces came from, if it is the largest to come from there:
        so nothing that rings is heard twice. The others start from silence, but the grid tells them what still rings.
        """
        self._shares, self._gains = share_passes(self._levels, self._pans, self._most_passes), None
        groups, old = [one.group for one in self._shares], self._passes
        if groups == [one.group for one in old]:
            return
        came_from = {p: index for index, one in enumerate(old) for p in one.group}
        parents = [_commonest([came_from[p] for p in group]) for group in groups]
        heirs = {parent: _largest(groups, parents, parent) for parent in set(parents)}
        self._wake([parent for parent in self._awake if parent in heirs])
        self._set_passes(groups)
        self._awake = [heirs[parent] for parent in self._awake]
        self._gain = self._gain[parents]


@dataclass(frozen=True)
class _Pass:
    """One element of the batch."""

    group: Group
    pieces: list[int]
    """Their places in PIECES."""
    columns: Audio
    """1 for the grid columns it sees, 0 for those of other pieces' lanes, [N_COLUMNS]."""
    noise: GumbelStream


def _commonest(values: list[int]) -> int:
    return max(dict.fromkeys(values), key=values.count)


def _largest(groups: list[Group], parents: list[int], parent: int) -> int:
    return max((i for i, p in enumerate(parents) if p == parent), key=lambda i: len(groups[i]))


def load_renderer(
    bundle: Path,
    *,
    threads: int = 1,
    seed: int = 0,
    temperature: float | None = None,
    provider: str = "cpu",
    beside: bool = False,
) -> Renderer:
    """A renderer for the bundle in a folder, warm: its first hop takes as long as any other.

    `beside`, `seed`, `temperature`: as for Renderer. Raises BundleError, InputError.
    """
    networks = Networks(bundle, threads=threads, provider=provider)
    renderer = Renderer(networks, seed=seed, temperature=temperature, beside=beside)
    for _ in range(WARM_UP_HOPS):
        renderer.render([EVERY_PIECE])
    renderer.reset()
    return renderer
