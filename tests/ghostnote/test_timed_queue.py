"""The queue by time: in order of when and then of arrival, bounded, movable."""

from hypothesis import given
from hypothesis import strategies as st

from ghostnote.timed_queue import TimedQueue


def filled(*dues: int, bound: int | None = None) -> TimedQueue[int, int]:
    queue: TimedQueue[int, int] = TimedQueue(bound)
    for number, due in enumerate(dues):
        queue.put(due, number)
    return queue


@given(st.lists(st.integers(0, 20)), st.integers(0, 21))
def test_items_come_in_order_of_time_and_those_of_one_time_in_order_of_arrival(dues, end):
    queue = filled(*dues)
    expected = sorted((due, number) for number, due in enumerate(dues))
    assert list(queue) == [number for _, number in expected]
    assert queue.take_before(end) == [pair for pair in expected if pair[0] < end]
    assert queue.next_due == min((due for due in dues if due >= end), default=None)
    assert queue.take_until(20) == [pair for pair in expected if pair[0] >= end]
    assert len(queue) == 0


def test_before_leaves_what_is_due_at_the_moment_and_until_takes_it():
    assert filled(3, 4).take_before(4) == [(3, 0)]
    assert filled(3, 4).take_until(4) == [(3, 0), (4, 1)]


def test_a_full_queue_takes_nothing_more():
    queue = filled(1, 2, bound=2)
    assert queue.full
    assert not queue.put(0, 9)
    assert list(queue) == [0, 1]
    queue.take_until(1)
    assert not queue.full
    assert queue.put(0, 9)


def test_moved_items_keep_their_order():
    queue = filled(4, 2, 2)
    queue.move(lambda due: due // 4)
    assert queue.take_before(9) == [(0, 1), (0, 2), (1, 0)]


def test_a_cleared_queue_is_empty():
    queue = filled(1, 2)
    queue.clear()
    assert queue.next_due is None
    assert not queue.full
