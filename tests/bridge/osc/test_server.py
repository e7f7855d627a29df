"""The OSC server over real UDP: queries, changes, errors, subscribers, time tags, floods and noise."""

import dataclasses
import logging
import random
import re
import time

import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.osc.peers import MAX_PEERS, RateLimit, Subscribers
from bridge.osc.server import OscServer, feedback_values
from ghostnote.errors import InputError, MissingError
from ghostnote.events import LoadPreset, NoteEvent, PanicEvent, SetKit, SetLevel, SetTempo, TransportEvent
from ghostnote.files.preset import Preset, save_preset
from ghostnote.osc.limits import MAX_SUBSCRIBERS
from ghostnote.osc.packet import write_message
from ghostnote.osc.schema import ServerSnapshot
from tests.support.osc import Engine
from tests.support.waiting import wait_for


@pytest.fixture
def engine(state):
    return Engine(state)


@pytest.fixture
def server(engine):
    with OscServer(engine.sink, lambda: engine.state, port=0) as server:
        yield server


@pytest.fixture
def client(server, client_of):
    return client_of(server)


def bundle(at, *messages):
    builder = OscBundleBuilder(at)
    for address, *values in messages:
        message = OscMessageBuilder(address)
        for value in values:
            message.add_arg(value)
        builder.add_content(message.build())
    return builder.build().dgram


def test_a_message_without_arguments_asks_and_one_with_arguments_changes(client, engine):
    assert client.ask("/ghostnote/kit") == ("/ghostnote/kit", ("tr808",))
    client.send("/ghostnote/kit", "jazz")
    wait_for(lambda: engine.items == [SetKit({"jazz": 1.0})])
    assert client.ask("/ghostnote/kit") == ("/ghostnote/kit", ("jazz",))


def test_a_hit_carries_its_arrival(client, engine):
    before = time.perf_counter()
    client.send("/ghostnote/hit", "snare", 0.5)
    wait_for(lambda: engine.items)
    (hit,) = engine.items
    assert (hit.lane, hit.velocity) == (1, 0.5)
    assert before <= hit.at <= time.perf_counter()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (("/ghostnote/kit", "tr909"), "'tr909'.*one of tr808, jazz, rock"),
        (("/ghostnote/kit", 3), "one of tr808"),
        (("/ghostnote/level/snare", 99.0), r"99\.0.*-60\.\.12 dB"),
        (("/ghostnote/level/snare", float("nan")), "nan"),
        (("/ghostnote/level/snare", "loud"), "'loud'.*a number"),
        (("/ghostnote/level/snare", 1.0, 2.0), "2 arguments, expected level"),
        (("/ghostnote/drummer", 2), "2, expected a whole number 0..1"),
        (("/ghostnote/drummer", 0.5), "whole number"),
        (("/ghostnote/hit",), r"0 arguments, expected articulation \(text\)"),
        (("/ghostnote/hit", "cowbell", 1.0), "'cowbell'"),
        (("/ghostnote/status", 1), "expected none"),
        (("/ghostnote/morph", 0.5), "two different kits"),
        (("/ghostnote/kitt", "jazz"), "did you mean /ghostnote/kit"),
        (("/mixer/1",), "begin with /ghostnote/"),
        (("/ghostnote/preset", "nosuch"), "no preset 'nosuch'"),
        (("/ghostnote/preset", "../../etc/passwd"), "preset name"),
    ],
)
def test_what_is_wrong_is_answered_with_what_was_expected_and_changes_nothing(client, engine, message, expected):
    address, (asked, text) = client.ask(*message)
    assert address == "/ghostnote/error"
    assert asked in (message[0], "")
    assert engine.items == []
    assert re.search(expected, text), text


def test_a_pattern_reaches_every_address_that_fits(client, engine):
    client.send("/ghostnote/level/{kick,tom_*}", -6)
    wait_for(lambda: len(engine.items) == 4)
    assert engine.items[0] == SetLevel("kick", -6.0)


def test_a_morph_stays_a_morph_when_only_its_amount_moves(client, engine):
    client.send("/ghostnote/morph", 0.25, "tr808", "rock")
    client.send("/ghostnote/morph", 1.0)
    wait_for(lambda: len(engine.items) == 2)
    assert engine.items == [SetKit({"tr808": 0.75, "rock": 0.25}), SetKit({"tr808": 0.0, "rock": 1.0})]
    assert client.ask("/ghostnote/morph")[1] == (1.0, "tr808", "rock")


def test_a_button_let_go_is_no_panic(client, engine):
    client.send("/ghostnote/panic", 0.0)
    client.send("/ghostnote/hit", "kick", 0.0)
    client.send("/ghostnote/panic")
    client.send("/ghostnote/panic", 1.0)
    wait_for(lambda: len(engine.items) == 2)
    assert all(isinstance(item, PanicEvent) for item in engine.items)


