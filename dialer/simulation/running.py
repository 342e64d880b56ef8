"""A whole simulated node: switch, manager interface, evidence and recordings, on the files of an installation."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from dialer.ami.config.layout import layout
from dialer.ami.config.secrets import Secrets
from dialer.clock import SystemClock
from dialer.config import Config, NodeConfig
from dialer.simulation.evidence import CallLogFiles
from dialer.simulation.far_end import FarEnd, LegReply
from dialer.simulation.faults import Faults
from dialer.simulation.installation import installed
from dialer.simulation.monitor import VoiceMonitor
from dialer.simulation.pbx import Pbx
from dialer.simulation.ports import Monitor, Ports, Voices
from dialer.simulation.prompts import menu_lengths, prompt_lengths
from dialer.simulation.schedule import LoopScheduler
from dialer.simulation.server import ManagerServer
from dialer.simulation.softphones import Softphones
from dialer.simulation.switch import Settings
from dialer.types import Clock


class SimulatedNode:
    """One node, ready to `run`; `pbx` and `faults` are there for whoever wants to interfere.

    Every softphone of the configuration is registered unless `phones` is false; `leg` is how they take calls.
    """

    def __init__(
        self,
        config: Config,
        node: NodeConfig,
        secrets: Secrets,
        *,
        clock: Clock,
        far_end: FarEnd,
        rng: random.Random,
        leg: LegReply | None = None,
        phones: bool = True,
        settings: Settings | None = None,
    ) -> None:
        installation = installed(config, node, secrets)
        self.faults = Faults()
        self.server = ManagerServer(installation, clock, _machine_time, self.faults, rng)
        self._log = CallLogFiles(node.evidence_file, node.evidence_file.parent.parent / "cdr-csv" / "Master.csv")
        self._voices = VoiceMonitor(clock.monotonic)
        inside = Path(layout(node).recordings)
        ports = Ports(
            LoopScheduler(clock, asyncio.get_running_loop()),
            rng,
            self._log,
            _HostMonitor(self._voices, inside, node.recordings_dir),
        )
        extensions = [name for name, endpoint in installation.endpoints.items() if not endpoint.trunk]
        self.pbx = Pbx(
            installation.files["extensions.conf"],
            far_end=far_end,
            softphones=Softphones(extensions, leg),
            trunks=[name for name, endpoint in installation.endpoints.items() if endpoint.trunk],
            ports=ports,
            emit=self.server.emit,
            settings=replace(settings or _settings(config), name=node.name),
        )
        self.pbx.on_power = self._power
        self.faults.bind(self.pbx, self.server.go_away)
        self.server.serve_node(self.pbx, self.pbx)
        for extension in extensions if phones else ():
            self.pbx.softphones.register(extension)

    async def run(self) -> None:
        """Serve until cancelled; raise ConfigError when the node's address cannot be used."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.server.run())
                group.create_task(self._voices.write_on())
        finally:
            self._log.close()

    def _power(self, up: bool) -> None:
        if not up:
            self._log.lost()
        self.server.power(up)


@asynccontextmanager
async def simulated_node(one: SimulatedNode) -> AsyncIterator[SimulatedNode]:
    """Run a node for as long as the block lasts; it takes connections when the block begins.

    Leaving the block ends it in good order: every channel is hung up, Shutdown is said, connections end. Raises
    ConfigError when the node's address cannot be used.
    """
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(one.run())
            await one.server.listening.wait()
            try:
                yield one
            finally:
                one.pbx.shut_down()
                running.cancel()
    except BaseExceptionGroup as failures:
        raise _only(failures) from failures


def _only(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return what went wrong where it is one thing."""
    while len(failures.exceptions) == 1:
        (failure,) = failures.exceptions
        if not isinstance(failure, BaseExceptionGroup):
            return failure
        failures = failure
    return failures


class _HostMonitor:
    """Writes recordings where the dialer looks for them: the dialplan names them as Asterisk sees its disk."""

    def __init__(self, monitor: Monitor, inside: Path, outside: Path) -> None:
        self._monitor = monitor
        self._inside = inside
        self._outside = outside

    def start(self, uniqueid: str, path: Path, voices: Voices) -> None:
        self._monitor.start(uniqueid, self._host(path), voices)

    def stop(self, uniqueid: str) -> int:
        return self._monitor.stop(uniqueid)

    def size(self, path: Path) -> int | None:
        return self._monitor.size(self._host(path))

    def lost(self) -> None:
        self._monitor.lost()

    def _host(self, path: Path) -> Path:
        return self._outside / path.relative_to(self._inside) if path.is_relative_to(self._inside) else path


def _settings(config: Config) -> Settings:
    prompts_s = prompt_lengths(config)
    pressed_s, none_s = menu_lengths(prompts_s)
    return Settings(prompts_s=prompts_s, menu_s=pressed_s, menu_none_s=none_s)


def _machine_time() -> float:
    return SystemClock().now().timestamp()
