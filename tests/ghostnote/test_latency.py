"""The formulas of ghostnote.latency against counting, one frame at a time."""

from fractions import Fraction
from math import floor

import pytest

from ghostnote.latency import ARRIVAL_SECONDS, WORK_SECONDS, Latency, block_wait, default_lead

SIZES = range(1, 13)


def missed(hop: int, block: int, lead: Fraction, work: Fraction) -> int:
    """Frames that the device takes before they are rendered, over every phase of hop and block there is.

    Block k, the frames [k * block, (k + 1) * block), is taken at time k * block. Hop n is rendered from the time of its
    last possible hit, n * hop - lead, for `work` frames' time.
    """
    ready = [n * hop - lead + work for n in range(3 * block + 1)]
    return sum(
        ready[frame // hop] > frame // block * block for frame in range(block * hop, block * hop + 2 * block * hop)
    )


@pytest.mark.parametrize("hop", SIZES)
@pytest.mark.parametrize("block", SIZES)
def test_a_lead_of_block_wait_plus_work_is_enough_and_less_is_not(hop, block):
    for work in (Fraction(0), Fraction(1, 2), Fraction(5)):
        lead = block_wait(hop, block) + work
        assert missed(hop, block, lead, work) == 0
        assert missed(hop, block, lead - Fraction(1, 10), work) > 0


@pytest.mark.parametrize("hop", SIZES)
def test_every_hit_sounds_exactly_hop_and_lead_after_its_arrival(hop):
    lead = Fraction(3)
    for arrival in (Fraction(n, 7) for n in range(7 * 40)):
        place = arrival + hop + lead
        n = floor(place / hop)
        rendered_from = n * hop - lead
        assert rendered_from > arrival, "the hit must have arrived before its hop is rendered"
        assert rendered_from - arrival <= hop, "and no hit waits longer than one hop"


def test_the_example_of_the_module_holds():
    assert floor((Fraction(1, 2) + 4 + 1) / 4) == 1
    assert missed(4, 2, Fraction(1), Fraction(1)) == 0
    assert missed(4, 3, Fraction(1), Fraction(0)) > 0
    assert block_wait(4, 3) == 2


@pytest.mark.parametrize("aligned", [True, False])
def test_the_default_lead_leaves_time_to_work_besides_the_block(aligned):
    for hop, block in ((256, 64), (256, 128), (256, 1024), (512, 441)):
        rest = default_lead(hop, block, 48000, aligned=aligned) - block_wait(hop, block, aligned=aligned)
        assert rest == pytest.approx((ARRIVAL_SECONDS + WORK_SECONDS) * 48000)
    assert block_wait(256, 128, aligned=False) == 128


def test_the_parts_add_up():
    latency = Latency(48000, hop=256, lead=240, limiter=64, resampler=10, device=128)
    assert latency.engine == 570
    assert latency.total == 698
    assert latency.milliseconds(latency.total) == pytest.approx(14.542, abs=1e-3)
