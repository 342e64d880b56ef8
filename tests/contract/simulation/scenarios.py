"""What the dialer does to a node, as scenarios that run on the real Asterisk and on its twin alike.

Each takes a Stage and drives the node by bare manager actions; what the node said is compared afterwards.
The last three digits of the number called decide what the far end does (see tests/lab/carrier.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from tests.lab.ami import Ami
from tests.lab.asterisk import CALLER_ID, TRUNK
from tests.lab.floor import Floor
from tests.lab.processes import eventually


class World(Protocol):
    """What stands around a node and cannot be ordered over AMI."""

    def unregister(self, extension: int) -> None:
        """Take a softphone out as its user would."""
        ...

    def lose(self, extension: int) -> None:
        """Take a softphone's machine away."""
        ...

    def calls_us(self, dialled: str, caller: str, stay_s: float) -> None:
        """Let somebody call one of our numbers."""
        ...


@dataclass
class Stage:
    """One scenario's floor and the world around it."""

    floor: Floor
    world: World

    @contextmanager
    def admin(self) -> Iterator[Ami]:
        """Log in as the admin user."""
        with self.floor.lab.ami("admin", events=False) as ami:
            yield ami

    def ended(self, call: str) -> None:
        """Wait until a call and the answer to its Originate are over, in whatever order they come."""
        self.floor.gone(call)
        answered(self.floor.events, call)

    def over(self, call: str, leg: tuple[str, str]) -> None:
        """Wait until a conversation is over: the debtor is gone and the agent waits again, in whatever order."""
        held = {"Uniqueid": leg[0], "BridgeTechnology": "holding_bridge"}
        taken = len(self.floor.events.events("BridgeLeave", **held))
        self.floor.gone(call)
        if len(self.floor.events.events("BridgeEnter", **held)) <= taken:
            self.floor.events.wait("BridgeEnter", 10, **held)


def answered(events: Ami, call: str) -> None:
    """Wait for an Originate's result, seen before or not."""
    if not events.events("OriginateResponse", ActionID=call) and not events.events("OriginateResponse", Uniqueid=call):
        events.wait("OriginateResponse", 20, Uniqueid=call)


Scenario = Callable[[Stage], None]
REFUSED = (401, 403, 404, 405, 408, 410, 420, 480, 481, 484, 485, 486, 487, 488,
           500, 501, 502, 503, 504, 505, 599, 600, 603, 604, 606)  # fmt: skip


def refused(status: int) -> Scenario:
    """The carrier refuses with this SIP status."""

    def scenario(stage: Stage) -> None:
        stage.ended(stage.floor.call(str(status)))

    return scenario


def rings_until_timeout(stage: Stage) -> None:
    stage.ended(stage.floor.call("180", timeout_ms=1500))


def silent_until_timeout(stage: Stage) -> None:
    stage.ended(stage.floor.call("000", timeout_ms=1000))


def cancelled_while_ringing(stage: Stage) -> None:
    call = stage.floor.call("180")
    stage.floor.events.wait("Newstate", ChannelState="5", Uniqueid=call)
    stage.floor.hang_up(call)
    stage.ended(call)


def cancelled_before_ringing(stage: Stage) -> None:
    call = stage.floor.call("000")
    stage.floor.events.wait("Newchannel", Uniqueid=call)
    stage.floor.hang_up(call)
    stage.ended(call)


def unknown_trunk(stage: Stage) -> None:
    call = "t" + "7" * 26
    stage.floor.originate(call, "PJSIP/+5491155500299@nowhere", "dialer-debtor", {})
    answered(stage.floor.events, call)


def unknown_softphone(stage: Stage) -> None:
    leg = "g" + "7" * 26
    stage.floor.originate(leg, "PJSIP/4999", "dialer-agent", {"DIALER_AGENT": "ann"})
    answered(stage.floor.events, leg)


def unregistered_softphone(stage: Stage) -> None:
    leg = "g" + "8" * 26
    stage.floor.originate(leg, "PJSIP/1004", "dialer-agent", {"DIALER_AGENT": "ann"})
    answered(stage.floor.events, leg)


def duplicate_id(stage: Stage) -> None:
    call = stage.floor.call("180")
    stage.floor.events.wait("Newstate", ChannelState="5", Uniqueid=call)
    stage.floor.originate(call, f"PJSIP/+5491155500299@{TRUNK}", "dialer-debtor", {})
    stage.floor.events.wait("OriginateResponse", Uniqueid=call)
    stage.floor.hang_up(call)
    stage.floor.gone(call)
    if len(stage.floor.events.events("OriginateResponse", Uniqueid=call)) < 2:
        stage.floor.events.wait("OriginateResponse", Uniqueid=call)


