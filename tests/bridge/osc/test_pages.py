"""What follows from the OSC table: the page, the controller layout, the OSCQuery tree, the shell command."""

import itertools
import json
import urllib.error
import urllib.request
from http import HTTPStatus

import pytest
from typer.testing import CliRunner

from bridge.osc.query import OscQueryServer, answer, tree
from bridge.osc.server import OscServer
from cli.main import build_app, run
from ghostnote.files.preset import load_preset
from ghostnote.music.articulations import ARTICULATIONS
from ghostnote.osc.client import parse_values
from ghostnote.osc.docs import osc_markdown
from ghostnote.osc.layout import open_stage_control
from ghostnote.osc.schema import ServerSnapshot
from ghostnote.osc.table import BY_PATH, TABLE, find
from tests.support.osc import Engine
from tests.support.paths import ROOT

OSC = ("127.0.0.1", 9010)


def test_the_page_is_what_the_table_says():
    assert (ROOT / "docs/osc.md").read_text("utf-8") == osc_markdown(), "run `ghostnote osc --docs`"


def test_the_layout_is_what_the_table_says():
    path = ROOT / "presets/controllers/open_stage_control.json"
    assert path.read_text("utf-8") == open_stage_control(), "run `ghostnote osc --docs`"


def test_every_widget_of_the_layout_sends_what_its_address_takes(state):
    widgets = json.loads(open_stage_control())["content"]["widgets"]
    assert len({w["id"] for w in widgets}) == len(widgets)
    assert sum(w["address"] == "/ghostnote/hit" for w in widgets) == len(ARTICULATIONS)
    for widget in widgets:
        row = BY_PATH[widget["address"]]
        sent = [*([widget["preArgs"]] if "preArgs" in widget else [])]
        for value in (widget.get("on"), widget.get("range", {}).get("max"), *widget.get("values", [])):
            if value is not None:
                row.check([*sent, value], state)


def test_no_two_widgets_overlap():
    widgets = json.loads(open_stage_control())["content"]["widgets"]
    boxes = [(w["left"], w["top"], w["left"] + w["width"], w["top"] + w["height"]) for w in widgets]
    for i, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:i]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
def test_the_present_value_of_an_address_is_a_message_that_it_accepts(row, state):
    if row.read and row.make and row.path != "/ghostnote/morph":
        values = row.read(state)
        assert row.check(values, state) == values
        assert row.make(state, 0.0, values)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("/ghostnote/kit", 1),
        ("/ghostnote/ki?", 1),
        ("/ghostnote/*", sum(row.path.count("/") == 2 and row.read is not None for row in TABLE)),
        ("/ghostnote/p*", 1),
        ("/ghostnote/panic", 1),
        ("/ghostnote/level/tom_*", 3),
        ("/ghostnote/{level,pan}/{snare,kick}", 4),
        ("/ghostnote/level/[!t]*", 6),
        ("/*", 0),
        ("/ghostnote/level", 0),
        ("/ghostnote/" + "*" * 200, 0),
        ("", 0),
    ],
)
def test_patterns_find_addresses_and_do_not_cross_a_slash(pattern, count):
    assert len(find(pattern)) == count


def test_the_tree_has_every_address_with_type_range_and_value(state):
    root = tree(state)
    kit = root["CONTENTS"]["ghostnote"]["CONTENTS"]["kit"]
    assert kit["TYPE"] == "s"
    assert kit["ACCESS"] == 3
    assert kit["RANGE"] == [{"VALS": ["tr808", "jazz", "rock"]}]
    assert kit["VALUE"] == ["tr808"]
    snare = root["CONTENTS"]["ghostnote"]["CONTENTS"]["level"]["CONTENTS"]["snare"]
    assert snare["FULL_PATH"] == "/ghostnote/level/snare"
    assert snare["RANGE"] == [{"MIN": -60.0, "MAX": 12.0}]
    containers = {path for a in TABLE for path in itertools.accumulate(a.path.split("/")[:-1], lambda *b: "/".join(b))}
    assert json.dumps(root).count("FULL_PATH") == len(TABLE) + len(containers)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/", "", 200),
        ("/", "HOST_INFO", 200),
        ("/ghostnote/kit", "VALUE", 200),
        ("/ghostnote/hit", "VALUE", 204),
        ("/ghostnote/kit", "COLOUR", 400),
        ("/ghostnote/nope", "", 404),
        ("/ghostnote/kit/deeper", "", 404),
    ],
)
def test_oscquery_answers_with_the_fitting_status(path, query, status, state):
    assert answer(path, query, state, OSC)[0] == HTTPStatus(status)


