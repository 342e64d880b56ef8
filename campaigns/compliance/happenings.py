"""What an ended call leaves in the ledger: settled, rebuilt and imported history all go through here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from campaigns.compliance.limits import Happening, Kind, debt_key, person_key, phone_key
from dialer.types import AttemptRecord, Outcome

COUNTED = frozenset({"ring", "voicemail", "answer"})
"""What counts as an attempt where a profile says nothing else."""

WRONG_PARTY = "wrong_party"

_RELEASED = frozenset({Outcome.INVALID, Outcome.FAILED})
_AS_PROFILE_SAYS = frozenset({Outcome.BUSY, Outcome.CONGESTION})
_SPEAKING = frozenset({Kind.ATTEMPT, Kind.CONTACT, Kind.CONVERSATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The facts of one call that decide what it counts as. `outcome` None: it is still under way.

    `accounts` are the debts it was for; `discussed` those talked about, where the agent said so (more or fewer).
    """

    call_id: str
    phone: str
    debtor_id: int
    accounts: tuple[int, ...]
    placed_at: datetime
    ended_at: datetime
    outcome: Outcome | None
    answered: bool = False
    joined: bool = False
    disposition: str | None = None
    discussed: tuple[int, ...] | None = None

    @classmethod
    def of(cls, record: AttemptRecord, accounts: tuple[int, ...], discussed: tuple[int, ...] | None = None) -> Ended:
        """Return the facts of an attempt as it is recorded."""
        placed = record.dialled_at or record.intent_at
        return cls(
            call_id=record.call_id,
            phone=record.phone,
            debtor_id=record.debtor_id,
            accounts=accounts,
            placed_at=placed,
            ended_at=record.ended_at or record.bridged_at or record.answered_at or record.ringing_at or placed,
            outcome=record.outcome,
            answered=record.answered_at is not None,
            joined=record.bridged_at is not None or ("dead_leg" not in record.flags and _answered(record)),
            disposition=record.disposition,
            discussed=discussed,
        )


def happenings(ended: Ended, counts: Collection[str] = COUNTED) -> tuple[Happening, ...]:
    """Return the events a call leaves, by its outcome; `counts` is the rulebook's `attempt_counts`.

    Nothing at all is left by a call that is released: a number that is none, a failure on our side, and a busy line
    where the profiles let it go.
    """
    kinds = _kinds(ended, counts)
    found: list[Happening] = []
    if Kind.ATTEMPT in kinds:
        found += _at(Kind.ATTEMPT, ended, ended.accounts, ended.placed_at)
    for kind in (Kind.CONTACT, Kind.ABANDONED, Kind.MACHINE):
        if kind in kinds:
            found += _at(kind, ended, ended.accounts, ended.ended_at)
    if Kind.CONVERSATION in kinds:
        debts = ended.accounts if ended.discussed is None else ended.discussed
        found += _at(Kind.CONVERSATION, ended, debts, ended.ended_at)
    return tuple(found)


def inbound_happenings(
    call_id: str, phone: str, debtor_id: int, accounts: tuple[int, ...], ended_at: datetime, *, joined: bool
) -> tuple[Happening, ...]:
    """Return the events of a call from the debtor: no attempt, but a conversation if an agent spoke with them."""
    if not joined:
        return ()
    keys = _keys(phone, debtor_id, accounts)
    return tuple(Happening(kind, key, ended_at, call_id) for kind in (Kind.CONTACT, Kind.CONVERSATION) for key in keys)


def counts_as_attempt(outcome: Outcome, counts: Collection[str] = COUNTED) -> bool:
    """Say whether what was reserved for a call is kept; what no profile lets go is."""
    if outcome in _RELEASED:
        return False
    return outcome not in _AS_PROFILE_SAYS or outcome.value in counts


def _kinds(ended: Ended, counts: Collection[str]) -> frozenset[Kind]:
    outcome = ended.outcome
    if outcome is None:
        return frozenset({Kind.ATTEMPT})
    if not counts_as_attempt(outcome, counts):
        return frozenset()
    match outcome:
        case Outcome.ANSWERED:
            return _spoken(ended)
        case Outcome.ABANDONED:
            return frozenset({Kind.ATTEMPT, Kind.CONTACT, Kind.ABANDONED})
        case Outcome.EARLY_HANGUP:
            return frozenset({Kind.ATTEMPT, Kind.CONTACT})
        case Outcome.MACHINE:
            return frozenset({Kind.ATTEMPT, Kind.MACHINE})
        case Outcome.DROPPED | Outcome.UNKNOWN if ended.answered:
            return _spoken(ended)
        case _:
            return frozenset({Kind.ATTEMPT})


def _spoken(ended: Ended) -> frozenset[Kind]:
    """Return what a live answer leaves: whoever was never joined to an agent heard silence."""
    if not ended.joined:
        return frozenset({Kind.ATTEMPT, Kind.CONTACT, Kind.ABANDONED})
    return _SPEAKING - {Kind.CONVERSATION} if ended.disposition == WRONG_PARTY else _SPEAKING


def _at(kind: Kind, ended: Ended, accounts: Iterable[int], at: datetime) -> list[Happening]:
    return [Happening(kind, key, at, ended.call_id) for key in _keys(ended.phone, ended.debtor_id, accounts)]


def _keys(phone: str, debtor_id: int, accounts: Iterable[int]) -> tuple[str, ...]:
    return (phone_key(phone), person_key(debtor_id), *(debt_key(account) for account in accounts))


def _answered(record: AttemptRecord) -> bool:
    return record.outcome is Outcome.ANSWERED
