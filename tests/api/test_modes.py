"""How much an answer may take."""

import pytest

from api.http.query import _budget
from api.modes import budget_within
from api.schemas_ask import BudgetSpec, QueryRequest


@pytest.mark.parametrize("seconds", [1, 30, 600])
def test_an_answer_may_use_most_of_the_time_limit_however_long_it_is(seconds: float):
    assert budget_within(seconds).seconds == pytest.approx(0.8 * seconds)
    assert _budget(QueryRequest(question="Who?"), seconds) == budget_within(seconds)


def test_a_request_can_only_lower_it():
    lowered = _budget(QueryRequest(question="Who?", budget=BudgetSpec(seconds=5, steps=2)), 600)
    raised = _budget(QueryRequest(question="Who?", budget=BudgetSpec(seconds=3000)), 600)

    assert (lowered.seconds, lowered.steps) == (5, 2)
    assert raised.seconds == pytest.approx(480)
