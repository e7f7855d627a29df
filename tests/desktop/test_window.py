"""Every control of the window to its OSC message and back, against the real OSC server without sound."""

from dataclasses import replace

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs the extra 'desktop'", exc_type=ImportError)

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QWidget

from desktop.grooves import load_groove
from desktop.pieces import fader_position
from desktop.theme import DARK, LIGHT
from desktop.widgets.strip import FADER_STEPS, PAN_STEPS
from ghostnote.events import GrooveCommand, NoteEvent, PanicEvent, TransportEvent
from ghostnote.files.preset import Preset, save_preset
from ghostnote.music.articulations import LANE_OF_NAME, PIECES
from ghostnote.osc.table import PLAYED


def pick(box, value):
    """Choose an entry as a user does."""
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def click_kit(page, row):
    view = page.kits.view
    QTest.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(page.kits.model.index(row, 0)).center()
    )


def strip(window, piece):
    return window.play_page.strips[piece]


# Control to message


def test_the_record_button_records_until_it_is_clicked_again(window, peer, until):
    record = window.play_page.transport.record
    assert record.isVisible()
    record.click()
    until(lambda: peer.state.record[0] == 1 and "a.wav" in record.toolTip())
    assert record.isChecked()
    record.click()
    until(lambda: peer.state.record[0] == 0 and "the last is /takes/a.wav" in record.toolTip())
    assert "Recorded /takes/a.wav" in window.banner.text.text()
    assert not record.isChecked()


def test_a_recording_that_is_refused_leaves_the_button_out(window, peer, until):
    peer.folder = ""
    record = window.play_page.transport.record
    record.click()
    until(lambda: not record.isChecked())
    assert peer.state.record == (0, "", "")


def test_a_click_on_a_kit_chooses_it_and_plays_a_few_hits_on_it(window, peer, until):
    click_kit(window.play_page, 1)
    wanted = peer.state.kits[1]
    until(lambda: peer.settings.kit == {wanted: 1.0})
    until(lambda: len(peer.hits(NoteEvent)) == 8)


def test_the_search_field_narrows_the_list(window):
    kits = window.play_page.kits
    kits.field.setText("metal")
    spoken = [kits.model.item(n).data(Qt.ItemDataRole.AccessibleTextRole) for n in range(kits.model.rowCount())]
    assert 0 < len(spoken) < len(window.control.session.kits)
    assert all("metal" in text.lower() for text in spoken)
    kits.field.setText("nothing at all")
    assert kits.model.rowCount() == 0
    assert kits.count.text() == "no kit found"


def test_morph_between_two_kits_and_back_to_one(window, peer, until):
    morph, (first, second) = window.play_page.kits.morph, peer.state.kits[:2]
    assert not morph.slider.isEnabled()
    pick(morph.second, second)
    until(lambda: peer.settings.kit == {first: 0.5, second: 0.5})
    assert morph.slider.isEnabled()
    morph.slider.setValue(80)
    until(lambda: peer.settings.kit == pytest.approx({first: 0.2, second: 0.8}))
    pick(morph.second, "")
    until(lambda: list(peer.settings.kit) == [first])


