"""What a few rows of a list change in the books: who is who, what is new, what differs. Pure: nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Protocol

from campaigns.imports.known import (
    ACCOUNT_FACTS,
    DEBTOR_FACTS,
    AccountKey,
    Known,
    KnownAccount,
    KnownLead,
    Person,
)
from campaigns.lists.cells import Unusable, folded
from campaigns.lists.columns import Columns
from campaigns.lists.memory import Memory
from campaigns.lists.rows import Debt, Reject, Row
from campaigns.models import LeadState


class TakesIds(Protocol):
    """Where ids of new rows come from."""

    def take(self, table: str) -> int:
        """Return the next id of a table."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """The campaign a list is for: its segments by name with id and rank."""

    campaign_id: int
    import_id: int
    language: str
    segments: Mapping[str, tuple[int, int]]

    def rank(self, segment_id: int) -> int:
        """Return a segment's priority."""
        return next((rank for id_, rank in self.segments.values() if id_ == segment_id), -1)


@dataclass(slots=True)
class Chunk:
    """What some rows come to; `learned` is what later rows of the file must know."""

    debtors: list[Person] = field(default_factory=list)
    phones: list[tuple[int, int, str, int, str, bool]] = field(default_factory=list)
    accounts: list[tuple[int, int, AccountKey, KnownAccount]] = field(default_factory=list)
    leads: list[tuple[Person, KnownLead]] = field(default_factory=list)
    loose_leads: dict[int, KnownLead] = field(default_factory=dict)
    changes: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    stops: dict[tuple[int, str], int] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    learned: dict[object, int] = field(default_factory=dict)
    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    imported: int = 0


