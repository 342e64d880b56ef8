"""Who is on the line, as far as campaigns and books know."""

from __future__ import annotations

import pytest

from campaigns.repository import KnownCaller
from dialer.call import Recording
from dialer.engine.books import Running
from dialer.engine.directory import Directory
from dialer.routing import Want
from tests.unit.engine.desk import a_campaign, a_record


class Desk:
    """A directory over one known person."""

    def __init__(self, campaign_id: int | None = 1) -> None:
        self.known: KnownCaller | None = KnownCaller(7, "EJ-7", "Eva", "pt", "ana", campaign_id, "c1", "s1")
        self.asked: list[str] = []
        self.directory = Directory(self._find)
        campaign = a_campaign(segments=({"name": "s1", "skills": {"legal": 2}},), recording_notice=True)
        self.directory.campaigns = {1: Running(1, "key", "running", campaign)}

    async def _find(self, phone: str) -> KnownCaller | None:
        self.asked.append(phone)
        return self.known


@pytest.mark.parametrize("phone", ["+573009", "573009"])
async def test_a_caller_is_known_with_or_without_the_plus(phone: str):
    desk = Desk()
    caller = await desk.directory.caller(phone, "+541")
    assert caller is not None
    assert desk.asked == ["+573009"]
    assert (caller.debtor_id, caller.campaign, caller.recording) == (7, "c1", True)
    assert caller.want == Want({"legal": 2}, "pt", "ana")


@pytest.mark.parametrize("campaign_id", [None, 99])
async def test_a_caller_of_no_campaign_served_is_a_stranger(campaign_id: int | None):
    assert await Desk(campaign_id).directory.caller("+573009", "+541") is None


async def test_a_stranger_is_nobody():
    desk = Desk()
    desk.known = None
    assert await desk.directory.caller("+573009", "+541") is None


def test_a_call_found_again_asks_what_its_segment_asks():
    assert Desk().directory.attempt(a_record()) == (Want({"legal": 2}, "es", None), Recording.NOTICE)


def test_a_call_of_a_campaign_that_is_gone_is_taken_for_recorded():
    assert Desk().directory.attempt(a_record(campaign_id=99)) == (Want(), Recording.NOW)
