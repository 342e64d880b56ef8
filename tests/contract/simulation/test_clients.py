"""Clients that were not made for the twin: the engine's own, the administrative plane, a plain panoramisk."""

from __future__ import annotations

import asyncio
import random

import panoramisk

from dialer.ami import actions
from dialer.ami.admin import AdminPlane
from dialer.ami.client import AmiSecrets, NodeClient
from dialer.ami.messages import Hangup, OriginateResponse, UserEvent
from dialer.ami.snapshot import supported_version
from dialer.clock import SystemClock
from dialer.config import AmiConfig
from tests.contract.ami.test_client import Listener
from tests.contract.simulation.conftest import CALL, Twin, originate


def plane(twin: Twin) -> AdminPlane:
    return AdminPlane(twin.config.nodes[0], "dialer-adm", twin.secrets.admin)


async def test_the_administrative_plane_is_answered(twin: Twin):
    version = await plane(twin).version()
    assert "simulated" in version
    assert supported_version(version)
    assert await plane(twin).endpoints() == {
        "1001": "Not in use",
        "1002": "Not in use",
        "1003": "Not in use",
        "carrier": "Not in use",
    }
    assert await plane(twin).contacts() == {"1001": "Reachable", "1002": "Reachable", "1003": "Reachable"}
    assert await plane(twin).modules(["app_amd", "app_nothing"]) == {"app_amd": True, "app_nothing": False}
    await plane(twin).reload("res_pjsip")


async def test_nobody_registered_is_an_empty_list(twin: Twin):
    for extension in ("1001", "1002", "1003"):
        twin.node.pbx.softphones.unregister(extension)
    assert await plane(twin).contacts() == {}
    assert (await plane(twin).endpoints())["1001"] == "Unavailable"


async def test_a_plain_panoramisk_places_a_call_and_hears_its_end(twin: Twin):
    port = twin.config.nodes[0].port
    manager = panoramisk.Manager(host="127.0.0.1", port=port, username="dialer-adm", secret=twin.secrets.admin)
    heard: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
    manager.register_event("Hangup", lambda _, message: heard.put_nowait(message.TechCause))
    await manager.connect()
    assert (await manager.authenticated_future).success
    headers = {name: str(value) for name, value in originate("+5491155500486").items()}
    answers = await manager.send_action({"Action": "Originate", **headers})
    # panoramisk gives both to who asked: the acknowledgement and, when it is over, the OriginateResponse.
    assert [answer.get("Message") or answer.get("Response") for answer in answers] == [
        "Originate successfully queued",
        "Failure",
    ]
    async with asyncio.timeout(5):
        assert await heard.get() == "486"
    # It would come back by itself, even when closed.
    manager.connection_lost = lambda _: None
    manager.close()


async def test_the_engines_own_client_lives_through_a_call(twin: Twin):
    listener = Listener()
    secrets = AmiSecrets("dialer-ev", twin.secrets.events, "dialer-act", twin.secrets.actions)
    client = NodeClient(
        twin.config.nodes[0],
        AmiConfig(),
        secrets,
        clock=SystemClock(),
        handler=listener,
        rng=random.Random(7),
    )
    over = asyncio.Event()
    listener.on_event = lambda event: over.set() if isinstance(event, Hangup) else None
    async with asyncio.TaskGroup() as group:
        group.create_task(client.run())
        await listener.told("up")
        order = actions.originate(CALL, "PJSIP/+5491155500201@carrier", context="dialer-debtor", timeout_ms=20_000)
        assert (await client.request(order)).success
        async with asyncio.timeout(10):
            await over.wait()
        client.close()
    (snapshot,) = listener.snapshots
    assert snapshot.contacts == {"1001": "Reachable", "1002": "Reachable", "1003": "Reachable"}
    assert [event.name for event in listener.events if isinstance(event, UserEvent)] == ["DialerAnswered"]
    assert [event.success for event in listener.events if isinstance(event, OriginateResponse)] == [True]
