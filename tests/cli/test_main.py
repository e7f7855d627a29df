"""The command `ghostnote` itself: usage, errors, interruption, missing extras."""

import logging
import subprocess
import sys
import tomllib
from importlib.metadata import version
from types import ModuleType

import pytest

from cli import main
from ghostnote.errors import InputError
from tests.support.paths import ROOT


@pytest.fixture
def command(monkeypatch):
    """Registers a function as the only subcommand, `job`."""

    def register(function):
        module = ModuleType("job_module")
        module.job = function
        monkeypatch.setitem(sys.modules, "job_module", module)
        monkeypatch.setattr(main, "COMMANDS", {"job": "job_module:job"})

    return register


@pytest.fixture(autouse=True)
def _keep_logging():
    """Undo what the command line does to the root logger."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.level, root.handlers[:] = before


def test_version_is_that_of_the_package(capsys):
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"ghostnote {version('ghostnote')}"


def test_without_arguments_every_command_is_listed(capsys):
    main.run([])
    shown = capsys.readouterr()
    assert all(name in shown.out + shown.err for name in main.COMMANDS)


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself(name, capsys):
    assert main.run([name, "--help"]) == 0
    assert f"ghostnote {name}" in capsys.readouterr().out


def test_an_error_of_ours_is_one_line_on_stderr_and_status_2(command, capsys):
    def job():
        raise InputError("no kit 'x': choose one of [a, b]")

    command(job)
    assert main.run(["job"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "ghostnote: no kit 'x': choose one of [a, b]\n"


def test_an_unknown_command_or_option_is_status_2(command):
    command(lambda: None)
    assert main.run(["jib"]) == 2
    assert main.run(["job", "--nonsense"]) == 2


def test_interruption_leaves_no_traceback(command, capsys):
    def job():
        raise KeyboardInterrupt

    command(job)
    assert main.run(["job"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("module", "extra"), [("torch", "train"), ("mir_eval.onset", "evaluate")])
def test_a_missing_extra_is_named(command, capsys, module, extra):
    def job():
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)

    command(job)
    assert main.run(["job"]) == 2
    line = capsys.readouterr().err
    assert f"pip install -e '.[{extra}]'" in line
    assert line.count("\n") == 1


def test_a_missing_module_that_no_extra_brings_is_a_bug_and_shown_as_one(command):
    def job():
        raise ModuleNotFoundError("No module named 'ghostnote.typo'", name="ghostnote.typo")

    command(job)
    with pytest.raises(ModuleNotFoundError):
        main.run(["job"])


def test_extras_named_in_hints_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(main.MODULES_OF_EXTRA) | {"dev"} == set(extras)


@pytest.mark.parametrize(("flags", "level"), [([], logging.WARNING), (["-v"], logging.INFO), (["-vv"], logging.DEBUG)])
def test_verbosity_sets_the_log_level(command, flags, level):
    seen = []
    command(lambda: seen.append(logging.getLogger("server").getEffectiveLevel()))
    assert main.run([*flags, "job"]) == 0
    assert seen == [level]


def test_help_loads_nothing_heavy():
    heavy = ["torch", "onnxruntime", "scipy", "matplotlib", "sounddevice", "rtmixer", "rtmidi", "PySide6"]
    script = f"import sys; from cli import main; main.run(['--help']); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_latency_of_live_mode_needs_no_tempo_and_that_of_window_mode_takes_one(capsys):
    assert main.run(["latency"]) == 0
    assert "window" not in capsys.readouterr().out
    assert main.run(["latency", "--tempo", "120"]) == 0
    assert "four beats at 120 quarter notes per minute" in " ".join(capsys.readouterr().out.split())
    assert main.run(["latency", "--tempo", "0"]) == 2
