"""What is believed at the start."""

import numpy as np
import pytest

from dialer.pacing import PastCall, PastTalk, PolicyError, Prior
from dialer.pacing.progress import Progress

CALLS = [PastCall(13.0, 11.0, 12.5, live=True)] * 300 + [PastCall(30.0)] * 500 + [PastCall(24.0, 22.0, 24.0)] * 200
TALKS = [PastTalk(20.0, 5.0)] * 200 + [PastTalk(200.0, 30.0)] * 100


def test_history_teaches_the_answer_rate() -> None:
    assert Prior.from_history(CALLS, TALKS).answer_rate == pytest.approx(0.3, abs=0.01)


def test_more_history_is_more_certain_up_to_a_point() -> None:
    default, some, much = Prior.default(), Prior.from_history(CALLS[280:330], []), Prior.from_history(CALLS * 5, [])
    assert default.answer_weight < some.answer_weight < much.answer_weight
    assert much.answer_weight == Prior.from_history(CALLS * 9, []).answer_weight


def test_history_teaches_when_people_answer() -> None:
    shape = Progress(Prior.from_history(CALLS, TALKS).progress).shape()
    assert shape.live[22:24].sum() > 0.8


def test_wrap_ups_are_learned_by_the_length_of_their_talk() -> None:
    prior = Prior.from_history(CALLS, TALKS)
    means = [sum(p.exposure_s) / sum(p.events) for p in (prior.short_wrap, prior.long_wrap)]
    assert means[0] < means[1]


def test_no_history_is_the_default() -> None:
    learned, default = Prior.from_history([], []), Prior.default()
    assert learned == default


def test_a_stored_prior_comes_back_as_it_was() -> None:
    prior = Prior.from_history(CALLS, TALKS)
    assert Prior.from_json(prior.to_json()) == prior


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 99}', '{"version": 1, "progress": 3}'])
def test_text_that_holds_no_prior_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match="build it again"):
        Prior.from_json(text)


def test_senseless_calls_teach_nothing_wrong() -> None:
    prior = Prior.from_history([PastCall(float("nan")), PastCall(-1.0), PastCall(1e9)], [PastTalk(float("nan"), -1.0)])
    assert np.isfinite(Progress(prior.progress).shape().live).all()
