"""A node on the rendered files: its manager users, its trunks, its crash and return."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.ami.messages import LIST_EVENTS, WANTED_EVENTS
from tests.lab.asterisk import TRUNK, AsteriskLab
from tests.lab.carrier import PASSWORD, USER, Carrier
from tests.lab.floor import Floor
from tests.lab.processes import LabError, eventually
from tests.lab.softphones import Softphones
from tests.lab.sounds import own_prompts

pytestmark = pytest.mark.asterisk

LOGIN = {"auth": "register", "username": USER, "password_env": "LAB_CARRIER_PASSWORD"}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node")


@pytest.fixture(scope="module")
def lab(lab_root: Path, work: Path) -> Iterator[AsteriskLab]:
    """One node with TLS, whose trunk wants a registration and credentials."""
    prompts = {"dir": own_prompts(work / "prompts", 0.1)}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LAB_CARRIER_PASSWORD", PASSWORD)
        lab = AsteriskLab(lab_root, work / "home", softphones=1, trunk=LOGIN, node={"tls": True}, prompts=prompts)
        with Carrier(work, lab.carrier_port, media=False), lab:
            yield lab


def test_a_second_login_of_the_engine_is_refused(lab: AsteriskLab) -> None:
    first = lab.ami("actions", events=False)
    with pytest.raises(LabError, match=r"Authentication failed|Login Already In Use"):
        lab.ami("actions", events=False)
    first.close()
    eventually(lambda: _logs_in(lab), "the fence opens after the first is gone", 5)


def _logs_in(lab: AsteriskLab) -> bool:
    try:
        lab.ami("actions", events=False).close()
    except LabError:
        return False
    return True


def test_the_events_session_hears_only_what_the_dialer_wants(lab: AsteriskLab) -> None:
    with Floor(lab) as floor:
        call = floor.call("486")
        floor.gone(call)
        heard = {message["Event"] for message in floor.events.seen if "Event" in message}
    assert heard <= set(WANTED_EVENTS) | LIST_EVENTS


def test_the_manager_port_speaks_tls(lab: AsteriskLab) -> None:
    context = ssl.create_default_context(cafile=str(lab.ca))
    with (
        socket.create_connection(("127.0.0.1", lab.node.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        assert secure.recv(64).startswith(b"Asterisk Call Manager/")


def test_the_trunk_is_registered(lab: AsteriskLab) -> None:
    def registered() -> bool:
        with lab.ami() as ami:
            ami.action("PJSIPShowRegistrationsOutbound")
            ami.wait("OutboundRegistrationDetailComplete")
            return bool(ami.events("OutboundRegistrationDetail", Status="Registered", Endpoint=TRUNK))

    assert eventually(registered, "the trunk is registered", 10)


def test_the_carrier_gets_our_credentials(lab: AsteriskLab) -> None:
    with Floor(lab) as floor:
        floor.noise += ["res_agi.c"]
        assert floor.answered("208")


def test_after_a_crash_the_node_returns_with_its_evidence(lab: AsteriskLab) -> None:
    floor = Floor(lab)
    floor.answered()
    before = lab.node.evidence_file.read_text()
    lab.kill9()
    floor.events.close()
    floor.actions.close()
    lab.restart()
    with Floor(lab) as after:
        assert after.channels() == 0
        after.gone(after.call("486"))
    assert lab.node.evidence_file.read_text().startswith(before)
    assert '"ANSWER"' in before


def test_a_lost_softphone_is_unreachable_within_two_seconds(lab: AsteriskLab, work: Path) -> None:
    with lab.ami("events") as events:
        phones = Softphones(lab, work, media=False)
        events.wait("ContactStatus", ContactStatus="Reachable")
        phones.stop()
        gone = events.wait("ContactStatus", 5, ContactStatus="Unreachable")
    assert gone["EndpointName"] == "1001"
