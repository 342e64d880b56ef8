"""The stories of the books, told again over a real PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import exc, text

from dialer.store import Store
from dialer.types import Unavailable
from tests.contract.books.test_approvals import ApprovalsContract
from tests.contract.books.test_audit import AuditContract, EvidenceContract
from tests.contract.books.test_decisions import DecisionsContract
from tests.contract.books.test_do_not_call import DoNotCallContract
from tests.contract.books.test_explain import DialableContract, StandingContract, WhyContract
from tests.contract.books.test_explain_crowds import CrowdsContract
from tests.contract.books.test_finding import FindingContract
from tests.contract.books.test_history import HistoryContract
from tests.contract.books.test_importer import ImporterContract
from tests.contract.books.test_importer_people import ImporterChunksContract, ImporterPeopleContract
from tests.contract.books.test_importer_resumed import ImporterResumedContract
from tests.contract.books.test_journal import InboundContract, IntentsContract, OutcomesContract
from tests.contract.books.test_prior import PriorContract
from tests.contract.books.test_promises import CallbacksContract, PromisesContract
from tests.contract.books.test_reports import ReportsContract
from tests.contract.books.test_repository import (
    CampaignsContract,
    LeadsContract,
    PeopleContract,
    RecordingsContract,
)
from tests.contract.books.test_segment_conditions import LeadsConcernedContract, SegmentConditionsContract
from tests.contract.books.test_segmenting import SegmentingContract
from tests.contract.books.test_store import StoreContract, migrate_from_two_processes, names
from tests.contract.books.test_suppression import SuppressionContract, WordsOfADebtorContract
from tests.integration.books.conftest import OnPostgres

pytestmark = pytest.mark.postgres


class TestStore(OnPostgres, StoreContract):
    async def test_two_processes_migrate_at_once(self, empty_database: str) -> None:
        assert await migrate_from_two_processes(empty_database) == [0, 0]
        async with Store(empty_database) as store:
            assert await names(store) == []

    async def test_a_lost_connection_is_unavailable_and_the_next_one_works(self, store: Store) -> None:
        with pytest.raises(Unavailable):
            async with store.transaction() as session:
                await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        await store.check()

    async def test_a_statement_that_hangs_is_unavailable_in_time(self, store: Store) -> None:
        with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
            async with store.transaction(timeout_s=0.3) as session:
                await session.execute(text("SELECT pg_sleep(30)"))
        await store.check()

    async def test_a_database_that_does_not_exist_is_unavailable(self, postgres_server: str) -> None:
        async with Store(f"{postgres_server}/nowhere") as store:
            with pytest.raises(Unavailable, match=r"nowhere.*does not exist") as caught:
                await store.check()
        assert isinstance(caught.value.__cause__, exc.DBAPIError)

    async def test_two_stores_wait_for_one_lock(self, store: Store, database: str) -> None:
        async with Store(database) as other, asyncio.TaskGroup() as group:
            for each in (store, other, store, other):
                group.create_task(each.migrate())


class TestIntents(OnPostgres, IntentsContract):
    pass


class TestOutcomes(OnPostgres, OutcomesContract):
    pass


class TestInbound(OnPostgres, InboundContract):
    pass


class TestApprovals(OnPostgres, ApprovalsContract):
    pass


class TestDecisions(OnPostgres, DecisionsContract):
    pass


class TestAudit(OnPostgres, AuditContract, EvidenceContract):
    async def test_nobody_empties_the_table(self, store: Store) -> None:
        with pytest.raises(exc.DBAPIError, match="append-only"):
            async with store.transaction() as session:
                await session.execute(text("TRUNCATE dial_decisions"))


class TestSuppressions(OnPostgres, SuppressionContract, WordsOfADebtorContract):
    pass


class TestDoNotCall(OnPostgres, DoNotCallContract):
    pass


class TestFinding(OnPostgres, FindingContract):
    pass


class TestExplain(OnPostgres, WhyContract, DialableContract, StandingContract, CrowdsContract):
    pass


class TestHistory(OnPostgres, HistoryContract):
    pass


class TestRepositories(OnPostgres, CampaignsContract, LeadsContract, PeopleContract, RecordingsContract):
    pass


class TestImporter(OnPostgres, ImporterContract):
    pass


class TestImporterPeople(OnPostgres, ImporterPeopleContract):
    pass


class TestImporterChunks(OnPostgres, ImporterChunksContract):
    pass


class TestImporterResumed(OnPostgres, ImporterResumedContract):
    pass


class TestPrior(OnPostgres, PriorContract):
    pass


class TestReports(OnPostgres, ReportsContract):
    pass


class TestSegmentConditions(OnPostgres, SegmentConditionsContract, LeadsConcernedContract):
    pass


class TestSegmenting(OnPostgres, SegmentingContract):
    pass


class TestPromises(OnPostgres, CallbacksContract, PromisesContract):
    pass
