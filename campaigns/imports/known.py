"""What the books say of the people in a few rows: one look by code, document and phone, the rest only for the known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.case_models import Import, ImportChange, ImportState
from campaigns.imports.bulk import by_keys, listed, matching
from campaigns.lists.rows import Row
from campaigns.models import Account, Debtor, Lead, Phone

DEBTORS: Table = Debtor.metadata.tables["debtors"]
PHONES: Table = Phone.metadata.tables["phones"]
ACCOUNTS: Table = Account.metadata.tables["accounts"]
LEADS: Table = Lead.metadata.tables["leads"]
IMPORTS: Table = Import.metadata.tables["imports"]
CHANGES: Table = ImportChange.metadata.tables["import_changes"]

STAGED = "staged"
"""Reason of a phone that waits for its import to be published."""

DEBTOR_FACTS = (
    "name", "language", "time_zone", "document", "country", "subdivision", "locality", "postal_code", "party",
)  # fmt: skip
ACCOUNT_FACTS = ("balance", "currency", "days_overdue", "score", "tenure_months", "region", "custom")

AccountKey = tuple[str, str, str]


@dataclass(slots=True)
class KnownAccount:
    """A debt in the books, as it will stand when this import is published."""

    id: int
    facts: dict[str, Any]
    is_new: bool = False


@dataclass(slots=True)
class KnownLead:
    """A lead; `loose` belongs to no published import, so that it may be written at once."""

    id: int
    segment_id: int
    account_ids: list[int]
    loose: bool
    is_new: bool = False
    state: str = ""


@dataclass(slots=True)
class Person:
    """Somebody in the books or about to be, as they will stand when this import is published."""

    id: int
    code: str
    facts: dict[str, Any]
    opted_out: bool = False
    is_new: bool = False
    phones: dict[str, tuple[int, str, bool]] = field(default_factory=dict)
    next_rank: int = 0
    accounts: dict[AccountKey, KnownAccount] = field(default_factory=dict)
    lead: KnownLead | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """By what rows name people."""

    codes: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()

    @classmethod
    def by(cls, rows: Sequence[Row]) -> Self:
        """Return by what these rows name people."""
        return cls(
            frozenset([row.code for row in rows]),
            frozenset([row.document for row in rows if row.document]),
            frozenset([e164 for row in rows for e164, _ in row.phones]),
        )

    def apart(self, other: Self) -> bool:
        """Say whether nobody is named here as in the other rows."""
        return (
            self.codes.isdisjoint(other.codes)
            and self.documents.isdisjoint(other.documents)
            and self.phones.isdisjoint(other.phones)
        )


@dataclass(slots=True)
class Known:
    """The people whom the rows may mean, by everything they may be known by; `found` are those of the books."""

    asked: Asked = Asked()
    found: frozenset[int] = frozenset()
    by_code: dict[str, Person] = field(default_factory=dict)
    by_document: defaultdict[str, list[Person]] = field(default_factory=lambda: defaultdict(list))
    by_phone: defaultdict[str, list[Person]] = field(default_factory=lambda: defaultdict(list))
    changes: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    def apart(self, other: Known) -> bool:
        """Say whether two chunks are about different people: then neither minds whether the other is written."""
        return self.found.isdisjoint(other.found) and self.asked.apart(other.asked)

    def add(self, person: Person) -> None:
        """Let a person be found."""
        self.by_code[person.code] = person
        if person.facts["document"]:
            self.by_document[person.facts["document"]].append(person)


async def looked_up(connection: AsyncConnection, campaign_id: int, import_id: int, rows: Sequence[Row]) -> Known:
    """Return what is known of everybody the rows may mean."""
    await by_keys(connection)
    asked = Asked.by(rows)
    people = await _people(connection, asked)
    known = Known(asked, frozenset(people))
    if not people:
        return known
    for person in people.values():
        known.add(person)
    await _phones(connection, people, known, asked.phones)
    await _accounts(connection, people)
    await _leads(connection, people, campaign_id, import_id)
    await _changes(connection, people, known, import_id)
    return known


async def _people(connection: AsyncConnection, asked: Asked) -> dict[int, Person]:
    people: dict[int, Person] = {}
    for column, keys in (("external_id", asked.codes), ("document", asked.documents)):
        await _debtors(connection, people, column, keys)
    in_use = f"(retired_at IS NULL OR retired_reason = '{STAGED}')"
    query = f"SELECT t.debtor_id FROM {matching(connection, 'phones', 'e164', also=in_use)}"  # noqa: S608
    owners = (await connection.execute(text(query), {"keys": listed(connection, asked.phones)})).scalars()
    await _debtors(connection, people, "id", {id_ for id_ in owners if id_ not in people})
    return dict(sorted(people.items()))


async def _debtors(
    connection: AsyncConnection, people: dict[int, Person], column: str, keys: Collection[str | int]
) -> None:
    """Add the people who have one of these keys."""
    if not keys:
        return
    named = ", ".join(f"t.{name}" for name in ("id", "external_id", "opted_out_at", *DEBTOR_FACTS))
    query = f"SELECT {named} FROM {matching(connection, 'debtors', column, numbers=column == 'id')}"  # noqa: S608
    for found in await connection.execute(text(query), {"keys": listed(connection, keys)}):
        people.setdefault(found[0], _person(found))


def _person(found: Any) -> Person:
    id_, code, opted_out_at, *facts = found
    return Person(id_, code, dict(zip(DEBTOR_FACTS, facts, strict=True)), opted_out=opted_out_at is not None)


async def _phones(connection: AsyncConnection, people: dict[int, Person], known: Known, asked: Collection[str]) -> None:
    query = text(
        "SELECT t.debtor_id, t.e164, t.id, t.kind, t.rank, t.retired_at, t.retired_reason "  # noqa: S608
        f"FROM {matching(connection, 'phones', 'debtor_id', numbers=True)} ORDER BY t.rank, t.id"
    )
    for debtor_id, e164, id_, kind, rank, retired_at, reason in await connection.execute(
        query, {"keys": listed(connection, people)}
    ):
        person = people[debtor_id]
        staged = reason == STAGED
        person.phones[e164] = (id_, kind, staged)
        person.next_rank = max(person.next_rank, rank + 1)
        if e164 in asked and (retired_at is None or staged):
            known.by_phone[e164].append(person)


async def _accounts(connection: AsyncConnection, people: dict[int, Person]) -> None:
    columns = [ACCOUNTS.c[name] for name in ("debtor_id", "creditor", "product", "number", "id", *ACCOUNT_FACTS)]
    query = text(
        f"SELECT {', '.join(f't.{column.name}' for column in columns)} "  # noqa: S608
        f"FROM {matching(connection, 'accounts', 'debtor_id', numbers=True)} ORDER BY t.id"
    ).columns(*columns)
    for debtor_id, creditor, product, number, id_, *facts in await connection.execute(
        query, {"keys": listed(connection, people)}
    ):
        account = KnownAccount(id_, dict(zip(ACCOUNT_FACTS, facts, strict=True)))
        people[debtor_id].accounts[creditor, product, number] = account


async def _leads(connection: AsyncConnection, people: dict[int, Person], campaign_id: int, import_id: int) -> None:
    columns = [LEADS.c[name] for name in ("debtor_id", "id", "segment_id", "account_ids", "state", "import_id")]
    query = text(
        f"SELECT {', '.join(f't.{column.name}' for column in columns)}, i.state AS published "  # noqa: S608
        f"FROM {matching(connection, 'leads', 'debtor_id', numbers=True)} "
        "LEFT JOIN imports i ON i.id = t.import_id WHERE t.campaign_id = :campaign"
    ).columns(*columns, IMPORTS.c.state.label("published"))
    bound = {"campaign": campaign_id, "keys": listed(connection, people)}
    for debtor_id, id_, segment_id, accounts, state, _, published in await connection.execute(query, bound):
        loose = state == "staged" and published == ImportState.STAGING
        people[debtor_id].lead = KnownLead(id_, segment_id, list(accounts), loose, state=state)


async def _changes(connection: AsyncConnection, people: dict[int, Person], known: Known, import_id: int) -> None:
    """Lay what this import has found out already over what the books say."""
    ids = {
        "debtors": [*people],
        "phones": [id_ for person in people.values() for id_, _, _ in person.phones.values()],
        "accounts": [account.id for person in people.values() for account in person.accounts.values()],
        "leads": [person.lead.id for person in people.values() if person.lead],
    }
    own = "import_id = :import AND target = :target"
    for target, wanted in ids.items():
        query = text(
            "SELECT t.row_id, t.facts "  # noqa: S608
            f"FROM {matching(connection, 'import_changes', 'row_id', numbers=True, also=own)}"
        ).columns(CHANGES.c.row_id, CHANGES.c.facts)
        bound = {"import": import_id, "target": target, "keys": listed(connection, wanted)}
        for row_id, facts in await connection.execute(query, bound):
            known.changes[target, row_id] = facts
    for person in people.values():
        _overlay(person, known.changes)


def _overlay(person: Person, changes: dict[tuple[str, int], dict[str, Any]]) -> None:
    person.facts |= changes.get(("debtors", person.id), {})
    for account in person.accounts.values():
        account.facts |= revived(changes.get(("accounts", account.id), {}))
    if person.lead is not None:
        facts = changes.get(("leads", person.lead.id), {})
        person.lead.segment_id = facts.get("segment_id", person.lead.segment_id)
        person.lead.account_ids = facts.get("account_ids", person.lead.account_ids)


def revived(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a change with its amount as an amount: JSON knows none."""
    balance = facts.get("balance")
    return facts if balance is None else {**facts, "balance": Decimal(balance)}