class Planner:
    """Plans one chunk; everything it changes is its own until the chunk is committed."""

    def __init__(self, target: Target, columns: Columns, known: Known, memory: Memory, ids: TakesIds) -> None:
        self._target = target
        self._columns = columns
        self._known = known
        self._memory = memory
        self._ids = ids
        self.chunk = Chunk()

    def plan(self, rows: Iterable[Row | Reject]) -> Chunk:
        """Return what the rows change."""
        for row in rows:
            if isinstance(row, Reject):
                self.chunk.rejects.append(row)
                continue
            try:
                self._plan(row)
            except Unusable as error:
                header = self._columns.header(error.field)
                self.chunk.rejects.append(Reject(row.line, header, _value(row, error.field), error.reason))
            else:
                self.chunk.imported += 1
                if row.remarks:
                    self.chunk.rejects += row.remarks
                if row.repairs:
                    self.chunk.repairs.update(row.repairs)
        for table in ("debtors", "phones", "accounts", "leads"):
            self.chunk.new[table] = len(getattr(self.chunk, table))
        return self.chunk

    def _plan(self, row: Row) -> None:
        person = self._person(row)
        if person is None:
            self._enlist(row)
            return
        first = self._seen(person.code)
        self._agrees(person, row, first)
        new_phones = [each for each in row.phones if not self._seen((person.code, each[0]))]
        account = None
        if row.debt is not None:
            account = self._account(person, row.debt, row.line)
            if not new_phones and not account[2]:
                raise Unusable("phone", f"duplicate of line {first}")
        elif not new_phones and first:
            raise Unusable("phone", f"duplicate of line {first}")
        self._tell(person, row, first)
        for e164, kind in new_phones:
            self._phone(person, e164, kind)
        self._lead(person, row, first, account[1].id if account else None)
        for flag in row.flags:
            self.chunk.stops[person.id, flag] = row.line
        self._learn(person, row, first)

    def _learn(self, person: Person, row: Row, first: int) -> None:
        learned = self.chunk.learned
        if not first:
            learned[person.code] = row.line
        for e164, _ in row.phones:
            learned.setdefault((person.code, e164), row.line)
        if row.debt is not None:
            learned.setdefault((person.code, *_key(row.debt)), row.line)

    def _seen(self, key: object) -> int:
        """Return the line of this file that spoke of a key first, 0 for none."""
        return self.chunk.learned.get(key) or self._memory.get(key)

    def _person(self, row: Row) -> Person | None:
        known = self._known
        if (person := known.by_code.get(row.code)) is not None:
            document = person.facts["document"]
            if row.document and document and row.document != document:
                raise Unusable("document", f"debtor {row.code} has document {document}")
            return person
        if row.document is not None and row.document in known.by_document:
            return known.by_document[row.document][0]
        return self._by_phone(row)

    def _by_phone(self, row: Row) -> Person | None:
        for e164, _ in row.phones:
            for person in self._known.by_phone.get(e164, ()):
                header = self._columns.headers[self._columns.phones[0][0]]
                if (doubt := _differ(person, row)) is None:
                    reason = f"a phone of debtor {person.code}: taken for the same person"
                    self.chunk.rejects.append(Reject(row.line, header, e164, reason, imported=True))
                    return person
                reason = f"also a phone of debtor {person.code}, {doubt}: both keep it"
                self.chunk.rejects.append(Reject(row.line, header, e164, reason, imported=True))
        return None

    def _enlist(self, row: Row) -> None:
        """Take in somebody nobody knows: most rows of a first list, so nothing is looked up that cannot be there."""
        chunk, known, take, learned = self.chunk, self._known, self._ids.take, self.chunk.learned
        code, line = row.code, row.line
        facts = dict(zip(DEBTOR_FACTS, _debtor_facts(row), strict=True))
        facts["language"] = row.language or self._target.language
        facts["party"] = row.party or "first"
        person = Person(take("debtors"), code, facts, is_new=True)
        known.add(person)
        chunk.debtors.append(person)
        learned[code] = line
        for rank, (e164, kind) in enumerate(row.phones):
            id_ = take("phones")
            person.phones[e164] = (id_, kind, False)
            chunk.phones.append((id_, person.id, e164, rank, kind, False))
            known.by_phone[e164].append(person)
            learned[code, e164] = line
        person.next_rank = len(row.phones)
        accounts = []
        if row.debt is not None:
            key = _key(row.debt)
            account = KnownAccount(
                take("accounts"), dict(zip(ACCOUNT_FACTS, _account_facts(row.debt), strict=True)), True
            )
            person.accounts[key] = account
            chunk.accounts.append((account.id, person.id, key, account))
            accounts.append(account.id)
            learned[code, *key] = line
        segment_id, _ = self._target.segments[row.segment]
        person.lead = KnownLead(take("leads"), segment_id, accounts, loose=True, is_new=True, state=LeadState.STAGED)
        chunk.leads.append((person, person.lead))
        chunk.segments[row.segment] += 1
        for flag in row.flags:
            chunk.stops[person.id, flag] = line

    def _agrees(self, person: Person, row: Row, first: int) -> None:
        zone = person.facts["time_zone"]
        if first and row.time_zone and zone and row.time_zone != zone:
            raise Unusable("time_zone", f"line {first} says {zone} of the same debtor")

    def _tell(self, person: Person, row: Row, first: int) -> None:
        """Keep what the row says of the person otherwise than the books; the file's first row about them counts."""
        told = {name: value for name in DEBTOR_FACTS if (value := getattr(row, name))}
        if first:
            told = {name: value for name, value in told.items() if not person.facts[name]}
        differing = {name: value for name, value in told.items() if person.facts[name] != value}
        if not differing:
            return
        person.facts |= differing
        if not person.is_new:
            self._change("debtors", person.id, differing)

    def _phone(self, person: Person, e164: str, kind: str) -> None:
        found = person.phones.get(e164)
        if found is None:
            id_ = self._ids.take("phones")
            # A number of somebody who is being called already waits until the whole list is published.
            waits = not person.is_new
            self.chunk.phones.append((id_, person.id, e164, person.next_rank, kind, waits))
            person.phones[e164] = (id_, kind, waits)
            person.next_rank += 1
            self._known.by_phone[e164].append(person)
            if waits:
                self._change("phones", id_, {"retired_at": None, "retired_reason": None}, counted=False)
            return
        id_, known_kind, staged = found
        told: dict[str, Any] = {"kind": kind} if kind and kind != known_kind and not known_kind else {}
        if staged:
            told |= {"retired_at": None, "retired_reason": None}
        if told:
            self._change("phones", id_, told)

    def _account(self, person: Person, debt: Debt, line: int) -> tuple[AccountKey, KnownAccount, bool]:
        """Return the debt in the books, and whether the row says anything about it that was not said before."""
        key = _key(debt)
        told = {name: value for name in ACCOUNT_FACTS if (value := getattr(debt, name)) not in (None, "", {})}
        account = person.accounts.get(key) or _renamed(person, debt)
        if account is None:
            account = KnownAccount(self._ids.take("accounts"), dict.fromkeys(ACCOUNT_FACTS) | told, is_new=True)
            account.facts |= {"region": debt.region, "custom": debt.custom}
            person.accounts[key] = account
            self.chunk.accounts.append((account.id, person.id, key, account))
            return key, account, True
        if earlier := self._seen((person.code, *key)):
            for name in ("balance", "days_overdue"):
                if name in told and account.facts[name] is not None and told[name] != account.facts[name]:
                    raise Unusable(name, f"line {earlier} says {account.facts[name]} of the same account")
            told = {name: value for name, value in told.items() if account.facts[name] in (None, "", {})}
        if debt.product and key not in person.accounts:
            told["product"] = debt.product
            person.accounts[key] = account
        differing = {name: value for name, value in told.items() if account.facts.get(name) != value}
        account.facts |= differing
        if differing and not account.is_new:
            self._change("accounts", account.id, differing)
        return key, account, not earlier or bool(differing)

    def _lead(self, person: Person, row: Row, first: int, account_id: int | None) -> None:
        segment_id, rank = self._target.segments[row.segment]
        lead = person.lead
        if lead is None:
            accounts = [] if account_id is None else [account_id]
            lead = person.lead = KnownLead(self._ids.take("leads"), segment_id, accounts, loose=True, is_new=True)
            lead.state = LeadState.SUPPRESSED if person.opted_out else LeadState.STAGED
            self.chunk.leads.append((person, lead))
            self.chunk.segments[row.segment] += 1
            return
        told: dict[str, Any] = {}
        # The file's best segment counts, whatever an earlier file said.
        better = not first or rank > self._target.rank(lead.segment_id)
        self._count_segment(row.segment, lead.segment_id, first, better)
        if better and lead.segment_id != segment_id:
            told["segment_id"] = lead.segment_id = segment_id
        if account_id is not None and account_id not in lead.account_ids:
            told["account_ids"] = lead.account_ids = [*lead.account_ids, account_id]
        if lead.is_new:
            return
        if lead.loose:
            self.chunk.loose_leads[lead.id] = lead
        elif told:
            self._change("leads", lead.id, told)

    def _count_segment(self, segment: str, before: int, first: int, better: bool) -> None:
        if not first:
            self.chunk.segments[segment] += 1
        elif better:
            earlier = next((name for name, (id_, _) in self._target.segments.items() if id_ == before), None)
            self.chunk.segments[segment] += 1
            if earlier is not None:
                self.chunk.segments[earlier] -= 1

    def _change(self, target: str, row_id: int, facts: Mapping[str, Any], *, counted: bool = True) -> None:
        key = (target, row_id)
        before = self.chunk.changes.get(key) or self._known.changes.get(key)
        if counted and before is None:
            self.chunk.changed[target] += 1
        self.chunk.changes[key] = {**(before or {}), **facts}


