"""What the system is asked for on behalf of the render thread."""

import sys

import numpy as np
import pytest

from server.system.scheduling import HUGE, use_huge_pages, whole_pages

MAPS = """\
7f0000100000-7f0000900000 rw-p 00000000 00:00 0
7f0001000000-7f0001400000 rw-p 00000000 00:00 0                          [heap]
7f0002000000-7f0002400000 r-xp 00000000 00:00 0
7f0003000000-7f0003400000 rw-p 00000000 08:01 77                         /usr/lib/with space.so
7f0004000000-7f0004400000 rw-s 00000000 00:01 5                          /dev/shm/jack
7f0005000000-7f00051ff000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00400000 rw-p 00000000 00:00 0                          [stack]
"""


def test_only_private_memory_without_a_file_counts_and_of_it_whole_pages():
    assert list(whole_pages(MAPS.splitlines())) == [(0x7F0000200000, 3 * HUGE), (0x7F0001000000, 2 * HUGE)]


@pytest.mark.skipif(sys.platform != "linux", reason="huge pages are asked for on Linux alone")
def test_memory_keeps_what_is_in_it():
    numbers = np.arange(4 * HUGE // 8)
    moved = use_huge_pages()
    assert moved % HUGE == 0
    assert np.array_equal(numbers, np.arange(4 * HUGE // 8))
