"""results.md and results.csv from a study. Numbers of other papers, on other audio, never enter these tables."""

import csv
from collections.abc import Iterable, Sequence
from math import exp, isnan
from pathlib import Path
from typing import Final

from evaluation.sound.dynamics import TOLERANCE_DB, VELOCITIES, Dynamics
from evaluation.sound.fad import Fad
from evaluation.sound.rows import CODE_MEASURES, REFERENCE
from evaluation.sound.summary import ALL, Study
from evaluation.sound.targets import check_targets
from evaluation.tables import fixed, markdown, rounded, show

COLUMNS: Final = (
    ("bands_db", "ERB bands off dB ↓", 2),
    ("bias_db", "bias dB → 0", 2),
    ("lines_db", "hop lines dB → 0", 2),
    ("lsd_db", "LSD 8192 dB ↓", 2),
    ("envelope_r", "envelope r ↑", 3),
    ("tter_db", "TTER dB ↓", 2),
    ("level_db", "level dB → 0", 2),
    ("level_abs_db", "abs. level dB ↓", 2),
    ("onset_f1_50ms", "onset F1 50 ms ↑", 3),
    ("onset_f1_10ms", "onset F1 10 ms ↑", 3),
    ("kit_id", "kit identified ↑", 3),
)
"""Measure, heading, decimals of the ranked measures."""
UNRANKED: Final = (("sc", "MR-STFT SC", 3), ("rmse", "RMSE", 4), ("mae", "MAE", 4))
PER_KIT: Final = ("bands_db", "bias_db", "envelope_r", "level_db", "onset_f1_50ms", "onset_f1_10ms", "kit_id")

NOTES: Final = """\
- Every value is a mean over the same windows for all rows, in brackets its 95 % interval from a bootstrap over
  performances (windows of one performance, on whatever kit, are drawn together).
- *reference* is the reference measured against itself: its onset F1 is what the detector finds in the true audio and
  its kit identification is the classifier's accuracy on true audio of unseen performances. No row can be expected to
  do better. A kit whose articulations have one recording each has no other round-robins.
- SC, envelope r and TTER are those of arXiv 2605.10281, on the mean of the channels at the rate given above (the paper:
  32 kHz). Level is signed, rendering minus reference. Onsets: detector of `evaluation/sound/onsets.py`, hits of
  velocity above 0.30, one-to-one matching by mir_eval.
- NLL and codes right (predictors whose checkpoint was given): of the codec's own codes of the reference, all books
  alike. A predictor that is trained on sound, as ours, is not meant to hit the same codes.
- FAD: Frechet distance of YAMNet embeddings over all kits together, the windows of both sides paired, its interval by
  the jackknife over performances; beside it the extrapolation to infinitely many vectors. It says nothing outside this
  table.
- ERB bands, bias, hop lines (rendering minus reference) and log-spectral distance: `evaluation/sound/strokes.py`.
- SC, RMSE and MAE are reported and not ranked: the phase of a drum's noise is arbitrary, so a true noise that is drawn
  anew costs as much as a wrong one (two recordings of a hat have an SC of 0.7), and by RMSE silence beats most.
- These figures stand for this audio only. They must not be put beside published figures that were measured on
  recordings of E-GMD.
"""


