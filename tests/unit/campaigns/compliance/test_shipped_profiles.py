"""What is shipped says what the law of each country was found to say."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from campaigns.compliance import Happening, Kind, Library, Subject, debt_key, person_key, phone_key
from dialer.types import Refused
from tests.unit.campaigns.compliance.office import RING_S, at, debtor, hours, judged, open_at, position, rules

LEAD = timedelta(seconds=RING_S + 10)
"""How long before a close the last call goes out."""

TUESDAY, SATURDAY, SUNDAY = "2026-06-02", "2026-06-06", "2026-06-07"

PLACES: list[tuple[Subject, str, str, str, str]] = [
    # who, where the clock is, day, opens, closes
    (debtor("CO"), "America/Bogota", TUESDAY, "07:00", "19:00"),
    (debtor("CO"), "America/Bogota", SATURDAY, "08:00", "15:00"),
    (debtor("MX", "MX-CMX"), "America/Mexico_City", TUESDAY, "07:00", "22:00"),
    (debtor("CL", "CL-RM"), "America/Santiago", TUESDAY, "08:00", "20:00"),
    (debtor("CL", "CL-RM"), "America/Santiago", SATURDAY, "08:00", "20:00"),
    (debtor("PE"), "America/Lima", TUESDAY, "07:00", "20:00"),
    (debtor("AR", "AR-X"), "America/Argentina/Cordoba", TUESDAY, "09:00", "19:00"),
    (debtor("AR", "AR-X"), "America/Argentina/Cordoba", SATURDAY, "10:00", "12:00"),
    (debtor("BR", "BR-SP"), "America/Sao_Paulo", TUESDAY, "08:00", "20:00"),
    (debtor("BR", "BR-SP"), "America/Sao_Paulo", SATURDAY, "08:00", "14:00"),
    (debtor("BR", "BR-RJ", phone="+552132345678"), "America/Sao_Paulo", TUESDAY, "09:00", "19:00"),
    (debtor("BR", "BR-ES", phone="+552732345678"), "America/Sao_Paulo", TUESDAY, "08:00", "19:00"),
    (debtor("BR", "BR-AM", locality="Manaus", phone="+559232345678"), "America/Manaus", TUESDAY, "08:00", "19:00"),
    (debtor("US", "US-NY"), "America/New_York", SUNDAY, "08:00", "21:00"),
    (debtor("US", "US-WA", phone="+12065550123"), "America/Los_Angeles", TUESDAY, "08:00", "21:00"),
    (debtor("GB", "GB-ENG"), "Europe/London", SATURDAY, "08:00", "21:00"),
    (debtor("CA", "CA-ON", locality="Toronto"), "America/Toronto", SATURDAY, "08:00", "20:00"),
    (debtor("ES", "ES-MD"), "Europe/Madrid", TUESDAY, "09:00", "21:00"),
    (debtor("IE"), "Europe/Dublin", SATURDAY, "09:00", "21:00"),
    (debtor("IT", "IT-MI", phone="+390212345678"), "Europe/Rome", "2026-06-03", "08:30", "21:00"),
    (debtor("IT", "IT-MI", phone="+390212345678"), "Europe/Rome", SATURDAY, "08:30", "15:00"),
]


@pytest.mark.parametrize(("subject", "zone", "day", "opens", "closes"), PLACES)
def test_the_first_and_the_last_call_of_a_day(subject: Subject, zone: str, day: str, opens: str, closes: str) -> None:
    first, close = at(zone, f"{day} {opens}"), at(zone, f"{day} {closes}")
    asked = (first - timedelta(seconds=1), first, close - LEAD, close - LEAD + timedelta(seconds=1))
    assert [open_at(subject, now) for now in asked] == [False, True, True, False]


@pytest.mark.parametrize(
    ("subject", "zone", "day"),
    [
        (debtor("CO"), "America/Bogota", SUNDAY),
        (debtor("CO"), "America/Bogota", "2026-07-20"),
        (debtor("MX"), "America/Mexico_City", SATURDAY),
        (debtor("CL", "CL-RM"), "America/Santiago", SUNDAY),
        (debtor("CL", "CL-RM"), "America/Santiago", "2026-09-18"),
        (debtor("CL", "CL-AP"), "America/Santiago", "2026-06-07"),
        (debtor("PE"), "America/Lima", SATURDAY),
        (debtor("PE"), "America/Lima", "2026-07-28"),
        (debtor("AR", "AR-B"), "America/Argentina/Buenos_Aires", "2026-05-25"),
        (debtor("BR", "BR-RJ", phone="+552132345678"), "America/Sao_Paulo", SATURDAY),
        (debtor("BR", "BR-AM", locality="Manaus"), "America/Manaus", SATURDAY),
        (debtor("BR", "BR-SP"), "America/Sao_Paulo", "2026-09-07"),
        (debtor("GB", "GB-ENG"), "Europe/London", SUNDAY),
        (debtor("CA", "CA-AB", phone="+14035550123"), "America/Edmonton", SUNDAY),
        (debtor("CA", "CA-QC", locality="Laval"), "America/Toronto", "2027-03-29"),
        (debtor("ES", "ES-MD"), "Europe/Madrid", SATURDAY),
        (debtor("IE"), "Europe/Dublin", SUNDAY),
        (debtor("IE"), "Europe/Dublin", "2026-03-17"),
        (debtor("IT", "IT-MI"), "Europe/Rome", SUNDAY),
    ],
)
def test_days_on_which_nobody_is_called(subject: Subject, zone: str, day: str) -> None:
    assert not any(open_at(subject, at(zone, f"{day} {hour:02}:30")) for hour in range(24))


def test_in_the_united_states_holidays_are_days_as_any_other() -> None:
    assert open_at(debtor("US", "US-NY"), at("America/New_York", "2026-12-25 12:00"))


def test_the_canaries_are_an_hour_behind() -> None:
    canary = debtor("ES", "ES-CN", phone="+34922123456")
    assert position(canary, at("Europe/Madrid", "2026-06-02 12:00")).zones[0] == "Atlantic/Canary"
    assert not open_at(canary, at("Europe/Madrid", "2026-06-02 09:30"))
    assert open_at(canary, at("Europe/Madrid", "2026-06-02 10:00"))


def test_recife_is_not_noronha_although_they_share_an_area_code() -> None:
    now = at("America/Recife", "2026-06-02 08:30")
    recife = debtor("BR", "BR-PE", locality="Recife", phone="+558132345678")
    island = debtor("BR", "BR-PE", locality="Fernando de Noronha", phone="+558132345678")
    assert position(recife, now).zones == ("America/Recife",)
    assert position(island, now).zones == ("America/Noronha", "America/Recife")
    assert open_at(recife, now)
    assert not open_at(island, at("America/Recife", "2026-06-02 19:30"))


def test_a_chilean_mobile_without_an_address_may_be_on_easter_island() -> None:
    mobile = debtor("CL", phone="+56987654321")
    assert not open_at(mobile, at("America/Santiago", "2026-06-02 09:30"))
    assert open_at(mobile, at("America/Santiago", "2026-06-02 10:30"))
    assert open_at(debtor("CL", "CL-RM", phone="+56987654321"), at("America/Santiago", "2026-06-02 09:30"))


def happened(kind: Kind, key: str, *moments: datetime) -> list[Happening]:
    return [Happening(kind, key, moment, f"past{n}") for n, moment in enumerate(moments)]


def test_colombia_no_second_conversation_on_the_same_day() -> None:
    spoke = happened(Kind.CONVERSATION, person_key(7), at("America/Bogota", "2026-06-02 08:00"))
    answer = judged(debtor("CO"), at("America/Bogota", "2026-06-02 17:00"), spoke)
    assert rules(answer) == ["CO-02"]
    assert answer.until == at("America/Bogota", "2026-06-03 07:00")


def test_colombia_a_conversation_by_another_channel_closes_the_week() -> None:
    wrote = happened(Kind.CONVERSATION, "other:7", at("America/Bogota", "2026-06-01 08:00"))
    answer = judged(debtor("CO"), at("America/Bogota", "2026-06-05 17:00"), wrote)
    assert rules(answer) == ["co.channel_lock"]
    assert answer.until == at("America/Bogota", "2026-06-09 07:00")  # Monday is Corpus Christi


def test_chile_one_contact_in_168_hours() -> None:
    contact = at("America/Santiago", "2026-06-02 10:00")
    subject = debtor("CL", "CL-RM")
    past = happened(Kind.CONTACT, person_key(7), contact)
    assert rules(judged(subject, contact + timedelta(hours=168, seconds=-1), past)) == ["CL-02"]
    assert judged(subject, contact + timedelta(hours=168), past).allowed
    unanswered = happened(Kind.ATTEMPT, person_key(7), contact - timedelta(hours=20))
    assert judged(subject, contact, unanswered).allowed


def test_united_states_seven_calls_in_seven_days_for_each_debt() -> None:
    now = at("America/New_York", "2026-06-08 12:00")
    days = [at("America/New_York", f"2026-06-0{d} 11:00") for d in (2, 3, 4, 5, 6, 7, 8)]
    subject = debtor("US", "US-TX", locality="Houston")
    assert judged(subject, now, happened(Kind.ATTEMPT, debt_key(71), *days[:6])).allowed
    answer = judged(subject, now, happened(Kind.ATTEMPT, debt_key(71), *days))
    assert rules(answer) == ["US-03"]
    assert answer.until == at("America/New_York", "2026-06-09 09:00")  # 08:00 in Houston
    assert judged(subject, now, happened(Kind.ATTEMPT, debt_key(72), *days)).allowed


def test_united_states_from_a_conversation_on_monday_to_the_next_monday() -> None:
    spoke = happened(Kind.CONVERSATION, debt_key(71), at("America/New_York", "2026-06-01 20:00"))
    answer = judged(debtor("US", "US-NJ"), at("America/New_York", "2026-06-07 12:00"), spoke)
    assert rules(answer) == ["US-04"]
    assert answer.until == at("America/New_York", "2026-06-08 08:00")


@pytest.mark.parametrize(
    ("state", "kind", "key", "most", "rule"),
    [
        ("US-MA", Kind.CONTACT, debt_key(71), 2, "US-MA"),
        ("US-WA", Kind.CONTACT, person_key(7), 3, "US-WA"),
        ("US-DC", Kind.ATTEMPT, debt_key(71), 4, "US-DC"),
    ],
)
def test_states_count_lower(state: str, kind: Kind, key: str, most: int, rule: str) -> None:
    now = at("America/New_York", "2026-06-05 12:00")  # a Friday
    past = happened(kind, key, *(now - timedelta(hours=25 + n) for n in range(most)))
    assert rules(judged(debtor("US", state), now, past)) == [rule]
    assert judged(debtor("US", state), now, past[1:]).allowed


def test_new_york_city_counts_three_from_september_on() -> None:
    tried = [timedelta(hours=25 + n) for n in range(3)]
    city = debtor("US", "US-NY", locality="New York City")

    def refused(text: str, subject: Subject = city) -> list[str]:
        now = at("America/New_York", text)
        return rules(judged(subject, now, happened(Kind.ATTEMPT, debt_key(71), *(now - ago for ago in tried))))

    assert refused("2026-09-01 12:00") == ["US-NYC"]
    assert refused("2026-08-31 20:00") == []
    assert refused("2026-09-01 12:00", debtor("US", "US-NY", locality="Buffalo")) == []
    assert refused("2026-09-01 12:00", debtor("US", "US-NY")) == ["US-NYC"]


@pytest.mark.parametrize("province", ["CA-ON", "CA-AB"])
def test_canadian_provinces_three_contacts_in_seven_days(province: str) -> None:
    now = at("America/Toronto", "2026-06-05 14:00")
    past = happened(Kind.CONTACT, debt_key(71), *(now - timedelta(days=n) for n in (1, 2, 3)))
    noticed = debtor("CA", province, noticed_on=now.date() - timedelta(days=30))
    assert rules(judged(noticed, now, past)) == [province]


def test_ontario_waits_six_days_after_the_notice() -> None:
    now = at("America/Toronto", "2026-06-05 14:00")
    assert rules(judged(debtor("CA", "CA-ON"), now)) == ["wait_after_notice"]
    answer = judged(debtor("CA", "CA-ON", locality="Toronto", noticed_on=now.date() - timedelta(days=5)), now)
    assert rules(answer) == ["wait_after_notice"]
    assert answer.until == at("America/Toronto", "2026-06-06 08:00")
    assert judged(debtor("CA", "CA-ON", noticed_on=now.date() - timedelta(days=6)), now).allowed


def test_italy_one_conversation_a_day_and_three_a_week() -> None:
    friday = at("Europe/Rome", "2026-06-19 12:00")
    subject = debtor("IT", "IT-MI")
    once = happened(Kind.CONVERSATION, person_key(7), friday - timedelta(hours=2))
    assert rules(judged(subject, friday, once)) == ["IT-01"]
    week = happened(Kind.CONVERSATION, person_key(7), *(friday - timedelta(days=n) for n in (1, 2, 3)))
    answer = judged(subject, friday, week)
    assert rules(answer) == ["IT-01"]
    assert answer.until == at("Europe/Rome", "2026-06-22 08:30")


def test_everywhere_two_tries_an_hour_a_phone_and_three_a_day_a_person() -> None:
    now = at("America/Lima", "2026-06-02 12:00")
    phone = happened(Kind.ATTEMPT, phone_key("+5117123456"), now - timedelta(minutes=50), now - timedelta(minutes=5))
    answer = judged(debtor("PE"), now, phone)
    assert rules(answer) == ["base.attempt.phone.rolling:1h"]
    assert answer.until == now + timedelta(minutes=10)


def test_a_machine_rests_until_tomorrow() -> None:
    now = at("America/Lima", "2026-06-02 12:00")
    machine = happened(Kind.MACHINE, phone_key("+5117123456"), now - timedelta(hours=4))
    answer = judged(debtor("PE"), now, machine)
    assert rules(answer) == ["base.machine.phone.calendar:1d"]
    assert answer.until == at("America/Lima", "2026-06-03 07:00")


def test_amazonas_waits_for_the_sixteenth_day_overdue() -> None:
    now = at("America/Manaus", "2026-06-02 12:00")

    def refused(days: int | None) -> list[str]:
        return rules(judged(debtor("BR", "BR-AM", locality="Manaus", phone="+559232345678", days_overdue=days), now))

    assert [refused(days) for days in (None, 15, 16)] == [["min_days_overdue"], ["min_days_overdue"], []]


def test_no_workplace_in_ireland_and_in_the_city_of_buenos_aires() -> None:
    noon = at("Europe/Dublin", "2026-06-02 15:00")
    assert rules(judged(debtor("IE", phone_kind="work"), noon)) == ["workplace"]
    assert rules(judged(debtor("AR", "AR-C", phone_kind="work"), noon)) == ["workplace"]
    assert judged(debtor("AR", "AR-X", phone_kind="work"), noon, agent_in="AR-X").allowed


def test_third_parties_are_never_called() -> None:
    assert rules(judged(debtor("PE", party="third"), at("America/Lima", "2026-06-02 12:00"))) == ["third_party"]


def test_colombia_calls_only_whoever_authorised_calls() -> None:
    noon = at("America/Bogota", "2026-06-02 12:00")
    assert rules(judged(debtor("CO", voice_authorised=False), noon)) == ["channel_not_authorised"]


def test_the_debtors_own_hours_are_kept_too() -> None:
    asked = debtor("CO", stated_hours=("mon-fri 17:00-19:00",))
    verdict = hours(asked, at("America/Bogota", "2026-06-02 12:00"))
    assert isinstance(verdict, Refused)
    assert verdict.until == at("America/Bogota", "2026-06-02 17:00")


SHIPPED = """
base co mx cl pe ar ar_caba br br_rj br_es br_am us us_ma us_wa us_dc us_nyc gb ca ca_on ca_ab ca_qc es ie it eu demo
"""


def test_all_twenty_five_are_there_and_one_for_the_demo() -> None:
    assert sorted(Library.shipped().profiles) == sorted(SHIPPED.split())


def test_every_rule_is_told_with_its_source_and_how_sure_it_is() -> None:
    told = {rule.id for p in Library.shipped().profiles.values() if p.rules.about for rule in p.rules.about.rules}
    numbered = {"CO": 7, "MX": 7, "CL": 6, "PE": 4, "US": 11, "ES": 4, "EU": 2}
    assert {f"{name}-{n:02}" for name, last in numbered.items() for n in range(1, last + 1)} <= told
    assert {"AR-01", "AR-02", "AR-03", "AR-04", "BR-01", "BR-02", "BR-03", "BR-04", "BR-05", "BR-06", "BR-07"} <= told


def test_the_demo_stands_alone_and_needs_no_country() -> None:
    subject = Subject(phone="+541150000001", debtor_id=1, stated_zone="America/Argentina/Buenos_Aires")
    found = position(subject, at("America/Argentina/Buenos_Aires", "2026-05-25 03:00"), profile="demo")
    assert found.rulebook.profiles == ("demo",)
    assert open_at(subject, at("America/Argentina/Buenos_Aires", "2026-05-25 03:00"), profile="demo")