def test_level_pan_mute_and_solo_of_every_piece(window, peer, until):
    for n, piece in enumerate(PIECES):
        one = strip(window, piece)
        one.fader.setValue(round(FADER_STEPS * fader_position(-6)))
        one.pan.setValue(PAN_STEPS // (n + 2))
    until(lambda: set(peer.settings.levels) == set(PIECES) == set(peer.settings.pans))
    assert list(peer.settings.levels.values()) == pytest.approx([-6] * 9, abs=0.1)
    assert peer.settings.pans == pytest.approx({piece: PAN_STEPS // (n + 2) / 100 for n, piece in enumerate(PIECES)})
    for piece in PIECES:
        strip(window, piece).mute.click()
        assert strip(window, piece).value.text() == "muted"
    until(lambda: set(peer.settings.levels.values()) == {-60})
    for piece in PIECES:
        strip(window, piece).mute.click()
    until(lambda: list(peer.settings.levels.values()) == pytest.approx([-6] * 9, abs=0.1))
    for piece in PIECES:
        strip(window, piece).solo.click()
        until(lambda piece=piece: [p for p, db in peer.settings.levels.items() if db > -60] == [piece])
        strip(window, piece).solo.click()


def test_every_pad_plays_its_piece_by_click_and_by_key_and_lights(window, peer, until):
    for piece in PIECES:
        pad = strip(window, piece).pad
        QTest.mouseClick(pad, Qt.MouseButton.LeftButton, pos=pad.rect().center())
        until(lambda pad=pad: pad.light > 0)
        QTest.keyClick(pad, Qt.Key.Key_Space)
    until(lambda: len(peer.hits(NoteEvent)) == 2 * len(PIECES))
    wanted = [LANE_OF_NAME[strip(window, piece).pad.way] for piece in PIECES for _ in range(2)]
    assert [hit.lane for hit in peer.hits(NoteEvent)] == wanted
    assert all(hit.velocity > 0.75 for hit in peer.hits(NoteEvent))


def test_the_edge_of_a_pad_is_softer_than_its_middle(window, peer, until):
    pad = strip(window, "snare").pad
    QTest.mouseClick(pad, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    until(lambda: len(peer.hits(NoteEvent)) == 1)
    assert peer.hits(NoteEvent)[0].velocity < 0.5


def test_drummer_feel_mode_and_tempo(window, peer, until):
    player, transport = window.play_page.player, window.play_page.transport
    pick(player.drummer, 3)
    until(lambda: peer.settings.drummer == 3)
    for n, (aspect, slider) in enumerate(player.feel.items(), 1):
        slider.setValue(20 * n)
        until(lambda aspect=aspect, n=n: peer.settings.feel.get(aspect) == pytest.approx(0.2 * n))
    pick(player.mode, "window")
    until(lambda: peer.settings.mode == "window")
    transport.tempo.setValue(93.5)
    until(lambda: peer.settings.tempo == 93.5)


def test_play_starts_transport_and_groove_and_stop_ends_both(window, peer, until):
    transport = window.play_page.transport
    pick(transport.groove, "driving_rock")
    transport.play.click()
    until(lambda: len(peer.hits(NoteEvent)) > 3)
    assert [event.kind for event in peer.hits(TransportEvent)] == ["start"]
    assert peer.settings.tempo == pytest.approx(load_groove("driving_rock").bpm, abs=0.1)
    until(lambda: window.play_page.lanes.hits)
    assert transport.play.isChecked()
    transport.play.click()
    until(lambda: [event.kind for event in peer.hits(TransportEvent)] == ["start", "stop"])
    assert not window.control.player.playing


def test_a_host_that_stops_ends_the_groove(window, peer, until):
    window.play_page.transport.play.click()
    until(lambda: window.control.session.playing)
    peer.state = replace(peer.state, transport="stop")
    until(lambda: not window.control.player.playing)
    assert not window.play_page.transport.play.isChecked()


def test_panic_by_button_and_by_key(window, peer, until):
    window.panic.click()
    until(lambda: len(peer.hits(PanicEvent)) == 1)
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    until(lambda: len(peer.hits(PanicEvent)) == 2)


def test_a_preset_is_loaded_from_the_box(window, peer, until):
    save_preset("loud", Preset(bundle=peer.settings.bundle, tempo=77.0, levels={"kick": 3.0}))
    window.presets.refresh()
    pick(window.presets.box, "loud")
    until(lambda: peer.settings.tempo == 77.0 and peer.state.preset == "loud")
    until(lambda: strip(window, "kick").value.text() == "+3.0 dB")
    assert window.presets.box.currentText() == "loud"


# Message to control


def test_what_another_controller_changes_is_shown(window, peer, until):
    first, second = peer.state.kits[:2]
    changed = Preset(
        bundle=peer.settings.bundle,
        kit={first: 0.25, second: 0.75},
        drummer=2,
        tempo=101.0,
        mode="window",
        levels={"ride": -12.0},
        pans={"hat": 0.4},
        feel={"swing": 0.5},
    )
    peer.set(changed)
    page = window.play_page
    until(lambda: page.transport.tempo.value() == 101.0)
    until(lambda: page.player.feel["swing"].value() == 50)
    assert page.kits.morph.slider.value() == 75
    assert page.kits.morph.second.currentData() == second
    assert page.player.drummer.currentData() == 2
    assert page.player.mode.currentData() == "window"
    assert strip(window, "ride").fader.value() == round(FADER_STEPS * fader_position(-12))
    assert strip(window, "hat").pan.value() == 40


def test_the_kits_of_another_bundle_are_shown_when_it_takes_over(window, peer, until):
    peer.state = replace(peer.state, kits=("one", "two"), settings=Preset(bundle="foreign", kit={"two": 1.0}))
    model = window.play_page.kits.model
    until(lambda: model.rowCount() == 2)
    assert [model.item(n).text() for n in range(2)] == ["one", "two"]


def test_hits_that_the_server_tells_light_pads_and_lanes(window):
    window.control.link.received.emit(PLAYED, ("hat_open_edge", 0.7))
    assert strip(window, "hat").pad.light > 0.5
    assert len(window.play_page.lanes.hits) == 1
    window.control.link.received.emit(PLAYED, ("no such thing", 0.7))
    assert len(window.play_page.lanes.hits) == 1


def test_meter_shows_peaks_and_keeps_the_clip_light_until_it_is_clicked(window):
    meter = window.play_page.meter
    window.control.link.received.emit("/ghostnote/meter", (-20.0, 0.0))
    assert meter.shown == [-20.0, 0.0]
    assert meter.clipped
    QTest.mouseClick(meter, Qt.MouseButton.LeftButton)
    assert not meter.clipped
    window.control.link.received.emit("/ghostnote/spectrum", (-30.0, -10.0, -60.0))
    assert window.play_page.spectrum.shown == [-30.0, -10.0, -60.0]


def test_health_latency_and_what_to_type_are_shown(window, until):
    until(lambda: "USB" in window.health.output.text())
    assert window.health.latency.text() == "688 samples · 14.3 ms"
    assert [value.text() for _, value in window.health.readings] == ["0", "0", "12 %", "CPU"]
    view = window.setup_page.findChild(QWidget, "latency")
    assert view.values["Ableton Live"].text() == "14.33 ms"
    assert view.values["Ardour"].text() == "688 samples"
    view.copies["Bitwig Studio"].click()


def test_what_the_server_refuses_is_said(window, until):
    window.control.session.change("/ghostnote/kit", "no_kit")
    until(lambda: window.banner.isVisible())
    assert "no_kit" in window.banner.text.text()
    until(lambda: window.control.session.kit != "no_kit")


def test_a_server_that_falls_silent_greys_the_page_and_gets_its_settings_back(window, peer, until):
    window.play_page.transport.tempo.setValue(90.0)
    until(lambda: peer.settings.tempo == 90.0)
    window.control.link.fell_silent.emit()
    assert not window.play_page.isEnabled()
    peer.set(replace(peer.settings, tempo=120.0))
    window.control.link.seek(peer.server.address[1])
    until(lambda: window.control.session.connected)
    until(lambda: peer.settings.tempo == 90.0)
    assert window.play_page.isEnabled()


# The window itself


def test_everything_that_can_be_used_has_a_name_for_screen_readers(window):
    kinds = (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit)
    nameless = [
        widget
        for kind in kinds
        for widget in window.findChildren(kind)
        if not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
        and not type(widget).__name__.startswith(("QScroll", "QLineEditIcon", "QTable"))
        and not isinstance(widget.parent(), QComboBox)
        and not widget.objectName().startswith("qt_")
        and not isinstance(widget.parent(), QLineEdit)  # its own clear button
    ]
    assert nameless == []


def test_everything_is_reached_by_the_tab_key(window):
    reached, widget = set(), window.play_page.kits.field
    for _ in range(300):
        reached.add(widget)
        widget = widget.nextInFocusChain()
    for one in window.play_page.strips.values():
        assert {one.pad, one.pan, one.fader, one.mute, one.solo} <= reached


def test_nothing_moves_while_nothing_sounds(window, until):
    window.control.session.hit("kick", 0.5)
    until(lambda: window.play_page.animation.awake)
    window.play_page.lanes.hits.clear()
    until(lambda: not window.play_page.animation.awake)


def test_pages_by_key_and_theme_by_choice(window, qt):
    window.show_page(window.page_number("Setup"))
    assert window.pages.currentWidget().widget() is window.setup_page
    pick(window.setup_page.theme, "light")
    assert qt.palette().window().color().name() == LIGHT.ground
    pick(window.setup_page.theme, "dark")
    assert qt.palette().window().color().name() == DARK.ground


@pytest.mark.parametrize("colours", [DARK, LIGHT])
def test_text_can_be_read_on_what_it_stands_on(colours):
    pairs = [(colours.text, colours.surface), (colours.soft, colours.surface), (colours.soft, colours.ground),
             (colours.accent_text, colours.accent), (colours.text, colours.raised), (colours.bad, colours.surface),
             (colours.warn, colours.surface)]  # fmt: skip
    for front, back in pairs:
        assert contrast(front, back) >= 4.5, (front, back)


def contrast(front, back):
    """WCAG 2 contrast ratio of two #RRGGBB."""

    def luminance(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((luminance(front), luminance(back)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_a_dropped_midi_file_is_ready_to_be_rendered(window, tmp_path):
    files = [tmp_path / "beat.mid", tmp_path / "notes.txt"]
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    event = QDropEvent(
        QPointF(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(event)
    page = window.render_page
    assert window.pages.currentWidget().widget() is page
    assert page.sources == [files[0]]
    assert page.go.isEnabled()
    assert "notes.txt" in page.state.text()


def test_grooves_are_asked_for_and_ended_and_what_plays_is_told(window, peer, until):
    panel = window.play_page.grooves
    assert panel.isVisible()
    assert not panel.stop.isEnabled()
    panel.prompt.setText(" funk 100 bpm ")
    panel.prompt.returnPressed.emit()
    panel.play_on.click()
    until(lambda: len(peer.grooves) == 2)
    assert peer.grooves == [GrooveCommand("prompt", "funk 100 bpm"), GrooveCommand("continue")]
    for state, text in (
        (("listening", "", 0), "Listening: play two to four bars"),
        (("playing", "funk 100 bpm", 0), "Playing “funk 100 bpm” from the next barline"),
        (("playing", "funk 100 bpm", 3), "Playing “funk 100 bpm” · bar 3"),
        (("playing", "", 2), "Playing on from what you played · bar 2"),
    ):
        peer.state = replace(peer.state, groove=state)
        until(lambda text=text: panel.state.text() == text)
        assert panel.stop.isEnabled()
    panel.stop.click()
    until(lambda: peer.grooves[-1] == GrooveCommand("stop"))
    peer.state = replace(peer.state, groove=("stopped", "", 0))
    until(lambda: panel.state.text() == "" and not panel.stop.isEnabled())


def test_the_banner_keeps_an_offer_until_it_is_taken(window):
    banner, taken = window.banner, []
    banner.offer("Two things could be better.", "Show me", lambda: taken.append(1))
    assert banner.offered.isVisible()
    assert not banner.retry.isVisible()
    banner.offered.click()
    assert taken == [1]
    assert not banner.isVisible()
    banner.fail("no device")
    banner.offer("Two things could be better.", "Show me", lambda: taken.append(1))
    assert "no device" in banner.text.text()
    assert not banner.offered.isVisible()


def test_settings_that_need_a_new_start_wait_for_apply(window, monkeypatch):
    used = []
    monkeypatch.setattr(window.control, "use", used.append)
    page = window.setup_page
    assert not page.apply.isEnabled()
    page._found(["USB (ALSA)"], ["TD-17"], [])
    pick(page.device, "USB (ALSA)")
    pick(page.block, 64)
    pick(page.midi, "TD-17")
    pick(page.map, "td17")
    assert used == []
    page.apply.click()
    assert (used[0].device, used[0].block, used[0].midi, used[0].midi_map) == ("USB (ALSA)", 64, "TD-17", "td17")
