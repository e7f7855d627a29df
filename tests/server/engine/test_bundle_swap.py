"""Another bundle while music plays: no gap, no lost hit, and the old one goes on when the new one cannot."""

import numpy as np
import pytest

from ghostnote.events import NoteEvent, SetKit, SetLevel, SetMode, SetTempo
from ghostnote.files.preset import Preset
from ghostnote.music.grid import HopEvents, HopHit
from server.engine.bundle_swap import NewBundle
from server.engine.crossfade import Crossfade, RenderHelper
from server.engine.live_settings import apply_settings
from tests.support.engine import ClickRenderer, Rig, Title


def playing(level):
    renderer = ClickRenderer(kits=("low", "high", "third"), manifest=Title("other"))
    renderer.set_kit({"high": level})
    return renderer


def other_bundle(rig, next_hop=0, kits=("low", "high")):
    renderer = ClickRenderer(kits=kits, manifest=Title("other"))
    settings = rig.engine.live.fitted(renderer)
    apply_settings(settings, renderer)
    return NewBundle(renderer, "other", settings, next_hop, RenderHelper())


def test_the_old_sound_fades_into_the_new_with_equal_power_and_no_step():
    crossing = Crossfade(playing(1.0), playing(0.0), [], RenderHelper())
    sound = np.concatenate([crossing.render([HopEvents()]) for _ in range(12)])[:, 0]
    assert crossing.done
    assert sound[0] == 1
    assert sound[-1] == pytest.approx(0, abs=1e-6)
    assert sound[240] == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert np.abs(np.diff(sound)).max() < 0.004


@pytest.mark.parametrize("hops", [1, 2, 16])
def test_the_new_renderer_hears_every_hop_once_and_in_order(hops):
    new = playing(0.0)
    played = [HopEvents((HopHit(0, n % 256, 1.0),)) for n in range(96)]
    crossing = Crossfade(playing(0.0), new, played[:9], RenderHelper())
    recent_hops = [crossing.render(played[n : n + hops]) for n in range(9, 89, hops)]
    assert crossing.done
    assert new.seen == played[: len(new.seen)]
    assert len(new.seen) >= 89
    assert np.count_nonzero(np.concatenate(recent_hops)[:, 0]) == sum(map(len, recent_hops)) // 256


def test_a_bundle_takes_over_within_a_tenth_of_a_second_and_every_hit_sounds_in_its_place():
    rig = Rig()
    begin = rig.time + 0.05
    hits = [NoteEvent(begin + 0.0231 * n, n % 22, 0.5) for n in range(60)]
    rig.send(*hits)
    rig.run(begin + 0.5)
    old, new = rig.renderer, other_bundle(rig, next_hop=rig.engine._next - 4)
    rig.inbox.put(new)
    rig.run(begin + 0.6)
    assert rig.engine.live.renderer is new.renderer
    assert list(rig.engine.retired) == [old]
    for _ in range(old.networks):
        rig.engine.free()
    assert old.networks == 0
    assert not rig.engine.retired
    rig.run(begin + 2)
    wanted = [round(rig.device_frame(hit.at) + rig.engine.latency.engine) for hit in hits]
    assert np.abs(rig.clicks() - wanted).max() <= 1
    assert rig.engine.stats.late_hops == 0
    assert rig.engine.stats.bundle_changes == 1
    assert rig.engine.live.settings.bundle == "other"


def test_in_window_mode_too():
    rig = Rig()
    rig.inbox.put(SetTempo(400.0))
    rig.inbox.put(SetMode("window"))
    rig.run(rig.time + 0.1)
    begin = rig.time
    hits = [NoteEvent(begin + 0.0231 * n, n % 22, 0.5) for n in range(60)]
    rig.send(*hits)
    rig.run(begin + 1)
    rig.inbox.put(other_bundle(rig, next_hop=rig.engine._next - 40))
    rig.run(begin + 1.7)
    assert len(rig.engine.retired) == 1
    rig.run(begin + 3)
    wanted = [round(rig.device_frame(hit.at) + rig.engine.latency.engine) for hit in hits]
    assert np.abs(rig.clicks() - wanted).max() <= 1


def test_settings_that_the_new_bundle_knows_stay_and_others_become_its_first():
    rig = Rig()
    rig.inbox.put(SetKit({"high": 1.0}))
    rig.inbox.put(SetLevel("snare", -6.0))
    rig.run(rig.time + 0.1)
    rig.inbox.put(other_bundle(rig))
    rig.run(rig.time + 0.1)
    assert rig.engine.live.settings == Preset(bundle="other", kit={"high": 1.0}, levels={"snare": -6.0})
    assert rig.engine.live.renderer.level == 1.0
    rig.inbox.put(other_bundle(rig, kits=("tin", "wood")))
    rig.run(rig.time + 0.1)
    assert rig.engine.live.settings.kit == {"tin": 1.0}


def test_a_change_made_while_the_bundle_was_being_loaded_holds():
    rig = Rig()
    new = other_bundle(rig)
    rig.inbox.put(SetKit({"high": 1.0}))
    rig.inbox.put(new)
    rig.run(rig.time + 0.2)
    assert rig.engine.live.settings.kit == {"high": 1.0}
    assert new.renderer.level == 1.0
