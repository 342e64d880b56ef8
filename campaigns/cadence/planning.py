"""What follows a try: call again, retire the phone, or let the debtor be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from campaigns.cadence.hours import NO_RATES, Rates, best_moment
from campaigns.cadence.phones import best_phone
from campaigns.cadence.policy import Policy
from campaigns.cadence.tries import Done, Next, Plan, RetirePhone, Try
from dialer.types import Outcome


def plan(
    tries: Sequence[Try],
    phones: Sequence[int],
    policy: Policy,
    now: datetime,
    *,
    zone: ZoneInfo | None = None,
    rates: Rates = NO_RATES,
    luck: float | None = None,
) -> Plan:
    """Say what follows the last of these tries, which ended now.

    `tries` are the debtor's in this campaign, oldest first; `phones` the numbers in use in the order of the list.
    A conversation ends it: what was promised in it is not a matter of delays. `zone` is the debtor's.
    """
    last = tries[-1]
    if last.outcome is Outcome.ANSWERED:
        return Done("answered")
    in_use = [phone for phone in phones if phone != last.phone_id or last.outcome is not Outcome.INVALID]
    counted = sum(each.counts for each in tries)
    if last.outcome is Outcome.INVALID:
        if not in_use:
            return RetirePhone(Done("no_phone"))
        if counted >= policy.max_tries:
            return RetirePhone(Done("max_tries"))
        # At once: a number that is none has cost the debtor nothing.
        return RetirePhone(Next(_rested(now, tries, policy, zone), best_phone(tries, in_use)))
    if not in_use:
        return Done("no_phone")
    rule = policy.rule(last.outcome)
    ended_so = Counter(each.outcome for each in tries)[last.outcome]
    if ended_so >= rule.max_tries:
        return Done(f"max_tries_{last.outcome}")
    if last.counts and counted >= policy.max_tries:
        return Done("max_tries")
    floor = _rested(now + rule.delay(ended_so), tries, policy, zone)
    hour = best_moment(
        floor,
        policy.look_ahead,
        tries,
        rates,
        zone=zone,
        open_hours=policy.open_hours,
        luck=luck if policy.explore else None,
    )
    return Next(_rested(hour, tries, policy, zone), best_phone(tries, in_use))


def _rested(floor: datetime, tries: Sequence[Try], policy: Policy, zone: ZoneInfo | None) -> datetime:
    """Return the moment, or the beginning of the debtor's next day when this one's tries are used up."""
    if policy.max_tries_per_day is None:
        return floor
    local = floor.astimezone(zone or floor.tzinfo)
    today = sum(each.counts and each.at.astimezone(local.tzinfo).date() == local.date() for each in tries)
    if today < policy.max_tries_per_day:
        return floor
    tomorrow = datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo)
    return tomorrow.astimezone(floor.tzinfo)
