"""A memory of a file's lines answers like a dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from campaigns.lists.memory import Memory


@given(
    st.dictionaries(st.text(max_size=8) | st.tuples(st.text(max_size=4), st.text(max_size=4)), st.integers(1, 2**31))
)
def test_it_remembers_what_it_was_told(told: dict[object, int]):
    memory = Memory()
    for key, value in told.items():
        memory.put(key, value)
    assert {key: memory.get(key) for key in told} == told
    assert len(memory) == len(told)
    assert memory.get("never told \0") == 0


def test_it_grows():
    memory = Memory()
    for number in range(20_000):
        memory.put(number, number + 1)
    assert [memory.get(number) for number in (0, 9_999, 19_999)] == [1, 10_000, 20_000]
    assert memory.get(20_000) == 0
