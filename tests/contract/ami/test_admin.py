"""The administrative plane against a scripted Asterisk: it answers or says why, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import panoramisk
import pytest

from dialer.ami.admin import AdminPlane, Step
from dialer.ami.session import LoginRefused, SessionBusy
from dialer.ami.snapshot import supported_version
from dialer.config import NodeConfig
from dialer.types import Unavailable
from tests.contract.ami.fake import FakeAsterisk, fake_asterisk, text


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    async with fake_asterisk() as asterisk:
        yield asterisk


def admin(fake: FakeAsterisk, secret: str = "adm-secret", timeout: float = 5.0) -> AdminPlane:
    return AdminPlane(NodeConfig(name="node1", port=fake.port), "adm", secret, timeout)


async def test_the_version_is_told(fake):
    assert await admin(fake).version() == "22.10.1"


async def test_no_registered_contact_is_an_empty_answer(fake):
    assert await admin(fake).contacts() == {}


async def test_contacts_and_endpoints_are_listed_by_endpoint(fake):
    contacts = [{"Endpoint": "1001", "Status": "Reachable"}]
    endpoints = [
        {"ObjectName": "1001", "DeviceState": "Not in use"},
        {"ObjectName": "carrier", "DeviceState": "In use"},
    ]
    fake.script["PJSIPShowContacts"] = lambda _, sent: fake.listing(
        sent["ActionID"], "ContactList", contacts, "ContactListComplete"
    )
    fake.script["PJSIPShowEndpoints"] = lambda _, sent: fake.listing(
        sent["ActionID"], "EndpointList", endpoints, "EndpointListComplete"
    )
    assert await admin(fake).contacts() == {"1001": "Reachable"}
    assert await admin(fake).endpoints() == {"1001": "Not in use", "carrier": "In use"}


async def test_a_missing_module_is_told_from_a_loaded_one(fake):
    fake.script["ModuleCheck"] = lambda _, sent: text(
        Response="Success" if sent["Module"] == "app_amd" else "Error", ActionID=sent["ActionID"], Message="x"
    )
    assert await admin(fake).modules(["app_amd", "nonsense"]) == {"app_amd": True, "nonsense": False}


def says(fake: FakeAsterisk, action: str, *lines: str) -> None:
    """Let the node answer an action with these header lines."""
    body = "".join(f"{line}\r\n" for line in lines)
    fake.script[action] = lambda _, sent: f"Response: Success\r\nActionID: {sent['ActionID']}\r\n{body}\r\n".encode()


async def test_a_module_that_declined_is_told_from_one_that_runs(fake):
    rows = (
        "Module  Description  Status",
        "app_amd.so  Machines  0  Not Running  extended",
        "res_agi.so  AGI  0  Running  core",
    )
    says(fake, "Command", *(f"Output: {row}" for row in rows))
    assert await admin(fake).running() == {"app_amd": False, "res_agi": True}


async def test_the_actions_a_user_may_send_are_listed(fake):
    says(fake, "ListCommands", "Ping: Keepalive command.  (Priv: <none>)", "Originate: A call.  (Priv: originate,all)")
    assert await admin(fake).actions() == {"Ping", "Originate"}


async def test_the_nodes_own_time_is_told(fake):
    says(fake, "Ping", "Ping: Pong", "Timestamp: 1795373165.5")
    assert await admin(fake).clock() == 1795373165.5


async def test_the_settings_are_told(fake):
    assert (await admin(fake).settings())["SystemName"] == "node1"


async def test_a_running_dialplan_is_listed_step_by_step(fake):
    step = {"Context": "dialer-a", "Extension": "s", "Priority": "1", "Application": "Wait", "AppData": "2"}
    hint = {"Context": "dialer-a", "Extension": "h", "Priority": "hint", "Application": "x"}
    fake.script["ShowDialPlan"] = lambda _, sent: fake.listing(
        sent["ActionID"], "ListDialplan", [step, hint], "ShowDialPlanComplete"
    )
    assert await admin(fake).dialplan() == (Step("dialer-a", "s", 1, "Wait", "2"),)


async def test_a_file_is_read_by_sections(fake):
    says(fake, "GetConfig", "Category-000000: general", "Line-000000-000000: a=1", "Line-000000-000001: b=x: y=z")
    assert await admin(fake).file("x.conf") == {"general": (("a", "1"), ("b", "x: y=z"))}


async def test_a_missing_file_is_none_and_a_refusal_is_told(fake):
    answers = iter(("Config file not found", "Permission denied"))
    fake.script["GetConfig"] = lambda _, sent: text(Response="Error", ActionID=sent["ActionID"], Message=next(answers))
    assert await admin(fake).file("x.conf") is None
    with pytest.raises(Unavailable, match="Permission denied"):
        await admin(fake).file("x.conf")


async def test_registrations_are_told_by_name(fake):
    rows = [{"ObjectName": "carrier-register", "Status": "Rejected"}, {"ObjectName": "carrier", "AuthType": "digest"}]
    fake.script["PJSIPShowRegistrationsOutbound"] = lambda _, sent: fake.listing(
        sent["ActionID"], "OutboundRegistrationDetail", rows, "OutboundRegistrationDetailComplete"
    )
    assert await admin(fake).registrations() == {"carrier-register": "Rejected"}


async def test_an_endpoint_is_asked_for_a_sign_of_life(fake):
    await admin(fake).qualify("carrier")
    assert [sent["Endpoint"] for sent in fake.sent("PJSIPQualify")] == ["carrier"]


async def test_a_reload_names_its_module_and_a_refusal_is_told(fake):
    await admin(fake).reload("res_pjsip.so")
    fake.script["Reload"] = lambda _, sent: text(Response="Error", ActionID=sent["ActionID"], Message="No such module")
    with pytest.raises(Unavailable, match="No such module"):
        await admin(fake).reload("nonsense")
    assert [sent["Module"] for sent in fake.sent("Reload")] == ["res_pjsip.so", "nonsense"]


async def test_a_wrong_secret_is_refused(fake):
    with pytest.raises(LoginRefused, match="'adm'"):
        await admin(fake, secret="wrong").version()


async def test_a_busy_login_is_told(fake):
    fake.script["Login"] = lambda _, sent: text(
        Response="Error", ActionID=sent["ActionID"], Message="Login Already In Use"
    )
    with pytest.raises(SessionBusy):
        await admin(fake).version()


async def test_a_silent_node_is_given_up_at_the_deadline(fake):
    fake.script["CoreSettings"] = lambda *_: None
    with pytest.raises(Unavailable, match=r"no answer within 0\.1 s"):
        await admin(fake, timeout=0.1).version()


async def test_a_node_that_is_away_is_named(fake):
    async with fake_asterisk() as gone:
        away = admin(gone)
    with pytest.raises(Unavailable, match="node node1"):
        await away.version()


async def test_a_connection_cut_in_the_middle_does_not_come_back(fake, monkeypatch):
    # panoramisk on its own would be back at once.
    monkeypatch.setitem(panoramisk.Manager.defaults, "reconnect_timeout", 0)
    fake.script["CoreSettings"] = lambda peer, _: peer.cut()
    with pytest.raises(Unavailable):
        await admin(fake, timeout=0.2).version()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await fake.got("Login", 2)


@pytest.mark.parametrize("version", ["20.19.0", "22.9.0", "22.10.1+dfsg+~cs6", "23.3.0", "24.0.0"])
def test_versions_with_trustworthy_causes_are_supported(version):
    assert supported_version(version)


@pytest.mark.parametrize("version", ["18.26.0", "20.18.2", "21.12.0", "22.8.2", "23.2.0", "GIT-master", ""])
def test_other_versions_are_not(version):
    assert not supported_version(version)
