"""A profile binds whom it names, and whoever it may mean."""

from __future__ import annotations

from datetime import date

import pytest

from campaigns.compliance import Place
from campaigns.compliance.matching import binds
from campaigns.compliance.schema import Match

TODAY = date(2026, 6, 2)


def place(**facts: str) -> Place:
    return Place(**({"country": "AR", "phone_country": "AR"} | facts))


@pytest.mark.parametrize(
    ("wanted", "facts", "bound"),
    [
        ({"country": "AR"}, {}, True),
        ({"country": "CO"}, {}, False),
        ({"country": "CO"}, {"phone_country": "CO"}, True),
        ({"region": "EU"}, {}, False),
        ({"region": "EU"}, {"country": "IE", "phone_country": "IE"}, True),
        ({"subdiv": "AR-C"}, {"subdivision": "AR-C"}, True),
        ({"subdiv": "AR-C"}, {"subdivision": "AR-X"}, False),
        ({"subdiv": "AR-C"}, {}, True),
        ({"subdiv": "AR-C"}, {"country": "CO", "phone_country": "CO"}, False),
        ({"subdiv": "AR-C"}, {"subdivision": "BR-C"}, True),
        ({"subdiv": "BR-RJ"}, {"country": "BR", "phone_country": "BR", "phone_subdivision": "BR-RJ"}, True),
        ({"subdiv": "BR-RJ"}, {"country": "BR", "phone_country": "BR", "phone_subdivision": "BR-SP"}, False),
        (
            {"subdiv": "BR-RJ"},
            {"country": "BR", "phone_country": "BR", "subdivision": "BR-SP", "phone_subdivision": "BR-RJ"},
            False,
        ),
        ({"subdiv": "ES-CN"}, {"country": "ES", "phone_country": "ES", "subdivision": "ES-TF"}, True),
        ({"country": "US", "locality": "New York City"}, {"country": "US", "locality": "NYC"}, True),
        ({"country": "US", "locality": "New York City"}, {"country": "US", "locality": "Chicago"}, False),
        ({"country": "US", "locality": "New York City"}, {"country": "US"}, True),
        ({"party": "third"}, {}, False),
        ({"party": "third"}, {"party": "third"}, True),
        ({"creditor": "financial"}, {"creditor": "commercial"}, False),
        ({"creditor": "financial"}, {}, True),
        ({"agent_in": "AR-C"}, {"agent_in": "AR-C", "country": "CO", "phone_country": "CO"}, True),
        ({"agent_in": "AR-C"}, {"country": "CO", "phone_country": "CO"}, False),
        ({"agent_in": "AR-C"}, {}, True),
        ({"subdiv": "AR-C", "agent_in": "AR-C", "mode": "any"}, {"subdivision": "AR-X", "agent_in": "AR-C"}, True),
        ({"subdiv": "AR-C", "agent_in": "AR-C", "mode": "any"}, {"subdivision": "AR-C", "agent_in": "AR-X"}, True),
        ({"subdiv": "AR-C", "agent_in": "AR-C", "mode": "any"}, {"subdivision": "AR-X", "agent_in": "AR-X"}, False),
        ({"subdiv": "AR-C", "agent_in": "AR-C"}, {"subdivision": "AR-C", "agent_in": "AR-X"}, False),
    ],
)
def test_whom_a_profile_binds(wanted: dict[str, str], facts: dict[str, str], bound: bool) -> None:
    assert binds(Match.model_validate(wanted), place(**facts), TODAY) is bound


def test_a_profile_binds_from_its_first_day_on() -> None:
    later = Match.model_validate({"country": "AR", "from": date(2026, 6, 2)})
    assert [binds(later, place(), date(2026, 6, day)) for day in (1, 2)] == [False, True]
