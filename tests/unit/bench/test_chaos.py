"""The judge of the chaos sees what it is there to see."""

from __future__ import annotations

from pathlib import Path

from dialer.bench.chaos import END, START, ChaosPlan, ChaosResult, Diary, Entry, Findings, judge, read, the_lead


def test_calls_one_after_the_other_are_clean():
    found = judge([Entry(START, 1, 7, 70, 10), Entry(END, 1, 7, 70, 20), Entry(START, 2, 7, 70, 20)])
    assert found == Findings(called=2)
    assert found.clean


def test_one_debtor_in_two_calls_is_seen_in_whatever_order_the_diaries_are_read():
    found = judge([Entry(START, 2, 7, 71, 15), Entry(START, 1, 7, 70, 10), Entry(END, 1, 7, 70, 20)])
    assert found.debtor_at_once == [7]
    assert found.phone_at_once == []
    assert not found.clean


def test_one_phone_in_two_calls_is_seen():
    assert judge([Entry(START, 1, 7, 70, 10), Entry(START, 2, 8, 70, 11)]).phone_at_once == [70]


def test_a_lead_called_again_is_seen_even_after_its_call_ended():
    found = judge([Entry(START, 1, 7, 70, 10), Entry(END, 1, 7, 70, 20), Entry(START, 1, 7, 70, 30)])
    assert found.called_twice == [1]


def test_a_diary_cut_short_is_read_up_to_the_cut(tmp_path: Path):
    diary = Diary(tmp_path / "d")
    diary.write(START, [the_lead(1, 800), the_lead(2, 800)])
    diary.close()
    (tmp_path / "d").write_bytes((tmp_path / "d").read_bytes()[:-3])
    assert [(entry.kind, entry.lead_id) for entry in read(tmp_path / "d")] == [(START, 1)]


def test_every_debtor_has_several_leads_and_shares_phones_with_others():
    leads = [the_lead(n, 800) for n in range(800)]
    assert len({lead.debtor_id for lead in leads}) == 100
    assert len({lead.phone for lead in leads}) == 88
    assert len({(lead.debtor_id, lead.phone) for lead in leads}) > 700


def test_a_lead_nobody_called_is_not_clean_either():
    result = ChaosResult(Findings(called=9), ChaosPlan(leases=10), 1, 1, 0, 2.0)
    assert not result.clean
    assert result.figures()["leases_per_s"] == 4
