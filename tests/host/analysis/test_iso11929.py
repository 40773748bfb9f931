"""ISO 11929 against results of UncertRadio 2 for its examples, and its definitions."""

from dataclasses import replace
from math import inf, sqrt

import numpy as np
import pytest
from dorn.analysis.iso11929 import Input, K, evaluate
from dorn.analysis.line_fit import fit
from dorn.analysis.line_model import Grid, LineModel
from dorn.errors import UserError
from scipy.stats import truncnorm
from support.uncertradio import EXAMPLES, plain


@pytest.mark.parametrize("name", EXAMPLES)
def test_results_are_those_of_uncertradio(name):
    model, inputs, k_alpha, reference = EXAMPLES[name]
    k_beta = 1.645 if k_alpha == 3 else k_alpha
    found = evaluate(model, inputs, "gross", k_alpha, k_beta)
    results = found.value, found.error, *found.best, *found.symmetric, found.decision_threshold, found.detection_limit
    assert results == pytest.approx([float(x) for x in reference.split()], rel=1e-5)
    assert found.detected


@pytest.mark.parametrize("gross", [40, 55, 90])
def test_coverage_intervals_are_those_of_a_truncated_normal_distribution(gross):
    inputs = {"gross": Input.counts(gross), "background": Input.counts(200), "factor": Input(1, 0.1)}
    found = evaluate(plain, inputs, "gross", probability=0.9)
    posterior = truncnorm(-found.value / found.error, inf, found.value, found.error)
    assert posterior.cdf(found.symmetric) == pytest.approx([0.05, 0.95])
    assert np.diff(posterior.cdf(found.shortest)) == pytest.approx([0.9])
    lengths = [posterior.ppf(p + 0.9) - posterior.ppf(p) for p in np.linspace(0, 0.1, 1001)[:-1]]
    assert np.diff(found.shortest) == pytest.approx([min(lengths)], rel=1e-5)
    assert found.best == pytest.approx((posterior.mean(), posterior.std()))


def test_there_is_no_detection_limit_if_the_calibration_is_too_uncertain():
    inputs = {"gross": Input.counts(90), "background": Input.counts(200), "factor": Input(1, 0.59)}
    assert evaluate(plain, inputs, "gross").detection_limit > 4
    assert evaluate(plain, inputs | {"factor": Input(1, 0.62)}, "gross").detection_limit == inf


def test_counts_of_a_fit_have_the_uncertainty_that_is_expected_for_a_true_value():
    """Against the spread of fits to 400 spectra without the nuclide, about half of which are at the bound 0."""
    edges = np.arange(1500.0, 2350, 4)
    model = LineModel([Grid(edges, 3.0, 50.0)], ["Po-210", "Rn-222"], fwhm_kev=60, free=())
    true = replace(model.parameters(model.start), counts=np.array([400.0, 50]), background=np.array([[300.0]]))
    found = fit(model, model.expected(true))
    counts = Input.fitted(found, model, "Rn-222")
    assert (counts.value, counts.error(50)) == pytest.approx(found.of("Rn-222"), rel=1e-3)
    absent = model.expected(replace(true, counts=np.array([400.0, 0])))[0]
    rng = np.random.default_rng(1)
    fits = [fit(model, [rng.poisson(absent)]).of("Rn-222")[0] for _ in range(400)]
    assert counts.error(0) == counts.error(-3) == pytest.approx(np.sqrt(2 * np.mean(np.square(fits))), rel=0.1)
    result = evaluate(lambda counts: counts / 3600, {"counts": counts}, "counts")
    assert result.decision_threshold == pytest.approx(K * counts.error(0) / 3600, rel=1e-6)


def test_nothing_in_the_background_has_a_threshold_of_0():
    inputs = {"gross": Input.counts(3), "background": Input.counts(0), "factor": Input(1)}
    found = evaluate(plain, inputs, "gross")
    assert (found.decision_threshold, found.value, found.detected) == (0, 0.03, True)
    assert found.detection_limit == pytest.approx(K**2 / 100)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"gross": "net"}, "ISO 11929: gross: not one of gross, background, factor (net)"),
        ({}, {"probability": 1}, "ISO 11929: probability: not between 0 and 1 (1)"),
        ({"factor": Input(0)}, {}, "ISO 11929: result: no finite value with an uncertainty (0 +- 0)"),
        (
            {"background": Input(1000, 10)},
            {},
            "ISO 11929: result: too far below 0 for an estimate (-1.7 +- 0.1797)",
        ),
        ({"background": Input(-5, sqrt)}, {}, "ISO 11929: background: no uncertainty at -5 (nan)"),
        ({"factor": Input(1, -0.1)}, {}, "ISO 11929: factor: no uncertainty at 1 (-0.1)"),
    ],
)
def test_wrong_inputs_are_reported(change, arguments, message):
    inputs = {"gross": Input.counts(30), "background": Input.counts(20), "factor": Input(1, 0.1)} | change
    with pytest.raises(UserError) as error:
        evaluate(plain, inputs, **({"gross": "gross"} | arguments))
    assert str(error.value) == message
