"""A list becomes leads; every row that does not is named with its line, column and reason."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from campaigns.importer import ImportReport, import_list
from campaigns.models import Account, Attempt, Campaign, Debtor, Lead, LeadState, Phone, Segment
from campaigns.repository import Campaigns
from dialer.config import parse_campaign
from dialer.store import Store
from dialer.types import InputError, Outcome
from tests.books import NOW, Desk, OnSqlite

HEADER = "debtor,name,phone,segment,language,time_zone,creditor,product,balance,currency,days_overdue"
ANA = "CC-1,Ana,3001234567,early,,,Banco,tarjeta,1500.50,COP,45"
EXAMPLES = Path(__file__).parents[3] / "examples"


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def write_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def rejects(report: ImportReport) -> list[tuple[int, str, str]]:
    assert report.rejects_file is not None
    with report.rejects_file.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["result"] == "rejected"]
        return [(int(row["line"]), row["column"], row["reason"]) for row in rows]


async def everything(store: Store) -> list[object]:
    tables = (Debtor, Phone, Account, Lead, Segment, Campaign, Attempt)
    async with store.snapshot() as session:
        return [
            [tuple(row) for row in await session.execute(select(table.__table__).order_by(text("1")))]
            for table in tables
        ]


class ImporterContract:
    @pytest.fixture
    def listing(self, tmp_path: Path) -> Path:
        return tmp_path / "list.csv"

    async def test_a_row_becomes_debtor_phone_account_and_lead(self, store: Store, listing: Path) -> None:
        desk = await Desk.opened(store)
        report = await import_list(store, write(listing, ANA), "spring", NOW)
        assert (report.rows, report.imported, report.rejected, report.rejects_file) == (1, 1, 0, None)
        (lead,) = await desk.due()
        assert (lead.debtor, lead.phone, lead.time_zone) == ("CC-1", "+573001234567", "America/Bogota")
        async with store.snapshot() as session:
            account = (await session.scalars(select(Account))).one()
        assert (account.creditor, account.balance, account.days_overdue) == ("Banco", Decimal("1500.50"), 45)

    async def test_the_same_file_twice_changes_nothing(self, store: Store, listing: Path) -> None:
        await Desk.opened(store)
        write(
            listing,
            ANA,
            "CC-1,Ana,3011234567,early,,,Banco,tarjeta,1500.50,COP,45",
            "CC-2,Bea,3021234567,late,pt,,,,,,",
        )
        first = await import_list(store, listing, "spring", NOW)
        before = await everything(store)
        again = await import_list(store, listing, "spring", NOW)
        assert first.new == {"debtors": 2, "phones": 3, "accounts": 1, "leads": 2}
        assert (again.imported, again.new, again.changed, again.repeated_from) == (3, {}, {}, NOW)
        assert await everything(store) == before

    async def test_more_rows_of_one_debtor_add_phones_in_order(self, store: Store, listing: Path) -> None:
        await Desk.opened(store)
        write(listing, ANA, "CC-1,Ana,3011234567,early,,,,,,,")
        await import_list(store, listing, "spring", NOW)
        write(listing, "CC-1,Ana,3021234567,early,,,,,,,")
        await import_list(store, listing, "spring", NOW)
        async with store.snapshot() as session:
            ranked = (await session.execute(select(Phone.e164, Phone.rank).order_by(Phone.rank))).all()
        assert [tuple(row) for row in ranked] == [("+573001234567", 0), ("+573011234567", 1), ("+573021234567", 2)]

    async def test_a_newer_list_updates_what_it_says(self, store: Store, listing: Path) -> None:
        await Desk.opened(store)
        await import_list(store, write(listing, ANA), "spring", NOW)
        report = await import_list(store, write(listing, "CC-1,,3001234567,late,,,Banco,tarjeta,900,,"), "spring", NOW)
        assert (report.new, report.changed) == ({}, {"accounts": 1, "leads": 1})
        async with store.snapshot() as session:
            account = (await session.scalars(select(Account))).one()
            debtor = (await session.scalars(select(Debtor))).one()
        assert (account.balance, account.days_overdue, debtor.name) == (Decimal("900.00"), 45, "Ana")

    async def test_importing_again_opens_no_closed_lead(self, store: Store, listing: Path) -> None:
        desk = await Desk.opened(store)
        await import_list(store, write(listing, ANA), "spring", NOW)
        await desk.call((await desk.due())[0], Outcome.ANSWERED)
        await import_list(store, listing, "spring", NOW)
        assert (await desk.lead("CC-1")).state == LeadState.DONE

    async def test_who_opted_out_stays_so_in_a_new_campaign(self, store: Store, listing: Path) -> None:
        spring, autumn = await Desk.opened(store), await Desk.opened(store, "autumn")
        await import_list(store, write(listing, ANA), "spring", NOW)
        await spring.journal.opt_out(NOW, phone="+573001234567")
        await import_list(store, listing, "autumn", NOW)
        assert (await autumn.lead("CC-1")).state == LeadState.SUPPRESSED
        assert await autumn.due() == []

    @pytest.mark.parametrize(
        ("row", "column", "reason"),
        [
            (",Bea,3021234567,early,,,,,,,", "debtor", "empty"),
            ("CC-2,Bea,,early,,,,,,,", "phone", "empty"),
            ("CC-2,Bea,12,early,,,,,,,", "phone", "not a valid phone number of CO"),
            ("CC-2,Bea,abc,early,,,,,,,", "phone", "not a phone number of CO"),
            ("CC-2,Bea,3021234567 ext 5,early,,,,,,,", "phone", "has an extension"),
            ("CC-2,Bea,3021234567,erly,,,,,,,", "segment", "known: early, late"),
            ("CC-2,Bea,3021234567,early,fr,,,,,,", "language", "not one of es, en, pt"),
            ("CC-2,Bea,3021234567,early,,Bogota,,,,,", "time_zone", "not an IANA time zone"),
            ("CC-2,Bea,3021234567,early,,,,,5.123.4,,", "balance", "not an amount"),
            ("CC-2,Bea,3021234567,early,,,,,5.1234,,", "balance", "more than two decimals"),
            ("CC-2,Bea,3021234567,early,,,,,5,pesos,", "currency", "not a currency code"),
            ("CC-2,Bea,3021234567,early,,,,,5,,many", "days_overdue", "not a number of days"),
            ("CC-2,Be\ta,3021234567,early,,,,,,,", "name", "control characters"),
            (f"{'x' * 65},Bea,3021234567,early,,,,,,,", "debtor", "longer than 64"),
            ("CC-2,Bea,3021234567,early", "", "more or fewer cells"),
            ("CC-1,Ana,+57 300 123 4567,early,,,Banco,tarjeta,1500.50,COP,45", "phone", "duplicate of line 2"),
            ("CC-1,Ana,3021234567,early,,America/Lima,,,,,", "time_zone", "line 2 says America/Bogota"),
            ("CC-1,Ana,3021234567,early,,,Banco,tarjeta,9,COP,45", "balance", "line 2 says 1500.50"),
        ],
    )
    async def test_a_bad_row_is_named_and_the_good_one_imported(
        self, store: Store, listing: Path, row: str, column: str, reason: str
    ) -> None:
        desk = await Desk.opened(store)
        report = await import_list(store, write(listing, ANA, row), "spring", NOW)
        assert (report.imported, report.rejected) == (1, 1)
        ((line, found, why),) = rejects(report)
        assert (line, found) == (3, column)
        assert reason in why
        assert [lead.debtor for lead in await desk.due()] == ["CC-1"]

    async def test_what_the_list_says_nothing_of_stays_unknown(self, store: Store, listing: Path) -> None:
        definition = 'name="us"\ncountry="US"\nwindows=["mon-fri 09:00-18:00"]\ntrunks=["m"]\n[[segments]]\nname="all"'
        async with store.transaction() as session:
            await Campaigns(session).create(parse_campaign(definition, "test"), definition, key="k", now=NOW)
        write(listing, "1,Ann,212-555-0123,all", header="debtor,name,phone,segment")
        await import_list(store, listing, "us", NOW)
        async with store.snapshot() as session:
            assert await session.scalar(select(Debtor.time_zone)) == ""

    async def test_semicolons_and_a_byte_order_mark_are_fine(self, store: Store, listing: Path) -> None:
        desk = await Desk.opened(store)
        write_as_it_is(
            listing, "\ufeffDebtor; Name ;phone;segment;balance;note\r\n7;Íñigo;3001234567;early;10,5;x\r\n".encode()
        )
        report = await import_list(store, listing, "spring", NOW)
        assert (report.imported, report.ignored_columns) == (1, ("note",))
        assert [lead.debtor for lead in await desk.due()] == ["7"]

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            (b"", "the file is empty"),
            (b"CC-1,Ana,3001234567,early\n", "line 1: no column holds phones"),
            (b"debtor,name,phone\n1,Ana,3001234567\n", "line 1: missing columns segment"),
            (b"debtor,name,phone,segment,name\n1,a,b,c,d\n", "line 1: columns named twice: name"),
            (b"debtor,name,phone,segment\n\n", "no rows below the header"),
            (b'debtor,name,phone,segment\n1,Ana,3001234567,early\n2,"Bea,3011234567,early\n', "line 3: .*quotes"),
            (b"\x00\x01\x02", "line 1"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel file of the old kind"),
            (b"PK\x03\x04 nothing", "not an Excel workbook"),
            (b"Lista de junio\n\nnombre;celular;segmento\nAna;3001234567;early\n", "line 3 looks like the header"),
            (b"debtor,phone,segment,saldo,deuda\n1,3001234567,early,5,6\n", "line 1: columns 'saldo' and 'deuda'"),
            (b"debtor,phone,segment,saldo\n1,3001234567,early,1.234\n", "line 2: saldo 1.234 may be thousands"),
            (b"debtor,phone,segment,vencimiento\n1,3001234567,early,12/25/2026\n", "line 2: 12/25/2026 cannot be"),
        ],
    )
    async def test_a_file_that_is_not_a_list_imports_nothing(
        self, store: Store, listing: Path, content: bytes, complaint: str
    ) -> None:
        await Desk.opened(store)
        write_as_it_is(listing, content)
        with pytest.raises(InputError, match=f"{listing}: {complaint}"):
            await import_list(store, listing, "spring", NOW)
        async with store.snapshot() as session:
            assert await session.scalar(select(func.count()).select_from(Debtor)) == 0

    async def test_a_missing_file_is_an_input_error(self, store: Store, listing: Path) -> None:
        await Desk.opened(store)
        with pytest.raises(InputError, match="no such file"):
            await import_list(store, listing, "spring", NOW)

    async def test_an_unknown_campaign_is_an_input_error(self, store: Store, listing: Path) -> None:
        with pytest.raises(InputError, match="unknown campaign"):
            await import_list(store, write(listing, ANA), "spring", NOW)

    async def test_an_older_report_of_rejects_goes(self, store: Store, listing: Path) -> None:
        await Desk.opened(store)
        first = await import_list(store, write(listing, ANA, "bad,,,,,,,,,,"), "spring", NOW)
        await import_list(store, write(listing, ANA), "spring", NOW)
        assert first.rejects_file is not None
        assert not first.rejects_file.exists()

    async def test_a_long_list_goes_in_by_chunks(self, store: Store, listing: Path) -> None:
        desk = await Desk.opened(store)
        write(listing, *(f"D{n},Name,3{n // 100000:02}{n:07},early,,,,,,," for n in range(1234)))
        heard: list[tuple[int, int]] = []
        report = await import_list(
            store, listing, "spring", NOW, progress=lambda done, total: heard.append((done, total))
        )
        assert len(heard) > 1
        assert heard[-1] == (1234, 1234)
        assert report.imported + report.rejected == 1234
        assert len(await desk.due(limit=2000)) == report.imported

    async def test_the_shipped_example_has_no_bad_row(self, store: Store, tmp_path: Path) -> None:
        definition = (EXAMPLES / "campaign.toml").read_text(encoding="utf-8")
        config = parse_campaign(definition, "example")
        async with store.transaction() as session:
            await Campaigns(session).create(config, definition, key="k", now=NOW)
        copy = tmp_path / "debtors.csv"
        copy.write_bytes((EXAMPLES / "debtors.csv").read_bytes())
        report = await import_list(store, copy, config.name, NOW)
        assert (report.rejected, report.ignored_columns) == (0, ())


class TestOnSqlite(OnSqlite, ImporterContract):
    pass
