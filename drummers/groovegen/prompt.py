"""What to play, in words: `parse("brushed jazz 140 bpm, sparse, 8 bars with a fill")`; grammar in docs/drummers.md.

Words are read by tables; a word that is nearly one of a table is taken for it and named in `GrooveRequest.remarks`; any
other unknown word is named with the nearest known one in an InputError.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final

from drummers.common.styles import STYLES
from drummers.groovegen.features import METERS
from ghostnote.errors import InputError
from ghostnote.music.articulations import ARTICULATIONS, LANE_OF_NAME, lanes_of_piece

SLOWEST: Final = 40.0
FASTEST: Final = 300.0
MOST_BARS: Final = 64
USUAL_BPM: Final = {
    "afrobeat": 110, "afrocuban": 110, "blues": 90, "country": 110, "dance": 120, "funk": 100, "gospel": 115,
    "highlife": 120, "hiphop": 90, "jazz": 140, "latin": 110, "middleeastern": 100, "neworleans": 95, "pop": 115,
    "punk": 170, "reggae": 80, "rock": 115, "soul": 100,
}  # fmt: skip
"""Tempo where the prompt names none."""


@dataclass(frozen=True)
class GrooveRequest:
    """What a groove shall be. Knobs that are None are left to the style."""

    styles: dict[str, float] = field(default_factory=lambda: {"rock": 1.0})
    """Weights of one style or of two, which add up to 1."""
    bpm: float = 115.0
    bars: int = 4
    meter: tuple[int, int] = (4, 4)
    density: float | None = None
    """-1 as sparse as the style gets, 1 as dense."""
    intensity: float | None = None
    """-1 as soft as the style gets, 1 as hard."""
    swing: float | None = None
    """Where the second of two notes falls: 0.5 straight, 0.667 triplets, at most 0.75."""
    swing_note: int = 8
    """Of two eighths (8) or two sixteenths (16)."""
    fill: bool = False
    """The last bar is a fill."""
    without: frozenset[int] = frozenset()
    """Lanes that are not played."""
    remarks: tuple[str, ...] = ()
    """How words that needed it were understood."""
    text: str = ""

    @property
    def name(self) -> str:
        """The styles in one word."""
        return "-".join(self.styles)


_SAME_STYLE: Final = {
    "afro beat": "afrobeat", "afro cuban": "afrocuban", "hip hop": "hiphop", "rap": "hiphop", "boom bap": "hiphop",
    "middle eastern": "middleeastern", "arabic": "middleeastern", "new orleans": "neworleans",
    "second line": "neworleans", "secondline": "neworleans", "swing jazz": "jazz", "bebop": "jazz", "bop": "jazz",
    "bossa": "latin", "bossa nova": "latin", "bossanova": "latin", "samba": "latin", "salsa": "afrocuban",
    "mambo": "afrocuban", "rumba": "afrocuban", "songo": "afrocuban", "r&b": "soul", "rnb": "soul", "motown": "soul",
    "house": "dance", "disco": "dance", "techno": "dance", "metal": "rock", "hard rock": "rock", "indie": "rock",
    "ska": "reggae", "dub": "reggae", "hardcore": "punk", "funky": "funk", "jazzy": "jazz", "bluesy": "blues",
    "rocky": "rock", "train beat": "country",
}  # fmt: skip
_STYLE: Final = {**{style: style for style in STYLES}, **_SAME_STYLE}
_DENSITY: Final = {
    "minimal": -1.0, "sparse": -0.8, "simple": -0.6, "spacious": -0.7, "open": -0.4, "busy": 0.7, "dense": 0.8,
    "complex": 0.8, "full": 0.6, "frantic": 1.0,
}  # fmt: skip
_INTENSITY: Final = {
    "whispered": -1.0, "quiet": -0.8, "soft": -0.7, "gentle": -0.7, "light": -0.5, "laid back": -0.4, "medium": 0.0,
    "strong": 0.5, "loud": 0.8, "hard": 0.7, "heavy": 0.8, "aggressive": 1.0, "energetic": 0.6, "intense": 0.8,
}  # fmt: skip
_MORE: Final = {"very": 1.4, "extremely": 1.7, "slightly": 0.5, "quite": 0.8, "rather": 0.8, "bit": 0.5}
_TEMPO: Final = {"slow": 0.75, "fast": 1.3, "uptempo": 1.25, "midtempo": 1.0}
_SWING: Final = {"straight": 0.5, "swing": 0.63, "swung": 0.63, "swinging": 0.63, "shuffle": 0.66, "shuffled": 0.66}
_NUMBER: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "eight": 8, "twelve": 12, "sixteen": 16
}  # fmt: skip
_METER: Final = {"waltz": (3, 4)}
_FILL: Final = ("fill", "fills")
_FILLERS: Final = frozenset(
    {"a", "an", "and", "the", "with", "in", "at", "of", "to", "on", "beat", "groove", "drums", "drum", "loop", "some",
     "pattern", "like", "feel", "style", "bar", "bars", "bpm", "tempo", "play", "me", "time", "please", "ending", "end",
     "meter", "&"}
)  # fmt: skip


def _lanes(*names: str) -> frozenset[int]:
    return frozenset(LANE_OF_NAME[name] for name in names)


def _pieces(*pieces: str) -> frozenset[int]:
    return frozenset(lane for piece in pieces for lane in lanes_of_piece(piece))


_TOMS: Final = ("tom_high", "tom_mid", "tom_low")
_CRASHES: Final = ("crash_1", "crash_2")
_PIECE: Final = {
    "kick": _pieces("kick"), "bass drum": _pieces("kick"), "snare": _pieces("snare"), "hat": _pieces("hat"),
    "hats": _pieces("hat"), "hihat": _pieces("hat"), "hihats": _pieces("hat"), "hi hat": _pieces("hat"),
    "hi hats": _pieces("hat"), "hi-hat": _pieces("hat"), "ride": _pieces("ride"), "bell": _lanes("ride_bell"),
    "ride bell": _lanes("ride_bell"), "crash": _pieces(*_CRASHES), "crashes": _pieces(*_CRASHES),
    "cymbal": _pieces(*_CRASHES, "ride"), "cymbals": _pieces(*_CRASHES, "ride"), "tom": _pieces(*_TOMS),
    "toms": _pieces(*_TOMS), "high tom": _pieces("tom_high"), "mid tom": _pieces("tom_mid"),
    "low tom": _pieces("tom_low"), "floor tom": _pieces("tom_low"), "rim": _lanes("snare_rim"),
    "rimshot": _lanes("snare_rim"), "rimshots": _lanes("snare_rim"), "side stick": _lanes("side_stick"),
    "sidestick": _lanes("side_stick"), "cross stick": _lanes("side_stick"),
    "open hat": _lanes("hat_open_bow", "hat_open_edge"),
    "open hats": _lanes("hat_open_bow", "hat_open_edge"), "pedal hat": _lanes("hat_pedal"),
}  # fmt: skip
_ALL: Final = frozenset(range(len(ARTICULATIONS)))
_WITHOUT: Final = ("no", "without", "minus")
_KNOWN: Final = sorted(
    {*_STYLE, *_DENSITY, *_INTENSITY, *_MORE, *_TEMPO, *_SWING, *_NUMBER, *_METER, *_FILL, *_PIECE, *_WITHOUT,
     "only", "between", "brushed", "brushes", "ballad"}
)  # fmt: skip
_TOKEN: Final = re.compile(r"\d+\s*[/-]\s*\d+|\d+(?:\.\d+)?|%|[a-z&]+(?:-[a-z]+)*")


def parse(text: str) -> GrooveRequest:
    """The request of a prompt. Raises InputError naming a word that is not known, or a value out of range."""
    return _PromptReader(text).read()


class _PromptReader:
    """One pass over the words, with a request that grows."""

    def __init__(self, text: str) -> None:
        lowered = text.lower()
        rest = _TOKEN.sub("", lowered)
        if unreadable := re.sub(r"[\s,;.:!()'\"-]", "", rest):
            raise InputError(
                f"prompt {text!r}: {unreadable[0]!r} is not understood; use words, numbers, commas, % and /"
            )
        self.words = self._split(_TOKEN.findall(lowered))
        self.at = 0
        self.request = GrooveRequest(text=text)
        self.styles: dict[str, float] = {}
        self.share: float | None = None
        self.bpm: float | None = None
        self.named: dict[str, str] = {}
        self.pace = 1.0
        self.remarks: list[str] = []

    @staticmethod
    def _split(words: list[str]) -> list[str]:
        out: list[str] = []
        for word in words:
            out += [word] if word in _PIECE or not word[0].isalpha() else word.split("-")
        return out

    def read(self) -> GrooveRequest:
        """Consume all words."""
        unknown: list[str] = []
        while self.at < len(self.words):
            if not any(rule() for rule in (self._number, self._phrase)) and not self._nearly():
                unknown.append(f"{self._peek()!r} is not understood; {self._nearest(_KNOWN)}")
                self.at += 1
        if unknown:
            raise InputError(f"prompt {self.request.text!r}: {'; '.join(unknown)}")
        if not self.styles:
            if not self.words:
                raise InputError('the prompt is empty: write a style, such as "funk 100 bpm, busy, 8 bars with a fill"')
            self.remarks.append("no style named: rock")
        styles = self._weights()
        usual = sum(USUAL_BPM[style] * weight for style, weight in styles.items())
        bpm = self.bpm or usual * self.pace
        self._within(bpm, SLOWEST, FASTEST, "tempo", "bpm")
        if len(self.request.without) == len(_ALL):
            raise InputError("the prompt leaves out every piece: nothing is left to play")
        return replace(self.request, styles=styles, bpm=round(bpm, 3), remarks=tuple(self.remarks))

    def _weights(self) -> dict[str, float]:
        names = list(self.styles) or ["rock"]
        if len(names) > 2:
            raise InputError(f"the prompt names {len(names)} styles ({', '.join(names)}): one, or two to lie between")
        if len(names) == 1:
            if self.share is not None:
                raise InputError(f"{self.share:g} % of what? a share needs two styles, or write 'swing 60%'")
            return {names[0]: 1.0}
        share = 0.5 if self.share is None else self.share / 100
        return {name: weight for name, weight in zip(names, (1 - share, share), strict=True) if weight}

    def _take(self, table: "dict[str, object] | tuple[str, ...] | frozenset[str]") -> str | None:
        """The longest entry of the table that comes next, two words at most; consumed."""
        for count in (2, 1):
            words = self.words[self.at : self.at + count]
            for phrase in (" ".join(words), "".join(words), "-".join(words)):
                if len(words) == count and phrase in table:
                    self.at += count
                    return phrase
        return None

    def _peek(self, ahead: int = 0) -> str:
        return self.words[self.at + ahead] if self.at + ahead < len(self.words) else ""

    def _number(self) -> bool:
        word = self._peek()
        if re.search(r"\d[/-]|\d\s+[/-]", word):
            self._set_meter(*(int(n) for n in re.split(r"\s*[/-]\s*", word)))
            self.at += 1
            return True
        value = float(word) if word[:1].isdigit() else _NUMBER.get(word)
        if value is None:
            return False
        unit = self._peek(1)
        if unit in ("bar", "bars", "measures", "measure"):
            self._set_bars(value)
        elif unit == "%":
            self._within(value, 0, 100, "share", "%")
            self.share = value
        elif unit == "bpm" or word[:1].isdigit():
            self._within(value, SLOWEST, FASTEST, "tempo", "bpm")
            self._once("tempo", f"{value:g} bpm")
            self.bpm = value
            self.at -= unit != "bpm"
        else:
            return False
        self.at += 2
        return True

    def _phrase(self) -> bool:
        rules: tuple[Callable[[], bool], ...] = (self._left_out, self._style, self._swing, self._brushes, self._knob)
        if any(rule() for rule in rules):
            return True
        if self._take(_FILL):
            self.request = replace(self.request, fill=True)
        elif name := self._take(_METER):  # type: ignore[arg-type]
            self._set_meter(*_METER[name])
        elif name := self._take(_TEMPO):  # type: ignore[arg-type]
            self.pace = _TEMPO[name]
        elif self._peek() == "ballad":
            self.at += 1
            self.pace = 0.65
            self.request = replace(self.request, intensity=self.request.intensity or -0.5)
        elif self._peek() in _FILLERS or self._peek() == "between":
            self.at += 1
        else:
            return False
        return True

    def _left_out(self) -> bool:
        """`no crash or ride`, `only kick and snare`; a piece without either is required anyway."""
        word = self._peek()
        if word not in (*_WITHOUT, "only"):
            if name := self._take(_PIECE):  # type: ignore[arg-type]
                self.request = replace(self.request, without=self.request.without - _PIECE[name])
                return True
            return False
        self.at += 1
        lanes: frozenset[int] = frozenset()
        while True:
            if word != "only" and self._take(_FILL):
                self.request = replace(self.request, fill=False)
                return True
            if name := self._take(_PIECE):  # type: ignore[arg-type]
                lanes |= _PIECE[name]
                if self._peek() in ("and", "or") and self.at + 1 < len(self.words):
                    kept, self.at = self.at, self.at + 1
                    if self._take(_PIECE):  # type: ignore[arg-type]
                        self.at = kept + 1
                        continue
                    self.at = kept
            elif not lanes:
                if self._peek() in ("the", "any"):
                    self.at += 1
                    continue
                found = f"after {word!r} a piece is needed, found {self._peek()!r}"
                raise InputError(f"prompt {self.request.text!r}: {found}; {self._nearest(list(_PIECE))}")
            break
        out = _ALL - lanes if word == "only" else lanes
        self.request = replace(self.request, without=self.request.without | out)
        return True

    def _style(self) -> bool:
        name = self._take(_STYLE)  # type: ignore[arg-type]
        if not name:
            return False
        self.styles[_STYLE[name]] = 1.0
        if name in _SAME_STYLE and name.replace(" ", "") != _STYLE[name]:
            self.remarks.append(f"{name}: played as {_STYLE[name]}, the nearest known style")
        return True

    def _swing(self) -> bool:
        if self._peek() == "no" or self._peek() not in _SWING:
            return False
        swing, note = _SWING[self._peek()], self.request.swing_note
        self.at += 1
        if re.fullmatch(r"(8|16)ths?|eighths?|sixteenths?", self._peek() + self._peek(1)) and self._peek(1) != "%":
            note = 16 if self._peek()[0] in "1s" else 8
            self.at += 2
        elif self._peek() in ("eighths", "sixteenths"):
            note = 16 if self._peek()[0] == "s" else 8
            self.at += 1
        if self._peek()[:1].isdigit() and self._peek(1) == "%":
            value = float(self._peek())
            self._within(value, 50, 75, "swing", "%")
            swing = value / 100
            self.at += 2
        self.request = replace(self.request, swing=swing, swing_note=note)
        return True

    def _brushes(self) -> bool:
        if self._peek() not in ("brushed", "brushes", "brush"):
            return False
        self.at += 1
        self.request = replace(self.request, intensity=-0.8)
        self.remarks.append("brushes: played softly; brushes are a matter of the kit")
        return True

    def _knob(self) -> bool:
        """Density and intensity, with `very` and its like before."""
        factor, start = 1.0, self.at
        while self._peek() in _MORE:
            factor *= _MORE[self._peek()]
            self.at += 1
        for table, knob in ((_DENSITY, "density"), (_INTENSITY, "intensity")):
            if name := self._take(table):  # type: ignore[arg-type]
                self.request = replace(self.request, **{knob: max(-1.0, min(1.0, table[name] * factor))})
                return True
        for word, sign in (("fast", 1), ("slow", -1)):
            if factor != 1.0 and self._peek() == word:
                self.at += 1
                self.pace = _TEMPO[word] + sign * 0.15 * (factor - 1)
                return True
        found = self.at > start
        if found and factor == 0.5 and self._peek() in _FILLERS:
            return True
        self.at = start
        return False

    def _set_bars(self, value: float) -> None:
        self._within(value, 1, MOST_BARS, "length", "bars")
        if value != int(value):
            raise InputError(f"length {value:g} bars: a whole number from 1 to {MOST_BARS} is needed")
        self._once("length", f"{value:g} bars")
        self.request = replace(self.request, bars=int(value))

    def _set_meter(self, beats: int, unit: int) -> None:
        if (beats, unit) not in METERS:
            known = ", ".join(f"{b}/{u}" for b, u in METERS)
            raise InputError(f"meter {beats}/{unit} was not learnt: {known} were")
        self._once("meter", f"{beats}/{unit}")
        self.request = replace(self.request, meter=(beats, unit))

    def _once(self, what: str, value: str) -> None:
        if self.named.setdefault(what, value) != value:
            raise InputError(f"the prompt names two values of {what}, {self.named[what]} and {value}: one is needed")

    @staticmethod
    def _within(value: float, low: float, high: float, what: str, unit: str) -> None:
        if not low <= value <= high:
            raise InputError(f"{what} {value:g} {unit}: from {low:g} to {high:g} is possible")

    def _nearly(self) -> bool:
        """Take the word for a known one that it nearly is."""
        word = self._peek()
        if len(word) <= 3 or not (near := get_close_matches(word, _KNOWN, 1, 0.8)):
            return False
        self.remarks.append(f"{word!r} understood as {near[0]!r}")
        self.words[self.at : self.at + 1] = near[0].split(" ")
        return True

    def _nearest(self, known: list[str]) -> str:
        near = get_close_matches(self._peek(), [*known, "bpm", "bars"], 3, 0.4)
        return f"nearest: {', '.join(near)}" if near else f"styles: {', '.join(STYLES)}"
