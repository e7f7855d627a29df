import pytest

from ghostnote.errors import InputError, MissingError
from ghostnote.files.groove import groove_path
from server.audio import portaudio as audio
from server.audio.portaudio import DeviceInfo, find_output
from server.audio.ring_buffer import RingBuffer
from server.config import read_config

DEVICES = [
    DeviceInfo(0, "Built-in Output", "Core Audio", 2, 48000.0, False),
    DeviceInfo(3, "Scarlett 2i2", "Core Audio", 4, 44100.0, True),
    DeviceInfo(5, "Scarlett 2i2", "ASIO", 4, 48000.0, False),
    DeviceInfo(6, "system", "JACK Audio Connection Kit", 2, 48000.0, False),
]


@pytest.fixture
def devices(monkeypatch):
    monkeypatch.setattr(audio, "list_outputs", lambda: DEVICES)


@pytest.mark.parametrize(
    ("wanted", "index"), [(None, 3), ("5", 5), (0, 0), ("built", 0), ("scarlett asio", 5), ("system", 6)]
)
@pytest.mark.usefixtures("devices")
def test_a_device_is_a_number_or_part_of_its_name(wanted, index):
    assert find_output(wanted).index == index


@pytest.mark.usefixtures("devices")
def test_an_ambiguous_device_is_answered_with_the_numbers_to_give():
    with pytest.raises(InputError, match=r"3 Scarlett 2i2 \(Core Audio\), 5 Scarlett 2i2 \(ASIO\)"):
        find_output("2i2")


@pytest.mark.usefixtures("devices")
def test_an_unknown_device_is_answered_with_all_there_are():
    with pytest.raises(InputError, match=r"no output device 'focus'.*0 Built-in Output"):
        find_output("focus")


def test_no_device_at_all_says_what_to_do(monkeypatch):
    monkeypatch.setattr(audio, "list_outputs", list)
    with pytest.raises(MissingError, match="start JACK"):
        find_output(None)


def test_the_command_line_overrules_the_file(tmp_path):
    file = tmp_path / "serve.toml"
    file.write_text('block = 256\nkit = "tr808"\n')
    config = read_config(file, {"block": 64})
    assert (config.block, config.kit, config.osc_port) == (64, "tr808", 9010)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("blok = 1", "unknown key blok"), ("block = 1", "expected 16..8192"), ("block = [", "not a TOML file")],
)
def test_a_wrong_configuration_is_named(tmp_path, text, fault):
    file = tmp_path / "serve.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=fault):
        read_config(file, {})


def test_missing_files_are_named(tmp_path):
    with pytest.raises(MissingError, match="no configuration file"):
        read_config(tmp_path / "none.toml", {})
    with pytest.raises(MissingError, match=r"shipped grooves are .*pocket_funk"):
        groove_path("no such groove")
    assert groove_path("pocket_funk").is_file()


def test_a_ring_far_behind_is_cleared_whole():
    ring = RingBuffer(1024, 2)
    ring.memory[:] = 1
    ring.clear_to(5000)
    assert not ring.memory.any()
    assert ring.horizon == 5000


def test_an_option_that_is_on_or_off_is_read_and_nothing_else_is_taken_for_it(tmp_path):
    assert read_config(None, {"discover": True}).discover is True
    (tmp_path / "c.toml").write_text('discover = "yes"\n')
    with pytest.raises(InputError, match="expected true or false"):
        read_config(tmp_path / "c.toml", {})
