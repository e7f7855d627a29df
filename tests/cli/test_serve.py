import pytest

from cli.play.serve import announce
from ghostnote.latency import Latency
from server.config import ServeConfig
from server.serve import ServerInfo


def screen(capsys, *, through_jack):
    latency = Latency(48000, hop=256, lead=256, limiter=48, device=128, window=0)
    info = ServerInfo(
        ServeConfig(), bundle="tiny", kits=("alpha",), provider="cpu", output="USB", block=128, bundle_rate=48000,
        hop=256, tempo=120, latency=latency, through_jack=through_jack, midi_in="", midi_out="", midi_fault="no ALSA",
        osc=("127.0.0.1", 9010), priority="normal",
    )  # fmt: skip
    announce(info)
    return capsys.readouterr().out


@pytest.mark.parametrize(("through_jack", "frames", "ms"), [(False, 688, "14.33"), (True, 560, "11.67")])
def test_the_screen_says_what_to_type_into_each_host(capsys, through_jack, frames, ms):
    lines = screen(capsys, through_jack=through_jack).splitlines()
    hosts = {line.split()[0]: line for line in lines if "Ghostnote In;" in line}
    assert hosts["Ableton"].endswith(f": {ms} ms")
    assert hosts["Reaper"].endswith(f": -{ms} ms")
    assert hosts["Ardour"].endswith(f": {frames} samples")
