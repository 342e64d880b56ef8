"""Whether a campaign can be launched, told as findings with their remedies. Pure: whoever asks brings the facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from campaigns.compliance import Rulebook, Setup, caller_id_refusals, misfits
from campaigns.do_not_call import Edition
from campaigns.explanations import Dialable
from campaigns.stops import OWN_KINDS
from dialer.config import CampaignConfig, Config, TrunkConfig
from dialer.types import Refused


class Level(StrEnum):
    """What a finding means: a campaign is not launched, or somebody should know."""

    REFUSED = "refused"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    level: Level
    rule: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent as far as a launch asks."""

    name: str
    skills: Mapping[str, int]
    languages: frozenset[str]
    logged_in: bool = False

    def fits(self, skills: Mapping[str, int], language: str) -> bool:
        """Say whether the agent speaks the language and has every skill at the wanted level."""
        return language in self.languages and all(self.skills.get(name, 0) >= level for name, level in skills.items())


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node is like: why it cannot be used (empty: it can), and the languages without their message.

    `unseen` says that its prompts cannot be looked at from here; `lost_trunks` are those its Asterisk cannot reach.
    """

    name: str
    away: str = ""
    simulated: bool = False
    silent: tuple[str, ...] = ()
    unseen: bool = False
    lost_trunks: frozenset[str] = frozenset()


_REMEDIES = {
    "no_history": "dialer leads history {campaign} FILE, or --none --by NAME when there is none",
    "demo_profile": 'remove profile = "demo" from the campaign\'s file',
    "unapproved_profile": "read it (dialer compliance show) and approve it: dialer compliance approve NAME --by YOU",
    "caller_id_withheld": "give the trunk a caller_id",
    "caller_id_list_unknown": "declare the numbers in [compliance.registered_caller_ids]",
    "caller_id_not_listed": "register the number and declare it in [compliance.registered_caller_ids]",
    "caller_id_mobile": "show a geographic number: caller_id of the trunk",
    "ring_min": "raise dialing.min_ring_s",
    "ring_max": "lower dialing.ring_timeout_s",
    "connect_within": "lower dialing.connect_within_s",
    "abandon_limit": "lower pacing.abandon_limit of the campaign",
    "recording_notice": "set recording_notice = true, or recording = false, in the campaign's file",
}


def refused(rule: str, detail: str, remedy: str = "", campaign: str = "") -> Finding:
    """Return a finding that stops a launch."""
    return Finding(Level.REFUSED, rule, detail, remedy or _REMEDIES.get(rule, "").format(campaign=campaign))


def warning(rule: str, detail: str, remedy: str) -> Finding:
    """Return a finding that stops nothing."""
    return Finding(Level.WARNING, rule, detail, remedy)


def of_standing(campaign: str, standing: Iterable[Refused]) -> Iterator[Finding]:
    """Yield what forbids the campaign as a whole."""
    for each in standing:
        yield refused(each.rule, each.detail, campaign=campaign)


def of_leads(campaign: str, counted: Dialable, now: datetime) -> Iterator[Finding]:
    """Yield that nobody can be called now, with every rule and the moments from which somebody can."""
    if not counted.leads:
        yield refused("no_leads", "the campaign has nobody on its list", f"dialer leads import {campaign} FILE")
    elif not counted.now:
        rules = ", ".join(f"{rule} {count}" for rule, count in counted.refused.items())
        detail = f"nobody may be called at {now.isoformat(timespec='minutes')}: {rules}"
        later = [f"{count} from {moment.isoformat(timespec='minutes')}" for moment, count in counted.next_moments]
        if later:
            # Launched the evening before, a campaign waits for its hours by itself.
            yield warning("nobody_yet", detail, f"it begins by itself: {'; '.join(later[:3])}")
        else:
            yield refused("no_dialable_lead", detail, f"dialer leads why {campaign} PHONE tells of one")


def of_agents(config: CampaignConfig, filled: Mapping[str, int], workers: Sequence[Worker]) -> Iterator[Finding]:
    """Yield segments that nobody can serve, and that nobody is logged in; `filled` counts leads by segment."""
    segments = [segment for segment in config.segments if filled.get(segment.name)] or list(config.segments)
    unserved = [
        segment
        for segment in segments
        if not any(worker.fits(segment.skills, segment.language or config.language) for worker in workers)
    ]
    for segment in unserved:
        wanted = ", ".join(f"{name} {level}" for name, level in segment.skills.items()) or "no skills"
        detail = f"segment {segment.name} wants {wanted} in {segment.language or config.language}; no agent has that"
        remedy = "dialer agent add NAME EXTENSION with the skills and languages, or change the segment"
        whole = len(unserved) == len(segments)
        yield refused("no_agent", detail, remedy) if whole else warning("no_agent", detail, remedy)
    if workers and not any(worker.logged_in for worker in workers):
        yield warning("nobody_logged_in", "no agent is logged in yet", "dialer agent login NAME")


def of_segments(config: CampaignConfig, filled: Mapping[str, int]) -> Iterator[Finding]:
    """Yield segments of the file that have no leads."""
    empty = [segment.name for segment in config.segments if not filled.get(segment.name)]
    if empty and len(empty) < len(config.segments):
        yield warning("empty_segment", f"nobody is in {', '.join(empty)}", "import leads for it, or widen its rule")


def of_lines(campaign: CampaignConfig, config: Config, nodes: Mapping[str, NodeFacts]) -> Iterator[Finding]:
    """Yield that no line leads anywhere: trunks that are unknown or lost, nodes that are away."""
    usable, reasons = [], []
    known = {trunk.name: trunk for trunk in config.trunks}
    for name in campaign.trunks:
        trunk = known.get(name)
        why = f"trunk {name} is not in config.toml" if trunk is None else _lost(trunk, nodes.get(trunk.node))
        usable += [] if why else [name]
        reasons += [why] if why else []
    for why in reasons:
        remedy = "dialer doctor tells what is wrong with it; or choose other trunks for the campaign"
        yield warning("trunk_away", why, remedy) if usable else refused("no_trunk", why, remedy)


def _lost(trunk: TrunkConfig, node: NodeFacts | None) -> str:
    if node is None:
        return f"node {trunk.node} is not in config.toml"
    if node.away:
        return f"node {trunk.node}: {node.away}"
    return f"trunk {trunk.name} does not answer Asterisk" if trunk.name in node.lost_trunks else ""


def of_messages(nodes: Iterable[NodeFacts]) -> Iterator[Finding]:
    """Yield languages in which nobody who is abandoned would hear who called."""
    for node in nodes:
        remedy = f"dialer asterisk config --out DIR, and copy DIR/{node.name} to the node, sounds/dialer included"
        if node.silent:
            languages = ", ".join(node.silent)
            yield refused("no_abandonment_message", f"node {node.name} has no message in {languages}", remedy)
        if node.unseen and not node.away:
            detail = f"the prompts of node {node.name} cannot be seen from this machine"
            yield warning("message_unseen", detail, "hear them once: dialer doctor --call NUMBER")


def of_rules(
    campaign: CampaignConfig, config: Config, trunks: Iterable[TrunkConfig], books: Iterable[Rulebook]
) -> Iterator[Finding]:
    """Yield what installation and campaign do that a rulebook forbids."""
    setup = Setup(
        ring_min_s=config.dialing.min_ring_s,
        ring_timeout_s=config.dialing.ring_timeout_s,
        connect_within_s=config.dialing.connect_within_s,
        abandon_limit=campaign.pacing.abandon_limit,
        abandonment_message=True,  # looked for on each node
        recording=campaign.recording,
        recording_notice=campaign.recording_notice,
    )
    numbers = sorted({trunk.caller_id for trunk in trunks})
    found: dict[tuple[str, str], Finding] = {}
    for book in books:
        against = [*misfits(book.facts, setup)]
        for number in numbers:
            against += caller_id_refusals(book.facts, number, config.compliance.registered_caller_ids)
        for each in against:
            found[each.rule, each.detail] = refused(each.rule, f"{each.detail} ({', '.join(book.profiles)})")
    yield from found.values()


def of_lists(books: Iterable[Rulebook], editions: Sequence[Edition], now: datetime) -> Iterator[Finding]:
    """Yield do-not-call lists that a profile names and nobody has read, or not for long."""
    known = {edition.name: edition for edition in editions}
    for name in sorted({name for book in books for name in book.facts.dnc} - OWN_KINDS):
        remedy = f"dialer leads dnc import {name} FILE --by NAME"
        edition = known.get(name)
        if edition is None:
            yield warning("list_missing", f"the do-not-call list {name} was never read: nobody is on it", remedy)
        elif edition.is_old(now):
            yield warning("list_old", f"the do-not-call list {name} is of {edition.at:%Y-%m-%d}", remedy)
