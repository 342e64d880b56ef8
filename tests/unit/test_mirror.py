"""Whoever changes a module finds its stories by its name; the exceptions are few and say where to look instead."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

ONLY_NAMES = {
    "campaigns/models.py": "tables: what the migrations and repositories do with them is told there",
    "recordings/models.py": "a table",
    "dialer/commands.py": "values without behaviour: test_call tells what is ordered when",
    "dialer/events.py": "values without behaviour: test_call tells what follows from each",
    "dialer/metrics.py": "names of metrics: test_exposition shows them",
    "campaigns/cadence/tries.py": "values without behaviour: test_planning tells what follows from them",
    "campaigns/segments/facts.py": "values without behaviour",
    "campaigns/segments/rules.py": "values without behaviour: test_reading and test_matching tell what they mean",
    "dialer/pacing/facts.py": "values without behaviour",
    "dialer/simulation/far_end.py": "values without behaviour, and the shape of a world",
    "dialer/simulation/node.py": "values without behaviour, and the shape of a node",
    "dialer/simulation/ports.py": "the shapes of what a node needs",
}
"""Modules in which nothing happens."""

TOLD_BY = {
    "campaigns/compliance/geography.py": "tests/unit/campaigns/compliance/test_zones.py",
    "campaigns/compliance/subject.py": "tests/unit/campaigns/compliance/test_judgement.py",
    "campaigns/compliance/versions.py": "tests/unit/campaigns/compliance/test_judgement.py",
    "campaigns/cases.py": "tests/contract/books/test_explain.py",
    "campaigns/explanations.py": "tests/contract/books/test_explain.py",
    "campaigns/crowds.py": "tests/contract/books/test_explain_crowds.py",
    "campaigns/intents.py": "tests/contract/books/test_journal.py",
    "campaigns/past.py": "tests/contract/books/test_explain.py",
    "campaigns/reasons.py": "tests/contract/books/test_explain.py",
    "campaigns/standing.py": "tests/contract/books/test_explain.py",
    "campaigns/history.py": "tests/contract/books/test_history.py",
    "campaigns/decisions.py": "tests/contract/books/test_decisions.py",
    "campaigns/segment_conditions.py": "tests/contract/books/test_segment_conditions.py",
    "campaigns/following.py": "tests/contract/books/test_journal.py",
    "campaigns/settling.py": "tests/contract/books/test_journal.py",
    "campaigns/imports/bulk.py": "tests/contract/books/test_importer.py",
    "campaigns/imports/known.py": "tests/contract/books/test_importer.py",
    "campaigns/imports/planning.py": "tests/contract/books/test_importer_people.py",
    "campaigns/imports/publishing.py": "tests/contract/books/test_importer_resumed.py",
    "campaigns/imports/staging.py": "tests/contract/books/test_importer.py",
    "campaigns/lists/contacts.py": "tests/contract/books/test_prior.py",
    "campaigns/lists/mapping.py": "tests/unit/campaigns/lists/test_columns.py",
    "campaigns/lists/parsing.py": "tests/contract/books/test_importer_resumed.py",
    "campaigns/lists/phone_repairs.py": "tests/unit/campaigns/lists/test_phones.py",
    "campaigns/lists/vocabulary.py": "tests/unit/campaigns/lists/test_columns.py",
    "campaigns/lists/workbook.py": "tests/unit/campaigns/lists/test_reading.py",
    "dialer/cli/lists.py": "tests/integration/test_bad_input.py",
    "dialer/cli/engine_news.py": "tests/integration/test_bad_input.py",
    "dialer/agi/choice.py": "tests/unit/agi/test_menu.py",
    "dialer/agi/server.py": "tests/unit/agi/test_menu.py",
    "dialer/ami/snapshot.py": "tests/contract/ami/test_client.py",
    "dialer/ami/stream.py": "tests/contract/ami/test_client.py",
    "dialer/ami/config/layout.py": "tests/unit/ami/config/test_render.py",
    "dialer/ami/config/pjsip.py": "tests/unit/ami/config/test_render.py",
    "dialer/app/profiles.py": "tests/unit/cli/test_compliance.py",
    "dialer/app/home.py": "tests/integration/test_bad_input.py",
    "dialer/app/redis.py": "tests/integration/test_bad_input.py",
    "dialer/app/service.py": "tests/integration/test_bad_input.py",
    "dialer/bench/imports.py": "tests/integration/test_bench.py",
    "dialer/bench/machine.py": "tests/integration/test_bench.py",
    "dialer/bench/queues.py": "tests/unit/bench/test_queues_table.py",
    "dialer/bench/simulated.py": "tests/integration/test_bench.py",
    "dialer/bench/stage.py": "tests/integration/test_bench.py",
    "dialer/campaign_file.py": "tests/unit/test_config.py",
    "dialer/doctor/examination.py": "tests/integration/test_doctor.py",
    "dialer/doctor/folder_probe.py": "tests/integration/test_doctor.py",
    "dialer/doctor/line.py": "tests/integration/test_doctor.py",
    "dialer/doctor/manager_probe.py": "tests/integration/test_doctor.py",
    "dialer/doctor/node_probe.py": "tests/integration/test_doctor.py",
    "dialer/validation.py": "tests/unit/test_config.py",
    "dialer/demo/house.py": "tests/integration/test_demo.py",
    "dialer/demo/show.py": "tests/integration/test_demo.py",
    "dialer/demo/stage.py": "tests/integration/test_demo.py",
    "dialer/cli/demo.py": "tests/integration/test_demo.py",
    "dialer/cli/agent.py": "tests/integration/test_agents.py",
    "dialer/cli/pacing.py": "tests/integration/test_lifecycle.py",
    "dialer/cli/report.py": "tests/integration/test_nobody_twice.py",
    "dialer/cli/asterisk.py": "tests/integration/test_bad_input.py",
    "dialer/cli/campaign.py": "tests/integration/test_bad_input.py",
    "dialer/cli/service.py": "tests/integration/test_bad_input.py",
    "dialer/migrations/env.py": "tests/contract/books/test_store.py",
    "dialer/migrations/versions/v0001_first_tables.py": "tests/contract/books/test_store.py",
    "dialer/simulation_config.py": "tests/unit/test_config.py",
    "dialer/migrations/versions/v0002_pacing_minutes.py": "tests/contract/books/test_store.py",
    "dialer/migrations/versions/v0003_who_may_be_called.py": "tests/contract/books/test_store.py",
    "campaigns/case_models.py": "tests/contract/books/test_store.py",
    "dialer/simulation/applications.py": "tests/unit/simulation/test_switch.py",
    "dialer/simulation/bridges.py": "tests/unit/simulation/test_pbx.py",
    "dialer/cli/simulate.py": "tests/contract/books/test_whatif.py",
    "dialer/cli/twin.py": "tests/integration/test_twin_campaign.py",
    "dialer/simulation/desk.py": "tests/contract/simulation/test_server.py",
    "dialer/simulation/running.py": "tests/contract/simulation/test_faults_played.py",
    "dialer/simulation/session.py": "tests/contract/simulation/test_server.py",
    "dialer/simulation/causes.py": "tests/unit/simulation/test_pbx.py",
    "dialer/simulation/channels.py": "tests/unit/simulation/test_pbx.py",
    "dialer/simulation/outgoing.py": "tests/unit/simulation/test_pbx.py",
    "dialer/sqlite.py": "tests/contract/books/test_store.py",
    "dialer/pacing/policy.py": "tests/unit/pacing/test_pacer.py",
    "dialer/pacing/snapshot.py": "tests/unit/pacing/test_pacer.py",
    "dialer/queues/beat.py": "tests/contract/queues/test_bus.py",
    "dialer/queues/outage.py": "tests/contract/queues/test_outages.py",
    "dialer/queues/former.py": "tests/contract/queues/test_hopper.py",
    "dialer/queues/connection.py": "tests/contract/queues/test_outages.py",
    "dialer/queues/imitation.py": "tests/contract/queues/test_embedded.py",
    "dialer/queues/programs.py": "tests/contract/queues/test_embedded.py",
}
"""Modules behind another's public door, which is where their behaviour is told."""


def modules() -> list[str]:
    folders = ("dialer", "campaigns", "recordings")
    found = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py") if path.stem != "__init__"]
    return sorted(path.relative_to(REPOSITORY).as_posix() for path in found)


def stories() -> set[str]:
    return {path.stem for path in (REPOSITORY / "tests").rglob("test_*.py")}


def has_stories(module: str) -> bool:
    name = f"test_{Path(module).stem}"
    return any(story == name or story.startswith(f"{name}_") for story in stories())


@pytest.mark.parametrize("module", [module for module in modules() if module not in {**ONLY_NAMES, **TOLD_BY}])
def test_a_module_has_its_stories(module: str):
    assert has_stories(module), f"write tests/unit/{Path(module).parent}/test_{Path(module).stem}.py"


def test_exceptions_are_modules_that_exist():
    assert set({**ONLY_NAMES, **TOLD_BY}) - set(modules()) == set()


def test_the_stories_of_exceptions_exist():
    assert [story for story in TOLD_BY.values() if not (REPOSITORY / story).exists()] == []
