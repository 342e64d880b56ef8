"""What trunks and nodes can still carry."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dialer.config import NodeConfig, TrunkConfig
from dialer.engine.lines import Lines
from tests.unit.engine.desk import NODE, TRUNK


def a_trunk(name: str = "t1", **keys: Any) -> TrunkConfig:
    return TrunkConfig(**{**TRUNK, "name": name, "calls_per_s": 1000, "channels": 1000, **keys})


def a_node(name: str = "a1", **keys: Any) -> NodeConfig:
    return NodeConfig(**{**NODE, "name": name, "calls_per_s": 1000, **keys})


def taken(
    lines: Lines, names: tuple[str, ...], n: int, busy: dict[str, int] | None = None, at: float = 0.0
) -> list[str]:
    return [trunk.config.name for trunk in lines.take(names, "a1", n, busy or {}, at)]


def test_the_first_trunk_is_filled_first():
    lines = Lines([a_node()], [a_trunk("t1", channels=3), a_trunk("t2")])
    assert taken(lines, ("t1", "t2"), 4, {"t1": 1}) == ["t1", "t1", "t2", "t2"]


def test_a_trunk_of_another_node_carries_nothing_here():
    lines = Lines([a_node(), a_node("a2")], [a_trunk("t1", node="a2"), a_trunk("t2")])
    assert taken(lines, ("t1", "t2"), 2) == ["t2", "t2"]


def test_a_full_trunk_carries_nothing():
    assert taken(Lines([a_node()], [a_trunk(channels=2)]), ("t1",), 5, {"t1": 2}) == []


def test_a_trunk_over_its_channels_is_no_credit_for_others():
    lines = Lines([a_node()], [a_trunk("t1", channels=1), a_trunk("t2", channels=2)])
    assert taken(lines, ("t1", "t2"), 5, {"t1": 7}) == ["t2", "t2"]


def test_a_trunk_keeps_its_rate():
    lines = Lines([a_node()], [a_trunk(calls_per_s=10)])
    assert [len(taken(lines, ("t1",), 50, at=at)) for at in (0.0, 0.05, 0.1, 0.35)] == [1, 0, 1, 1]


def test_a_node_keeps_its_rate_over_all_trunks():
    lines = Lines([a_node(calls_per_s=20)], [a_trunk("t1"), a_trunk("t2")])
    assert len(taken(lines, ("t1",), 50)) + len(taken(lines, ("t2",), 50)) == 2


def test_a_node_carries_no_more_than_its_channels():
    lines = Lines([a_node(channels=10)], [a_trunk("t1"), a_trunk("t2")])
    assert len(taken(lines, ("t1", "t2"), 50, {"t1": 4, "t2": 3})) == 3


def test_what_the_trunks_do_not_use_the_node_keeps():
    lines = Lines([a_node(calls_per_s=30)], [a_trunk("t1", channels=1), a_trunk("t2")])
    assert taken(lines, ("t1",), 3) == ["t1"]
    assert taken(lines, ("t2",), 3) == ["t2", "t2"]


def test_what_was_not_used_can_be_used_again():
    lines = Lines([a_node(calls_per_s=10)], [a_trunk(calls_per_s=10)])
    lines.give_back(lines.take(("t1",), "a1", 1, {}, 0.0))
    assert taken(lines, ("t1",), 1) == ["t1"]


@given(
    st.lists(st.tuples(st.floats(0, 2), st.integers(0, 60)), max_size=20),
    st.integers(1, 100),
    st.integers(1, 100),
    st.integers(0, 40),
)
def test_never_more_than_rate_and_channels(asked: list[tuple[float, int]], rate: int, channels: int, busy: int):
    lines = Lines([a_node(calls_per_s=rate)], [a_trunk(channels=channels)])
    given_out = [len(lines.take(("t1",), "a1", n, {"t1": busy}, at)) for at, n in sorted(asked)]
    assert sum(given_out) <= rate * 2 + max(1, rate / 10)
    assert all(count <= max(channels - busy, 0) for count in given_out)
