"""Asks one node everything; an answer that does not come becomes a check of its own and hides no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from dialer.ami.admin import AdminPlane
from dialer.ami.config import NodeSecrets, Secrets
from dialer.ami.config.files import node_files
from dialer.ami.config.layout import layout
from dialer.config import Config, NodeConfig
from dialer.doctor import conffile
from dialer.doctor.check import Check, Part, told
from dialer.doctor.files import dialplan_check, file_checks
from dialer.doctor.folder_probe import probe_folders
from dialer.doctor.folders import evidence_check, menu_check, recordings_check
from dialer.doctor.line import ADMIN
from dialer.doctor.machine import disk, folder_free_mb
from dialer.doctor.manager import permissions_check
from dialer.doctor.manager_probe import manager_checks
from dialer.doctor.node import UNREACHABLE, clock_check, modules_check, softphones_check, trunk_check, version_checks
from dialer.types import Clock, DialerError

PROBE_S = 20.0
"""No question to a node, with all its answers, takes longer."""

UNCOMPARED = frozenset({"asterisk.conf", "extensions.conf"})
"""Files whose effect is looked at instead: the name, and the dialplan that runs."""

MENU_S = 2.0

QUALIFY_S, LOOK_S = 4.0, 0.3
"""A carrier has 3 s to answer Asterisk's question; how often we look whether it did."""

Probe = Callable[[], Awaitable[Sequence[Check]]]


class NodeExamination:
    """One node of the configuration, examined by its administrative user and, where they are free, by the others."""

    def __init__(self, config: Config, node: NodeConfig, secrets: Secrets, clock: Clock, *, engine_runs: bool) -> None:
        self._config = config
        self._node = node
        self._secrets = secrets
        self._keys: NodeSecrets = secrets.node(node.name)
        self._clock = clock
        self._engine_runs = engine_runs
        self._admin = AdminPlane(node, ADMIN, self._keys.admin)
        self._part = Part(f"node {node.name}")
        self._trunks = [trunk for trunk in config.trunks if trunk.node == node.name]

    async def checks(self) -> list[Check]:
        """Return every check of this node; of a node that does not answer only that."""
        part = self._part
        try:
            settings = await self._admin.settings()
        except DialerError as exc:
            rest = part.skipped("everything else", "not asked")
            return [part.broken("reachable", exc), rest, *await self._local()]
        found = [part.ok("reachable", f"{self._node.host}:{self._node.port}")]
        found += version_checks(part, self._node, settings)
        for name, probe in self._probes().items():
            found += await told(part, name, probe(), PROBE_S)
        return found + await self._local()

    def _probes(self) -> dict[str, Probe]:
        return {
            "clock": self._clock_,
            "files": self._files,
            "modules": self._modules,
            "dialplan": self._dialplan,
            "permissions": self._permissions,
            "fence": self._fence,
            "trunks and softphones": self._sip,
            "recording folder": self._folders,
        }

    async def _clock_(self) -> Sequence[Check]:
        before = self._clock.monotonic()
        theirs = await self._admin.clock()
        # The login takes part of the way: half of it all is as good a guess as any, and far below the limit.
        half = (self._clock.monotonic() - before) / 2
        ahead = datetime.fromtimestamp(theirs + half, UTC) - self._clock.now()
        return [clock_check(self._part, ahead)]

    async def _files(self) -> Sequence[Check]:
        rendered = {name: conffile.sections(text) for name, text in self._rendered().items() if name not in UNCOMPARED}
        return file_checks(self._part, rendered, {name: await self._admin.file(name) for name in rendered})

    async def _modules(self) -> Sequence[Check]:
        needed = conffile.modules(self._rendered()["modules.conf"])
        return [modules_check(self._part, needed, await self._admin.running())]

    async def _dialplan(self) -> Sequence[Check]:
        return [dialplan_check(self._part, self._rendered()["extensions.conf"], await self._admin.dialplan())]

    async def _permissions(self) -> Sequence[Check]:
        return [permissions_check(self._part, "admin", ADMIN, await self._admin.actions())]

    async def _fence(self) -> Sequence[Check]:
        return await manager_checks(self._part, self._node, self._keys, engine_runs=self._engine_runs)

    async def _sip(self) -> Sequence[Check]:
        endpoints, contacts = await self._asked_again(), await self._admin.contacts()
        registrations = await self._admin.registrations()
        first, count = self._config.agents.first_extension, self._config.agents.extensions
        return [
            *(trunk_check(self._part, trunk, endpoints, registrations) for trunk in self._trunks),
            softphones_check(self._part, range(first, first + count), endpoints, contacts),
        ]

    async def _asked_again(self) -> Mapping[str, str]:
        """Return the state of every endpoint; a trunk that seems to be away is asked once more, now."""
        endpoints = await self._admin.endpoints()
        away = [trunk.name for trunk in self._trunks if endpoints.get(trunk.name) == UNREACHABLE]
        with suppress(TimeoutError):
            async with asyncio.timeout(QUALIFY_S):
                for name in away:
                    await self._admin.qualify(name)
                while any(endpoints.get(name) == UNREACHABLE for name in away):
                    await asyncio.sleep(LOOK_S)
                    endpoints = await self._admin.endpoints()
        return endpoints

    async def _folders(self) -> Sequence[Check]:
        facts = await probe_folders(self._node, self._keys.admin, self._clock.now())
        return [recordings_check(self._part, self._node, facts), evidence_check(self._part, self._node, facts)]

    async def _local(self) -> list[Check]:
        """What this machine can tell of the node by itself."""
        folder = self._node.recordings_dir
        menu = self._config.menu
        answers = await _answers(menu.host, menu.port)
        return [
            disk(self._part, str(folder), folder_free_mb(folder), self._config.recordings.min_free_mb),
            menu_check(self._part, menu, self._node, answers=answers, engine_runs=self._engine_runs),
        ]

    def _rendered(self) -> dict[str, str]:
        return node_files(self._config, self._node, self._secrets, layout(self._node))


async def _answers(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(MENU_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
