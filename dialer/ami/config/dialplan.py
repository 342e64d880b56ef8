"""extensions.conf of a node: what happens on a channel while the engine decides, and when it cannot."""

from __future__ import annotations

from dialer.ami.config.layout import Layout, filled
from dialer.config import Config, NodeConfig

REJOIN_S = 2
"""Seconds a debtor whose agent vanished is kept for another agent before the message."""

INBOUND_WAIT_S = 10
"""Seconds an inbound caller hears ringing while the engine looks for an agent."""

MESSAGE_CAP_S = 90
"""No message with its menu lasts longer, whatever the menu's server does."""

SPY_SETTLE_S = 0.3
"""Seconds between the notice's channel being up and its first word: ChanSpy needs them to attach."""


def extensions_conf(config: Config, node: NodeConfig, place: Layout) -> str:
    """Return the dialplan of one node."""
    return filled(
        "extensions.conf",
        connect_s=f"{config.dialing.connect_within_s:g}",
        rejoin_s=REJOIN_S,
        inbound_wait_s=INBOUND_WAIT_S,
        message_cap_s=MESSAGE_CAP_S,
        spy_settle_s=SPY_SETTLE_S,
        menu=f"{config.menu.host}:{config.menu.port}",
        recordings=place.recordings,
        sounds=place.sounds,
        inbound="".join(_did(number) for number in _caller_ids(config, node)),
    )


def spoken_language(number: str) -> str:
    """Return the language of a message to somebody who dialled this E.164 number: the language of its country."""
    if number.startswith("+55") or number.startswith("+351"):
        return "pt"
    return "en" if number.startswith(("+1", "+44")) else "es"


def _caller_ids(config: Config, node: NodeConfig) -> list[str]:
    return sorted({trunk.caller_id for trunk in config.trunks if trunk.node == node.name})


def _did(number: str) -> str:
    return "".join(
        f"exten => {written},1,Set(DIALER_DIALLED={number})\n"
        f" same => n,Set(DIALER_LANG={spoken_language(number)})\n"
        " same => n,Goto(dialer-inbound-call,s,1)\n"
        for written in (number, number.removeprefix("+"))
    )
