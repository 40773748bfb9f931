"""The shape of an alpha line: a Gaussian with exponential tails.

Alpha particles lose varying amounts of energy in the source, the window and the dead layer, and the detector adds
Gaussian noise. The density is

    f(x) = (1 - sum of p) G(x - E) + sum of p T(x - E)

with the Gaussian G of standard deviation s, fractions p, and T the convolution of G with a left exponential of mean
tau: Bortels and Collaers, Appl. Radiat. Isot. 38 (1987) 831. With z = (x - E) / s and k = s / tau, its integral up
to x is

    F = Phi(z) + sum of p R,    R = exp(k z + k^2 / 2) Phi(-z - k) = exp(-z^2 / 2) erfcx((z + k) / sqrt 2) / 2

and T = R / tau. The second form of R is used where z + k > 0, the first one elsewhere: neither overflows, for any tau.

A tail with tau below 0 is the mirror image, to the right: an electron that is detected with the particle, or charge
induced by a neighbour, adds energy. Its R has -z instead of z, and F has -R.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import erfcx, ndtr

from dorn.errors import UserError
from dorn.util.gaussian import FWHM

MOST_TAILS = 2  # more cannot be distinguished in silicon detectors
_SQRT_2, _SQRT_2_PI = np.sqrt(2), np.sqrt(2 * np.pi)


@dataclass(frozen=True)
class Shape:
    """FWHM of the Gaussian; tails: up to two (fraction of the counts, tau_kev), to the right if tau is below 0."""

    fwhm_kev: float
    tails: tuple[tuple[float, float], ...] = ()

    def __post_init__(self):
        """Raises UserError for values that do not define a shape."""
        check_tails(self.tails)
        if not 0 < self.fwhm_kev < np.inf:
            raise UserError.at("line shape", "fwhm_kev", "not above 0", self.fwhm_kev)

    def cdf(self, distance_kev) -> np.ndarray:
        """The fraction of the counts up to `distance_kev`, x - E, an array of any shape."""
        return self._at(distance_kev).cdf

    def integrals(self, edges_kev, energies_kev) -> np.ndarray:
        """float64[lines, channels]: the fraction of each line in each channel, between edges_kev[channels + 1]."""
        return np.diff(self.cdf(_distances_kev(edges_kev, energies_kev)), axis=-1)

    def derivatives(self, edges_kev, energies_kev) -> Derivatives:
        """Derivatives of `integrals`."""
        at = self._at(_distances_kev(edges_kev, energies_kev))
        density, by_fwhm, by_fraction, by_tau = (np.diff(values, axis=-1) for values in at[1:])
        return Derivatives(-density, by_fwhm, by_fraction, by_tau)

    def _at(self, distance_kev):
        return distribution(np.asarray(distance_kev, float), self.fwhm_kev, self.tails)


class Derivatives(NamedTuple):
    """Derivatives of the fractions in channels, float64[lines, channels]; of tails float64[tails, lines, channels]."""

    energy: np.ndarray  # per keV
    fwhm: np.ndarray  # per keV
    fraction: np.ndarray
    tau: np.ndarray  # per keV


class Distribution(NamedTuple):
    """The cumulative distribution at given distances from the line, and its derivatives."""

    cdf: np.ndarray
    density: np.ndarray  # derivative with respect to distance, per keV
    by_fwhm: np.ndarray  # per keV
    by_fraction: np.ndarray  # [tails, ...]
    by_tau: np.ndarray  # [tails, ...], per keV


def distribution(distance_kev: np.ndarray, fwhm_kev, tails) -> Distribution:
    """`fwhm_kev`: a number, or an array that matches the distances. Arguments are not checked.

    By the heat equation, the derivative with respect to s is s times the slope of the density.
    """
    sigma = fwhm_kev / FWHM
    z = distance_kev / sigma
    bell = np.exp(-0.5 * z * z)
    normal = bell / (_SQRT_2_PI * sigma)  # the Gaussian density
    core = 1.0 - sum(fraction for fraction, _ in tails)
    cdf, density, slope = ndtr(z), core * normal, (-core / sigma) * z * normal
    by_fraction = np.empty((len(tails), *z.shape))
    by_tau = np.empty_like(by_fraction)
    for i, (fraction, tau) in enumerate(tails):
        side, length = np.sign(tau), abs(tau)
        mirrored, k = side * z, sigma / length
        r = _remainder(mirrored, k, bell)
        cdf += (side * fraction) * r
        density += (fraction / length) * r
        slope += (fraction / tau) * (r / length - normal)
        by_fraction[i] = side * r
        # d R / d k = (z + k) R - phi(z), and d k / d length = -k / length
        by_tau[i] = (-fraction * k / length) * ((mirrored + k) * r - sigma * normal)
    return Distribution(cdf, density, (sigma / FWHM) * slope, by_fraction, by_tau)


def _remainder(z, k, bell):
    """R as defined in the module's docstring."""
    above = z + k
    right = 0.5 * bell * erfcx(np.maximum(above, 0.0) / _SQRT_2)
    left = np.exp(np.minimum(k * z + 0.5 * k * k, 0.0)) * ndtr(-above)
    return np.where(above > 0, right, left)


def check_tails(tails) -> None:
    """Raises UserError unless `tails` are valid for a Shape."""
    if len(tails) > MOST_TAILS:
        raise UserError.at("line shape", "tails", f"more than {MOST_TAILS}", len(tails))
    for fraction, tau_kev in tails:
        if not 0 <= fraction <= 1:
            raise UserError.at("line shape", "tails", "fraction not from 0 to 1", fraction)
        if not 0 < abs(tau_kev) < np.inf:
            raise UserError.at("line shape", "tails", "tau_kev 0 or not finite", tau_kev)
    if sum(fraction for fraction, _ in tails) > 1:
        raise UserError.at("line shape", "tails", "fractions add up to more than 1", tails)


def _distances_kev(edges_kev, energies_kev):
    return np.asarray(edges_kev, float) - np.asarray(energies_kev, float)[..., None]
