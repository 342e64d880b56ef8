"""What is wrong with an installation, and what to do about it: every part looked at, none hiding another."""

from dialer.doctor.check import Check, Status
from dialer.doctor.examination import examine
from dialer.doctor.story import Step
from dialer.doctor.trial import Trial, place

__all__ = ["Check", "Status", "Step", "Trial", "examine", "place"]