def prefix_of_a_living_id(stage: Stage) -> None:
    call = stage.floor.call("180")
    stage.floor.events.wait("Newstate", ChannelState="5", Uniqueid=call)
    stage.floor.originate(call[:-2], f"PJSIP/+5491155500299@{TRUNK}", "dialer-debtor", {})
    stage.floor.events.wait("OriginateResponse", Uniqueid=call[:-2])
    stage.floor.hang_up(call)
    stage.floor.gone(call)


def same_id_after_hangup(stage: Stage) -> None:
    call = stage.floor.call("486")
    stage.ended(call)
    stage.floor.originate(call, f"PJSIP/+5491155500486@{TRUNK}", "dialer-debtor", {})
    stage.floor.gone(call)


def nobody_joins_and_no_key(stage: Stage) -> None:
    call = stage.floor.answered()
    stage.floor.events.wait("DialerMenu", 25, CallId=call)
    stage.ended(call)


def nobody_joins_and_a_key(stage: Stage) -> None:
    call = stage.floor.answered("204")
    stage.floor.events.wait("DialerMenu", 25, CallId=call)
    stage.ended(call)


def debtor_hangs_up_unjoined(stage: Stage) -> None:
    stage.ended(stage.floor.answered("203"))


def conversation_ended_by_the_debtor(stage: Stage) -> None:
    leg = stage.floor.agent(1001)
    call = stage.floor.answered("201", DIALER_RECORD="now")
    stage.floor.joined(call, leg)
    stage.over(call, leg)


def conversation_ended_by_the_dialer(stage: Stage) -> None:
    leg = stage.floor.agent(1001)
    call = stage.floor.answered("299", DIALER_RECORD="no")
    stage.floor.joined(call, leg)
    stage.floor.hang_up(call)
    stage.over(call, leg)


def two_conversations_of_one_agent(stage: Stage) -> None:
    leg = stage.floor.agent(1001)
    for _ in range(2):
        call = stage.floor.answered("299", DIALER_RECORD="now")
        stage.floor.joined(call, leg)
        stage.floor.hang_up(call)
        stage.over(call, leg)


def agent_lost_in_conversation(stage: Stage) -> None:
    leg = stage.floor.agent(1001)
    call = stage.floor.answered("299", DIALER_RECORD="now")
    stage.floor.joined(call, leg)
    stage.floor.hang_up(leg[0])
    stage.floor.events.wait("DialerUnjoined", CallId=call)
    stage.floor.events.wait("DialerMenu", 25, CallId=call)
    stage.floor.gone(call)


def another_agent_takes_over(stage: Stage) -> None:
    first, second = stage.floor.agent(1001), stage.floor.agent(1002, "bob")
    call = stage.floor.answered("299", DIALER_RECORD="now")
    stage.floor.joined(call, first)
    stage.floor.hang_up(first[0])
    stage.floor.events.wait("DialerUnjoined", CallId=call)
    stage.floor.join(call, second[1], "bob")
    stage.floor.events.wait("BridgeEnter", Uniqueid=call)
    stage.floor.hang_up(call)
    stage.over(call, second)


def join_too_late(stage: Stage) -> None:
    leg = stage.floor.agent(1001)
    call = stage.floor.answered()
    stage.floor.events.wait("DialerAbandoned", CallId=call)
    stage.floor.join(call, leg[1])
    stage.floor.events.wait("DialerJoinRefused", CallId=call)
    stage.floor.hang_up(call)
    stage.floor.gone(call)


def join_to_a_channel_that_is_gone(stage: Stage) -> None:
    call = stage.floor.answered()
    stage.floor.join(call, "PJSIP/1001-deadbeef")
    stage.floor.events.wait("DialerUnjoined", CallId=call)
    stage.floor.hang_up(call)
    stage.floor.gone(call)


def amd_machine(stage: Stage) -> None:
    stage.ended(stage.floor.answered("202", DIALER_AMD="1"))


def amd_human(stage: Stage) -> None:
    call = stage.floor.answered("209", DIALER_AMD="1")
    stage.floor.events.wait("DialerClassified", CallId=call)
    stage.floor.hang_up(call)
    stage.ended(call)


def amd_silence(stage: Stage) -> None:
    call = stage.floor.answered("206", DIALER_AMD="1")
    stage.floor.events.wait("DialerClassified", CallId=call)
    stage.floor.hang_up(call)
    stage.ended(call)


def agent_in_and_out(stage: Stage) -> None:
    leg, _ = stage.floor.agent(1001)
    stage.floor.hang_up(leg)
    stage.floor.gone(leg)