def test_transport_starts_at_zero_and_goes_on_where_it_is(client, engine):
    engine.state = dataclasses.replace(engine.state, beat=7.5)
    for values in (("start",), ("continue",), ("start", 16.0)):
        client.send("/ghostnote/transport", *values)
    wait_for(lambda: len(engine.items) == 3)
    assert [(e.kind, e.beat) for e in engine.items if isinstance(e, TransportEvent)] == [
        ("start", 0.0),
        ("continue", 7.5),
        ("start", 16.0),
    ]


def test_subscribers_get_every_value_and_then_every_change_whoever_made_it(client, server, client_of, engine):
    client.send("/ghostnote/subscribe")
    values = {}
    while (heard := client.receive())[0] != "/ghostnote/subscribe":
        values[heard[0]] = heard[1]
    assert values == feedback_values(engine.state)
    assert heard[1] == ("127.0.0.1", client.socket.getsockname()[1], 60.0)
    client_of(server).send("/ghostnote/kit", "rock")
    assert {client.receive()[0] for _ in range(2)} == {"/ghostnote/kit", "/ghostnote/morph"}
    engine.sink(SetTempo(99.0))
    assert client.receive() == ("/ghostnote/tempo", (99.0,))


def test_who_has_unsubscribed_hears_nothing_more(client, engine):
    client.send("/ghostnote/subscribe")
    while client.receive()[0] != "/ghostnote/subscribe":
        pass
    client.send("/ghostnote/unsubscribe")
    client.ask("/ghostnote/mode")  # answered in order: the message before it has been read
    engine.sink(SetTempo(99.0))
    assert client.ask("/ghostnote/mode") == ("/ghostnote/mode", ("live",))


def test_hits_of_a_bundle_carry_the_time_of_its_tag(client, engine):
    ahead = 0.4
    now = time.perf_counter()
    client.raw(bundle(time.time() + ahead, ("/ghostnote/hit", "kick", 1.0)))
    wait_for(lambda: engine.items)
    (hit,) = engine.items
    assert isinstance(hit, NoteEvent)
    assert time.perf_counter() < hit.at
    assert hit.at == pytest.approx(now + ahead, abs=0.1)


def test_changes_of_a_bundle_wait_for_its_tag_and_keep_their_order(client, engine):
    client.raw(bundle(time.time() + 0.3, ("/ghostnote/kit", "rock"), ("/ghostnote/tempo", 90.0)))
    client.send("/ghostnote/kit", "jazz")
    wait_for(lambda: len(engine.items) == 3)
    assert engine.items == [SetKit({"jazz": 1.0}), SetKit({"rock": 1.0}), SetTempo(90.0)]


def test_a_tag_too_far_ahead_is_refused(client):
    client.raw(bundle(time.time() + 3600, ("/ghostnote/kit", "rock")))
    assert "clocks" in client.receive()[1][1]


def test_a_preset_is_checked_and_sent_as_changes(client, engine, tmp_path, monkeypatch):
    monkeypatch.setenv("GHOSTNOTE_HOME", str(tmp_path))
    save_preset("Friday", Preset(kit={"jazz": 1.0}, levels={"snare": -3.0}))
    save_preset("Other", Preset(bundle="big", kit={"jazz": 1.0}))
    save_preset("Strange", Preset(kit={"tabla": 1.0}))
    client.send("/ghostnote/preset", "Friday")
    wait_for(lambda: engine.items and engine.items[-1] == LoadPreset("Friday"))
    assert SetKit({"jazz": 1.0}) in engine.items
    assert SetLevel("snare", -3.0) in engine.items
    assert "bundle big" in client.ask("/ghostnote/preset", "Other")[1][1]
    assert "tabla" in client.ask("/ghostnote/preset", "Strange")[1][1]


def test_a_port_in_use_is_told(server):
    with pytest.raises(MissingError, match=str(server.address[1])):
        OscServer(lambda item: None, ServerSnapshot, port=server.address[1]).start()


def test_listening_to_the_network_is_warned_of(caplog):
    with caplog.at_level(logging.WARNING, "osc.in"), OscServer(lambda item: None, ServerSnapshot, "0.0.0.0", 0):
        pass
    assert "everyone who can reach this address" in caplog.text


def test_a_flood_is_cut_and_panic_still_works(client, server, engine):
    message = write_message("/ghostnote/hit", ("kick", 1.0))
    while not server.dropped:
        client.raw(message)
    client.socket.settimeout(0.2)
    while not any(isinstance(item, PanicEvent) for item in engine.items):  # the system may drop packets, too
        client.send("/ghostnote/panic")
        time.sleep(0.01)
    assert "messages per second" in client.receive()[1][1]


