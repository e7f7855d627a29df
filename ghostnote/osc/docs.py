"""docs/osc.md, written from the OSC table."""

from collections.abc import Iterator
from typing import Final

from ghostnote.osc.limits import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    MAX_AHEAD_S,
    MAX_BURST,
    MAX_PACKET,
    MAX_RATE,
    MAX_SUBSCRIBERS,
)
from ghostnote.osc.schema import Address, ServerSnapshot
from ghostnote.osc.table import ERROR, SUBSCRIPTION_S, TABLE

_HEAD: Final = f"""# OSC

<!-- Written by `ghostnote osc --docs` from ghostnote/osc/table.py; a test holds the two together. -->

`ghostnote serve` listens for OSC 1.0 over UDP on {DEFAULT_HOST}, port {DEFAULT_PORT} (`--osc-host`, `--osc-port`). Try
it from the shell:

    ghostnote osc /ghostnote/kit              # asks
    ghostnote osc /ghostnote/kit tr808        # changes
    ghostnote osc /ghostnote/morph 0.5 tr808 studio_cc0
    ghostnote osc '/ghostnote/level/tom_*' -6

- **Ask**: send an address of the table without arguments; the answer has the same address and comes to the port that
  asked.
- **Change**: send it with arguments. A number may be an integer or a float; where whole numbers are expected, 2.0 is 2.
- **Listen**: after `/ghostnote/subscribe` every change, whoever made it, is sent as a message that would make it again.
  A subscription holds {SUBSCRIPTION_S:g} s; there can be {MAX_SUBSCRIBERS} at a time.
- **Errors**: what does not fit changes nothing and is answered by `{ERROR}` with the address and a line that says what
  was expected.
- **Patterns**: `*`, `?`, `[ab]`, `[!ab]` and one `{{a,b}}` in each part of an address; they reach what has an answer,
  so `/ghostnote/*` asks for everything and panics nobody.
- **Time**: hits, pedal, chokes and transport in a bundle with a time tag sound at that time, exactly, plus the declared
  latency; other changes wait for it. A tag may be {MAX_AHEAD_S:g} s ahead; the clocks of both machines must agree.
- **Limits**: {MAX_RATE:g} messages per second from one port, bursts of {MAX_BURST:g}, packets of
  {MAX_PACKET} bytes. `/ghostnote/panic` is never refused.

`ghostnote serve` also answers OSCQuery over HTTP (TCP, the same port number), so that controllers can build themselves:
`http://{DEFAULT_HOST}:{DEFAULT_PORT}/`. A layout for Open Stage Control is in presets/controllers.

| address | arguments | answer | feedback | meaning |
|---|---|---|---|---|
"""


def osc_markdown() -> str:
    """The page."""
    rows = "".join(f"{_row(address)}\n" for address in TABLE)
    return (
        _HEAD
        + rows
        + f"| `{ERROR}` | | | | Sent, never received: the address (text) and what was wrong with it (text). |\n"
        + "\nArguments in brackets may be left out. Types: s text, i whole number, f number, * any; `...` = repeated.\n"
        "The column _feedback_ marks values whose changes are sent to subscribers.\n"
    )


def _row(address: Address) -> str:
    arguments = " ".join(_arguments(address)) if address.writable else ""
    feedback = "yes" if address.feedback else ""
    return f"| `{address.path}` | {arguments} | {_answer(address)} | {feedback} | {address.about} |"


def _arguments(address: Address) -> Iterator[str]:
    for argument in address.arguments:
        fits = f"one of {argument.of_state}" if argument.of_state and argument.type == "s" else ""
        fits = fits or (f"number in {argument.of_state}" if argument.of_state else argument.expected(ServerSnapshot()))
        text = f"{argument.name} ({argument.type}: {fits})"
        yield f"[{text}]" if argument.optional else text


def _answer(address: Address) -> str:
    if address.replies or not address.read:
        return address.replies
    return "".join(argument.type for argument in address.arguments)
