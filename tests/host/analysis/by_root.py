"""ROOT's Minuit2 with a model in C++ as an oracle of fits of lines, run by hand, as it is large and an alpha release.

`pip install root==0.1a12`, then `pytest -s tests/host/analysis/by_root.py`.
"""

import time

import numpy as np
import ROOT
from dorn.analysis.line_fit import expected_errors, fit, start
from dorn.nuclides import nuclide
from dorn.study import fits

ROOT.gInterpreter.Declare(r"""
#include <cmath>
#include <vector>
namespace dorn {
std::vector<double> edges, counts, energies_kev, shares;
std::vector<int> nuclide;
double fraction, tau_kev, zero;

double cumulative(double distance_kev, double sigma) {
    double z = distance_kev / sigma, k = sigma / tau_kev;
    double tail = fraction > 0 ? 0.5 * std::exp(k * z + k * k / 2) * std::erfc((z + k) / std::sqrt(2.0)) : 0;
    return 0.5 * std::erfc(-z / std::sqrt(2.0)) + fraction * tail;
}

// parameters: counts of nuclides, kev_per_unit, FWHM, background
double deviance(const double* p) {
    int nuclides = nuclide.back() + 1, channels = counts.size();
    double scale = p[nuclides], sigma = p[nuclides + 1] / 2.3548200450309493, background = p[nuclides + 2];
    std::vector<double> mean(channels);
    for (int c = 0; c < channels; c++)
        mean[c] = background * (edges[c + 1] - edges[c]) / (edges[channels] - edges[0]);
    for (size_t line = 0; line < energies_kev.size(); line++) {
        double before = cumulative(scale * (edges[0] - zero) - energies_kev[line], sigma);
        for (int c = 0; c < channels; c++) {
            double after = cumulative(scale * (edges[c + 1] - zero) - energies_kev[line], sigma);
            mean[c] += p[nuclide[line]] * shares[line] * (after - before);
            before = after;
        }
    }
    double sum = 0;
    for (int c = 0; c < channels; c++) {
        double m = std::max(mean[c], 1e-12);
        sum += m - counts[c] + (counts[c] > 0 ? counts[c] * std::log(counts[c] / m) : 0);
    }
    return 2 * sum;
}
}
""")
SPECTRA = 20


def prepare(setting, model, counts):
    lines = [
        (line.energy_kev, line.intensity, i) for i, name in enumerate(fits.NUCLIDES) for line in nuclide(name).lines
    ]
    energies_kev, intensities, numbers = map(np.array, zip(*lines, strict=True))
    ROOT.dorn.edges, ROOT.dorn.counts = model.grids[0].edges.tolist(), counts.astype(float).tolist()
    ROOT.dorn.energies_kev, ROOT.dorn.nuclide = energies_kev.tolist(), numbers.tolist()
    ROOT.dorn.shares = (intensities / np.bincount(numbers, intensities)[numbers]).tolist()
    ROOT.dorn.fraction, ROOT.dorn.tau_kev = setting.tails[0] if setting.tails else (0.0, 1.0)
    ROOT.dorn.zero = model.grids[0].zero


def minimum(begin, lower, precision):
    """Parameters at the minimum of the deviance, by Migrad."""
    minimizer = ROOT.Math.Factory.CreateMinimizer("Minuit2", "Migrad")
    function = ROOT.Math.Functor(ROOT.dorn.deviance, len(begin))  # must outlive the minimizer
    minimizer.SetFunction(function)
    minimizer.SetTolerance(precision)
    minimizer.SetMaxFunctionCalls(20_000)
    for i, (value, least) in enumerate(zip(begin, lower, strict=True)):
        step = max(0.1 * abs(value), 1e-3) if i != len(fits.NUCLIDES) else 1e-3 * value
        minimizer.SetLowerLimitedVariable(i, f"p{i}", max(value, least + step), step, least)
    minimizer.Minimize()
    return np.array([minimizer.X()[i] for i in range(len(begin))])


def test_parameters_are_those_of_root():
    worst, seconds = 0.0, np.zeros(2)
    for number in range(SPECTRA):
        setting = fits.SETTINGS[number % len(fits.SETTINGS)]
        model = setting.model()
        counts, truth = fits.draw(setting, model, fits.SPECTRA + number)
        begin = time.process_time()
        vector = model.vector(fit(model, [counts]).values)
        seconds[0] += time.process_time() - begin
        prepare(setting, model, counts)
        free = np.flatnonzero(model.is_free)
        first = start(model, [counts.astype(float)])[free]
        begin = time.process_time()
        minimum(first, model.lower[free], 0.1)
        seconds[1] += time.process_time() - begin
        other = minimum(minimum(first, model.lower[free], 1e-3), model.lower[free], 1e-3)
        errors = np.concatenate([np.ravel(values) for values in vars(expected_errors(model, truth)).values()])
        worst = max(worst, float(np.max(abs(vector[free] - other) / errors[free])))
    print(f"largest difference {worst:.4f} expected errors; {seconds[1] / seconds[0]:.1f} times the CPU time")
    assert worst <= 0.02
