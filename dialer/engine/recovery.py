"""What became of a call while nobody listened: the evidence table, as pure functions.

Nothing is ever sent again by itself. Evidence decides: a channel in Asterisk is adopted, a call in the event log is
closed with its cause, a call without any trace was either never placed (same Asterisk) or is unknown (a new one).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dialer.ami.client import ChannelRow
from dialer.ami.evidence import Evidence
from dialer.call import Stage
from dialer.events import Accounted
from dialer.outcomes import outcome_of_refusal
from dialer.types import ID_LENGTH, AttemptRecord, Outcome

UP = 6
RINGING = 5
CONNECT_WITHIN_S = 2.0
NO_REFUSAL = frozenset({None, 0, 16, 127})
"""Causes of a call that nobody answered and nobody refused: what the log shows when we hung up ourselves."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """The call lives in Asterisk: where it stands, and the leg it talks to."""

    stage: Stage
    channel: str
    leg_id: str | None = None
    answered_at: datetime | None = None
    bridged_at: datetime | None = None


def legs_by_bridge(rows: Iterable[ChannelRow]) -> dict[str, str]:
    """Return which agent leg sits in which bridge."""
    return {row.bridge_id: row.uniqueid for row in rows if row.bridge_id and is_leg(row.uniqueid)}


def partners_by_bridge(rows: Iterable[ChannelRow]) -> dict[str, str]:
    """Return who else, debtor or caller, sits in a bridge beside an agent's leg."""
    return {row.bridge_id: row.uniqueid for row in rows if row.bridge_id and not is_leg(row.uniqueid)}


def is_leg(channel_id: str) -> bool:
    """Say whether a channel id names an agent's nailed-up leg of ours."""
    return len(channel_id) == ID_LENGTH and channel_id.startswith("g")


def judge(
    record: AttemptRecord,
    row: ChannelRow | None,
    legs: Mapping[str, str],
    evidence: Evidence | None,
    incarnation: str,
    *,
    log_readable: bool = True,
) -> Adoption | Accounted:
    """Return what an open attempt has become, from the snapshot, the event log and Asterisk's identity.

    `legs` is `legs_by_bridge` of the same snapshot; `incarnation` is Asterisk's now, `record.incarnation` the one the
    intent was written under. `log_readable` False means that nobody could look for evidence: then its absence proves
    nothing, and the call counts.
    """
    if row is not None:
        return _adoption(row, legs, evidence)
    if evidence is not None and evidence.ended_at is not None:
        return _closed(evidence)
    same = incarnation == record.incarnation
    if evidence is not None:
        # A channel that was made, is gone, and left no end in the log of a living Asterisk: say so, count it.
        return _dropped(evidence, "end_not_logged" if same else "asterisk_died")
    if same and log_readable and not _was_heard_of(record):
        return Accounted(Outcome.FAILED, flag="not_placed")
    return Accounted(Outcome.UNKNOWN, flag="no_trace")


def _was_heard_of(record: AttemptRecord) -> bool:
    return record.ringing_at is not None or record.answered_at is not None


def _adoption(row: ChannelRow, legs: Mapping[str, str], evidence: Evidence | None) -> Adoption:
    leg = legs.get(row.bridge_id) if row.bridge_id else None
    return Adoption(
        stage=_stage(row, leg),
        channel=row.channel,
        leg_id=leg,
        answered_at=evidence.answered_at if evidence else None,
        bridged_at=evidence.bridged_at if evidence else None,
    )


def _stage(row: ChannelRow, leg: str | None) -> Stage:
    if row.state == RINGING:
        return Stage.RINGING
    if row.state != UP:
        return Stage.DIALLING
    if leg is not None:
        return Stage.TALKING
    if row.application == "AMD":
        return Stage.CLASSIFYING
    return Stage.MESSAGE if row.context == "dialer-abandon" else Stage.WAITING


def _dropped(evidence: Evidence, flag: str) -> Accounted:
    return Accounted(
        Outcome.DROPPED,
        answered_at=evidence.answered_at,
        bridged_at=evidence.bridged_at,
        ended_at=evidence.ended_at,
        flag=flag,
    )


def _closed(evidence: Evidence) -> Accounted:
    return Accounted(
        _closed_outcome(evidence),
        cause=evidence.cause,
        answered_at=evidence.answered_at,
        bridged_at=evidence.bridged_at,
        ended_at=evidence.ended_at,
        flag="reconciled",
    )


def _closed_outcome(evidence: Evidence) -> Outcome:
    if evidence.bridged_at is not None:
        return Outcome.ANSWERED
    if evidence.abandoned:
        return Outcome.ABANDONED
    if evidence.machine:
        return Outcome.MACHINE
    if evidence.answered_at is None:
        return _refused_outcome(evidence.cause)
    assert evidence.ended_at is not None  # noqa: S101 - the caller asks only for ended calls
    lived_s = (evidence.ended_at - evidence.answered_at).total_seconds()
    return Outcome.EARLY_HANGUP if lived_s < CONNECT_WITHIN_S else Outcome.ABANDONED


def _refused_outcome(cause: int | None) -> Outcome:
    # The log has no SIP code and does not know of our hanging up; the phone may have rung, so the try counts.
    return Outcome.CANCELLED if cause in NO_REFUSAL else outcome_of_refusal(cause, None)
