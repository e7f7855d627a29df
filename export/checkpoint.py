"""The facts of a bundle from a checkpoint's metadata."""

from collections.abc import Mapping
from typing import Any, Final

from export.bundle_writer import BundleFacts
from ghostnote.files.bundle import KitInfo, Training

DATA: Final = (
    "performances: Groove MIDI Dataset 1.0.0, train split (Gillick, Roberts, Engel, Eck, Bamman: Learning to Groove "
    "with Inverse Sequence Transformations, ICML 2019), CC BY 4.0",
    "audio: these performances mixed from the sampled kits listed here, on the fly",
)


def facts_of(
    metadata: Mapping[str, Any], name: str, *, books: int, temperature: float | None, machine: str, notes: str
) -> BundleFacts:
    """Facts of a checkpoint written by `ghostnote train`; `temperature` None takes the metadata's, else 0."""
    own = metadata.get("temperature", 0.0) if temperature is None else temperature
    values = tuple(float(t) for t in own) if isinstance(own, list | tuple) else (float(own),) * books
    kits = tuple(KitInfo(**kit) for kit in metadata["kits"])
    drummers = metadata["drummers"]
    names = drummer_names(drummers) if isinstance(drummers, int) else tuple(drummers)
    return BundleFacts(
        name=name,
        kits=kits,
        drummers=names,
        temperature=values,
        attributions=(*(f"{kit.name}: {kit.author}, {kit.licence}" for kit in kits), DATA[0]),
        training=Training(
            data=DATA,
            minutes=float(metadata.get("minutes", 0)),
            machine=machine,
            steps={"predictor": float(metadata.get("step", 0))},
            notes=notes,
        ),
        metrics={f"{key} (unseen windows)": float(value) for key, value in metadata.get("measures", {}).items()},
    )


def drummer_names(count: int) -> tuple[str, ...]:
    """Names of `count` drummer embeddings: the first stands for none in particular, then those of the data."""
    return ("any", *(f"drummer{n}" for n in range(1, count)))
