"""The model card of a bundle, README.md: everything in it comes from the manifest."""

from ghostnote.files.bundle import Manifest


def model_card(manifest: Manifest) -> str:
    """Markdown: what the bundle is, its data, licences, training, measures and limits."""
    m, training = manifest, manifest.training
    steps = ", ".join(f"{name} {count:,.0f}" for name, count in training.steps.items())
    bits = m.books * (m.book_size - 1).bit_length() * m.sample_rate / m.hop / 1000
    lines = [
        f"# {m.name}",
        "",
        f"A codec of struck sounds: {m.sample_rate / 1000:g} kHz stereo, one step per {m.hop} frames "
        f"({1000 * m.hop / m.sample_rate:.2f} ms), {m.books} codebooks of {m.book_size} ({bits:.1f} kbit/s,",
        f"and about 0.6 kbit/s for what rings), weights {m.precision}, codec {m.codec}.",
        "Kits are files of their own (presets/kits).",
        "",
        "`encoder.onnx` turns strokes into codes (`ghostnote kit add`), `decoder.onnx` turns the codes of the strokes",
        "that sound into sound, hop by hop. Which strokes sound follows from the hits by rule, not by a network; the",
        "seed chooses among equal strokes and draws their noise.",
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
        "Made for single strokes of percussion that decay; speech, sustained tones and whole mixes come out as a noisy",
        "likeness. High partials beyond the 36 strongest of a stroke are noise of the right level.",
        "",
        "## Licence",
        "",
        f"{m.licence or 'Not stated'}. Audio rendered with the bundle is yours.",
        *(f"- {line}" for line in m.attributions),
    ]
    return "\n".join(lines) + "\n"
