"""Examples of UncertRadio 2, a program by H. Doerfel and G. Kanisch, with its results for ISO 11929.

Numbers: inputs from its example files, results from its list BatListRef_v06.txt (github.com/OpenBfS/UncertRadio).
EXAMPLES: name -> (model, inputs, k_alpha, results); results: value, error, best estimate with its error, limits of the
symmetric coverage interval, decision threshold, detection limit.
"""

from math import exp, sqrt

from dorn.analysis.iso11929 import Input


def relative(value, u):
    return Input(value, value * u)


def rectangular(value, half_width):
    return Input(value, half_width / sqrt(3))


def rate(value, seconds):
    """A count rate, measured for this many seconds."""
    return Input(value, lambda r: sqrt(r / seconds))


def surface(gross, background, volume, efficiency, absorption):
    return (gross / 360 - background / 7200) / (volume * efficiency * absorption)


def ratemeter(gross, background, volume, efficiency, absorption):
    return (gross - background) / (volume * efficiency * absorption)


def iodine_a(gross, before, efficiency, volume):
    return (gross - before) / 3600 / (efficiency * volume)


def iodine_b(gross, before, background, efficiency, volume, m=24):
    return (gross - (1 + 1 / m) * before + background / m) / 3600 / (efficiency * volume)


def under_peak(width, flank, n1, n2, n3, n4):
    """Background of a peak region, from a cubic through four regions beside it."""
    c0 = width / (4 * flank)
    c1 = c0 * (4 / 3 + 4 * c0 + 8 * c0**2 / 3) / (1 + 2 * c0)
    return c0 * (n1 + n2 + n3 + n4) - c1 * (n1 - n2 - n3 + n4)


def gamma_line(gross, mass, efficiency, intensity, **flanks):
    return (gross - under_peak(5, 13, **flanks)) / 21600 / (0.8585 * mass * efficiency * intensity)


def peak_area(gross, **flanks):
    return gross - under_peak(79, 21, **flanks)


def neutron_dose(gross, k_energy, k_neutron, k_gamma, k_f, m7, zero7, zero6):
    return k_energy * (k_neutron * (k_f * gross - zero6) - k_gamma * (k_f * m7 - zero7))


def photon_dose(gross, k_energy, k_linear, natural, days, k_f, zero):
    return k_energy * (k_linear * (k_f * gross - zero) - natural * days)


def iodine_129(gross, background, standard, standard_background, activity, mass, chemical_yield, blank):
    of_standard = standard - standard_background
    net = gross - background - of_standard * blank / activity
    return net * activity / (mass * chemical_yield * of_standard)


def radium(gross, trapezoid, efficiency, p_ra, mass, net_background, uranium, p_u, seconds):
    net = (gross - trapezoid) / seconds - net_background - uranium * efficiency * p_u * mass
    return net / (efficiency * p_ra * mass)


def plutonium(gross, blank, ratio, tracer_bq, volume, p_tracer, p_analyte, tracer, tracer_blank, decay, slow, **masses):
    of_tracer, seconds = tracer - tracer_blank, 1e6
    f1, f3 = exp(decay * 63069999.99999999), exp(-slow * 189.2e6)
    f2, f4 = (x * seconds / (1 - exp(-x * seconds)) for x in (decay, slow))
    q = (masses["wet"] - masses["tare"]) / (masses["ash"] - masses["tare"])
    factor = f1 * f2 * f3 * f4 * tracer_bq * volume * p_tracer
    ash = masses["sample"] - masses["sample_tare"]
    return (gross - blank - ratio * of_tracer) * factor / (ash * q * of_tracer * p_analyte)


def sea_water(gross, background, natural, operation, channel_ratio):
    f1, f2 = (1 - (1 + natural) / (1 + x) for x in (operation, channel_ratio))
    return (gross * f1 - background * f2) / 2.73


def caesium(gross, per_channel, factor, standard_ng, mass, standard, standard_per_channel):
    of_standard = (standard - 4.5 * standard_per_channel) / 1800
    return factor * (gross - 4.5 * per_channel) / 14400 * standard_ng / (of_standard * mass)


def scattered(gross, background, mass, efficiency, chemical_yield):
    return (gross - background) / 3600 / (mass * efficiency * chemical_yield)


def emanation(gross, continuum, radium_bq, efficiency, intensity):
    return 1 - (gross - continuum) / (efficiency * intensity) / radium_bq


def plain(gross, background, factor):
    return factor * (gross / 100 - background / 500)


def more_than_poisson(n):
    return sqrt(n + (0.09847011330 * n) ** 2)


