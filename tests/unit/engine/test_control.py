"""Orders from people: followed, or refused with a reason that says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from campaigns.explanations import Explanation
from campaigns.models import CampaignState
from dialer.call import Stage
from dialer.engine import control as control_module
from dialer.engine.answers import Answers
from dialer.engine.books import Books
from dialer.engine.control import Control, Refusal
from dialer.engine.filler import Filler
from dialer.engine.keeper import Part
from dialer.engine.lane import Lane
from dialer.events import Answered, Joined, Rang
from dialer.pacing import Pacer, PacingPolicy
from dialer.routing import AgentState
from dialer.types import DialerError, InputError, Unavailable
from tests.unit.engine.desk import CHANNEL, NOON, Desk, a_campaign, a_config, a_moment


class Shelf(Books):
    """Campaign states in memory."""

    def __init__(self) -> None:
        self.states: list[tuple[str, CampaignState, datetime]] = []
        self.away = False

    async def set_state(self, name: str, state: CampaignState, now: datetime) -> None:
        if self.away:
            raise Unavailable("away")
        self.states.append((name, state, now))


class Queues:
    async def remove_debtor(self, debtor_id: int) -> int:
        return 1


class Reasons:
    async def why(self, campaign: str, who: str, at: datetime, *, by_ledger: bool = False) -> list[Explanation]:
        return []


class Hall(Desk):
    """A desk with a door for orders."""

    def __init__(self) -> None:
        super().__init__(a_config(agents={"login_timeout_s": 0.01}))
        self.shelf = Shelf()
        self.lanes = [Lane(1, "key", a_campaign(), "a1", Pacer(PacingPolicy(mode="progressive")))]
        self.refreshed = 0
        self.plane.on_leg_failed = self.floor.leg_ended
        filler = Filler(
            self.config,
            self.clock,
            hopper=self.redis,
            lists=self.shelf,
            lanes=list,
            parts={"redis": Part("redis")},
            counsel=self.counsel,
            account_for=self._account_for,
            at_work=self.floor.at_work,
        )
        self.control = Control(
            self.config,
            self.clock,
            book=self.book,
            books=self.shelf,
            floor=self.floor,
            plane=self.plane,
            filler=filler,
            lanes=lambda: self.lanes,
            refresh=self._refresh,
            status=lambda: {"calls": 3, "unserved": {}},
            answers=Answers(self.clock, Queues(), Reasons),
        )

    async def _account_for(self, late: Sequence[str]) -> None:
        assert not late, "no lease runs out here"

    async def _refresh(self) -> None:
        self.refreshed += 1

    async def order(self, kind: str, **payload: Any) -> dict[str, Any]:
        return await self.control.follow(kind, payload)

    def hired(self, name: str) -> None:
        self.seats(name, state=AgentState.LOGGED_OUT, leg_id="", channel="", node="", campaign="")

    async def login(self, name: str = "eva", *, leg: str | None = "up", **payload: Any) -> dict[str, Any]:
        """Order a login; the softphone answers (`up`), refuses, or stays silent."""
        async with asyncio.TaskGroup() as tasks:
            order = tasks.create_task(self._caught(name, payload))
            await a_moment()
            leg_id = self.agent(name).leg_id
            if leg == "up":
                self.floor.leg_up(leg_id, "PJSIP/eva-1")
            elif leg is not None:
                self.floor.leg_ended(leg_id, leg)
        answer = order.result()
        if isinstance(answer, DialerError):
            raise answer
        return answer

    async def _caught(self, name: str, payload: dict[str, Any]) -> dict[str, Any] | DialerError:
        try:
            return await self.order("agent.login", agent=name, **payload)
        except DialerError as exc:
            return exc


@pytest.fixture
async def hall(monkeypatch: pytest.MonkeyPatch) -> Hall:
    monkeypatch.setattr(control_module, "LOGIN_POLL_S", 0.0)
    monkeypatch.setattr(control_module, "LOGIN_GRACE_S", 0.0)
    hall = Hall()
    hall.hired("eva")
    return hall


async def test_questions_about_people_are_answered() -> None:
    hall = Hall()
    assert await hall.order("leads.suppressed", debtors=[7]) == {"removed": 1}
    assert await hall.order("leads.why", campaign="spring", who="ana") == {"explanations": []}


def talks(hall: Hall) -> str:
    hall.seats("ana")
    call_id = hall.dials()
    hall.hears(call_id, Answered(CHANNEL), Joined())
    return call_id


# Logging in.


async def test_a_login_is_answered_when_the_softphone_sits(hall: Hall):
    answer = await hall.login()
    assert (answer["state"], answer["campaign"], answer["node"]) == ("paused", "c1", "a1")
    assert hall.refreshed == 1


async def test_a_login_may_ask_for_calls_at_once(hall: Hall):
    assert (await hall.login(ready=True))["state"] == "ready"


@pytest.mark.parametrize("detail", ["the softphone did not answer", "the softphone hung up"])
async def test_a_softphone_that_does_not_come_is_said(hall: Hall, detail: str):
    with pytest.raises(Refusal, match=f"{detail}; is softphone"):
        await hall.login(leg=detail)
    assert hall.agent("eva").state is AgentState.LOGGED_OUT


async def test_a_softphone_that_stays_silent_is_given_up_and_its_leg_ended(hall: Hall):
    with pytest.raises(Refusal, match="is softphone"):
        await hall.login(leg=None)
    assert hall.agent("eva").state is AgentState.LOGGED_OUT
    assert hall.link.names() == ["Originate", "Hangup"]


async def test_nobody_logs_in_on_a_node_that_is_away(hall: Hall):
    hall.link.up = False
    with pytest.raises(Refusal, match="a1 is not connected"):
        await hall.order("agent.login", agent="eva")
    assert hall.agent("eva").state is AgentState.LOGGED_OUT


async def test_nobody_logs_in_twice(hall: Hall):
    await hall.login()
    with pytest.raises(Refusal, match="already logged in"):
        await hall.order("agent.login", agent="eva")


async def test_a_login_names_the_campaign_when_there_are_several(hall: Hall):
    hall.lanes.append(Lane(2, "key2", a_campaign(name="c2"), "a1", hall.lanes[0].pacer))
    with pytest.raises(InputError, match="--campaign; started ones: c1, c2"):
        await hall.order("agent.login", agent="eva")
    assert (await hall.login(campaign="c2"))["campaign"] == "c2"


async def test_a_login_to_a_campaign_that_is_not_started_says_how_to_start_it(hall: Hall):
    with pytest.raises(InputError, match="dialer campaign start spring"):
        await hall.order("agent.login", agent="eva", campaign="spring")


async def test_an_unknown_agent_says_how_to_add_one(hall: Hall):
    with pytest.raises(Refusal, match="dialer agent add zoe"):
        await hall.order("agent.login", agent="zoe")


# The agent's day.


async def test_ready_pause_and_logout(hall: Hall):
    await hall.login()
    assert (await hall.order("agent.ready", agent="eva"))["state"] == "ready"
    assert (await hall.order("agent.pause", agent="eva", reason="lunch"))["reason"] == "lunch"
    assert (await hall.order("agent.logout", agent="eva"))["state"] == "logged_out"


async def test_an_order_that_cannot_be_followed_is_refused(hall: Hall):
    with pytest.raises(Refusal, match="dialer agent login eva"):
        await hall.order("agent.ready", agent="eva")


async def test_a_conversation_is_hung_up_at_the_debtor(hall: Hall):
    talks(hall)
    await hall.order("agent.hangup", agent="ana")
    assert hall.link.sent("Hangup")[0].get("Channel") == CHANNEL


@pytest.mark.parametrize("name", ["eva", "zoe"])
async def test_without_a_conversation_there_is_nothing_to_hang_up(hall: Hall, name: str):
    with pytest.raises(Refusal, match="in no conversation"):
        await hall.order("agent.hangup", agent=name)


async def test_a_disposition_is_kept_and_ends_wrap_up(hall: Hall):
    call_id = talks(hall)
    hall.floor.call_gone(call_id)
    assert (await hall.order("agent.dispose", agent="ana", code="promise"))["state"] == "ready"
    assert (await hall.kept())[call_id].disposition == "promise"  # type: ignore[union-attr]


@pytest.mark.parametrize("code", ["", "Promise", "x" * 41, "no such\ncode", "0"])
async def test_a_disposition_no_book_takes_is_refused(hall: Hall, code: str):
    call_id = talks(hall)
    with pytest.raises(InputError, match="40 small letters"):
        await hall.order("agent.dispose", agent="ana", code=code)
    assert hall.call(call_id).record.disposition is None


async def test_without_a_conversation_there_is_nothing_to_dispose(hall: Hall):
    with pytest.raises(Refusal, match="no conversation to dispose"):
        await hall.order("agent.dispose", agent="eva", code="promise")


# Campaigns.


@pytest.mark.parametrize(("order", "state"), [("start", "running"), ("pause", "paused"), ("stop", "stopping")])
async def test_campaigns_are_moved_in_the_books(hall: Hall, order: str, state: str):
    answer = await hall.order(f"campaign.{order}", campaign="c1")
    assert answer == {"campaign": "c1", "state": state}
    assert hall.shelf.states == [("c1", CampaignState(state), NOON)]
    assert hall.refreshed == 1


async def test_stop_cancels_what_rang_long_enough_and_leaves_conversations(hall: Hall):
    talking = talks(hall)
    rings, young = hall.dials(2), hall.dials(3)
    hall.hears(rings, Rang(CHANNEL))
    hall.clock.pass_s(16)
    hall.hears(young, Rang("PJSIP/young-1"))
    await hall.order("campaign.stop", campaign="c1")
    assert [action.get("Channel") for action in hall.link.sent("Hangup")] == [CHANNEL]
    assert hall.timers.running["min_ring", young][0] == 15.0
    assert hall.call(talking).stage is Stage.TALKING


async def test_stopping_another_campaign_cancels_nothing(hall: Hall):
    hall.hears(hall.dials(), Rang(CHANNEL))
    hall.clock.pass_s(20)
    await hall.order("campaign.stop", campaign="c2")
    assert hall.link.sent("Hangup") == []


async def test_with_the_database_away_nothing_is_cancelled(hall: Hall):
    hall.shelf.away = True
    hall.hears(hall.dials(), Rang(CHANNEL))
    with pytest.raises(Unavailable):
        await hall.order("campaign.stop", campaign="c1")
    assert hall.link.sent("Hangup") == []


# The rest.


async def test_the_status_and_the_hurry(hall: Hall):
    assert (await hall.order("engine.status"))["calls"] == 3
    assert await hall.order("leads.imported") == {}


@pytest.mark.parametrize(("kind", "message"), [("agent.dance", "knows no order"), ("agent.pause", "lacks")])
async def test_an_order_of_another_version_says_so(hall: Hall, kind: str, message: str):
    with pytest.raises(InputError, match=message):
        await hall.order(kind, agent="eva")