def write_results(study: Study, folder: Path, focus: str | None = None, pictures: Sequence[str] = ()) -> None:
    """Write results.md and results.csv into `folder`, which is created if necessary.

    `focus` is the row that is compared with all others window by window; `pictures` are paths relative to `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fads = {row: study.fad(row) for row in study.names}
    parts = [
        "# Results",
        settings_text(study, fads[REFERENCE]),
        "## All kits",
        main_table(study, fads),
        rank_free_table(study),
        codes_table(study),
        NOTES,
        *section(f"Targets for {focus}", targets_table(study, focus, fads) if focus else ""),
        *section(f"Differences between {focus} and the other rows", difference_table(study, focus) if focus else ""),
        *section("Per kit", "\n\n".join(kit_table(study, measure) for measure in PER_KIT)),
        *section("Dynamics", dynamics_table(study)),
        *section("Window joins", joins_table(study)),
        *section("Spectrograms", "\n".join(f"![{Path(p).stem}]({p})" for p in pictures)),
    ]
    (folder / "results.md").write_text("\n\n".join(part.strip() for part in parts if part) + "\n", encoding="utf-8")
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(csv_rows(study, fads))


def section(title: str, body: str) -> list[str]:
    """The section's parts, none when there is nothing to show."""
    return [f"## {title}", body] if body else []


def settings_text(study: Study, fad: Fad) -> str:
    """Settings, sample sizes and what each row is."""
    truth = study.of(REFERENCE)
    performances = len({score.performance for score in truth})
    lines = [f"- {name}: {value}" for name, value in study.settings.items()]
    lines.append(f"- measured: {len(truth)} windows of {performances} performances on {len(study.kits)} kits")
    lines.append(f"- FAD: {fad.vectors} YAMNet vectors a side, projected onto {fad.dimension} principal axes")
    rows = [f"- *{name}*: {description}" for name, description in study.rows.items()]
    return "\n".join([*lines, "", "Rows:", "", *rows])


def main_table(study: Study, fads: dict[str, Fad]) -> str:
    """Ranked measures of every row over all kits."""
    headings = ["row", *(heading for _, heading, _ in COLUMNS), "FAD ↓", "FAD-inf ↓"]
    return markdown(
        headings,
        (
            [
                row,
                *(show(study.estimate(row, measure), decimals) for measure, _, decimals in COLUMNS),
                show(fads[row].whole, 3),
                fixed(fads[row].infinite, 3),
            ]
            for row in study.names
        ),
    )


def rank_free_table(study: Study) -> str:
    """RMSE and MAE of every row but the reference."""
    return markdown(
        ["row", *(heading for _, heading, _ in UNRANKED)],
        ([r, *(show(study.estimate(r, m), d) for m, _, d in UNRANKED)] for r in study.names if r != REFERENCE),
    )


def codes_table(study: Study) -> str:
    """How well the predictors of codes foretell those of the reference."""
    found = [(row, [study.estimate(row, measure) for measure in CODE_MEASURES]) for row in study.names]
    lines = [
        [row, show(nll, 3), f"{exp(nll.value):.1f}", show(hit, 3)] for row, (nll, hit) in found if not isnan(nll.value)
    ]
    return markdown(["row", "NLL [nats per code]", "perplexity", "codes right"], lines) if lines else ""


def difference_table(study: Study, focus: str) -> str:
    """Paired differences, the focused row minus each other row; bold where the interval is without 0."""

    def cell(row: str, measure: str, decimals: int) -> str:
        estimate = study.difference(focus, row, measure)
        text = show(estimate, decimals)
        return f"**{text}**" if estimate.low > 0 or estimate.high < 0 else text

    others = [row for row in study.names if row not in (focus, REFERENCE)]
    table = markdown(
        ["minus", *(heading for _, heading, _ in COLUMNS)],
        ([row, *(cell(row, measure, decimals) for measure, _, decimals in COLUMNS)] for row in others),
    )
    return f"{focus} minus the row, over the same windows; bold where the interval does not hold 0.\n\n{table}"


def targets_table(study: Study, focus: str, fads: dict[str, Fad]) -> str:
    """What the focused row has to reach, what it has reached."""
    targets = check_targets(study, focus, fads)
    lines = [[target.text, target.measured, "yes" if target.met else "**no**"] for target in targets]
    return markdown(["target", "measured", "met"], lines) if lines else ""


