"""The one renderer: hits in, drum sound out, by one hop (live) or by many (window, file).

Each piece goes through the networks in a pass of its own, unless there is no time for that (`server.sharing`); a pass
is one element of the batch, sees only its own lanes of the grid, and has its own state and noise. Levels take effect at
the next hop, kit and drummer, too, or a hop or two later where that is worked out beside (`server.conditioning`). What
is rendered does not depend on how the hops are cut into calls. Before its first hit, and once `RING_SECONDS` have
passed since its last one, a pass is exact silence and rests; the next hit starts it afresh.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, isnan
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ghostnote.articulations import PIECE_OF_LANE, PIECES, lanes_of_piece
from ghostnote.errors import InputError
from ghostnote.grid import GridStream, HopEvents, HopHit, piece_columns
from server.conditioning import Conditioning
from server.noise import GumbelStream
from server.session import Condition, Networks, State
from server.sharing import Group, off_by, share_passes

Audio = NDArray[np.float32]
RING_SECONDS: Final = 10.0
"""Time after the last hit that a kit may ring; its last tenth is faded."""
WARM_UP_HOPS: Final = 8
_ROLES: Final = ("predictor", "decoder")


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
        self._grid = GridStream(self.hop)
        self._ring_hops = ceil(RING_SECONDS * self.sample_rate / self.hop)
        self._passes = [self._make_pass(one.group) for one in self._shares]
        self.reset()

    @property
    def groups(self) -> tuple[Group, ...]:
        """The pieces of each pass of the next hop."""
        return tuple(one.group for one in self._passes)

    def figures(self) -> dict[str, float]:
        """By name: passes of a hop, how many it has time for (0: any number), and the farthest that a level is off."""
        off = off_by(self._shares, self._levels, self._pans)
        return {"passes": len(self._shares), "most_passes": self._most_passes or 0, "levels_off_db": round(off, 2)}

    def reset(self) -> None:
        """Silence; every hit is forgotten, the noise starts anew. Kit, drummer and levels stay."""
        self._hop_index = 0
        self._since = np.full(len(PIECES), self._ring_hops)
        self._grid.reset()
        self._awake: tuple[int, ...] = ()
        self._states: dict[str, State] = {role: self._networks.initial_state(role, 0) for role in _ROLES}
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
        sound = self.render_groups(events)
        target, start = self.gains, self._gain
        if len(sound) == 1 and np.array_equal(target, start):
            return sound[0] * target[0]
        mix = np.einsum("gfc,gc->fc", sound, target)
        if len(events) and not np.array_equal(target, start):
            ramp = np.linspace(1, 0, self.hop, endpoint=False, dtype=np.float32)[:, None]
            mix[: self.hop] += ramp * np.einsum("gfc,gc->fc", sound[:, : self.hop], start - target)
            self._gain = target
        return mix

    def learn(self, events: Sequence[HopEvents]) -> None:
        """Take in the next hops without sound: the grid knows what rings, the networks are as they were."""
        for one in events:
            self._grid.row(one)
        self._hops_since_hit(events)
        self._hop_index += len(events)

    def render_groups(self, events: Sequence[HopEvents]) -> Audio:
        """As `render`, but each pass by itself, without level and pan: [groups, frames, channels]."""
        condition = self._conditioning.value()
        rows = [self._grid.row(one) for one in events]
        since = self._hops_since_hit(events)
        sound = np.zeros((len(self._passes), len(events) * self.hop, self.channels), np.float32)
        awake = [tuple(np.flatnonzero(one < self._ring_hops).tolist()) for one in since]
        for which, run in groupby(range(len(events)), key=lambda n: awake[n]):
            hops = list(run)
            first, end = hops[0], hops[-1] + 1
            self._wake(which)
            if which:
                part = self._run_networks(np.stack(rows[first:end]), condition)
                part *= self._fade(since[first:end, list(which)])
                sound[list(which), first * self.hop : end * self.hop] = part
            self._hop_index += end - first
        return sound

    def _run_networks(self, rows: Audio, condition: Condition) -> Audio:
        """rows [T, columns] -> [awake passes, T * hop, channels]; carries the states."""
        passes = [self._passes[index] for index in self._awake]
        grid = np.stack([rows * one.columns for one in passes])
        if self._temperature.any():
            noise = np.stack([one.noise.draw(self._hop_index, len(rows)) for one in passes])
        else:
            noise = np.zeros((*grid.shape[:2], self.manifest.codes.books, self.manifest.codes.size), np.float32)
        states = self._states
        codes, states["predictor"] = self._networks.predict(
            grid, condition, self._temperature, noise, states["predictor"]
        )
        audio, states["decoder"] = self._networks.decode(codes, states["decoder"])
        return audio

    def _hops_since_hit(self, events: Sequence[HopEvents]) -> NDArray[np.int64]:
        """For each hop and pass, how many hops ago its last hit was, 0 for a hop with one: [len(events), passes]."""
        since = np.empty((len(events), len(self._passes)), np.int64)
        for row, one in zip(since, events, strict=True):
            self._since += 1
            self._since[[PIECE_OF_LANE[hit.lane] for hit in one.hits]] = 0
            row[:] = [self._since[list(p.pieces)].min() for p in self._passes]
        return since

    def _fade(self, since: NDArray[np.int64]) -> Audio:
        """Gain towards the rest, [passes, hops * hop, 1]: 1 until the last tenth of `RING_SECONDS`, then down to 0."""
        left = self._ring_hops - since.T[..., None] - np.arange(self.hop) / self.hop
        return np.clip(10 * left / self._ring_hops, 0, 1).astype(np.float32).reshape(since.shape[1], -1, 1)

    def _wake(self, passes: tuple[int, ...]) -> None:
        """Keep the states of just these passes; those that were at rest begin from silence."""
        if passes == self._awake:
            return
        kept = [index for index in passes if index in self._awake]
        for role, state in self._states.items():
            fresh = self._networks.initial_state(role, len(passes))
            for new, old in zip(fresh, state, strict=True):
                new[[passes.index(index) for index in kept]] = old[[self._awake.index(index) for index in kept]]
            self._states[role] = fresh
        self._awake = passes

    @property
    def gains(self) -> Audio:
        """Level and pan of each pass as factors, with the gains of the kit that plays, [groups, channels]."""
        rows: list[Audio] = []
        kit_db = self._conditioning.choice[0][0] @ self._kit_gains
        for one, own in zip(self._shares, self._passes, strict=True):
            balance = np.array([min(1, 1 - one.pan), min(1, 1 + one.pan)]) if self.channels == 2 else np.ones(1)
            rows.append((10 ** ((one.level + kit_db[list(own.pieces)].mean()) / 20) * balance).astype(np.float32))
        return np.stack(rows)

    def _make_pass(self, group: Group) -> "_Pass":
        codes = self.manifest.codes
        pieces = tuple(PIECES.index(piece) for piece in group)
        return _Pass(group, pieces, piece_columns(group), GumbelStream(self._seed, pieces[0], codes.books, codes.size))

    def _regroup(self) -> None:
        """Make the passes fit levels, pans and how many there may be.

        A new pass goes on from the pass that most of its pieces came from, if it is the largest to come from there:
        so nothing that rings is heard twice. The others start from silence, but the grid tells them what still rings.
        """
        self._shares = share_passes(self._levels, self._pans, self._most_passes)
        groups, old = [one.group for one in self._shares], self._passes
        if groups == [one.group for one in old]:
            return
        came_from = {p: index for index, one in enumerate(old) for p in one.group}
        parents = [_commonest([came_from[p] for p in group]) for group in groups]
        heirs = {parent: _largest(groups, parents, parent) for parent in set(parents)}
        self._wake(tuple(parent for parent in self._awake if parent in heirs))
        self._passes = [self._make_pass(group) for group in groups]
        self._awake = tuple(heirs[parent] for parent in self._awake)
        self._gain = self._gain[parents]


@dataclass(frozen=True)
class _Pass:
    """One element of the batch."""

    group: Group
    pieces: tuple[int, ...]
    """The same as places in PIECES."""
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
    every = tuple(HopHit(lanes_of_piece(piece)[0], 0, 1.0) for piece in PIECES)
    for _ in range(WARM_UP_HOPS):
        renderer.render([HopEvents(every)])
    renderer.reset()
    return renderer