def notice(stage: Stage) -> None:
    leg = stage.floor.agent(1001)
    call = stage.floor.answered("299", DIALER_RECORD="notice")
    stage.floor.joined(call, leg)
    speak_notice(stage.floor, call)
    stage.floor.events.wait("DialerNoticed", CallId=call)
    stage.floor.events.wait("Hangup")
    stage.floor.events.wait("Hangup")
    recorded(stage.floor, call)
    stage.floor.hang_up(call)
    stage.over(call, leg)


def notice_for_nobody(stage: Stage) -> None:
    speak_notice(stage.floor, "t" + "9" * 26)
    for _ in range(2):
        stage.floor.events.wait("Hangup")


def recorded(floor: Floor, call: str) -> None:
    """Start the recording as the engine does after the notice, and wait for something to be in it."""
    floor.actions.action("MixMonitor", Channel=call, File=f"{floor.lab.inside}/rec/{call}.raw", options="D")
    raw = floor.lab.directory / "rec" / f"{call}.raw"
    eventually(lambda: raw.exists() and raw.stat().st_size > 32_000, "something is recorded", 15)


def speak_notice(floor: Floor, call: str) -> None:
    """Exactly what the engine sends."""
    floor.actions.action(
        "Originate",
        {"DIALER_NOTICE_CALL": call, "DIALER_LANG": "es"},
        Channel="Local/s@dialer-notice/n",
        Application="ChanSpy",
        Data=f"{call},quBES",
        Async="true",
    )


def inbound_answered(stage: Stage) -> None:
    leg = stage.floor.agent(1001)
    stage.world.calls_us(CALLER_ID, "+5491155556666", 1.0)
    call = stage.floor.events.wait("DialerInbound")["CallId"]
    stage.floor.join(call, leg[1], DIALER_RECORD="now")
    stage.floor.events.wait("BridgeEnter", Uniqueid=call)
    stage.over(call, leg)


def inbound_nobody_free(stage: Stage) -> None:
    stage.world.calls_us(CALLER_ID, "+5491155556666", 60.0)
    call = stage.floor.events.wait("DialerInbound")["CallId"]
    stage.floor.events.wait("DialerInboundMessage", 15, CallId=call)
    stage.floor.gone(call)


def bridged_by_action(stage: Stage) -> None:
    leg = stage.floor.agent(1001)
    call = stage.floor.answered()
    stage.floor.actions.action("Bridge", Channel1=call, Channel2=leg[1], Tone="no")
    stage.floor.events.wait("BridgeEnter", Uniqueid=leg[0], BridgeNumChannels="2")
    stage.floor.hang_up(call)
    stage.over(call, leg)


def orders_about_nothing(stage: Stage) -> None:
    """What Asterisk answers to orders about channels that are not there, and to orders that are not whole."""
    ask, nobody = stage.floor.actions.action, "t" + "6" * 26
    ask("Hangup", Channel=nobody)
    ask("Hangup", Channel="/^nothing.*/")
    ask("Hangup")
    ask("Redirect", Channel=nobody, Context="dialer-join", Exten="s", Priority=1)
    ask("Redirect", Context="dialer-join", Exten="s", Priority=1)
    ask("Setvar", Channel=nobody, Variable="A", Value="1")
    ask("Setvar", Channel=nobody, Value="1")
    ask("Getvar", Channel=nobody, Variable="A")
    ask("Getvar", Variable="DIALER_NOTHING")
    ask("Bridge", Channel1=nobody, Channel2=nobody, Tone="no")
    ask("MixMonitor", Channel=nobody, File="/tmp/x.raw", options="D")
    ask("StopMixMonitor", Channel=nobody)
    ask("Status", Channel=nobody)
    ask("Originate", Channel="nonsense", ChannelId=nobody, Context="dialer-debtor", Exten="s", Priority=1, Async="true")
    ask("Originate", ChannelId=nobody, Context="dialer-debtor", Exten="s", Priority=1, Async="true")
    ask("Originate", Channel="PJSIP/+5491155500000@carrier", Async="true")
    ask("Originate", Channel="PJSIP/x@carrier", Context="dialer-debtor", Exten="s", Priority="x", Async="true")
    ask("Originate", Channel="PJSIP/x@carrier", Context="no-such", Exten="s", Priority=1, Async="true", Timeout="abc")
    ask("NoSuchAction")
    ask("ModuleCheck", Module="app_amd")
    ask("Command", Command="core show uptime")