def kit_table(study: Study, measure: str) -> str:
    """One measure, kits down, rows across."""
    heading, decimals = next((h, d) for m, h, d in COLUMNS if m == measure)
    return markdown(
        [heading, *study.names],
        ([kit, *(fixed(study.estimate(r, measure, kit).value, decimals) for r in study.names)] for kit in study.kits),
    )


def dynamics_table(study: Study) -> str:
    """Slope and the largest fall per articulation, over kits, for the rows measured in depth."""
    if not study.dynamics:
        return ""
    rows = list(dict.fromkeys(row for row, _ in study.dynamics))
    names = [entry.articulation for entry in next(iter(study.dynamics.values()))]

    def cell(entries: Sequence[Dynamics]) -> str:
        slope = sum(entry.slope_db for entry in entries) / len(entries)
        worst = max(entry.largest_fall_db for entry in entries)
        return f"{slope:.1f} dB, {sum(e.monotone for e in entries)}/{len(entries)}, {worst:.1f} dB"

    lines = [
        [name, *(cell([entries[i] for (r, _), entries in study.dynamics.items() if r == row]) for row in rows)]
        for i, name in enumerate(names)
    ]
    velocities = ", ".join(str(round(127 * velocity)) for velocity in VELOCITIES)
    text = (
        f"Single strokes at the velocities {velocities} (of 127), loudest 150 ms. Mean slope over the whole velocity "
        f"range; kits on which no stroke is more than {TOLERANCE_DB} dB softer than a lighter one; largest such fall."
    )
    return f"{text}\n\n{markdown(['articulation', *rows], lines)}"


def joins_table(study: Study) -> str:
    """Joins of windows rendered one by one, over kits, for the rows measured in depth."""
    if not study.joins:
        return ""
    rows = list(dict.fromkeys(row for row, _ in study.joins))
    lines: list[list[str]] = []
    for row in rows:
        found = [joins for (r, _), joins in study.joins.items() if r == row]
        count = sum(joins.count for joins in found)
        standing = sum(joins.standing_out * joins.count for joins in found) / max(1, count)
        lines.append([row, str(count), f"{max(joins.ratio for joins in found):.3f}", f"{100 * standing:.1f} %"])
    text = (
        "Windows rendered one by one and put end to end. Ratio: largest sample step at a join / largest elsewhere, "
        "worst kit (must be at most 1). Standing out: joins whose step is the largest within 10 ms (about 0.1 % by "
        "chance)."
    )
    return f"{text}\n\n{markdown(['row', 'joins', 'ratio', 'standing out'], lines)}"


def csv_rows(study: Study, fads: dict[str, Fad]) -> Iterable[list[str | float]]:
    """Long form: one line per row, kit and measure, with the interval where there is one."""
    yield ["row", "kit", "measure", "value", "low", "high", "count"]
    for row in study.names:
        for kit in (ALL, *study.kits):
            count = len(study.of(row, kit))
            for measure in study.measures:
                e = study.estimate(row, measure, kit)
                if isnan(e.value):
                    continue
                yield [row, kit, measure, rounded(e.value), rounded(e.low), rounded(e.high), count]
        fad = fads[row]
        whole = fad.whole
        yield [row, ALL, "fad", rounded(whole.value), rounded(whole.low), rounded(whole.high), fad.vectors]
        yield [row, ALL, "fad_inf", rounded(fad.infinite), "", "", fad.vectors]
    for (row, kit), entries in study.dynamics.items():
        for entry in entries:
            yield [row, kit, f"slope_db_{entry.articulation}", rounded(entry.slope_db), "", "", len(entry.loudness_db)]
            fall = rounded(entry.largest_fall_db)
            yield [row, kit, f"largest_fall_db_{entry.articulation}", fall, "", "", len(entry.loudness_db)]
    for (row, kit), joins in study.joins.items():
        yield [row, kit, "join_ratio", rounded(joins.ratio), "", "", joins.count]
        yield [row, kit, "joins_standing_out", rounded(joins.standing_out), "", "", joins.count]
