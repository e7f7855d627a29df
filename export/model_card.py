"""The model card of a bundle, README.md: everything in it comes from the manifest."""

from ghostnote.files.bundle import Manifest


def model_card(manifest: Manifest) -> str:
    """Markdown: what the bundle is, its kits, data, licences, training, measures and limits."""
    m, training = manifest, manifest.training
    steps = ", ".join(f"{name} {count:,.0f}" for name, count in training.steps.items())
    lines = [
        f"# {m.name}",
        "",
        f"A neural drum kit player: {len(m.kits)} kits, {m.sample_rate / 1000:g} kHz, "
        f"{'stereo' if m.channels == 2 else 'mono'}, one step per {m.hop} frames "
        f"({1000 * m.hop / m.sample_rate:.2f} ms), {m.codes.books} codebooks of {m.codes.size}, weights {m.precision}.",
        "Render a MIDI file with it: `ghostnote render IN.mid -o OUT.wav --kit " + m.kits[0].id + "`.",
        "",
        "## Kits",
        "",
        "| id | name | character | licence | author |",
        "|---|---|---|---|---|",
        *(f"| {_row((k.id, k.name, k.character, k.licence, k.author))} |" for k in m.kits),
        "",
        f"Drummers (a feel each): {', '.join(m.drummers)}.",
        "",
        "## Training",
        "",
        *(f"- data: {line}" for line in training.data),
        f"- time: {training.minutes:g} minutes on {training.machine or 'an unnamed machine'}"
        + (f"; steps: {steps}" if steps else ""),
        *([f"- {training.notes}"] if training.notes else []),
        "",
        "## Measures",
        "",
        *([f"- {name}: {value:g}" for name, value in m.metrics.items()] or ["Not measured."]),
        "",
        "## Limits",
        "",
        "It knows the kits and the way of playing it was trained on. Kits blend when morphed, but nothing else is",
        "learnt: no other instruments, no rooms beside those recorded. Sound is drawn at random within each kit's",
        "character; the same seed gives the same sound.",
        "",
        "## Licence",
        "",
        f"{m.licence or 'Not stated'}. Audio rendered with the bundle is the renderer's own.",
        *(f"- {line}" for line in m.attributions),
    ]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells)
