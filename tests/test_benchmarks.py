"""The fit behind the agent's verdicts, and the search for weights."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import fit_weights
from benchmarks.fit_verdict import area_under_curve, calibration_error, fit, importance_of, predict

SLOPES = np.array([2.0, -1.5, 0.0])


def drawn(bias: float, runs: int = 6_000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features and labels of a logistic model."""
    random = np.random.default_rng(3)
    x = random.standard_normal((runs, len(SLOPES)))
    y = (random.random(runs) < 1 / (1 + np.exp(-(bias + x @ SLOPES)))).astype(np.float64)
    return x, y


def test_the_fit_recovers_the_model_that_made_the_labels():
    x, y = drawn(bias=-0.5)

    weights = fit(x, y, np.ones(len(y)))

    assert weights[0] == pytest.approx(-0.5, abs=0.15)
    assert weights[1:] == pytest.approx(SLOPES, abs=0.2)


def test_the_fit_is_where_the_weighted_penalised_likelihood_is_flat():
    x, y = drawn(bias=-1.0, runs=500)
    importance = np.where(y == 1, 1.0, 0.3)

    weights = fit(x, y, importance, ridge=2.0)

    gradient = np.column_stack([np.ones(len(x)), x]).T @ (importance * (predict(weights, x) - y))
    assert gradient + 2.0 * np.array([0.0, *weights[1:]]) == pytest.approx(np.zeros(4), abs=1e-8)


def test_a_run_that_weighs_a_third_counts_like_one_of_three_copies():
    x, y = drawn(bias=0.0, runs=500)
    copies = np.concatenate([x, x, x]), np.concatenate([y, y, y]), np.full(3 * len(y), 1 / 3)

    assert fit(*copies) == pytest.approx(fit(x, y, np.ones(len(y))), abs=1e-8)


def test_runs_with_a_passage_removed_weigh_together_as_much_as_the_one_without():
    removed = np.array([0, 1, 1, 0, 1, 1, 1, 1, 0, 1], dtype=np.float64)

    assert importance_of(removed).tolist() == [1, 0.5, 0.5, 1, 0.25, 0.25, 0.25, 0.25, 1, 1]


def test_confidence_that_is_right_on_average_in_each_bin_has_no_calibration_error():
    p = np.array([0.25, 0.25, 0.25, 0.25, 0.95])
    y = np.array([1, 0, 0, 0, 1], dtype=np.float64)

    assert calibration_error(p, y, np.ones(5)) == pytest.approx(0.05 / 5)
    assert calibration_error(np.full(4, 0.95), np.array([1.0, 0, 0, 0]), np.ones(4)) == pytest.approx(0.7)


def test_a_stronger_ridge_shrinks_the_slopes():
    x, y = drawn(bias=0.0, runs=500)

    assert (
        np.abs(fit(x, y, np.ones(len(y)), ridge=1_000.0)[1:]).sum()
        < 0.5 * np.abs(fit(x, y, np.ones(len(y)), ridge=0.1)[1:]).sum()
    )


def test_a_prediction_is_the_logistic_function_of_the_weighted_features():
    p = predict(np.array([1.0, 2.0]), np.array([[-0.5], [0.0], [0.5]]))

    assert p == pytest.approx([0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-2))])


@pytest.mark.parametrize(
    ("p", "y", "area"),
    [
        ([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0], 1.0),
        ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], 0.0),
        ([0.9, 0.8, 0.3, 0.2], [1, 0, 1, 0], 0.75),
        ([0.5, 0.5, 0.5], [1, 0, 0], 0.5),
        ([0.7, 0.7, 0.2], [1, 0, 0], 0.75),
    ],
)
def test_the_area_under_the_curve_counts_pairs_in_order_and_ties_as_half(p: list[float], y: list[int], area: float):
    assert area_under_curve(np.array(p), np.array(y)) == pytest.approx(area)


@pytest.mark.parametrize(
    ("ranked", "gold", "expected"),
    [
        (["a", "b"], {"a", "b"}, 1.0),
        (["x", "a"], {"a"}, 0.6309),
        (["a", "x", "b"], {"a", "b"}, (1 + 0.5) / (1 + 0.6309)),
        (["x"] * 10 + ["a"], {"a"}, 0.0),
    ],
)
def test_ndcg_discounts_by_the_logarithm_of_the_place(ranked: list[str], gold: set[str], expected: float):
    assert fit_weights.ndcg(ranked, frozenset(gold)) == pytest.approx(expected, abs=1e-4)


def test_scores_are_means_over_the_questions():
    scores = fit_weights.scored([["a", "b"], ["x", "a"]], [frozenset("ab"), frozenset("ac")])

    assert (scores.recall, scores.all) == (0.75, 0.5)
    assert scores.objective == pytest.approx((0.75 + 0.5 + scores.ndcg) / 3)


def test_a_sample_at_the_neutral_values_is_the_neutral_weights():
    logarithms = np.log([getattr(fit_weights.NEUTRAL, term) for term in fit_weights.SEARCHED])

    assert fit_weights.weights_of(logarithms) == fit_weights.NEUTRAL
