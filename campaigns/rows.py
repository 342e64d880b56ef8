"""One row of a list, judged: what it says of a debtor, or why it cannot be used. Nothing is guessed in silence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

import phonenumbers
from phonenumbers import timezone

from campaigns.compliance import zone_of
from campaigns.listfile import REQUIRED, Line
from dialer.config import CampaignConfig, Language

_AMOUNT = re.compile(r"\d{1,12}([.,]\d{1,2})?")
_DAYS = re.compile(r"\d{1,5}")
_CURRENCY = re.compile(r"[A-Z]{3}|")
_LONGEST = {"debtor": 64, "name": 120, "creditor": 80, "product": 80}
_MAY_BE_EMPTY = {"name"}


@dataclass(frozen=True, slots=True)
class Row:
    """A usable row; `first` says that it is the file's first about this debtor."""

    line: int
    debtor: str
    name: str
    phone: str
    segment: str
    language: str
    time_zone: str
    creditor: str
    product: str
    balance: Decimal | None
    currency: str | None
    days_overdue: int | None
    first: bool

    @property
    def has_account(self) -> bool:
        """Tell whether the row speaks of a debt."""
        return bool(self.creditor or self.product) or self.balance is not None or self.days_overdue is not None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not imported: where, and why."""

    line: int
    column: str
    value: str
    reason: str


class _Unusable(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class Judge:
    """Judges the rows of one file in order, remembering what earlier lines said."""

    def __init__(self, campaign: CampaignConfig) -> None:
        self._campaign = campaign
        self._segments = {segment.name for segment in campaign.segments}
        self._phones: dict[tuple[str, str], int] = {}
        self._debtors: dict[str, Row] = {}
        self._accounts: dict[tuple[str, str, str], Row] = {}

    def judge(self, line: Line) -> Row | Reject:
        """Return the row, or the first reason against it."""
        try:
            row = self._row(line)
            self._agrees_with_earlier_lines(row)
        except _Unusable as error:
            return Reject(line.number, error.column, line.cells.get(error.column, ""), error.reason)
        self._phones[row.debtor, row.phone] = row.line
        self._debtors.setdefault(row.debtor, row)
        if row.has_account:
            self._accounts.setdefault((row.debtor, row.creditor, row.product), row)
        return row

    def _row(self, line: Line) -> Row:
        cells = line.cells
        _plain(line)
        number = _phone(cells["phone"], self._campaign.country)
        if cells["segment"] not in self._segments:
            raise _Unusable("segment", f"the campaign has no such segment; known: {', '.join(sorted(self._segments))}")
        return Row(
            line=line.number,
            debtor=cells["debtor"],
            name=cells["name"],
            phone=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
            segment=cells["segment"],
            language=self._language(cells.get("language", "")),
            time_zone=self._time_zone(cells.get("time_zone", ""), number),
            creditor=cells.get("creditor", ""),
            product=cells.get("product", ""),
            balance=_amount(cells.get("balance", "")),
            currency=_currency(cells.get("currency", "")),
            days_overdue=_days(cells.get("days_overdue", "")),
            first=cells["debtor"] not in self._debtors,
        )

    def _language(self, given: str) -> str:
        if given and given not in get_args(Language):
            raise _Unusable("language", f"not one of {', '.join(get_args(Language))}")
        return given or self._campaign.language

    def _time_zone(self, given: str, number: phonenumbers.PhoneNumber) -> str:
        if given:
            if zone_of(given) is None:
                raise _Unusable("time_zone", "not an IANA time zone such as America/Bogota")
            return given
        if self._campaign.time_zone:
            return self._campaign.time_zone
        zones = timezone.time_zones_for_number(number)
        if len(zones) != 1 or zone_of(zones[0]) is None:
            raise _Unusable("time_zone", "unknown zone: the phone alone does not tell it; fill the column time_zone")
        return zones[0]

    def _agrees_with_earlier_lines(self, row: Row) -> None:
        if known := self._phones.get((row.debtor, row.phone)):
            raise _Unusable("phone", f"duplicate of line {known}")
        if (earlier := self._debtors.get(row.debtor)) is not None:
            for column in ("segment", "time_zone"):
                if getattr(row, column) != getattr(earlier, column):
                    raise _Unusable(column, f"line {earlier.line} says {getattr(earlier, column)} of the same debtor")
        if (account := self._accounts.get((row.debtor, row.creditor, row.product))) is not None and row.has_account:
            for column in ("balance", "days_overdue"):
                if getattr(row, column) != getattr(account, column):
                    raise _Unusable(column, f"line {account.line} says {getattr(account, column)} of the same account")


def _plain(line: Line) -> None:
    if line.surplus:
        raise _Unusable("", "the row has more or fewer cells than the header")
    for column, cell in line.cells.items():
        if not cell and column in REQUIRED and column not in _MAY_BE_EMPTY:
            raise _Unusable(column, "empty")
        if not cell.isprintable():
            raise _Unusable(column, "control characters are not allowed")
        if len(cell) > _LONGEST.get(column, 200):
            raise _Unusable(column, f"longer than {_LONGEST.get(column, 200)} characters")


def _phone(text: str, country: str) -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise _Unusable("phone", f"not a phone number of {country} nor an international one") from error
    if number.extension or not phonenumbers.is_valid_number(number):
        raise _Unusable("phone", f"not a valid phone number of {country} nor of another country")
    return number


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    if not _AMOUNT.fullmatch(text):
        raise _Unusable("balance", "not an amount such as 1234.56 (no thousands separator, two decimals at most)")
    return Decimal(text.replace(",", ".")).quantize(Decimal("0.01"))


def _days(text: str) -> int | None:
    if text and not (text.isascii() and _DAYS.fullmatch(text)):
        raise _Unusable("days_overdue", "not a number of days such as 45")
    return int(text) if text else None


def _currency(text: str) -> str | None:
    if not _CURRENCY.fullmatch(text):
        raise _Unusable("currency", "not a currency code such as COP")
    return text or None