@pytest.fixture
def server(state):
    engine = Engine(state)
    with OscServer(engine.sink, lambda: engine.state, port=0) as server:
        yield server


def test_oscquery_over_http_tells_where_osc_is_heard_and_what_is_set(server, state):
    query = OscQueryServer(lambda: state, server.address)
    query.start()
    try:
        base = f"http://127.0.0.1:{server.address[1]}"
        host = json.load(urllib.request.urlopen(f"{base}/?HOST_INFO", timeout=5))
        assert (host["OSC_IP"], host["OSC_PORT"]) == server.address
        assert json.load(urllib.request.urlopen(f"{base}/ghostnote/kit?VALUE", timeout=5)) == {"VALUE": ["tr808"]}
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{base}/nothing", timeout=5)
    finally:
        query.stop()


def test_oscquery_is_announced_by_zeroconf():
    zeroconf = pytest.importorskip("zeroconf")
    query = OscQueryServer(ServerSnapshot, ("127.0.0.1", 39017), advertise=True)
    try:
        query.start()
    except OSError as error:
        pytest.skip(f"needs multicast on the loopback interface ({error})")
    try:
        with zeroconf.Zeroconf(interfaces=["127.0.0.1"]) as browser:
            kind = "_oscjson._tcp.local."
            info = browser.get_service_info(kind, f"Ghostnote.{kind}", timeout=3000)
        assert info is not None
        assert info.port == 39017
    finally:
        query.stop()


def shell(server, *words):
    """Output of `ghostnote WORDS --port ...`."""
    result = CliRunner().invoke(
        build_app({"osc": "cli.play.osc:app", "preset": "cli.play.preset:app"}),
        [*words, "--port", str(server.address[1])],
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_the_shell_asks_changes_and_prints_what_came_of_it(server):
    assert shell(server, "osc", "/ghostnote/kit") == "/ghostnote/kit tr808\n"
    assert shell(server, "osc", "/ghostnote/kit", "jazz") == "/ghostnote/kit jazz\n"
    assert shell(server, "osc", "/ghostnote/level/snare", "-6") == "/ghostnote/level/snare -6\n"
    assert shell(server, "osc", "/ghostnote/level/snare", "-6") == "/ghostnote/level/snare -6\n", "no change, no echo"
    assert shell(server, "osc", "/ghostnote/hit", "kick") == ""


def test_the_shell_shows_the_server_s_refusal(server, capsys):
    assert run(["osc", "/ghostnote/kit", "nope", "--port", str(server.address[1])]) == 2
    assert "expected one of tr808, jazz, rock" in capsys.readouterr().err


def test_the_shell_says_when_nobody_answers(capsys):
    assert run(["osc", "/ghostnote/kit", "--port", "9"]) == 2
    assert "is `ghostnote serve` running there?" in capsys.readouterr().err


def test_settings_saved_from_a_running_server_can_be_loaded_into_it_again(server, tmp_path, monkeypatch):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    shell(server, "osc", "/ghostnote/morph", "0.25", "jazz", "rock")
    assert "saved" in shell(server, "preset", "save", "mine")
    assert load_preset("mine").kit == {"jazz": 0.75, "rock": 0.25}
    shell(server, "osc", "/ghostnote/kit", "tr808")
    shell(server, "preset", "load", "mine")
    assert shell(server, "osc", "/ghostnote/kit") == "/ghostnote/kit jazz\n"


def test_words_of_the_shell_become_what_the_address_takes():
    assert parse_values("/ghostnote/hit", ["kick", "1"]) == ["kick", 1]
    assert parse_values("/ghostnote/preset", ["5"]) == ["5"]
    assert parse_values("/ghostnote/level/*", ["-6.5"]) == [-6.5]
    assert parse_values("/ghostnote/level/kick", ["loud"]) == ["loud"]
