"""Scenario files (.toml): nuclides, background, and settings of the simulated head.

    duration_s = 60

    [[source]]
    nuclide = "Po-209"        # a name in nuclides.toml
    activity_bq = 100         # decays per second
    efficiency = 0.1          # fraction of the alphas that reach the detectors; default 1
    detectors = "front"       # "all" (default), "front", "back" or a list of numbers: shared evenly
    tail_fraction = 0.08      # this fraction of the alphas loses energy in the source or the dead layer,
    tail_kev = 20             # distributed exponentially with this mean
    begin_s = 3600            # the source is present from this time on, s (default 0)
    end_s = 7200              # until this time (default: to the end)
    decays = true             # the activity is that at begin_s, and falls with the half-life; default false
    chain = true              # it decays, and its progeny grows in from zero, in the same detectors; default false
    beta_kev = 300            # the electrons of the nuclide (with `chain`, of all members) deposit energies distributed
                              # uniformly from 0 to this value; without it they deposit nothing
    followed_by = "Po-216"    # a daughter, whose alpha follows in the same detector after a delay drawn from its
    followed_fraction = 0.5   # half-life; fraction of the detected decays that are followed. After a beta decay, as
                              # for Po-214 after Bi-214, the electron needs beta_kev. Not with `chain`

    [[source]]                # a source that covers a plane or fills the space in front of the detectors has a
    nuclide = "Rn-222"        # geometry instead of activity_bq and efficiency:
    activity_bq_per_cm2 = 0.2 # of the plane, or of the column of gas
    area_cm2 = 6              # of each detector; the rate is per detector, not shared
    half_angle_deg = 60       # of the cone around its normal from which alphas reach it

    [background]              # or several: [[background]]
    rate_cps = 5              # particles per second over all detectors
    min_kev = 500             # lower end of the uniform energies
    max_kev = 12000           # upper end
    through_fraction = 0.2    # fraction that crosses a whole detection unit: a pulse in front and back; default 0
    power = 2.5               # energies fall as a power law, like those of solar particles: dN/dE ~ E^-2.5; default 0
    profile = [[0, 1], [600, 90], [7200, 1]]  # instead of rate_cps: [time in s, rate in 1/s], linear in between, and 0
                              # before and after; two entries at the same time are a step

    [head]                    # settings of the simulated head: see FrontEnd
    noise_kev = 35            # FWHM: one number for all detectors, or 16
    gain_per_c = -2e-4        # relative change of the gain per degree from 21 degC: one number, or 16
    temperature_c = [[0, 21], [7200, 40]]  # of the head: [time in s, degC], linear in between
    adc = "ramp.csv"          # the board's ADC, reconstructed from this ramp of readings (adc.py); path relative to
                              # this file; default ideal

Impurities of a source, such as Po-210 in Po-209, and contamination of detectors are separate sources. Contamination has
an efficiency of 0.5, as half of the alphas go into the detector on which the nuclide sits; a film of radon progeny also
has `chain`.

In front of a detector of area A, at an angle t from its normal and a distance d, A subtends the solid angle
A cos t / d^2. In a plane of activity a per area at the height h, parallel to the detector, r = h tan t, so

    rate = integral of a 2 pi r dr A cos t / (4 pi d^2) = a A / 2 integral of sin t dt = a A / 2 (1 - cos T)

for all directions up to the half-angle T. The result does not depend on the height: a gas, as a stack of planes, gives
the same if a is its activity in the column above an area. The detector is taken as small compared with the plane, and
absorption is neglected.

An unknown key is an error.
"""

from pathlib import Path

from dorn.util.tables import Table

from . import emitter
from .mixture import Mixture
from .stream import Stream


def read(path):
    """(mixture, duration_s, head, streams) of the scenario at `path`. The mixture is the constant part, with particles
    per second as weights; the streams are the rest.

    Raises SourceError if the file is invalid.
    """
    top = Table.read(path)
    duration_s = top.above_zero("duration_s")
    sources = top.get("source", [])
    backgrounds = top.get("background", [])
    head = _head(top.table("head")) if "head" in top.values else {}
    top.done()
    if not isinstance(sources, list):
        raise top.error("source", "write each source as a separate table: [[source]]")
    if isinstance(backgrounds, list):
        named = [(f"background[{i}]", values) for i, values in enumerate(backgrounds, start=1)]
    else:
        named = [("background", backgrounds)]
    if not sources and not named:
        raise top.error("source", "neither a [[source]] nor a [background]")
    mixture, streams = Mixture(), list[Stream]()
    for index, source in enumerate(sources, start=1):
        streams += emitter.source(Table(path, source, f"source[{index}]."), mixture)
    for name, values in named:
        streams += emitter.background(Table(path, values, f"{name}."), mixture, name)
    return mixture, duration_s, head, tuple(streams)


def _head(table):
    if "adc" in table.values:
        name = table.get("adc")
        if not isinstance(name, str):
            raise table.error("adc", "not a file name", name)
        table.values["adc"] = Path(table.path).parent / name
    return table.values