def test_a_hundred_thousand_random_packets_neither_crash_nor_fill_memory(engine):
    rng = random.Random(2)
    server = OscServer(engine.sink, lambda: engine.state, port=0)
    sent = []
    server._send = lambda peer, address, values: sent.append(address)
    seeds = [
        write_message("/ghostnote/level/snare", (-3.0,)),
        write_message("/ghostnote/hit", ("kick", 0.5)),
        write_message("/ghostnote/subscribe", (9000,)),
        bundle(time.time() + 1, ("/ghostnote/tempo", 100.0), ("/ghostnote/*", 1)),
    ]
    for n in range(100_000):
        data = bytearray(rng.choice(seeds)) if n % 2 else bytearray(rng.randbytes(rng.randrange(64)))
        for _ in range(rng.randrange(4)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        server._packet(bytes(data), ("127.0.0.1", 1024 + n % 5000))
    assert sent, "nothing was ever answered"
    assert engine.items, "nothing ever got through"
    assert len(server._waiting) <= 1024
    assert len(server._limit._buckets) <= MAX_PEERS
    assert len(server._error_limit._buckets) <= MAX_PEERS
    assert len(server._subscribers.present(time.perf_counter())) <= MAX_SUBSCRIBERS


def test_a_deeply_nested_bundle_is_answered_with_an_error(client):
    data = b""
    for _ in range(300):
        data = b"#bundle\x00" + bytes(7) + b"\x01" + (len(data).to_bytes(4, "big") + data if data else b"")
    client.raw(data)
    assert client.ask("/ghostnote/mode")[0] == "/ghostnote/mode"
    client.raw(b"#bundle\x00\x00")
    assert "not an OSC packet" in client.receive()[1][1]


def test_the_rate_limit_refills_with_time_and_is_kept_for_each_peer():
    limit = RateLimit(rate=10, burst=2)
    assert [limit.allows(("a", 1), 0.0) for _ in range(3)] == [True, True, False]
    assert limit.allows(("b", 1), 0.0)
    assert limit.allows(("a", 1), 0.1)


def test_a_subscription_ends_by_itself():
    subscribers = Subscribers()
    assert subscribers.add(("a", 1), until=10)
    assert subscribers.present(9) == (("a", 1),)
    assert subscribers.present(10) == ()
    for n in range(MAX_SUBSCRIBERS):
        assert subscribers.add(("a", n), until=10)
    assert not subscribers.add(("b", 1), until=10)


class Watch:
    """One message for each look while it is watched."""

    def __init__(self):
        self.watched = False

    def set_watched(self, watched):
        self.watched = watched

    def take(self, now):
        assert self.watched
        return [("/ghostnote/meter", (-6.0, -12.0))]


def test_watchers_alone_are_sent_what_is_watched_and_only_until_the_last_one_ends_it(engine, client_of):
    watch = Watch()
    with OscServer(engine.sink, lambda: engine.state, port=0, watch=watch) as server:
        one, other, stranger = client_of(server), client_of(server), client_of(server)
        one.send("/ghostnote/watch", 1)
        other.send("/ghostnote/watch", 1, one.socket.getsockname()[1])
        assert one.receive() == ("/ghostnote/meter", (-6.0, -12.0))
        assert stranger.ask("/ghostnote/kit") == ("/ghostnote/kit", ("tr808",))
        one.send("/ghostnote/watch", 0)
        wait_for(lambda: not watch.watched)


def test_watchers_beyond_the_number_are_refused(engine, client_of):
    with OscServer(engine.sink, lambda: engine.state, port=0, watch=Watch()) as server:
        client = client_of(server)
        for port in range(20_000, 20_000 + MAX_SUBSCRIBERS):
            client.send("/ghostnote/watch", 1, port)
        address, values = client.ask("/ghostnote/watch", 1)
        assert address == "/ghostnote/error"
        assert f"already {MAX_SUBSCRIBERS} peers" in values[1]


def test_a_service_answers_its_sender_and_its_errors_are_told(engine, client_of):
    def record(args):
        if args == ("0",):
            raise InputError("nothing runs")
        return 1, str(args[0]), "b"

    with OscServer(engine.sink, lambda: engine.state, port=0, services={"/ghostnote/record": record}) as server:
        client = client_of(server)
        assert client.ask("/ghostnote/record", 1.0) == ("/ghostnote/record", (1, "1", "b"))
        assert client.ask("/ghostnote/record", "take") == ("/ghostnote/record", (1, "take", "b"))
        assert client.ask("/ghostnote/record", 0) == ("/ghostnote/error", ("/ghostnote/record", "nothing runs"))
        assert "expected 1, 0 or a text" in client.ask("/ghostnote/record", 2)[1][1]
    assert engine.items == []


def test_what_failed_later_is_told_to_subscribers_once_for_each_address(client, engine):
    client.send("/ghostnote/subscribe")
    while client.receive()[0] != "/ghostnote/subscribe":
        pass
    engine.state = dataclasses.replace(engine.state, faults={"/ghostnote/bundle": "", "/ghostnote/record": "disk full"})
    assert client.receive() == ("/ghostnote/error", ("/ghostnote/record", "disk full"))
    client.send("/ghostnote/kit")
    assert client.receive() == ("/ghostnote/kit", ("tr808",))
