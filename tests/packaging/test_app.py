"""The packaged program: on a JACK server without hardware, and without any device. `make app-smoke` runs this."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.jack import JackServer, jack_missing
from tests.support.paths import ROOT

PROGRAM = Path(os.environ.get("GHOSTNOTE_PROGRAM", "")).absolute()
pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="make app-smoke builds the packaged program and tests it")
SECONDS = 300
JACK_TIMEOUT = 500
"""Milliseconds after which a dead client is given up, as jackd does where nothing else is asked for."""
NOBODY = {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}


def run(*arguments, environment=NOBODY, cwd=None):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(PROGRAM), *arguments], env={**clean, **environment}, cwd=cwd, capture_output=True, text=True,
        timeout=SECONDS,
    )  # fmt: skip


@pytest.mark.skipif(bool(jack_missing()), reason=f"needs JACK: {jack_missing()}")
def test_window_server_and_sound_are_there_and_come_back_after_a_crash(capsys):
    with JackServer(f"ghostnote-app-{os.getpid()}", client_timeout=JACK_TIMEOUT) as server:
        done = run("--smoke", environment=server.environment)
    with capsys.disabled():
        sys.stdout.write("\n" + done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    for wanted in (
        "window after",
        "first sound after",
        "killed at once; sound back after",
        "killed later; sound back after",
        "Ghostnote works.",
    ):
        assert wanted in done.stdout


def test_without_a_device_the_smoke_test_listens_to_a_rendered_file():
    done = run("--smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "window after" in done.stdout
    if "no live sound" in done.stdout:
        assert "of sound to a file" in done.stdout


def test_a_file_is_rendered_by_the_same_program(tmp_path):
    groove = ROOT / "presets" / "grooves" / "pocket_funk.toml"
    done = run("render", str(groove), "-o", "funk.wav", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    audio, _ = soundfile.read(tmp_path / "funk.wav")
    assert np.sqrt(np.mean(np.square(audio))) > 0.01


def test_it_has_the_commands_that_play_and_none_that_train():
    shown = run("--help").stdout
    assert "render" in shown
    assert "train" not in shown
    refused = run("train", "x.toml")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_what_belongs_to_it_is_with_it():
    inside = PROGRAM.parent / "_internal"
    names = {str(path.relative_to(inside)) for path in inside.rglob("*")}
    wanted = ["LICENSE-WEIGHTS", "licences/Qt.txt", "licences/onnxruntime.txt", "presets/grooves/pocket_funk.toml"]
    assert set(map(str, map(Path, wanted))) <= names
    assert not [name for name in names if Path(name).parts[0] in ("torch", "scipy", "training", "nvidia")]
