from __future__ import annotations

from dialer.ami.admin import Step
from dialer.doctor.conffile import modules, sections, steps


def test_comments_go_and_both_signs_of_equality_are_one():
    text = "; first\n[general]\nenable = yes ; why\nfile => a\\;b\n"
    assert sections(text) == {"general": (("enable", "yes"), ("file", "a;b"))}


def test_what_a_template_holds_comes_first_in_whoever_uses_it():
    text = "[T](!)\na = 1\n[one](T)\nb = 2\n[one]\nc = 3\n"
    assert sections(text) == {"one": (("a", "1"), ("b", "2"), ("c", "3"))}


def test_a_section_may_inherit_from_an_ordinary_one():
    assert sections("[user]\na = 1\n[agent](user)\nb = 2\n")["agent"] == (("a", "1"), ("b", "2"))


def test_priorities_are_counted_and_labels_dropped():
    text = "[c]\nexten => s,1,Set(A=1)\n same => n(here),Goto(s,1)\nexten => _X.,1(x),Hangup(21)\n same => n,Answer\n"
    assert steps(text) == (
        Step("c", "s", 1, "Set", "A=1"),
        Step("c", "s", 2, "Goto", "s,1"),
        Step("c", "_X.", 1, "Hangup", "21"),
        Step("c", "_X.", 2, "Answer", ""),
    )


def test_settings_of_the_dialplan_are_no_steps():
    assert steps("[general]\nstatic = yes\n") == ()


def test_the_modules_of_a_file_are_named_without_their_ending():
    assert modules("[modules]\nautoload = no\nload = a.so\nload = b.so\n") == ("a", "b")
