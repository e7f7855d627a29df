"""Groups of the primary styles of the Groove MIDI Dataset, none of which is absent from a split (4/4 beats)."""

from typing import Final

MEMBERS: Final = {
    "african": ("afrobeat", "highlife"),
    "funk and soul": ("funk", "soul", "gospel", "neworleans"),
    "hiphop": ("hiphop",),
    "jazz": ("jazz", "blues"),
    "latin": ("latin", "afrocuban", "reggae"),
    "pop": ("pop", "dance", "country", "middleeastern"),
    "rock": ("rock", "punk"),
}
"""Group -> styles."""
GROUPS: Final = {style: group for group, styles in MEMBERS.items() for style in styles}
"""Style -> group."""
