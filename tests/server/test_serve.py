"""The whole server in one process, with a device and MIDI ports that exist only here."""

import shutil
import socket
import time

import pytest

from bridge.osc.peers import RateLimit
from ghostnote.errors import GhostnoteError, InputError, MissingError
from ghostnote.files.preset import Preset, save_preset
from tests.support.paths import TINY
from tests.support.serving import figures, value
from tests.support.waiting import wait_for


def test_a_hit_by_osc_is_echoed_to_the_midi_output(serving):
    with serving() as (server, client):
        client.change("/ghostnote/hit", ["snare", 1.0])
        wait_for(lambda: len(server._ports.sent) >= 2)
        assert [message[:2] for message in server._ports.sent[:2]] == [bytes((0x99, 38)), bytes((0x89, 38))]
        wait_for(lambda: figures(client)["hits"] == 1)
        assert figures(client)["echo_dropped"] == 0


def test_the_status_counts_osc_messages_that_were_too_many(serving):
    with serving() as (server, client):
        assert figures(client)["osc_dropped"] == 0
        server._osc._limit = RateLimit(rate=10.0, burst=20.0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            while not server._osc.dropped:
                for _ in range(100):
                    flood.sendto(b"/ghostnote/beat\0,\0\0\0", server._osc.address)
                time.sleep(0.001)
        time.sleep(0.2)  # what still waits in the socket is answered first
        assert figures(client)["osc_dropped"] == server._osc.dropped > 0


def test_a_server_starts_with_a_saved_preset(serving):
    save_preset("mine", Preset(kit={"beta": 1.0}, drummer=1, levels={"snare": -6.0}, tempo=90.0))
    with serving(preset="mine") as (server, client):
        assert value(client, "/ghostnote/preset") == ("mine",)
        assert value(client, "/ghostnote/kit") == ("beta",)
        assert value(client, "/ghostnote/drummer") == (1,)
        assert value(client, "/ghostnote/level/snare") == (-6.0,)
        assert server.playback.engine.transport.bpm == 90.0


def test_what_is_given_beside_a_preset_overrules_it(serving):
    save_preset("mine", Preset(bundle="", kit={"beta": 1.0}, midi_map="td17"))
    with serving(preset="mine", kit="gamma", midi_map="ezdrummer") as (server, client):
        assert value(client, "/ghostnote/kit") == ("gamma",)
        assert server.config.midi_map == "ezdrummer"


@pytest.mark.parametrize(
    ("preset", "fault"),
    [
        (Preset(bundle="other"), "preset 'mine' is for the bundle other, tiny is playing"),
        (Preset(kit={"tr808": 1.0}), "with kit tr808"),
        (Preset(drummer=17), "asks for drummer 17, there are 11"),
    ],
)
def test_a_preset_that_does_not_fit_the_bundle_is_refused_at_the_start(serving, preset, fault):
    save_preset("mine", preset)
    with pytest.raises(InputError, match=fault), serving(preset="mine"):
        pass


def test_a_preset_that_is_not_there_is_named_with_those_that_are(serving):
    save_preset("mine", Preset())
    with pytest.raises(MissingError, match=r"no preset 'yours'.*mine"), serving(preset="yours"):
        pass


def copied_bundle(tmp_path, name, **changes):
    """The tiny bundle under another name, parts of its manifest replaced."""
    folder = tmp_path / name
    shutil.copytree(TINY, folder)
    text = (folder / "manifest.toml").read_text("utf-8").replace('name = "tiny"', f'name = "{name}"', 1)
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    (folder / "manifest.toml").write_text(text, "utf-8")
    return folder


def test_another_bundle_is_loaded_while_playing_and_takes_over(serving, tmp_path):
    other = copied_bundle(tmp_path, "other")
    with serving(kit="beta") as (server, client):
        old = server.live.renderer
        client.change("/ghostnote/hit", ["crash_1", 1.0])
        assert ("/ghostnote/bundle", ("other",)) in client.change("/ghostnote/bundle", [str(other)])
        assert value(client, "/ghostnote/loading") == ("",)
        assert value(client, "/ghostnote/kit") == ("beta",)
        assert figures(client)["bundle_changes"] == 1
        wait_for(lambda: old.closed)
        assert not server.live.renderer.closed
        assert figures(client)["bundle"] == "other"
        client.change("/ghostnote/kit", ["gamma"])
        assert value(client, "/ghostnote/kit") == ("gamma",)


def test_bundles_that_cannot_play_are_named_and_the_old_one_goes_on(serving, tmp_path):
    corrupt = copied_bundle(tmp_path, "corrupt")
    (corrupt / "decoder.onnx").write_bytes(b"no graph")
    wider = copied_bundle(tmp_path, "wider", rate=("sample_rate = 48000", "sample_rate = 44100"))
    with serving() as (_, client):
        for bundle, fault in (
            ("nowhere", "no bundle 'nowhere'"),
            (str(tmp_path), "is not a bundle: cannot read manifest.toml"),
            (str(corrupt), "decoder.onnx is not the file that the manifest describes"),
            (str(wider), "wider.*rate, channels, hop, books, book size .44100, 2, 256, 12, 1024., this program plays"),
        ):
            with pytest.raises(GhostnoteError, match=fault):
                client.change("/ghostnote/bundle", [bundle])
        assert value(client, "/ghostnote/bundle") == ("tiny",)
        assert figures(client)["bundle_changes"] == 0
        client.change("/ghostnote/kit", ["gamma"])
        assert value(client, "/ghostnote/kit") == ("gamma",)


def test_window_mode_declares_its_latency_and_plays_one_window_later(serving):
    save_preset("windows", Preset(mode="window", tempo=400.0))
    with serving(preset="windows") as (server, client):
        assert server.info().latency.window == 28800
        frames, rate = value(client, "/ghostnote/latency")
        assert (frames, rate) == (round(server.info().latency.total), 48000)
        assert figures(client)["window_latency_ms"] == 600
        client.change("/ghostnote/hit", ["snare", 1.0])
        wait_for(lambda: figures(client)["pending"] == 1)
        wait_for(lambda: figures(client)["pending"] == 0)
        client.change("/ghostnote/mode", ["live"])
        assert figures(client)["mode_changes"] == 1
        assert value(client, "/ghostnote/latency")[0] == frames - 28800
