from __future__ import annotations

from dialer.doctor.check import Check, Part, Status
from dialer.doctor.conffile import Sections, sections, steps
from dialer.doctor.files import dialplan_check, file_checks

PART = Part("node ast1")
RENDERED = "[dialer-a]\nexten => s,1,Wait(2)\n same => n,Hangup(16)\n[dialer-b]\nexten => s,1,Return()\n"
MANAGER = sections("[dialer-ev]\nsecret = s3cret\nread = call\neventfilter(name(Hangup)) =\n")
CDR = sections("[general]\nenable = yes\n")


def dialplan(running: str) -> Check:
    return dialplan_check(PART, RENDERED, steps(running))


def files(**found: Sections | None) -> list[Check]:
    ours = {"manager.conf": MANAGER, "cdr.conf": CDR}
    return file_checks(PART, ours, ours | {name.replace("_", "."): text for name, text in found.items()})


def test_the_rendered_dialplan_passes_whatever_else_the_node_has():
    assert dialplan(f"[theirs]\nexten => s,1,Answer\n{RENDERED}").status is Status.OK


def test_a_missing_context_is_named_with_its_remedy():
    check = dialplan(RENDERED.partition("[dialer-b]")[0])
    assert (check.status, check.detail) == (Status.FAILED, "missing: dialer-b")
    assert "reload pbx_config" in check.remedy


def test_an_older_context_is_named():
    check = dialplan(RENDERED.replace("Wait(2)", "Wait(1)"))
    assert (check.status, check.detail.endswith("renders: dialer-a")) == (Status.FAILED, True)


def test_a_context_we_no_longer_render_is_named():
    assert dialplan(f"{RENDERED}[dialer-old]\nexten => s,1,Answer\n").status is Status.FAILED


def test_equal_files_pass():
    assert {check.status for check in files()} == {Status.OK}


def test_other_manager_users_fail_and_no_secret_is_shown():
    users, others = files(manager_conf=sections("[dialer-ev]\nsecret = other\nread = all\n"))
    assert (users.status, others.status) == (Status.FAILED, Status.OK)
    assert users.detail == "not as rendered: [dialer-ev] eventfilter(name(Hangup)), read, secret"
    assert "restart" in users.remedy


def test_another_file_that_differs_is_a_warning():
    users, others = files(cdr_conf=None)
    assert (users.status, others.status) == (Status.OK, Status.WARN)
    assert others.detail == "not as rendered: cdr.conf: missing"
