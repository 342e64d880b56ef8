"""A node client against a scripted Asterisk: fence, snapshot, events in order, losses, pauses, load."""

from __future__ import annotations

import asyncio
import random
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dialer.ami import actions
from dialer.ami.client import AmiSecrets, NodeClient, NodeSnapshot
from dialer.ami.messages import Event, FullyBooted, Hangup
from dialer.ami.session import LoginRefused, NotConnected, OutcomeUnknown
from dialer.ami.wire import Action
from dialer.clock import SystemClock
from dialer.config import AmiConfig, NodeConfig
from dialer.types import ConfigError, Unavailable
from tests.contract.ami.fake import FakeAsterisk, Fields, Peer, event, fake_asterisk, text

CALL = "t" + "a" * 26
SECRETS = AmiSecrets("ev", "ev-secret", "act", "act-secret")
QUICK = AmiConfig(backoff_first_s=0.01, backoff_last_s=0.02)


class Listener:
    """Writes down what the client says, as a story one can wait for."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.snapshots: list[NodeSnapshot] = []
        self.events: list[Event] = []
        self.on_up: Callable[[], Any] | None = None
        self.on_event: Callable[[Event], None] | None = None
        self._steps = asyncio.Semaphore(0)

    async def node_up(self, snapshot: NodeSnapshot) -> None:
        self.snapshots.append(snapshot)
        self._tell("up")
        if self.on_up is not None:
            await self.on_up()

    def node_event(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Hangup):
            self._tell(f"hangup {event.uniqueid}")
        elif not isinstance(event, FullyBooted):
            self._tell(type(event).__name__)
        if self.on_event is not None:
            self.on_event(event)

    def node_down(self, reason: str) -> None:
        self._tell("down")

    def _tell(self, step: str) -> None:
        self.story.append(step)
        self._steps.release()

    async def told(self, *story: str) -> None:
        """Wait until the story has that many steps and compare it."""
        async with asyncio.timeout(10):
            while len(self.story) < len(story):
                await self._steps.acquire()
        assert self.story == list(story)


@asynccontextmanager
async def running(
    fake: FakeAsterisk, ami: AmiConfig = QUICK, **node: Any
) -> AsyncIterator[tuple[NodeClient, Listener]]:
    listener = Listener()
    config = NodeConfig(name="node1", port=fake.port, **node)
    client = NodeClient(config, ami, SECRETS, clock=SystemClock(), handler=listener, rng=random.Random(7))
    async with asyncio.TaskGroup() as group:
        group.create_task(client.run())
        try:
            yield client, listener
        finally:
            client.close()


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    async with fake_asterisk() as asterisk:
        yield asterisk


def hangup(call: str) -> bytes:
    return event("Hangup", Uniqueid=call, Cause=16)


def originate(call: str = CALL) -> Action:
    return actions.originate(call, "PJSIP/549@carrier", context="dialer-debtor", timeout_ms=32000)


async def until_live(client: NodeClient, fake: FakeAsterisk, listener: Listener) -> None:
    """Wait until events go straight through: a first one has been delivered."""
    await listener.told("up")
    fake.events.send(hangup("first"))
    await listener.told("up", "hangup first")
    assert client.up


async def test_the_fence_is_taken_before_the_event_stream(fake):
    async with running(fake) as (_, listener):
        await listener.told("up")
    assert [fields["Username"] for fields in fake.sent("Login")] == ["act", "ev"]
    assert [fields["Events"] for fields in fake.sent("Login")] == ["off", "on"]


async def test_the_snapshot_tells_incarnation_version_and_channels(fake):
    fake.channels = [
        {"Uniqueid": CALL, "Channel": "PJSIP/c-1", "ChannelState": "6", "BridgeId": "b-1", "Duration": "01:02:03"}
    ]
    async with running(fake) as (_, listener):
        await listener.told("up")
    (found,) = listener.snapshots
    assert (found.incarnation, found.asterisk_version) == ("node1/2026-11-24T09:59:58", "22.10.1")
    assert [(row.uniqueid, row.state, row.bridge_id, row.duration_s) for row in found.channels] == [
        (CALL, 6, "b-1", 3723)
    ]
    assert found.contacts == {}


async def test_the_snapshot_gives_each_softphone_its_best_contact(fake):
    rows = [
        {"Endpoint": "1001", "Status": "Reachable"},
        {"Endpoint": "1001", "Status": "Unreachable"},
        {"ObjectName": "1002;@ab6a", "Endpoint": "", "Status": "NonQualified"},
    ]
    fake.script["PJSIPShowContacts"] = lambda _, sent: fake.listing(
        sent["ActionID"], "ContactList", rows, "ContactListComplete"
    )
    async with running(fake) as (_, listener):
        await listener.told("up")
    assert listener.snapshots[0].contacts == {"1001": "Reachable", "1002": "NonQualified"}


async def test_events_during_reconciliation_come_after_it_and_in_order(fake):
    reconciled = asyncio.Event()
    async with running(fake) as (client, listener):
        listener.on_up = reconciled.wait
        await listener.told("up")
        fake.events.send(hangup("one") + hangup("two"))
        assert (await client.request(actions.ping())).success
        assert not client.up
        fake.events.send(hangup("three"))
        reconciled.set()
        await listener.told("up", "hangup one", "hangup two", "hangup three")


async def test_an_asterisk_still_booting_is_waited_for(fake):
    fake.boots = False
    async with running(fake) as (client, listener):
        await fake.got("Login", 2)
        assert (fake.times("CoreShowChannels"), client.up) == (0, False)
        fake.events.send(event("FullyBooted", Status="Fully Booted"))
        await listener.told("up")


@pytest.mark.parametrize("which", ["act", "ev"])
async def test_either_session_lost_takes_the_node_down_and_brings_it_back(fake, which):
    async with running(fake) as (client, listener):
        await until_live(client, fake, listener)
        fake.peers[which].cut()
        await listener.told("up", "hangup first", "down", "up")


async def test_an_originate_lost_before_its_answer_is_unknown_and_never_sent_again(fake):
    def cut_once(peer: Peer, _: Fields) -> None:
        peer.cut()

    fake.script["Originate"] = cut_once
    async with running(fake) as (client, listener):
        await until_live(client, fake, listener)
        with pytest.raises(OutcomeUnknown):
            await client.request(originate())
        await listener.told("up", "hangup first", "down", "up")
        assert (await client.request(actions.ping())).success
    assert fake.times("Originate") == 1


async def test_an_originate_lost_after_its_answer_is_never_sent_again(fake):
    async with running(fake) as (client, listener):
        await until_live(client, fake, listener)
        assert (await client.request(originate())).success
        fake.actions.cut()
        await listener.told("up", "hangup first", "down", "up")
        assert (await client.request(actions.ping())).success
    assert fake.times("Originate") == 1


async def test_while_down_an_originate_is_refused_at_once_and_not_kept(fake):
    client = NodeClient(
        NodeConfig(name="node1", port=fake.port),
        QUICK,
        SECRETS,
        clock=SystemClock(),
        handler=Listener(),
        rng=random.Random(7),
    )
    with pytest.raises(NotConnected, match="not sent"):
        await client.request(originate())
    assert client.shed_reason() == "node node1 is down"


async def test_an_originate_is_named_by_its_call(fake):
    async with running(fake) as (client, listener):
        await until_live(client, fake, listener)
        await client.request(originate())
    assert fake.sent("Originate")[0]["ActionID"] == CALL


async def test_setvar_and_redirect_go_out_together(fake):
    async with running(fake) as (client, listener):
        await until_live(client, fake, listener)
        orders = [(actions.setvar(CALL, "DIALER_AGENT", "ana"), None), (actions.redirect(CALL, "dialer-join"), None)]
        answers = await asyncio.gather(*client.write(orders))
    assert [answer.success for answer in answers] == [True, True]
    assert [name for name, _ in fake.received if name in {"Setvar", "Redirect"}] == ["Setvar", "Redirect"]


async def test_a_wrong_secret_ends_the_client_and_is_not_tried_again(fake):
    fake.secrets["act"] = "changed"
    with pytest.raises(ExceptionGroup) as caught:
        async with running(fake):
            await asyncio.Event().wait()
    assert caught.group_contains(LoginRefused, match="'act'")
    assert fake.times("Login") == 1


async def test_a_busy_login_is_tried_again_until_it_is_free(fake):
    def busy_twice(peer: Peer, sent: Fields) -> bytes:
        if fake.times("Login") < 2:
            return text(Response="Error", ActionID=sent["ActionID"], Message="Login Already In Use")
        return bytes(fake.answer(peer, sent))

    fake.script["Login"] = busy_twice
    async with running(fake) as (_, listener):
        await listener.told("up")
    assert fake.times("Login") == 4


async def test_a_missing_pong_takes_the_node_down(fake):
    ami = QUICK.model_copy(update={"ping_s": 0.01, "ping_timeout_s": 0.1})
    async with running(fake, ami) as (client, listener):
        await until_live(client, fake, listener)
        fake.script["Ping"] = lambda *_: None
        await listener.told("up", "hangup first", "down")


async def test_a_failed_reconciliation_is_tried_again_with_a_new_snapshot(fake):
    async def fail() -> None:
        listener.on_up = None
        raise Unavailable("the database is away")

    async with running(fake) as (client, listener):
        listener.on_up = fail
        await listener.told("up", "down", "up")
        fake.events.send(hangup("after"))
        await listener.told("up", "down", "up", "hangup after")
        assert client.up


async def test_a_snapshot_that_is_refused_does_not_bring_the_node_up(fake):
    def refused_once(_: Peer, sent: Fields) -> bytes:
        del fake.script["CoreShowChannels"]
        return text(Response="Error", ActionID=sent["ActionID"], Message="Permission denied")

    fake.script["CoreShowChannels"] = refused_once
    async with running(fake) as (_, listener):
        await listener.told("up")
    assert fake.times("CoreShowChannels") == 2


async def test_a_handler_s_bug_costs_no_other_event_held_or_live(fake):
    def bug(seen: Event) -> None:
        if isinstance(seen, Hangup) and seen.uniqueid.startswith("bad"):
            raise RuntimeError("a bug in a handler")

    reconciled = asyncio.Event()
    async with running(fake) as (client, listener):
        listener.on_up, listener.on_event = reconciled.wait, bug
        await listener.told("up")
        fake.events.send(hangup("bad1") + hangup("good1"))
        reconciled.set()
        await listener.told("up", "hangup bad1", "hangup good1")
        fake.events.send(hangup("bad2") + hangup("good2"))
        await listener.told("up", "hangup bad1", "hangup good1", "hangup bad2", "hangup good2")
        assert client.up


async def test_a_call_is_outstanding_until_asterisk_says_how_it_went(fake):
    ami = QUICK.model_copy(update={"shed_outstanding": 1})
    async with running(fake, ami) as (client, listener):
        await until_live(client, fake, listener)
        await client.request(originate())
        assert "1 Originates are unfinished" in (client.shed_reason() or "")
        fake.events.send(event("OriginateResponse", ActionID=CALL, Uniqueid=CALL, Response="Failure", Reason=0))
        await listener.told("up", "hangup first", "OriginateResponse")
        assert (client.outstanding, client.shed_reason()) == (0, None)


async def test_a_refused_originate_is_not_outstanding(fake):
    fake.script["Originate"] = lambda _, sent: text(Response="Error", ActionID=sent["ActionID"], Message="no")
    async with running(fake) as (client, listener):
        await until_live(client, fake, listener)
        assert not (await client.request(originate())).success
        assert client.outstanding == 0


async def test_late_events_stop_new_calls_whatever_the_node_s_clock(fake):
    async with running(fake) as (client, listener):
        await until_live(client, fake, listener)
        stale = asyncio.get_running_loop().time() - 3
        fake.events.send(event("Hangup", Uniqueid="stale", Timestamp=f"{stale:.6f}"))
        await listener.told("up", "hangup first", "hangup stale")
        assert "event lag" in (client.shed_reason() or "")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=node1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True, timeout=30)
    return key, cert


@asynccontextmanager
async def fake_with_tls(certificate: tuple[Path, Path]) -> AsyncIterator[FakeAsterisk]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate[1], certificate[0])
    async with fake_asterisk(context) as fake:
        yield fake


async def test_tls_carries_the_whole_session_when_the_certificate_is_trusted(certificate):
    async with fake_with_tls(certificate) as fake, running(fake, tls=True, tls_ca=certificate[1]) as (client, listener):
        await until_live(client, fake, listener)
        assert (await client.request(originate())).success


async def test_a_certificate_nobody_vouches_for_is_not_talked_to(certificate):
    async with fake_with_tls(certificate) as fake, running(fake, tls=True) as (client, listener):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await fake.got("Login")
        assert (client.up, listener.story) == (False, [])


async def test_a_missing_authority_file_is_named(tmp_path):
    config = NodeConfig(name="node1", tls=True, tls_ca=tmp_path / "ca.pem")
    client = NodeClient(config, QUICK, SECRETS, clock=SystemClock(), handler=Listener(), rng=random.Random(7))
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        await client.run()


async def test_closing_while_the_node_is_away_ends_at_once():
    async with fake_asterisk() as gone:
        port = gone.port
    slow = AmiConfig(backoff_first_s=600, backoff_last_s=600)
    config = NodeConfig(name="node1", port=port)
    client = NodeClient(config, slow, SECRETS, clock=SystemClock(), handler=Listener(), rng=random.Random(7))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(client.run())
        asyncio.get_running_loop().call_later(0.05, client.close)
