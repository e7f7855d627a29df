"""Device, engine and render thread, reopened with all settings as soon as a lost device is back."""

import logging
import threading
import time
from typing import Final

from ghostnote.errors import GhostnoteError
from ghostnote.latency import PARTS
from ghostnote.osc.schema import Value
from server.audio import portaudio as audio
from server.audio.output import Output
from server.config import ServeConfig
from server.engine.bundle_swap import RecentHops
from server.engine.engine import Engine
from server.engine.inbox import Inbox
from server.engine.live_settings import LiveSettings
from server.engine.stats import CpuMeter, Stats
from server.engine.whole_windows import measure_share
from server.render.limiter import Limiter
from server.system.scheduling import RENDER_PRIORITY, prioritise_thread

log = logging.getLogger(__name__)

STALLED_SECONDS: Final = 1.0
"""A device that takes nothing for this long is gone."""
CHECK_SECONDS: Final = 0.25
CLOSE_SECONDS: Final = 2.0


class Playback:
    """Device and engine. All methods belong to one thread, the attributes may be read by any."""

    def __init__(self, config: ServeConfig, inbox: Inbox, live: LiveSettings, stop: threading.Event) -> None:
        """`stop` ends everything; the render thread also sets it when it cannot continue. Raises InputError."""
        self.config, self.inbox, self.live, self.stop = config, inbox, live, stop
        self._share = measure_share(live.renderer)
        self.stats = Stats()
        self.engine: Engine | None = None
        self.output: Output | None = None
        self.device: audio.DeviceInfo | None = None
        self.must_restart = False
        """PortAudio hangs in a device that is gone, so only a new process can continue."""
        self.priority = ""
        """What the system granted to the render thread."""
        self._thread: threading.Thread | None = None
        self._xruns = self._lost_devices = 0
        self._cpu, self._cpu_percent = CpuMeter(), 0.0

    def find_device(self, *, patient: bool = False) -> audio.DeviceInfo:
        """The device of the configuration; `patient`: wait until it is available. Raises GhostnoteError."""
        while True:
            try:
                return audio.find_output(self.config.device or None)
            except GhostnoteError:
                if not patient or self.stop.wait(1):
                    raise
            audio.restart()

    def start(self, device: audio.DeviceInfo) -> None:
        """Open `device` and begin to render. Raises InputError if it cannot be opened."""
        renderer = self.live.renderer
        output = audio.open_output(
            device, self.config.rate or renderer.sample_rate, self.config.block, self.config.backend or None
        )
        lead = round(self.config.lead_ms * output.rate / 1000) or None
        limiter = Limiter(renderer.sample_rate, renderer.channels)
        engine = Engine(output, self.inbox, self.live, lead=lead, limiter=limiter, stats=self.stats, share=self._share)
        self.engine, self.output, self.device = engine, output, device
        self._thread = threading.Thread(target=self._render, args=(engine,), name="render", daemon=True)
        self._thread.start()

    def _render(self, engine: Engine) -> None:
        self.priority = prioritise_thread(RENDER_PRIORITY)
        try:
            engine.run(self.stop)
        except Exception:
            log.exception("the render thread ended")
            self.stop.set()

    def close_engine(self) -> None:
        """Wait for the render thread to end; `stop` must be set."""
        if self._thread:
            self._thread.join()

    def close_output(self) -> None:
        """Free the device."""
        if self.output:
            self.output.close()

    def watch(self) -> None:
        """Watch the output until `stop` is set; reopens it whenever it was lost."""
        consumed, moved = -1, time.perf_counter()
        while not self.stop.wait(CHECK_SECONDS):
            output = self.output
            self._cpu_percent = self._cpu.percent()
            if output is None:
                self._reopen()
                consumed, moved = -1, time.perf_counter()
                continue
            if output.consumed() != consumed:
                consumed, moved = output.consumed(), time.perf_counter()
            if not output.alive() or time.perf_counter() - moved > STALLED_SECONDS:
                self._lose(output)
            else:
                self._xruns = output.poll()

    def _lose(self, output: Output) -> None:
        log.warning("the output %s is gone: waiting for it", output.name)
        self._lost_devices += 1
        if self._thread and self.engine:
            self.engine.end()
            self._thread.join()
        self.output = None
        closing = threading.Thread(target=output.close, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            self.must_restart = True
            self.stop.set()

    def _reopen(self) -> None:
        wanted = self.config.device or (self.device.name if self.device else None)
        try:
            audio.restart()
            self.start(audio.find_output(wanted))
        except GhostnoteError as error:
            log.debug("%s", error)
            self.stop.wait(1 - CHECK_SECONDS)
        else:
            log.warning("the output is back")

    def recent_hops(self) -> RecentHops:
        """The last hops that were rendered. Any thread."""
        return list(self.engine.recent_hops) if self.engine else []

    def figures(self) -> dict[str, Value]:
        """Figures by name. Any thread."""
        stats, engine, output = self.stats, self.engine, self.output
        p50, p99, worst = stats.render_seconds()
        figures: dict[str, Value] = {
            "output": output.name if output else "none",
            "xruns": self._xruns,
            "late_hops": stats.late_hops,
            "dropped_frames": stats.dropped_frames,
            "hops": stats.hops,
            "mode": self.live.settings.mode,
            "mode_changes": stats.mode_changes,
            "bundle_changes": stats.bundle_changes,
            "hits": stats.hits,
            "late_hits": stats.late_hits,
            "lost_hits": stats.lost_hits,
            "refused": stats.refused,
            "queue_depth": len(self.inbox),
            "queue_dropped": self.inbox.dropped,
            "pending": engine.pending if engine else 0,
            "render_p50_ms": round(1000 * p50, 3),
            "render_p99_ms": round(1000 * p99, 3),
            "render_max_ms": round(1000 * worst, 3),
            "ring_fill_ms": round(1000 * stats.ring_fill, 3),
            "cpu_percent": round(self._cpu_percent, 1),
            "lost_devices": self._lost_devices,
            "priority": self.priority,
        }
        if engine:
            latency = engine.latency
            figures |= {
                f"{part}_latency_ms": round(latency.milliseconds(getattr(latency, part)), 3)
                for part in (*PARTS, "engine", "total")
            }
            figures |= {
                "sync": engine.transport.sync_at(time.perf_counter()),
                "rate": latency.rate,
                "block": output.block if output else 0,
                "drift_ppm": round(engine.clock.drift_ppm, 1),
                "clock_jumps": engine.clock.jumps,
            }
        return figures
