"""The app with real processes: the server on JACK without hardware, rendering, devices, single instance."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest

from tests.support import paths

pytest.importorskip("PySide6.QtWidgets", reason="needs the extra 'desktop'", exc_type=ImportError)

import shiboken6
import soundfile

from cli.main import run
from desktop.control import AppController
from desktop.device_list import DeviceList
from desktop.render_plan import RenderRequest
from desktop.render_process import RenderQueue
from desktop.server_process import ServerProcess, ServerState
from desktop.settings import AppSettings, load_settings
from desktop.single import SingleInstance
from desktop.widgets.learn_dialog import LearnDialog
from desktop.window import MainWindow
from ghostnote.files.midi_map import load_map
from ghostnote.files.preset import Preset, dump_preset, main_kit
from ghostnote.osc.free_port import free_port
from tests.support.jack import JackServer, Probe, jack_missing

needs_jack = pytest.mark.skipif(bool(jack_missing()), reason=f"needs JACK: {jack_missing()}")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

TINY = str(paths.TINY)


@pytest.fixture
def jack_server(monkeypatch):
    with JackServer(f"ghostnote-app-{os.getpid()}", block=256) as server:
        for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
            monkeypatch.setenv(name, server.environment[name])
        yield server


@pytest.fixture
def app(qt, jack_server, until):
    """The whole app with the tiny bundle."""
    control = AppController(AppSettings(bundle=TINY, osc_port=free_port()))
    window = MainWindow(control)
    notices, failures = [], []
    control.notice.connect(notices.append)
    control.failed.connect(failures.append)
    window.show()
    control.start()
    until(lambda: control.session.connected and control.session.figures.get("hops", 0), "the server did not come")
    yield window, control, notices, failures
    window.shutdown()
    control.shutdown()
    shiboken6.delete(window)
    shiboken6.delete(control)


def alive(pid):
    return Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]


@needs_jack
@needs_signals
def test_the_app_plays_survives_the_death_of_its_server_and_leaves_nothing_behind(app, jack_server, until):
    window, control, notices, _ = app
    kits, first = control.session.kits, control.process.pid
    control.session.change("/ghostnote/level/kick", -3.0)
    control.session.morph_to(0.0, kits[-1], kits[-1])
    until(lambda: control.session.kit == kits[-1])
    os.kill(first, signal.SIGKILL)
    until(lambda: not control.session.connected)
    until(lambda: control.session.connected)
    second = control.process.pid
    assert second != first
    assert len(notices) == 1
    until(lambda: control.session.figures.get("hops", 0) > 0)
    control.link.send("/ghostnote/level/kick")
    until(lambda: control.session.number("level/kick") == pytest.approx(-3.0))
    assert control.session.kit == kits[-1]
    with Probe(jack_server) as probe:
        probe.connect(probe.ports("Ghostnote In")[0], probe.ports("PortAudio:out")[:2])
        _, audio = probe.take([(probe.rate // 4, bytes([0x99, 38, 127]))], 1.0)
    assert np.abs(audio).max() > 0
    hits = control.session.figures["hits"]
    window.play_page.strips["snare"].pad.strike()
    until(lambda: control.session.figures["hits"] > hits)
    control.shutdown()
    assert not alive(second)
    assert load_settings().last.kit == {kits[-1]: 1.0}


@needs_jack
@needs_signals
def test_a_spare_server_takes_over_and_is_replaced(app, until):
    _, control, notices, _ = app
    spare = control.process.spare
    ready = []
    spare.ready.connect(lambda: ready.append(spare.pid))
    control.session.change("/ghostnote/tempo", 91.0)
    until(lambda: ready, "no spare server was loaded")
    os.kill(control.process.pid, signal.SIGKILL)
    until(lambda: not control.session.connected)
    until(lambda: control.session.connected)
    assert control.process.pid == ready[0]
    assert len(notices) == 1
    control.link.send("/ghostnote/tempo")
    until(lambda: control.session.number("tempo") == 91.0)
    until(lambda: len(ready) == 2, "the spare server was not replaced")
    assert spare.pid == ready[1] != ready[0]
    control.use(replace(control.settings, block=256))
    until(lambda: control.session.connected)
    assert control.process.pid not in ready  # the spare was loaded for other settings
    assert not alive(ready[1])
    until(lambda: len(ready) == 3)
    control.shutdown()
    assert not any(map(alive, ready))


@needs_jack
@needs_signals
def test_a_hanging_server_is_replaced(app, until):
    _, control, notices, _ = app
    first = control.process.pid
    os.kill(first, signal.SIGSTOP)
    until(lambda: control.process.pid not in (0, first))
    until(lambda: control.session.connected)
    assert len(notices) == 1


@needs_jack
@needs_signals
def test_the_server_ends_when_the_app_is_killed(jack_server, tmp_path, until):
    script = (
        "from desktop.app import run_app\n"
        f"run_app({{'bundle': {TINY!r}, 'osc_port': {free_port()}}})\n"
    )  # fmt: skip
    app = subprocess.Popen([sys.executable, "-c", script], env=os.environ)
    children = Path(f"/proc/{app.pid}/task/{app.pid}/children")
    until(lambda: children.exists() and len(children.read_text().split()) >= 2, "no server and spare were started")
    servers = [int(pid) for pid in children.read_text().split()]
    app.kill()
    app.wait()
    until(lambda: not any(map(alive, servers)), "a server is still there")


@needs_jack
def test_other_settings_take_effect_with_another_server_and_what_was_set_stays(app, until):
    _, control, notices, _ = app
    first = control.process.pid
    control.session.change("/ghostnote/tempo", 87.0)
    control.use(replace(control.settings, block=256))
    until(lambda: not control.session.connected)
    until(lambda: control.session.connected and control.session.figures.get("block") == 256)
    assert control.process.pid != first
    assert not alive(first)
    control.link.send("/ghostnote/tempo")
    until(lambda: control.session.number("tempo") == 87.0)
    assert notices == []


def test_what_the_user_must_put_right_is_told_and_not_tried_again(qt, until, monkeypatch):
    process, failures, crashes = ServerProcess(), [], []
    process.failed.connect(failures.append)
    process.crashed.connect(crashes.append)
    process.start(["--bundle", "no-such-bundle"], 0)
    until(lambda: failures)
    assert "no-such-bundle" in failures[0]
    assert crashes == []
    assert process.state is ServerState.FAILED


def test_a_server_that_dies_again_and_again_is_given_up(qt, until, monkeypatch):
    monkeypatch.setattr(
        "desktop.server_process.command", lambda *words: [sys.executable, "-c", "raise SystemExit('boom')"]
    )
    process, failures, crashes = ServerProcess(), [], []
    process.failed.connect(failures.append)
    process.crashed.connect(crashes.append)
    process.start([], 0)
    until(lambda: failures)
    assert len(crashes) == 2
    assert "boom" in failures[0]


def write_midi(path, notes=(36, 38, 42, 38)):
    file, track = mido.MidiFile(), mido.MidiTrack()
    file.tracks.append(track)
    for note in notes:
        track.append(mido.Message("note_on", channel=9, note=note, velocity=100, time=120))
        track.append(mido.Message("note_off", channel=9, note=note, time=60))
    file.save(path)


def test_a_dropped_file_becomes_sound_and_stems(qt, until, tmp_path):
    write_midi(tmp_path / "beat.mid")
    (tmp_path / "broken.mid").write_bytes(b"no midi")
    control = AppController(AppSettings(bundle=TINY))
    window = MainWindow(control)
    page = window.render_page
    page.take([tmp_path / "beat.mid", tmp_path / "broken.mid"])
    page.stems.setChecked(True)
    percents = []
    page.queue.progressed.connect(percents.append)
    page.go.click()
    until(lambda: page.results.count() == 2, seconds=60)
    kit = page.present().kit
    assert len(kit) == 1
    kit = main_kit(kit)
    audio, rate = soundfile.read(tmp_path / f"beat-{kit}.wav")
    assert rate == 48000
    assert np.abs(audio).max() > 0
    assert (tmp_path / f"beat-{kit}.snare.wav").is_file()
    assert "stems" in page.results.item(1).text()
    assert "broken.mid" in page.results.item(0).toolTip()
    assert percents[-1] == 100
    assert page.go.isEnabled()
    assert not page.stop.isEnabled()
    shiboken6.delete(window)
    shiboken6.delete(control)


def test_a_file_is_rendered_as_the_page_play_sounds(qt, until, tmp_path):
    """Kit, drummer, levels, positions and feel of the sound engine go into the file, unless another kit is chosen."""
    write_midi(tmp_path / "beat.mid")
    mix = Preset(kit={"alpha": 0.25, "gamma": 0.75}, drummer=1, levels={"kick": -60.0}, pans={"snare": 0.5})
    control = AppController(AppSettings(bundle=TINY, last=mix))
    window = MainWindow(control)
    page = window.render_page
    window.show()
    window.show_page(window.page_number("Render"))
    assert "25 : 75" in page.kit.itemText(0)
    assert "Kick off, Snare 50 % right" in page.mix.text()
    assert page.present() == mix
    page.take([tmp_path / "beat.mid"])
    page.go.click()
    until(lambda: page.results.count() == 1, seconds=60)
    (tmp_path / "mix.toml").write_text(dump_preset(mix))
    words = [str(tmp_path / "beat.mid"), "-o", str(tmp_path / "shell.wav"), "--preset", str(tmp_path / "mix.toml")]
    assert run(["render", *words, "--bundle", TINY]) == 0
    by_app, _ = soundfile.read(tmp_path / "beat-gamma.wav")
    by_shell, _ = soundfile.read(tmp_path / "shell.wav")
    np.testing.assert_array_equal(by_app, by_shell)
    page.kit.setCurrentIndex(page.kit.findData("beta"))
    assert page.present() == replace(mix, kit={"beta": 1.0})
    window.close()
    shiboken6.delete(window)
    shiboken6.delete(control)


def test_rendering_can_be_cancelled(qt, until, tmp_path):
    write_midi(tmp_path / "long.mid", (36, 38) * 500)
    queue, done, idle = RenderQueue(), [], []
    queue.done.connect(lambda *what: done.append(what))
    queue.idle.connect(lambda: idle.append(1))
    progress = []
    queue.progressed.connect(progress.append)
    for _ in range(2):
        queue.add(RenderRequest(tmp_path / "long.mid", bundle=TINY))
    until(lambda: queue.busy)
    queue.cancel()
    assert idle == [1]
    assert done == []
    assert not queue.busy
    assert list(tmp_path.glob("*.wav")) == []


def test_devices_are_listed_or_it_is_said_why_not(qt, until):
    found = []
    devices = DeviceList()
    devices.found.connect(lambda *what: found.append(what))
    devices.refresh()
    until(lambda: found)
    outputs, sources, faults = found[0]
    assert all(isinstance(name, str) for name in (*outputs, *sources, *faults))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_without_a_screen_the_app_says_so_on_one_line():
    bare = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run([sys.executable, "-m", "cli", "app"], env=bare, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no screen" in done.stderr


def test_a_second_app_calls_the_first_and_is_not_the_first(qt, until):
    first, second, calls = SingleInstance(), SingleInstance(), []
    first.called.connect(lambda: calls.append(1))
    assert first.first()
    script = (
        "from PySide6.QtCore import QCoreApplication; app = QCoreApplication([]); "
        "from desktop.single import SingleInstance; print(SingleInstance().first())"
    )
    done = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    until(lambda: done.poll() is not None)
    assert done.communicate()[0].strip() == "False"
    until(lambda: calls)
    first.release()
    assert second.first()
    second.release()


@needs_jack
def test_a_map_is_learned_by_hitting_pads(qt, jack_server, until):
    dialog = LearnDialog("")
    dialog.begin()
    until(lambda: dialog.learning.port or dialog.learning.fault)
    with Probe(jack_server) as probe:
        ports = probe.ports("Ghostnote In")
        if not ports:
            dialog.reject()
            pytest.skip(f"the MIDI port {dialog.learning.port!r} is not one of JACK's")
        probe.client.connect(probe.client.midi_outports[0], ports[0])
        for note, then in ((36, "snare"), (40, "snare_rim")):
            probe.take([(probe.rate // 8, bytes([0x99, note, 127]))], 0.3)
            until(lambda then=then: dialog.learning.step == then)
    assert dialog.learning.learned == {"kick": "note 36", "snare": "note 40"}
    while dialog.learning.step != "name":
        step = dialog.learning.step
        dialog.next.click()
        until(lambda step=step: dialog.learning.step != step)
    dialog.name.setText("gm")
    dialog.next.click()
    until(lambda: "shipped" in dialog.said.text())
    dialog.name.setText("mine")
    dialog.next.click()
    until(lambda: dialog.result())
    assert load_map("mine").lane_of_note == {36: 0, 40: 1}
