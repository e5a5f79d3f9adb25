"""The fit behind the agent's verdicts."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.fit_verdict import area_under_curve, fit, predict

SLOPES = np.array([2.0, -1.5, 0.0])


def drawn(bias: float, runs: int = 6_000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features and labels of a logistic model."""
    random = np.random.default_rng(3)
    x = random.standard_normal((runs, len(SLOPES)))
    y = (random.random(runs) < 1 / (1 + np.exp(-(bias + x @ SLOPES)))).astype(np.float64)
    return x, y


def test_the_fit_recovers_the_model_that_made_the_labels():
    x, y = drawn(bias=0.0)

    weights = fit(x, y)

    assert weights[0] == pytest.approx(0, abs=0.15)
    assert weights[1:] == pytest.approx(SLOPES, abs=0.2)


def test_the_fit_is_where_the_weighted_penalised_likelihood_is_flat():
    x, y = drawn(bias=-1.0, runs=500)
    importance = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))

    weights = fit(x, y, ridge=2.0)

    gradient = np.column_stack([np.ones(len(x)), x]).T @ (importance * (predict(weights, x) - y))
    assert gradient + 2.0 * np.array([0.0, *weights[1:]]) == pytest.approx(np.zeros(4), abs=1e-8)


def test_classes_of_different_size_weigh_alike():
    x, y = drawn(bias=0.0)
    again = np.concatenate([x, *[x[y == 0]] * 3]), np.concatenate([y, *[y[y == 0]] * 3])

    assert again[1].mean() < 0.3
    assert fit(*again, ridge=0.0) == pytest.approx(fit(x, y, ridge=0.0), abs=1e-8)


def test_a_stronger_ridge_shrinks_the_slopes():
    x, y = drawn(bias=0.0, runs=500)

    assert np.abs(fit(x, y, ridge=1_000.0)[1:]).sum() < 0.5 * np.abs(fit(x, y, ridge=0.1)[1:]).sum()


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
