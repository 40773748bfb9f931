"""The content of summary.json: counters in detector pulses, each counted where it occurred."""

from __future__ import annotations

import math

import numpy as np

from dorn.analysis import accidentals
from dorn.products import run_file
from dorn.products.collection import Collection
from dorn.products.rates import PER_DETECTOR, Totals
from dorn.util.digits import with_uncertainty

HEAD = ("injected", "delivered", "lost_dead_time", "merged", "below_threshold", "disabled", "spurious")
LINK = ("packets", "sequence_gaps", "crc_errors")


def summary_of(found: Collection, run: dict | None = None) -> dict:
    """Quantities that were not counted are None.

    run: content of run.json, with the target, the LINK counters of the session (else those of the archive are used),
    and HEAD, the counters of the simulated head.
    """
    run = run or {}
    hk, archive = found.housekeeping, found.archive
    head = {name: (run.get("head") or {}).get(name) for name in HEAD}
    link = dict(zip(LINK, (found.packets, archive.sequence_gaps, archive.skipped.damaged), strict=True))
    link |= {name: value for name, value in (run.get("link") or {}).items() if name in LINK}
    totals = found.totals()
    firmware = {name: totals and totals.count(name) for name in PER_DETECTOR}
    parts = {name: {"head": head[name], "firmware": firmware[name]} for name in ("below_threshold", "disabled")}
    fates = {
        "recorded": firmware["accepted"],
        "lost_dead_time": head["lost_dead_time"],
        "merged": head["merged"],
        "below_threshold": _sum(parts["below_threshold"].values()),
        "over_range": firmware["over_range"],
        "disabled": _sum(parts["disabled"].values()),
        "lost_overrun": totals and totals.count("overrun_hits"),
    }
    return {
        "target": run.get("target") or (hk and found.boards.get(hk["board"])),
        "firmware_version": hk and "{version_major}.{version_minor}.{version_patch}".format(**hk),
        "dictionary": hk and f"{hk['dictionary']:08x}",
        "calibration": found.calibration.source or "default",
        "injected": head["injected"],
        **fates,
        "spurious": head["spurious"],
        "delivered": head["delivered"],
        "below_threshold_parts": parts["below_threshold"],
        "disabled_parts": parts["disabled"],
        "real_time_s": totals and totals.real_us / 1e6,
        "live_time_s": totals and totals.live_us / 1e6,
        "events": totals and totals.count("events"),
        # for random arrivals, corrected for dead time; the rates below also for accidental coincidences
        **_trigger_rate(totals),
        **_particles(found, totals),
        **_in_spectra(found, totals),
        "incomplete_spectra": found.incomplete_spectra,
        "resets": found.resets,
        **link,
        "not_understood": found.not_understood.total(),
        "conflicting_records": archive.conflicts,
        "foreign_packets": sum(archive.skipped.foreign.values()),
        "origins": _origins(archive, run),
        "run": {name: value for name, value in run.items() if name not in ("target", "head", "link")} or None,
    }


def _origins(archive, run: dict) -> dict:
    """For each origin: unique id of its board, None if unknown; number of packets; their first and last time."""
    index, ids, found = archive.index, archive.unique_ids, {}
    for origin in np.unique(index["origin"]).tolist():
        stamps = index["stamp"][index["origin"] == origin]
        times_s = [(int(stamp) >> 16) / 65536 for stamp in (stamps.min(), stamps.max())]
        first_utc, last_utc = (run_file.utc_of(run, origin, time_s) for time_s in times_s)
        found[str(origin)] = {
            "unique_id": f"{ids[origin]:016x}" if origin in ids else None,
            "packets": len(stamps),
            "first_s": round(times_s[0], 3),
            "last_s": round(times_s[1], 3),
            "first_utc": first_utc,
            "last_utc": last_utc,
        }
    return found


def _in_spectra(found: Collection, totals: Totals | None) -> dict:
    """Counts in the spectra received, counts in spectra not received, and the live time of each spectrum, by which
    counts are divided to obtain activities if spectra are missing."""
    spectra = found.all_spectra()
    counts = sum(int(s.counts.sum()) for s in spectra.values())
    on_board = sum(totals.count(name) for name in ("front", "back", "front_back")) if totals else 0
    return {
        "in_spectra": counts,
        "missing_in_spectra": totals and max(on_board - counts, 0),
        "spectra_live_s": {f"{name}_{number}": s.live_us / 1e6 for (name, number), s in spectra.items()},
    }


def _trigger_rate(totals: Totals | None) -> dict:
    """Events over live time. Its uncertainty is one standard deviation: triggers are a Poisson process in live time."""
    if not totals or not totals.live_us:
        return {"trigger_rate_cps": None, "trigger_rate_uncertainty_cps": None}
    events, live_s = totals.count("events"), totals.live_us / 1e6
    rate_cps, uncertainty_cps = with_uncertainty(events / live_s, math.sqrt(events) / live_s)
    return {"trigger_rate_cps": rate_cps, "trigger_rate_uncertainty_cps": uncertainty_cps}


def _particles(found: Collection, totals: Totals | None) -> dict:
    """Rates of particles derived from the event classes: [16] that stop in a detector, [8] that cross a unit."""
    names = ("alone_cps", "alone_uncertainty_cps", "through_cps", "through_uncertainty_cps")
    singles, pairs = np.zeros(16), np.zeros(8)
    for (event_class, number), spectrum in found.all_spectra().items():
        (pairs if event_class == "front_back" else singles)[number] += spectrum.counts.sum()
    several, live_s = (totals.count("several_units"), totals.live_us / 1e6) if totals else (0, 0.0)
    try:
        rates = accidentals.particles(singles, pairs, several, live_s)
    except ValueError:  # nothing was counted
        return dict.fromkeys(names)
    columns = []
    for values, errors in ((rates.alone_cps, rates.alone_error_cps), (rates.through_cps, rates.through_error_cps)):
        columns += zip(*map(with_uncertainty, values.tolist(), errors.tolist()), strict=True)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}


def _sum(values) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
