"""Many files rendered in parallel: one renderer per process, one file per job. A failing file stops no other."""

import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ghostnote.errors import GhostnoteError
from ghostnote.files.preset import Preset
from ghostnote.music.feel import with_feel
from server.files.inputs import AUTO, read_performance
from server.files.offline import Advance, Audio, render_performance, save_audio
from server.render.bundle import load_renderer
from server.render.renderer import Renderer


@dataclass(frozen=True)
class RenderSettings:
    """How every file is rendered."""

    bundle: Path
    preset: Preset = field(default_factory=Preset)
    """Kit or morph (none: the first there is), sound of single pieces, levels, positions and feel; its bundle, tempo
    and mode are not asked for."""
    midi_map: str = AUTO
    tempo: float | None = None
    """Quarter notes per minute; None = the file's own."""
    mode: str = "file"
    stems: bool = False
    rate: int | None = None
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True)
class RenderJob:
    """One file; stems are written beside `target` as NAME.PIECE.SUFFIX."""

    source: Path
    target: Path


@dataclass(frozen=True)
class RenderResult:
    """The result of a job."""

    job: RenderJob
    error: str = ""
    """One line; empty if there was none."""
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    """Length of the sound."""
    took: float = 0.0
    """Seconds of work, without loading the bundle."""
    reduction_db: float = 0.0


def open_renderer(settings: RenderSettings) -> Renderer:
    """A renderer with the bundle, kit, drummer and levels of the settings. Raises GhostnoteError."""
    renderer = load_renderer(settings.bundle, threads=settings.threads, seed=settings.seed)
    preset = settings.preset
    renderer.set_kit(preset.kit or {renderer.kits[0]: 1.0})
    renderer.set_pieces(preset.pieces)
    renderer.set_levels(preset.levels, preset.pans)
    return renderer


def render_job(
    renderer: Renderer, settings: RenderSettings, job: RenderJob, advance: Advance | None = None
) -> tuple[RenderResult, Audio]:
    """Render one file and write it; also returns its sound. Raises GhostnoteError."""
    began = time.perf_counter()
    performance, remarks = read_performance(job.source, settings.midi_map)
    if settings.tempo is not None:
        performance = performance.at_tempo(settings.tempo)
    performance = with_feel(performance, settings.preset.feel, np.random.default_rng(settings.seed))
    rendering = render_performance(
        renderer, performance, mode=settings.mode, stems=settings.stems, rate=settings.rate, advance=advance
    )
    save_audio(job.target, rendering.audio, rendering.sample_rate)
    for piece, sound in rendering.stems.items():
        save_audio(job.target.with_suffix(f".{piece}{job.target.suffix}"), sound, rendering.sample_rate)
    seconds = len(rendering.audio) / rendering.sample_rate
    took = time.perf_counter() - began
    return RenderResult(job, "", remarks, seconds, took, rendering.reduction_db), rendering.audio


def render_jobs(settings: RenderSettings, jobs: Sequence[RenderJob], processes: int) -> Iterator[RenderResult]:
    """Render all jobs in `processes` processes; yields each when it is done, in no particular order.

    The settings must fit the bundle (`open_renderer` does not raise).
    """
    with ProcessPoolExecutor(processes, get_context("spawn"), _start, (settings,)) as pool:
        try:
            for future in as_completed([pool.submit(_work, job) for job in jobs]):
                yield future.result()
        except BaseException:  # Ctrl-C, or a caller that stops early: files that were not started are not rendered
            pool.shutdown(cancel_futures=True)
            raise


_WORKER: dict[str, tuple[Renderer, RenderSettings]] = {}
"""The renderer of this process, under "it"; filled once when a worker process starts."""


def _start(settings: RenderSettings) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends this process
    _WORKER["it"] = (open_renderer(settings), settings)


def _work(job: RenderJob) -> RenderResult:
    try:
        return render_job(*_WORKER["it"], job)[0]
    except GhostnoteError as error:
        return RenderResult(job, str(error))
    except OSError as error:
        return RenderResult(job, f"cannot write {job.target}: {error}")
