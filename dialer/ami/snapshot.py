"""What is going on in a node right now: asked after every connect, so that nothing is assumed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from dialer.ami import actions
from dialer.ami.messages import known_number
from dialer.ami.session import Response, Session
from dialer.ami.wire import Message
from dialer.types import Unavailable

LIST_TIMEOUT_S: Final = 10.0
"""Deadline of a list: a node at its 1,500 channels answers in a tenth of a second when it is well."""

_NO_CONTACTS = "No Contacts found"

OLDEST_OF: Final = {20: 19, 22: 9, 23: 3}
"""Oldest minor release of each series whose hang-up causes and event filters can be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """One living channel; `bridge_id` is empty outside of a bridge."""

    uniqueid: str
    linkedid: str
    channel: str
    state: int
    context: str
    exten: str
    application: str
    bridge_id: str
    duration_s: int
    caller: str
    connected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSnapshot:
    """A node as found: `incarnation` changes with every start of Asterisk; contacts map endpoint to status."""

    incarnation: str
    asterisk_version: str
    channels: tuple[ChannelRow, ...] = ()
    contacts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def supported_version(version: str) -> bool:
    """Tell whether this Asterisk reports the hang-up causes our outcome table relies on."""
    match = re.match(r"(\d+)\.(\d+)", version)
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return major > max(OLDEST_OF) or minor >= OLDEST_OF.get(major, minor + 1)


async def identify(session: Session, node: str, deadline_s: float) -> tuple[str, str]:
    """Return incarnation (system name, start date and time) and version of the Asterisk behind the session."""
    status = _granted(await session.ask(actions.core_status(), deadline_s), node, "CoreStatus")
    settings = _granted(await session.ask(actions.core_settings(), deadline_s), node, "CoreSettings")
    started = f"{status.get('CoreStartupDate')}T{status.get('CoreStartupTime')}"
    return f"{settings.get('SystemName') or node}/{started}", settings.get("AsteriskVersion")


async def take_snapshot(session: Session, node: str, deadline_s: float) -> NodeSnapshot:
    """Ask everything a reconciliation needs; raise Unavailable naming what the node refused."""
    incarnation, version = await identify(session, node, deadline_s)
    channels = await session.ask(actions.core_show_channels(), LIST_TIMEOUT_S, is_list=True)
    contacts = await session.ask(actions.pjsip_show_contacts(), LIST_TIMEOUT_S, is_list=True)
    if contacts.text != _NO_CONTACTS:
        _granted(contacts, node, "PJSIPShowContacts")
    return NodeSnapshot(
        incarnation=incarnation,
        asterisk_version=version,
        channels=tuple(_channel(row) for row in _granted(channels, node, "CoreShowChannels").rows),
        contacts=_contacts(contacts.rows),
    )


def _granted(answer: Response, node: str, asked: str) -> Response:
    if not answer.success:
        raise Unavailable(
            f"{node}: {asked} refused: {answer.text}; render manager.conf anew with 'dialer asterisk config'",
            error_id="ami-refused",
        )
    return answer


def _channel(row: Message) -> ChannelRow:
    state = row.get("ChannelState")
    return ChannelRow(
        uniqueid=row.get("Uniqueid"),
        linkedid=row.get("Linkedid"),
        channel=row.get("Channel"),
        state=int(state) if state.isdecimal() else 0,
        context=row.get("Context"),
        exten=row.get("Exten"),
        application=row.get("Application"),
        bridge_id=row.get("BridgeId"),
        duration_s=_seconds(row.get("Duration")),
        caller=known_number(row.get("CallerIDNum")),
        connected=known_number(row.get("ConnectedLineNum")),
    )


def _seconds(text: str) -> int:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return 0
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds


def _contacts(rows: tuple[Message, ...]) -> Mapping[str, str]:
    """Return the status of each endpoint; of several contacts a reachable one speaks for it."""
    found: dict[str, str] = {}
    for row in rows:
        # ObjectName is `aor;@hash`; Endpoint is empty in some lists.
        endpoint = row.get("Endpoint") or row.get("ObjectName").partition(";")[0]
        if found.get(endpoint) != "Reachable":
            found[endpoint] = row.get("Status")
    return MappingProxyType(found)