_debtor_facts = attrgetter(*DEBTOR_FACTS)
_account_facts = attrgetter(*ACCOUNT_FACTS)


def _key(debt: Debt) -> AccountKey:
    return debt.creditor, debt.product, debt.number


def _renamed(person: Person, debt: Debt) -> KnownAccount | None:
    """Return the debt that has this number with this creditor, though the list calls its product otherwise now."""
    if not debt.number:
        return None
    found = [
        a for (creditor, _, number), a in person.accounts.items() if (creditor, number) == (debt.creditor, debt.number)
    ]
    return found[0] if len(found) == 1 else None


def _differ(person: Person, row: Row) -> str | None:
    """Return why a row that has a person's phone is about somebody else; None when it is about them."""
    document = person.facts["document"]
    if row.document and document and row.document != document:
        return f"who has document {document}"
    if row.party and row.party != person.facts["party"]:
        return "who is another party"
    ours, theirs = set(folded(row.name).split()), set(folded(person.facts["name"]).split())
    # Ana Perez may be Ana Maria Perez; Juan Perez, who shares her number and her surname, is somebody else.
    if ours and theirs and not (ours <= theirs or theirs <= ours):
        return "who has another name"
    return None


def _value(row: Row, field: str) -> str:
    if field == "phone":
        return row.phones[0][0]
    if field in Debt._fields:
        return "" if row.debt is None else str(getattr(row.debt, field))
    return str(getattr(row, field, "") or "")


def needed(rows: Sequence[Row | Reject]) -> dict[str, int]:
    """Return how many ids a chunk may take of each table."""
    usable = [row for row in rows if isinstance(row, Row)]
    phones = sum(len(row.phones) for row in usable)
    return {"debtors": len(usable), "phones": phones, "accounts": len(usable), "leads": len(usable)}
