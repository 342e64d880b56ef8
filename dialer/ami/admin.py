"""Administrative questions to a node (who is registered, which version, reload), asked through panoramisk.

Never the way of a call: panoramisk sends again what a lost connection left unanswered. Each question here has its
own short connection and a deadline, and none of them changes a call.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import panoramisk

from dialer.ami.session import LoginRefused, SessionBusy, tls_context
from dialer.config import NodeConfig
from dialer.types import Unavailable


class Step(NamedTuple):
    """One priority of a running dialplan."""

    context: str
    extension: str
    priority: int
    application: str
    data: str


class AdminPlane:
    """Ask one node; every method opens a connection, answers within `timeout` seconds and leaves nothing behind.

    All raise Unavailable when the node does not answer or refuses, LoginRefused when user or secret are wrong,
    SessionBusy when somebody else holds the login.
    """

    def __init__(self, node: NodeConfig, user: str, secret: str, timeout: float = 5.0) -> None:
        self._node = node
        self._user = user
        self._secret = secret
        self._timeout = timeout

    async def version(self) -> str:
        """Return the version of Asterisk, for example `22.10.1+dfsg`; see `snapshot.supported_version`."""
        async with self._manager() as manager:
            return str((await self._ask(manager, "CoreSettings"))[0]["AsteriskVersion"])

    async def contacts(self) -> Mapping[str, str]:
        """Return the status of each registered contact, by endpoint."""
        async with self._manager() as manager:
            rows = await self._ask(manager, "PJSIPShowContacts", nothing="No Contacts found")
        return {row.get("Endpoint") or row["ObjectName"].partition(";")[0]: row["Status"] for row in _rows(rows)}

    async def endpoints(self) -> Mapping[str, str]:
        """Return the device state of each endpoint (trunks and softphones)."""
        async with self._manager() as manager:
            rows = await self._ask(manager, "PJSIPShowEndpoints", nothing="No endpoints found")
        return {row["ObjectName"]: row["DeviceState"] for row in _rows(rows)}

    async def modules(self, names: Iterable[str]) -> Mapping[str, bool]:
        """Tell for each module, for example `app_amd`, whether it is loaded.

        A module that declined to run for want of its file counts as loaded: Asterisk says more only on its console.
        """
        async with self._manager() as manager:
            return {name: await self._is_loaded(manager, name) for name in names}

    async def running(self) -> Mapping[str, bool]:
        """Tell for each module of the node, for example `app_amd`, whether it runs: a declined one does not."""
        async with self._manager() as manager:
            (answer,) = await self._ask(manager, "Command", Command="module show")
        lines = _several(answer.get("Output"))
        return {line.split()[0].removesuffix(".so"): " Not Running " not in line for line in lines if ".so " in line}

    async def settings(self) -> Mapping[str, str]:
        """Return what CoreSettings tells: AsteriskVersion, SystemName, CoreRunUser and more."""
        async with self._manager() as manager:
            return dict((await self._ask(manager, "CoreSettings"))[0].items())

    async def clock(self) -> float:
        """Return the node's own time, in epoch seconds."""
        async with self._manager() as manager:
            return float((await self._ask(manager, "Ping"))[0]["Timestamp"])

    async def actions(self) -> frozenset[str]:
        """Return the actions this user may send."""
        async with self._manager() as manager:
            (answer,) = await self._ask(manager, "ListCommands")
        return frozenset(name for name, text in answer.items() if "(Priv: " in str(text))

    async def dialplan(self) -> tuple[Step, ...]:
        """Return every priority of the dialplan as it runs, in Asterisk's order."""
        async with self._manager() as manager:
            rows = await self._ask(manager, "ShowDialPlan")
        return tuple(
            Step(row["Context"], row["Extension"], int(row["Priority"]), row["Application"], row.get("AppData") or "")
            for row in _rows(rows)
            if "Priority" in row and str(row["Priority"]).isdigit()
        )

    async def file(self, name: str) -> Mapping[str, tuple[tuple[str, str], ...]] | None:
        """Return a configuration file as it lies on the node: keys and values by section; None when there is none.

        It may hold secrets: it is for comparing, not for showing.
        """
        async with self._manager() as manager:
            answer = await manager.send_action({"Action": "GetConfig", "Filename": name})
        if not answer.success and answer.message.strip() == "Config file not found":
            return None
        if not answer.success:
            raise self._refusal("GetConfig", {"Filename": name}, answer)
        return _sections(answer)

    async def registrations(self) -> Mapping[str, str]:
        """Return the state of each registration with a carrier: Registered, Unregistered, Rejected, by its name."""
        async with self._manager() as manager:
            rows = await self._ask(manager, "PJSIPShowRegistrationsOutbound", nothing="No outbound registrations found")
        # Rows about their credentials come in between, without a state.
        return {row["ObjectName"]: row["Status"] for row in _rows(rows) if row.get("Status")}

    async def qualify(self, endpoint: str) -> None:
        """Let Asterisk ask an endpoint for a sign of life now; `endpoints` tells soon after what came of it."""
        async with self._manager() as manager:
            await self._ask(manager, "PJSIPQualify", Endpoint=endpoint)

    async def reload(self, module: str) -> None:
        """Let one module read its files again."""
        async with self._manager() as manager:
            await self._ask(manager, "Reload", Module=module)

    @asynccontextmanager
    async def _manager(self) -> AsyncIterator[Any]:
        """Hold a logged-in manager for one question; the deadline covers connecting, login and question."""
        manager = _one_use(self._node, self._user, self._secret)
        try:
            async with asyncio.timeout(self._timeout):
                await manager.connect()
                self._check_login(await manager.authenticated_future)
                yield manager
        except TimeoutError:
            raise Unavailable(f"{self._where}: no answer within {self._timeout} s; is Asterisk running?") from None
        except OSError as exc:
            raise Unavailable(f"{self._where}: cannot be reached: {exc}; check host, port and tls of the node") from exc
        finally:
            manager.close()

    async def _ask(self, manager: Any, action: str, *, nothing: str = "", **fields: str) -> list[Any]:
        answer = await manager.send_action({"Action": action, **fields})
        messages: list[Any] = answer if isinstance(answer, list) else [answer]
        if messages[0].success or (nothing and messages[0].message.strip() == nothing):
            return messages
        raise self._refusal(action, fields, messages[0])

    def _refusal(self, action: str, fields: Mapping[str, str], answer: Any) -> Unavailable:
        return Unavailable(
            f"{self._where}: {action} {fields or ''} refused: {answer.message.strip()}", error_id="ami-refused"
        )

    async def _is_loaded(self, manager: Any, module: str) -> bool:
        answer = await manager.send_action({"Action": "ModuleCheck", "Module": module})
        return bool(answer.success)

    def _check_login(self, answer: Any) -> None:
        if answer.success:
            return
        text = f"{self._where}: manager user {self._user!r}: {answer.message}"
        if answer.message == "Login Already In Use":
            raise SessionBusy(f"{text}; try again")
        raise LoginRefused(f"{text}; check its secret and its addresses in manager.conf")

    @property
    def _where(self) -> str:
        return f"node {self._node.name} ({self._node.host}:{self._node.port})"


