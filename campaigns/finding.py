"""Who is meant: a debtor, a number or a debt, as people type them. Nothing is guessed: two meanings are an error."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.compliance import debt_key, person_key, phone_key
from campaigns.models import Account, Campaign, Debtor, Lead, Phone
from dialer.config import parse_campaign
from dialer.types import InputError

_PREFIXES = ("phone", "debtor", "debt", "lead")


@dataclass(frozen=True, slots=True)
class Found:
    """What somebody typed: a `phone` (E.164), or a debt, or neither; and the people it is about."""

    phone: str | None
    account_id: int | None
    debtor_ids: tuple[int, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """What a suppression of exactly this is kept by."""
        if self.phone is not None:
            return (phone_key(self.phone),)
        if self.account_id is not None:
            return (debt_key(self.account_id),)
        return tuple(person_key(debtor) for debtor in self.debtor_ids)


def number_of(text: str, country: str) -> str | None:
    """Return a number as E.164, typed as people of this country type it; None when it is none."""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


async def find(session: AsyncSession, text: str, country: str = "") -> Found:
    """Return what is meant by a number, the agency's id of a debtor, a document, or `debt:ID`.

    `phone:`, `debtor:`, `lead:` or `debt:` in front say which. Raises InputError for what is unknown or ambiguous.
    """
    asked, said = _asked(text)
    if asked == "debt":
        return await _debt(session, said)
    if asked == "lead":
        return await _lead(session, said)
    people = () if asked == "phone" else await _people(session, said)
    phone = None if asked == "debtor" else number_of(said, country)
    having = await _with_number(session, phone) if phone is not None else ()
    if phone is not None and not people:
        return Found(phone, None, having)
    if not people:
        raise InputError(_unknown(said, asked, country))
    if having and having != people:
        raise InputError(f"{said!r} is a debtor and a number; write debtor:{said} or phone:{said}")
    return Found(None, None, people)


def _asked(text: str) -> tuple[str, str]:
    """Return what is asked for (empty: anything), and what was said of it."""
    prefix, colon, said = text.strip().partition(":")
    return (prefix, said.strip()) if colon and prefix in _PREFIXES else ("", text.strip())


def _unknown(said: str, asked: str, country: str) -> str:
    if asked == "debtor":
        return f"no debtor has the id or document {said!r}"
    how = f"a number of {country}" if country else "a number with + and the country (or give --country)"
    return f"{said!r} is neither a debtor's id nor {how}"


async def _people(session: AsyncSession, said: str) -> tuple[int, ...]:
    query = select(Debtor.id).where((Debtor.external_id == said) | (Debtor.document == said)).order_by(Debtor.id)
    return tuple((await session.scalars(query)).all())


async def _with_number(session: AsyncSession, phone: str) -> tuple[int, ...]:
    query = select(Phone.debtor_id).where(Phone.e164 == phone).order_by(Phone.debtor_id)
    return tuple((await session.scalars(query)).all())


async def _debt(session: AsyncSession, said: str) -> Found:
    debtor_id = await session.scalar(select(Account.debtor_id).where(Account.id == _number(said, "debt")))
    if debtor_id is None:
        raise InputError(f"no debt has the number {said}")
    return Found(None, int(said), (debtor_id,))


async def _lead(session: AsyncSession, said: str) -> Found:
    debtor_id = await session.scalar(select(Lead.debtor_id).where(Lead.id == _number(said, "lead")))
    if debtor_id is None:
        raise InputError(f"no lead has the number {said}")
    return Found(None, None, (debtor_id,))


def _number(said: str, what: str) -> int:
    if not said.isdecimal():
        raise InputError(f"{what}:{said}: write our number of it, such as {what}:17")
    return int(said)


async def only_country(session: AsyncSession) -> str:
    """Return the country of all campaigns, empty when there is none or they differ."""
    rows = (await session.execute(select(Campaign.definition, Campaign.name))).all()
    found = {parse_campaign(row.definition, f"campaign {row.name}").country for row in rows}
    return found.pop() if len(found) == 1 else ""
