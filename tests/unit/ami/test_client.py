"""The pauses between connects grow, stay within bounds, and differ from client to client."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from dialer.ami.client import AmiSecrets, back_off_s
from dialer.config import AmiConfig

AMI = AmiConfig(backoff_first_s=0.1, backoff_last_s=5.0)


@given(st.integers(1, 10_000), st.randoms(use_true_random=False))
def test_a_pause_is_never_longer_than_the_doubling_allows_nor_than_the_last(failures, rng):
    assert 0 <= back_off_s(failures, AMI, rng) <= min(5.0, 0.1 * 2 ** min(failures - 1, 10))


def test_after_many_failures_pauses_spread_over_the_whole_range():
    rng = random.Random(1)
    pauses = sorted(back_off_s(20, AMI, rng) for _ in range(200))
    assert pauses[0] < 0.5
    assert pauses[-1] > 4.5


def test_secrets_are_not_shown():
    assert "hush" not in repr(AmiSecrets("ev", "hush", "act", "hush"))
