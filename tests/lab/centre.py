"""A whole collections centre for a module's stories: Asterisk, carrier, softphones and the running service."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.config import Config
from tests.lab.asterisk import AsteriskLab
from tests.lab.carrier import Carrier
from tests.lab.quick import QuickService
from tests.lab.service import Service
from tests.lab.softphones import Softphones
from tests.lab.sounds import own_prompts
from tests.lab.witness import Witness


@dataclass(frozen=True, slots=True)
class Centre:
    """One installation at work; `phones` answer on the first extensions."""

    lab: AsteriskLab
    carrier: Carrier
    phones: Softphones
    service: Service
    witness: Witness
    work: Path

    @property
    def quick(self) -> QuickService:
        """The same installation by commands without processes."""
        return QuickService(self.service.config, self.work)

    def campaign(self, leads: list[tuple[str, str, str]], **changes: Any) -> str:
        """Create and start a campaign."""
        name = self.quick.campaign(leads, **changes)
        self.start(name)
        return name

    def extension(self, place: int) -> int:
        """Return the softphone with this place (0 is the first)."""
        return int(self.service.config.agents.first_extension) + place

    def hire(self, name: str, place: int, *options: str) -> str:
        """Add an agent on the softphone with this place."""
        self.quick.run("agent", "add", name, "--extension", str(self.extension(place)), *options)
        return name

    def seat(self, name: str, campaign: str, *, ready: bool = True) -> None:
        """Log an agent in."""
        self.witness.order("agent.login", agent=name, campaign=campaign, node="", ready=ready)

    def start(self, campaign: str) -> None:
        """Start a campaign."""
        self.witness.order("campaign.start", campaign=campaign)

    def traces(self, call_id: str) -> list[list[str]]:
        """Return the lines of Asterisk's call log about a channel: event, epoch seconds, ..., channel name (4)."""
        lines = csv.reader(self.lab.node.evidence_file.read_text().splitlines())
        return [line for line in lines if line[2] == call_id]

    def listen(self, call_id: str) -> Path:
        """Record a debtor's channel from now on: left what is said, right what is heard; return the file."""
        channel, name = self.traces(call_id)[0][4], f"spool/{call_id}.raw"
        self.lab.console(f"mixmonitor start {channel} {self.lab.inside}/{name},D")
        return self.lab.directory / name


@contextmanager
def centre(
    root: Path,
    work: Path,
    *,
    softphones: int,
    registered: int | None = None,
    ring_s: float = 0.1,
    talk_s: float = 3.0,
    echo: bool = False,
    command: str = "engine",
    unknown_trunk: str | None = None,
    tables: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[Centre]:
    """Open a centre with `softphones` extensions, the first `registered` of them (default all) answering.

    `echo` is for debtors who repeat what they hear (207). `unknown_trunk` names a trunk that config.toml has and
    Asterisk was never told of.
    """
    home = work / "home"
    service = {"home": home, "metrics": "", **(tables or {}).get("service", {})}
    merged = {"prompts": {"dir": own_prompts(work / "prompts")}, **(tables or {}), "service": service}
    count = softphones if registered is None else registered
    with (
        AsteriskLab(root, home, softphones=softphones, **merged) as lab,
        Carrier(work, lab.carrier_port, ring_s=ring_s, talk_s=talk_s, echo=echo) as carrier,
        Softphones(lab, work, count=count) as phones,
        Service(_config(lab, unknown_trunk), work) as running,
    ):
        running.start(command)
        witness = Witness(running)
        witness.hears("node up")
        yield Centre(lab, carrier, phones, running, witness, work)


def _config(lab: AsteriskLab, unknown_trunk: str | None) -> Config:
    if unknown_trunk is None:
        return lab.config
    trunk = lab.config.trunks[0].model_copy(update={"name": unknown_trunk})
    return lab.config.model_copy(update={"trunks": (*lab.config.trunks, trunk)})
