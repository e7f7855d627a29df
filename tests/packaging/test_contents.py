"""What goes into the packaged program."""

import re
import subprocess
import sys
from importlib.metadata import distribution

import pytest

from cli.__main__ import words
from cli.main import COMMANDS, WORKSHOP, packaged_commands
from tests.support.paths import ROOT

sys.path.append(str(ROOT / "packaging"))
import contents
import requirements
import size


@pytest.mark.parametrize(
    "name",
    ["torch", "torch.nn.functional", "scipy/special/_ufuncs.so", "training.loop", "libtorch_cpu.so",
     "torch\\lib\\c10.dll", "onnx", "scipy-1.17.1.dist-info/METADATA", "matplotlib/mpl-data/matplotlibrc"],
)  # fmt: skip
def test_what_trains_or_measures_is_found_when_it_slips_in(name):
    assert contents.slipped_in([("numpy", "", "PYMODULE"), (name, "", "DATA")]) == [name]


@pytest.mark.parametrize(
    "name",
    ["onnxruntime.capi", "onnxruntime/capi/libonnxruntime.so", "server.render.renderer", "presets/grooves/a.toml"],
)
def test_what_plays_may_be_there(name):
    assert contents.slipped_in([(name, "", "DATA")]) == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/iconengines/libqsvgicon.so", True),
        ("PySide6/Qt/lib/libQt6Svg.so.6", True),
        ("PySide6/Qt/lib/libQt6Network.so.6", True),
        ("PySide6/Qt/lib/libQt6Quick.so.6", False),
        ("libQt6Qml.so.6", False),
        ("PySide6/translations/qtbase_de.qm", False),
        ("PySide6\\plugins\\tls\\qopensslbackend.dll", False),
        ("PySide6\\plugins\\platforms\\qwindows.dll", True),
        ("PySide6/opengl32sw.dll", False),
        ("libgtk-3.so.0", False),
        ("libxcb-cursor.so.0", True),
        ("libX11.so.6", True),
        ("libjack.so.0", False),
        ("fallback/libjack.so.0", True),
        ("presets/bundles/ghostnote-2/decoder.onnx", True),
        ("presets/bundles/ghostnote-2/snapshot.npz", False),
        ("libmvec.so.1", False),
        ("libssl.so.3", False),
        ("libcrypto.so.3", True),
        ("PySide6/Qt/plugins/wayland-graphics-integration-client/libqt-plugin-wayland-egl.so", False),
        ("PySide6/Qt/plugins/platforms/libqwayland.so", True),
        ("numpy/_core/_multiarray_tests.cpython-311-x86_64-linux-gnu.so", False),
        ("libgio-2.0.so.0", False),
        ("libglib-2.0.so.0", True),
        ("pygments.lexers.python", False),
        ("pygments.lexers._mapping", True),
        ("PySide6/Qt/plugins/imageformats/libqsvg.so", True),
    ],
)
def test_unused_parts_of_qt_and_the_systems_own_libraries_stay_out(name, wanted):
    assert contents.is_wanted((name, "", "BINARY")) is wanted


def test_the_cpu_build_needs_no_cuda_and_both_have_the_window():
    for variant in ("cpu", "cuda"):
        names = [re.split(r"[\[<>=;! ]", line)[0] for line in requirements.requirements(variant)]
        assert ("onnxruntime" in names, "onnxruntime-gpu" in names) == (variant == "cpu", variant == "cuda")
        assert {"PySide6-Essentials", "pyinstaller", "numpy", "rtmixer"} <= set(names)


def test_the_packaged_commands_load_and_run_without_any_excluded_module():
    modules = [target.partition(":")[0] for target in packaged_commands().values()]
    script = (
        "import importlib, sys\n"
        f"for name in {contents.EXCLUDED}: sys.modules[name] = None  # any import of it fails\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        "import server.serve, server.files.batch, bridge.midi.rtmidi_ports, desktop.grooves, desktop.settings\n"
        "from cli.main import run\n"
        "assert run(['kits']) == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_workshop_command_that_there_is_stays_out_and_the_rest_comes_in():
    assert set(packaged_commands()) | (WORKSHOP & set(COMMANDS)) == set(COMMANDS)
    assert {"serve", "render", "app", "doctor", "smoke"} <= set(packaged_commands())


@pytest.mark.parametrize(
    ("arguments", "frozen", "run"),
    [
        ([], True, ["app"]),
        ([], False, ["--help"]),
        (["--smoke", "--floor", "-50"], True, ["smoke", "--floor", "-50"]),
        (["serve", "--block", "64"], True, ["serve", "--block", "64"]),
    ],
)
def test_the_program_without_arguments_is_the_app(arguments, frozen, run):
    assert words(arguments, frozen) == run


def test_licence_texts_have_name_version_and_the_packages_own_words():
    text = contents.licence_text(distribution("sounddevice"))
    assert text.startswith("sounddevice ")
    assert "Permission is hereby granted" in text
    assert [one.name for one in contents.distributions(["numpy.linalg", "numpy", "nothing_of_this_name"])] == ["numpy"]


def test_a_folder_above_its_limit_is_refused(tmp_path, capsys):
    (tmp_path / "_internal").mkdir()
    (tmp_path / "_internal" / "large.bin").write_bytes(bytes(2_000_000))
    assert size.main(tmp_path, 3) == 0
    assert size.main(tmp_path, 1) == 1
    written = capsys.readouterr()
    assert "2.0 MB  large.bin" in written.out
    assert "more than the 1 MB" in written.err