def _rows(messages: list[Any]) -> list[Any]:
    return [message for message in messages[1:] if message.get("EventList") != "Complete"]


def _several(output: Any) -> list[str]:
    """Return the lines of a header that may have come once, often or not at all."""
    return output if isinstance(output, list) else [output] if output else []


def _sections(answer: Any) -> dict[str, tuple[tuple[str, str], ...]]:
    """Sort `Category-000001: name` and `Line-000001-000002: key=value` by category, in order."""
    headers = {str(key).lower(): str(value) for key, value in answer.items()}
    names = {key.removeprefix("category-"): value for key, value in headers.items() if key.startswith("category-")}
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in names.values()}
    for key in sorted(key for key in headers if key.startswith("line-")):
        left, _, right = headers[key].partition("=")
        found[names[key.split("-")[1]]].append((left, right))
    return {name: tuple(lines) for name, lines in found.items()}


def _one_use(node: NodeConfig, user: str, secret: str) -> Any:
    tls: ssl.SSLContext | bool = tls_context(node.tls_ca) if node.tls else False
    manager = panoramisk.Manager(
        host=node.host, port=node.port, username=user, secret=secret, ssl=tls, events="off", ping_delay=3600
    )
    # panoramisk comes back by itself after every loss, even after close(): a zombie that would hold the login.
    manager.connection_lost = lambda _: None
    manager.connection_made = _without_retry(manager)
    return manager


def _without_retry(manager: Any) -> Any:
    made = manager.connection_made

    def connection_made(connecting: asyncio.Task[Any]) -> None:
        if not connecting.cancelled() and connecting.exception() is None:
            made(connecting)

    return connection_made
