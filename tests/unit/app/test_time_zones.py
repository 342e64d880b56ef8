"""The rules of time zones come with the product: two machines must not disagree on when somebody may be called."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from dialer.app.time_zones import pin_time_zones


@pytest.fixture
def pinned() -> Iterator[None]:
    before = zoneinfo.TZPATH
    pin_time_zones()
    yield
    zoneinfo.reset_tzpath(to=before)
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("pinned")
def test_the_machine_s_rules_are_not_looked_at():
    assert zoneinfo.TZPATH == ()


@pytest.mark.usefixtures("pinned")
def test_the_packaged_rules_know_the_debtors_zones():
    noon = datetime(2026, 6, 2, 12, tzinfo=zoneinfo.ZoneInfo("America/Bogota"))
    assert noon.utcoffset() == timedelta(hours=-5)