COMMON_1 = {"volume": Input(0.5, 0.005), "efficiency": Input(0.3, 0.015), "absorption": rectangular(0.6, 0.2)}
AIR = {"efficiency": Input(0.37, 0.02), "volume": Input(3, 0.01)}
COUNTS = {name: Input.counts(n) for name, n in (("gross", 15438), ("before", 14356), ("background", 2124))}
DOSE_6, DOSE_7 = (Input(m, lambda m: sqrt(16 + (0.04 * m) ** 2)) for m in (300, 190))
# name of the file -> model, inputs, k_alpha, y, u(y), best estimate and its u, symmetric limits, y*, y#
EXAMPLES = {
    "ISO-Example-1a": (
        surface,
        {"gross": Input.counts(2591), "background": Input.counts(41782), **COMMON_1},
        1.645,
        "1.54907E+01  3.47550E+00  1.54908E+01  3.47535E+00  8.67912E+00  2.23026E+01  2.37791E+00  5.42076E+00",
    ),
    "ISO-Example-1b": (
        ratemeter,
        {"gross": rate(7.2, 120), "background": rate(5.8, 120), **COMMON_1},
        1.645,
        "1.55556E+01  4.79225E+00  1.55654E+01  4.77622E+00  6.20926E+00  2.49494E+01  5.68279E+00  1.30118E+01",
    ),
    "ISO-Example-3a": (
        iodine_a,
        {name: COUNTS[name] for name in ("gross", "before")} | AIR,
        1.645,
        "2.70771E-01  4.56168E-02  2.70771E-01  4.56168E-02  1.81364E-01  3.60178E-01  6.97545E-02  1.41308E-01",
    ),
    "ISO-Example-3b": (
        iodine_b,
        COUNTS | AIR,
        1.645,
        "1.43227E-01  4.47519E-02  1.43333E-01  4.45809E-02  5.60210E-02  2.30952E-01  7.18307E-02  1.45493E-01",
    ),
    "ISO-Example-4": (
        gamma_line,
        {
            "gross": Input.counts(1440),
            "mass": Input(1, 0.001),
            "efficiency": Input(0.06, 0.004),
            "intensity": Input(0.98, 0.02),
            **{f"n{i}": Input.counts(n) for i, n in enumerate((3470, 3373, 3343, 3208), 1)},
        },
        1.645,
        "1.34611E-01  4.03340E-02  1.34673E-01  4.02314E-02  5.58406E-02  2.13672E-01  6.18851E-02  1.27935E-01",
    ),
    "ISO-Example-5": (
        peak_area,
        {
            "gross": Input.counts(84221),
            **{f"n{i}": Input.counts(n) for i, n in enumerate((17326, 17291, 12069, 11434), 1)},
        },
        1.645,
        "2.81005E+04  6.94621E+02  2.81005E+04  6.94621E+02  2.67391E+04  2.94620E+04  1.10888E+03  2.22046E+03",
    ),
    "ISO-Neutron-Dose": (
        neutron_dose,
        {
            "gross": DOSE_6,
            "k_energy": Input(1.2, 0.35),
            "k_neutron": Input(1, 0.058),
            "k_gamma": Input(1, 0.058),
            "k_f": Input(1.1, 0.1),
            "m7": Input(190, 8.5884),
            "zero7": Input(25, 4),
            "zero6": Input(25, 4),
        },
        1.645,
        "1.45200E+02  5.50979E+01  1.45885E+02  5.41832E+01  4.08325E+01  2.53289E+02  4.13261E+01  1.21040E+02",
    ),
    "ISO-Photon-Dose": (
        photon_dose,
        {
            "gross": DOSE_7,
            "k_energy": Input(1, 0.12),
            "k_linear": Input(1, 0.058),
            "natural": Input(2, 0.1),
            "days": Input(60, 4),
            "k_f": Input(1.1, 0.1),
            "zero": Input(25, 4),
        },
        1.645,
        "6.40000E+01  2.71868E+01  6.46854E+01  2.63588E+01  1.44026E+01  1.17394E+02  3.25362E+01  8.10584E+01",
    ),
    "Michel-2000-b": (
        iodine_129,
        {
            "gross": Input.counts(3334),
            "background": Input.counts(3080),
            "standard": Input.counts(101147),
            "standard_background": Input.counts(10409),
            "activity": Input(0.111, 0.003),
            "mass": Input(0.04, 4e-4),
            "chemical_yield": Input(0.72, 0.02),
            "blank": Input(3.5e-6, 5e-7),
        },
        1.645,
        "1.06673E-02  3.42902E-03  1.06782E-02  3.41210E-03  3.99912E-03  1.73894E-02  5.48535E-03  1.11348E-02",
    ),
    "Ra226_U235-at-186keV": (
        radium,
        {
            "gross": Input.counts(1897),
            "trapezoid": Input.counts(905),
            "efficiency": relative(0.06579, 0.025),
            "p_ra": relative(0.0351, 5.944e-3),
            "mass": relative(0.10136, 1e-4),
            "net_background": relative(5.67611334e-4, 0.065),
            "uranium": relative(0.01718, 0.033),
            "p_u": relative(0.572, 0.01399),
            "seconds": relative(1181240, 1e-6),
        },
        3.0,
        "8.82894E-01  2.49948E-01  8.83089E-01  2.49604E-01  3.93861E-01  1.37281E+00  7.25336E-01  1.14098E+00",
    ),
    "Alpha-IAEA-1401-Kanisch": (
        plutonium,
        {
            "gross": rate(4e-4, 1e6),
            "blank": Input(8e-6, 6.4e-6),
            "ratio": Input(1.1e-3, 2.4e-4),
            "tracer_bq": relative(0.28, 7.1e-3),
            "volume": relative(0.25, 2.6e-3),
            "p_tracer": Input(1, 2.4e-3),
            "p_analyte": Input(1, 6.4e-3),
            "tracer": rate(0.017, 1e6),
            "tracer_blank": Input(7e-5, 5.6e-5),
            "decay": relative(2.51e-10, 3.4e-3),
            "slow": relative(5.88e-14, 2.9e-3),
            "wet": Input(8.5887, 3e-4),
            "tare": Input(2.9318, 3e-4),
            "ash": Input(3.004, 3e-4),
            "sample": Input(0.32803, 3e-5),
            "sample_tare": Input(0.25603, 3e-5),
        },
        1.645,
        "2.78061E-04  1.64438E-05  2.78061E-04  1.64438E-05  2.45832E-04  3.10290E-04  1.12357E-05  2.45057E-05",
    ),
    "BSH_total-Gamma_var1": (
        sea_water,
        {
            "gross": rate(16.761, 3600),
            "background": rate(8.8889, 3600 * 24 * 7),
            "natural": Input(14, 0.14),
            "operation": Input(6.55, 0.08024),
            "channel_ratio": Input(3.39, 3.39e-3),
        },
        3.0,
        "1.81106E+00  1.32662E-01  1.81106E+00  1.32662E-01  1.55105E+00  2.07107E+00  5.29653E-01  7.87733E-01",
    ),
    "Sterlinski-2008-NAA": (
        caesium,
        {
            "gross": Input.counts(9332),
            "per_channel": Input(2004, sqrt(2004 / 3)),
            "factor": Input(1.17, 0.03),
            "standard_ng": Input(1500, 55),
            "mass": Input(1, 5e-4),
            "standard": Input(12041, 109.7),
            "standard_per_channel": Input(2243, sqrt(2243 / 3)),
        },
        1.644854,
        "3.53703E+01  1.73644E+01  3.62590E+01  1.64103E+01  5.98690E-00  6.95599E+01  2.78203E+01  5.73682E+01",
    ),
    "Mean-theta": (
        scattered,
        {
            "gross": Input(198, more_than_poisson),
            "background": Input(78, more_than_poisson),
            "mass": Input(0.5, 0.004),
            "efficiency": Input(0.415, 0.02),
            "chemical_yield": Input(0.773, 0.05),
        },
        1.644854,
        "2.07817E-01  4.92803E-02  2.07820E-01  4.92746E-02  1.11240E-01  3.04405E-01  4.71510E-02  1.10958E-01",
    ),
    "Rn-222-Emanation": (
        emanation,
        {
            "gross": rate(0.21, 20000),
            "continuum": Input(0.05, 0.002),
            "radium_bq": relative(9, 0.025),
            "efficiency": relative(0.05, 0.05),
            "intensity": Input(0.4549, 0.0019),
        },
        1.644854,
        "2.18387E-01  4.76005E-02  2.18388E-01  4.75993E-02  1.25094E-01  3.11683E-01  9.78904E-02  1.79643E-01",
    ),
    "Gamma-Dist": (  # numbers of counts as means of their distributions for a flat prior, n + 1
        plain,
        {"gross": Input.counts(9), "background": Input.counts(7), "factor": Input(1, 0.1)},
        1.6449,
        "7.60000E-02  3.13968E-02  7.66742E-02  3.05625E-02  1.80877E-02  1.37641E-01  2.13203E-02  7.16359E-02",
    ),
}