def orders_about_a_call(stage: Stage) -> None:
    """What Asterisk answers to orders about a living channel."""
    ask, call = stage.floor.actions.action, stage.floor.answered("299")
    ask("Setvar", Channel=call, Variable="DIALER_TEST", Value="1")
    ask("Getvar", Channel=call, Variable="DIALER_TEST")
    ask("Getvar", Channel=call, Variable="CHANNEL(state)")
    ask("Getvar", Channel=call, Variable="UNIQUEID")
    ask("MixMonitor", Channel=call, File=f"{stage.floor.lab.inside}/rec/orders.raw", options="D")
    ask("StopMixMonitor", Channel=call)
    ask("Redirect", Channel=call, Context="dialer-abandon", Exten="s", Priority="x")
    ask("UserEvent", UserEvent="Ours", First="1", Second="2")
    ask("Redirect", Channel=call, Context="no-such-context", Exten="s", Priority=1)
    stage.floor.gone(call)


def admin_questions(stage: Stage) -> None:
    """Identity, modules, rights and lists, asked by the admin user on a quiet node."""
    with stage.admin() as ask:
        for name, fields in ADMIN_QUESTIONS:
            ask.action(name, None, **fields)
        ask.wait("EndpointListComplete")
        stage.floor.actions.seen += [m for m in ask.seen if "Response" in m]


ADMIN_QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Ping", {}),
    ("CoreStatus", {}),
    ("CoreSettings", {}),
    ("ModuleCheck", {"Module": "app_amd"}),
    ("ModuleCheck", {"Module": "app_nothing"}),
    ("Originate", {"Channel": "PJSIP/x@carrier", "Context": "a", "Exten": "s", "Priority": "1", "Async": "true"}),
    ("Setvar", {"Channel": "x", "Variable": "A", "Value": "1"}),
    ("Redirect", {"Channel": "x", "Context": "a", "Exten": "s", "Priority": "1"}),
    ("Hangup", {"Channel": "nobody"}),
    ("Status", {"Channel": "nobody"}),
    ("Reload", {"Module": "res_pjsip"}),
    ("Reload", {"Module": "res_nothing"}),
    ("PJSIPShowEndpoints", {}),
    ("PJSIPShowEndpoint", {"Endpoint": "nobody"}),
    ("PJSIPShowRegistrationsOutbound", {}),
    ("Command", {"Command": "core show version"}),
    ("UserEvent", {"UserEvent": "X"}),
    ("Events", {"EventMask": "off"}),
    ("Challenge", {"AuthType": "MD5"}),
    ("Challenge", {"AuthType": "SHA"}),
    ("Filter", {"Operation": "Add", "Filter": "Event: X"}),
)


def lists(stage: Stage) -> None:
    """The two lists of a snapshot: with nothing, with a ringing call, and with a conversation."""
    listed(stage)
    leg = stage.floor.agent(1001)
    call = stage.floor.answered("299")
    listed(stage)
    stage.floor.joined(call, leg)
    listed(stage)
    ringing = stage.floor.call("180")
    stage.floor.events.wait("Newstate", ChannelState="5", Uniqueid=ringing)
    listed(stage)


def listed(stage: Stage) -> None:
    """Ask for channels and contacts; their rows go to the transcript."""
    actions = stage.floor.actions
    actions.action("CoreShowChannels")
    actions.wait("CoreShowChannelsComplete")
    if actions.action("PJSIPShowContacts")["Response"] == "Success":
        actions.wait("ContactListComplete")


def softphone_unregistered(stage: Stage) -> None:
    stage.world.unregister(1003)
    stage.floor.events.wait("ContactStatus", EndpointName="1003", ContactStatus="Removed")


def softphone_lost(stage: Stage) -> None:
    stage.world.lose(1002)
    stage.floor.events.wait("ContactStatus", EndpointName="1002", ContactStatus="Unreachable")


SCENARIOS: dict[str, Scenario] = {
    **{f"refused_{status}": refused(status) for status in REFUSED},
    **{
        scenario.__name__: scenario
        for scenario in (
            rings_until_timeout, silent_until_timeout, cancelled_while_ringing, cancelled_before_ringing,
            unknown_trunk, unknown_softphone, unregistered_softphone, duplicate_id, prefix_of_a_living_id,
            same_id_after_hangup, nobody_joins_and_no_key, nobody_joins_and_a_key, debtor_hangs_up_unjoined,
            conversation_ended_by_the_debtor, conversation_ended_by_the_dialer, two_conversations_of_one_agent,
            agent_lost_in_conversation, another_agent_takes_over, join_too_late, join_to_a_channel_that_is_gone,
            amd_machine, amd_human, amd_silence, agent_in_and_out, notice, notice_for_nobody, inbound_answered,
            inbound_nobody_free, bridged_by_action, orders_about_nothing,
            orders_about_a_call, admin_questions, lists, softphone_unregistered, softphone_lost,
        )
    },
}  # fmt: skip
"""Every scenario by name; the last two take softphones away for good."""
