"""Every Prometheus name of the dialer, in one place, grouped by the part that sets it.

Labels are bounded: node, campaign, trunk and agent names come from the configuration, all others from closed lists.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

# The call plane (dialer.ami).
AMI_UP = Gauge("dialer_ami_up", "1 while the node's sessions are up and reconciled.", ["node"])
AMI_EVENTS = Counter("dialer_ami_events", "Events handed to the engine, by AMI event name.", ["node", "event"])
AMI_HANDLER_ERRORS = Counter("dialer_ami_handler_errors", "Events on which a handler raised; a bug each.", ["node"])
AMI_ACTIONS = Counter("dialer_ami_actions", "Actions by result: ok, refused, unknown.", ["node", "action", "result"])
AMI_LATE_RESPONSES = Counter("dialer_ami_late_responses", "Responses nobody waited for any more.", ["node"])
AMI_ODD_MESSAGES = Counter("dialer_ami_odd_messages", "Messages that are neither event nor response.", ["node"])
AMI_LOSSES = Counter("dialer_ami_losses", "Lost or failed connections, by kind of error.", ["node", "error_id"])
AMI_EVENT_LAG = Gauge("dialer_ami_event_lag_seconds", "Age of the newest event when it was read.", ["node"])
AMI_EVENT_AGE = Histogram(
    "dialer_ami_event_age_seconds",
    "Age of every event when it was read: from the node's stamp to the engine.",
    ["node"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 5),
)
AMI_PING = Histogram(
    "dialer_ami_ping_seconds",
    "Round trip of Ping, by session.",
    ["node", "session"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2),
)
AMI_ORIGINATE_ACK = Histogram(
    "dialer_ami_originate_ack_seconds",
    "From writing an Originate to its acknowledgement.",
    ["node"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3),
)
AMI_OUTSTANDING = Gauge("dialer_ami_outstanding", "Originates that Asterisk has not finished yet.", ["node"])

# The engine.
ATTEMPTS = Counter("dialer_attempts", "Ended attempts by campaign and outcome.", ["campaign", "outcome"])
REFUSED = Counter("dialer_refused", "Leads refused before their call, by rule.", ["rule"])
FLAGS = Counter("dialer_flags", "What an auditor should know of ended attempts: dead_leg, late_join...", ["flag"])
MENU = Counter("dialer_menu", "Choices in the abandoned-call menu.", ["choice"])
RECONCILED = Counter("dialer_reconciled", "Calls settled after a loss of contact, by result.", ["result"])
INBOUND = Counter("dialer_inbound", "Debtors and strangers who called us.")
RECORDINGS = Counter("dialer_recordings", "Recordings by result: stored, failed, missing.", ["result"])
HOPPER = Gauge("dialer_hopper_leads", "Leads waiting in Redis.", ["campaign"])
PACING_WANTED = Gauge("dialer_pacing_wanted", "Calls the last decision asked for.", ["campaign"])
PACING_GAUGES = {
    "risk": Gauge("dialer_pacing_risk", "Risk that one more live answer finds no agent.", ["campaign"]),
    "theta": Gauge("dialer_pacing_theta", "The risk that the abandonment budget allows.", ["campaign"]),
    "free_agents": Gauge("dialer_pacing_free_agents", "Agents expected free within the horizon.", ["campaign"]),
    "live_answers": Gauge("dialer_pacing_live_answers", "Live answers expected within the horizon.", ["campaign"]),
    "horizon_s": Gauge("dialer_pacing_horizon_seconds", "From dialling to a live answer, the median.", ["campaign"]),
    "answer_rate": Gauge("dialer_pacing_answer_rate", "Share of calls a person answers, as learned.", ["campaign"]),
    "budget_left": Gauge("dialer_pacing_budget_left", "Abandoned calls the tightest budget bears.", ["campaign"]),
}
"""The figures behind a decision, by their name in `dialer.pacing.Gauges`; NaN in modes that have none."""
CALLS = Gauge("dialer_calls", "Calls in flight, by stage.", ["stage"])
AGENTS = Gauge("dialer_agents", "Agents by campaign and state.", ["campaign", "state"])
AGENT_SECONDS = Gauge(
    "dialer_agent_seconds",
    "Business seconds agents spent in each state since the engine started.",
    ["campaign", "state"],
)
UTILISATION = Gauge(
    "dialer_agent_utilisation", "Talk and wrap-up as a share of the time logged in and not paused.", ["campaign"]
)
IDLE_WAIT = Gauge("dialer_agent_idle_wait_seconds", "Mean wait of an agent between two conversations.", ["campaign"])
BACKLOG = Gauge("dialer_backlog_records", "Records not yet in the outcome stream.")
PART_UP = Gauge("dialer_part_up", "1 while a part works: redis, database, recordings.", ["part"])
JOIN_SECONDS = Histogram(
    "dialer_join_seconds",
    "From the answer's event to the bridge with an agent.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2),
)

# Queues (dialer.queues).
OUTCOMES_WAITING = Gauge("dialer_outcomes_waiting", "Records in the outcome stream and not in the database yet.")
OUTCOMES_DEAD = Counter("dialer_outcomes_dead", "Entries of the outcome stream nobody can read; kept aside.")
