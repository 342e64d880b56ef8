"""The PJSIP lists: endpoints, contacts, registrations, as the simulated node would have them."""

from __future__ import annotations

from typing import Final

from dialer.simulation.desk import Caller, Command, Desk
from dialer.simulation.installation import SIP_ADDRESS, Endpoint
from dialer.simulation.node import Headers, Refused
from dialer.simulation.protocol import Request
from dialer.simulation.replies import answer, listing

_QUALIFIED = (("QualifyFrequency", "1"), ("UserAgent", ""))


def contacts(desk: Desk, _: Caller, request: Request) -> bytes:
    """List the registered softphones."""
    found = desk.node.contacts()
    rows = [
        _contact(desk, endpoint, found[name]) for name, endpoint in desk.installation.endpoints.items() if name in found
    ]
    if not rows:
        # Asterisk ends these words with a line end of its own.
        return answer("Error", request.action_id, (("Message", "No Contacts found\n"),))
    message = "A listing of Contacts follows, presented as ContactList events"
    return listing(request.action_id, message, "ContactList", rows, "ContactListComplete")


def _contact(desk: Desk, endpoint: Endpoint, status: str) -> Headers:
    host, _, port = SIP_ADDRESS.partition(":")
    return (
        ("ObjectType", "contact"), ("ObjectName", endpoint.contact_id), ("ViaAddr", host),
        ("QualifyTimeout", "0.800000"), ("Qualify2xxOnly", "false"), ("CallId", f"{endpoint.name}@{host}"),
        ("RegServer", desk.installation.name), ("PruneOnBoot", "no"), ("Path", ""), ("Endpoint", endpoint.name),
        ("ViaPort", port), ("AuthenticateQualify", "no"), ("Uri", endpoint.uri), *_QUALIFIED,
        ("ExpirationTime", str(int(desk.now()) + 3600)), ("OutboundProxy", ""), ("Status", status),
        ("RoundtripUsec", "250" if status == "Reachable" else "N/A"),
    )  # fmt: skip


def endpoints(desk: Desk, _: Caller, request: Request) -> bytes:
    """List trunks and softphones with their device states."""
    found = desk.node.contacts()
    rows = [_endpoint(desk, one, found.get(one.name, "")) for one in desk.installation.endpoints.values()]
    message = "A listing of Endpoints follows, presented as EndpointList events"
    return listing(request.action_id, message, "EndpointList", rows, "EndpointListComplete")


def _endpoint(desk: Desk, endpoint: Endpoint, contact: str) -> Headers:
    there = endpoint.trunk or bool(contact)
    busy = desk.channels_of(endpoint.name)
    return (
        ("ObjectType", "endpoint"), ("ObjectName", endpoint.name), ("Transport", endpoint.transport),
        ("Aor", endpoint.name), ("Auths", "" if endpoint.trunk else endpoint.name),
        ("OutboundAuths", endpoint.name if endpoint.registers else ""),
        ("Contacts", f"{endpoint.name}/{endpoint.uri}," if there else ""),
        ("DeviceState", device_state(endpoint, contact, busy)), ("ActiveChannels", str(busy)),
    )  # fmt: skip


def device_state(endpoint: Endpoint, contact: str, busy: int) -> str:
    """Return how Asterisk would call an endpoint's state; `contact` is its contact's status, empty without one."""
    if not endpoint.trunk and contact in {"", "Unreachable"}:
        return "Unavailable"
    return "In use" if busy else "Not in use"


def endpoint_detail(desk: Desk, _: Caller, request: Request) -> bytes:
    """Show one endpoint: its own object, its address of record and its contact."""
    name = request.get("Endpoint")
    endpoint = desk.installation.endpoints.get(name)
    if endpoint is None:
        return answer("Error", request.action_id, (("Message", f"Unable to retrieve endpoint {name}\n"),))
    contact = desk.node.contacts().get(name, "NonQualified" if endpoint.trunk else "")
    busy = desk.channels_of(name)
    detail = (
        ("ObjectType", "endpoint"), ("ObjectName", name), ("Aors", name), ("Context", endpoint.context),
        ("Transport", endpoint.transport), ("DeviceState", device_state(endpoint, contact, busy)),
        ("ActiveChannels", str(busy)),
    )  # fmt: skip
    message = "Following are Events for each object associated with the Endpoint"
    return listing(request.action_id, message, "EndpointDetail", [detail], "EndpointDetailComplete")


def registrations(desk: Desk, _: Caller, request: Request) -> bytes:
    """List our registrations with carriers: the simulated ones all stand."""
    rows = [_registration(one) for one in desk.installation.endpoints.values() if one.registers]
    totals = (("Registered", str(len(rows))), ("NotRegistered", "0"))
    message = "Following are Events for each Outbound registration"
    row, end = "OutboundRegistrationDetail", "OutboundRegistrationDetailComplete"
    return listing(request.action_id, message, row, rows, end, totals=totals)


def _registration(endpoint: Endpoint) -> Headers:
    return (
        ("ObjectType", "registration"), ("ObjectName", f"{endpoint.name}-register"), ("Endpoint", endpoint.name),
        ("OutboundAuth", endpoint.name), ("ServerUri", endpoint.uri), ("Transport", endpoint.transport),
        ("Status", "Registered"), ("NextReg", "290"),
    )  # fmt: skip


def qualify(desk: Desk, _: Caller, request: Request) -> bytes:
    """Ask an endpoint for a sign of life."""
    if request.get("Endpoint") not in desk.installation.endpoints:
        raise Refused(f"Unable to retrieve endpoint {request.get('Endpoint')}")
    return answer("Success", request.action_id, (("Message", "Endpoint found, will qualify"),))


def device_states(desk: Desk, _: Caller, request: Request) -> bytes:
    """List the device state of every endpoint."""
    found = desk.node.contacts()
    rows = []
    for one in desk.installation.endpoints.values():
        state = device_state(one, found.get(one.name, ""), desk.channels_of(one.name))
        rows.append((("Device", f"PJSIP/{one.name}"), ("State", _STATES[state])))
    return listing(
        request.action_id, "Device State Changes will follow", "DeviceStateChange", rows, "DeviceStateListComplete"
    )


_STATES: Final = {"Unavailable": "UNAVAILABLE", "In use": "INUSE", "Not in use": "NOT_INUSE"}

SIP_LISTS: Final = (
    Command("PJSIPShowContacts", "Lists PJSIP Contacts.", ("system",), contacts),
    Command("PJSIPShowEndpoints", "Lists PJSIP endpoints.", ("system",), endpoints),
    Command("PJSIPShowEndpoint", "Detail listing of an endpoint and its objects.", ("system",), endpoint_detail),
    Command(
        "PJSIPShowRegistrationsOutbound", "Lists PJSIP outbound registrations.", ("system", "reporting"), registrations
    ),
    Command("PJSIPQualify", "Qualify a chan_pjsip endpoint.", ("system", "reporting"), qualify),
    Command("DeviceStateList", "List the current known device states.", ("call", "reporting"), device_states),
)
