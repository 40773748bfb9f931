# fsw/spectra/lines.py in isolation, with spectra filled by the test.
from array import array

from acquisition_bench import Bench
from check import equal
from fsw import icd
from fsw.spectra.lines import Lines

DETECTORS, LINES, CHANNELS = 16, 8, 1024
BELOW_KEV, ABOVE_KEV = 120, 60
PO_209_KEV = icd.LINES_KEV[0]
CENTRE = (PO_209_KEV / 3 + 50) // 4  # channel of the line


def channel(kev, gain=1.0):
    """Channel of an energy with the default calibration and this gain."""
    return int(gain * kev / 3 + 50) // 4


def made(tracking=0):
    """-> (Lines, the running spectra of the detectors)"""
    acquisition = Bench().acquisition
    for place in range(len(acquisition.singles)):
        acquisition.singles[place] = 0
    lines = Lines(acquisition)
    lines.set(icd.P_LINE_BELOW, BELOW_KEV)
    lines.set(icd.P_LINE_ABOVE, ABOVE_KEV)
    lines.set(icd.P_TRACKING, tracking)
    return lines, acquisition.singles


def spectrum(counts):
    """channel -> counts"""
    copy = array("H", bytes(2 * CHANNELS))
    for at in counts:
        copy[int(at)] = counts[at]
    return copy


def counted(lines, d):
    lines.update()
    return list(lines.counts[LINES * d : LINES * (d + 1)])


def test_the_constants_of_the_viper_code_are_those_of_the_dictionary():
    """And no region extends beyond the spectrum: it is not limited."""
    equal((8 * icd.ZERO_CODE, 8 * icd.CODES_PER_CHANNEL), (400, 1 << 5))
    assert channel(icd.LINES_KEV[-1] + 500, 1.06) < CHANNELS, icd.LINES_KEV


def test_at_first_nothing_is_counted_or_tracked():
    lines, _ = made(tracking=1)
    lines.update()
    equal((set(lines.counts), set(lines.centroid), lines.tracked()), ({0}, {0}, 0))
    equal((len(lines.counts), len(lines.centroid)), (DETECTORS * LINES, DETECTORS))


def test_a_region_spans_its_line_with_both_end_channels_included():
    for below_kev, above_kev in ((BELOW_KEV, ABOVE_KEV), (12, 12), (500, 300)):
        for n, kev in enumerate(icd.LINES_KEV):
            first, last = channel(kev - below_kev), channel(kev + above_kev)
            for at, counts in ((first - 1, 0), (first, 1), (last, 1), (last + 1, 0)):
                lines, singles = made()
                lines.set(icd.P_LINE_BELOW, below_kev)
                lines.set(icd.P_LINE_ABOVE, above_kev)
                singles[CHANNELS * 3 + at] = 7
                equal((kev, at, counted(lines, 3)[n]), (kev, at, 7 * counts), (below_kev, n))


def test_regions_of_each_detector_use_its_own_spectrum():
    lines, singles = made()
    for d in range(DETECTORS):
        for n, kev in enumerate(icd.LINES_KEV):
            singles[CHANNELS * d + channel(kev)] = 10 * d + n + 1
    lines.update()
    equal(list(lines.counts), [10 * d + n + 1 for d in range(DETECTORS) for n in range(LINES)])


def test_closed_and_running_spectra_are_both_counted():
    lines, singles = made()
    at = channel(PO_209_KEV)
    for d in (0, 5, 15):
        lines.closed(d, spectrum({at: 3}))
        lines.closed(d, spectrum({at: 4, at + 1: 1}))
        singles[CHANNELS * d + at] = 100
        for _ in range(2):  # a second call does not count them again
            equal(counted(lines, d), [108] + [0] * 7, d)
    equal(counted(lines, 1), [0] * 8)
    lines.clear()
    equal([counted(lines, d)[0] for d in (0, 5, 15)], [100] * 3)


def test_counts_wrap_modulo_2_to_16_without_affecting_the_next_line():
    lines, singles = made()
    at = channel(icd.LINES_KEV[6])
    singles[at] = singles[at + 1] = 0xFFFF
    lines.closed(0, spectrum({at: 5}))
    equal(counted(lines, 0), [0] * 6 + [3, 0])


def test_the_centroid_of_a_line_in_one_channel_is_the_middle_of_its_codes():
    for off in (-3, 0, 4):
        for d in (0, 9, 15):
            lines, _ = made(tracking=1)
            lines.closed(d, spectrum({CENTRE + off: 100}))
            wanted = int(8 * (4 * (CENTRE + off) + 1.5))
            equal(list(lines.centroid), [0] * d + [wanted] + [0] * (15 - d), off)
            equal(lines.tracked(), 1 << d, off)


def test_the_centroid_over_several_channels_is_their_mean():
    for counts in ({-1: 100, 0: 200, 2: 300}, {0: 97, 1: 3}):
        lines, _ = made(tracking=1)
        lines.closed(0, spectrum({CENTRE + at: counts[at] for at in counts}))
        mean = sum(at * counts[at] for at in counts) / sum(counts.values())
        equal(lines.centroid[0], int(8 * (4 * (CENTRE + mean) + 1.5)), counts)


def test_counts_outside_the_window_do_not_move_the_centroid():
    """On both sides the window extends as far as a region does above its line; both end channels are included."""
    first, last = channel(PO_209_KEV - ABOVE_KEV), channel(PO_209_KEV + ABOVE_KEV)
    for at, moved in ((first - 1, False), (first, True), (last, True), (last + 1, False)):
        lines, _ = made(tracking=1)
        lines.closed(0, spectrum({CENTRE: 200, at: 200}))
        mean = (CENTRE + at) / 2 if moved else CENTRE
        equal((at, lines.centroid[0]), (at, int(8 * (4 * mean + 1.5))))


def test_with_fewer_than_a_hundred_counts_there_is_no_centroid():
    lines, _ = made(tracking=1)
    lines.closed(0, spectrum({CENTRE: 99}))
    equal((lines.centroid[0], lines.tracked()), (0, 0))
    lines.closed(0, spectrum({CENTRE: 100}))
    found = lines.centroid[0]
    lines.closed(0, spectrum({CENTRE - 3: 50}))
    equal((lines.centroid[0], lines.tracked()), (found, 1))
    assert found


def test_a_centroid_a_twentieth_away_is_another_line():
    expected = 400 + 8 * 1000 * PO_209_KEV // 3000  # 1/8 code
    for at in range(int(CENTRE) - 30, int(CENTRE) + 31):
        lines, _ = made(tracking=1)
        lines.set(icd.P_LINE_ABOVE, 500)
        lines.closed(0, spectrum({at: 1000}))
        found = 32 * at + 12
        equal((at, lines.centroid[0]), (at, found if abs(found - expected) < expected / 20 else 0))


def gain_of(centroid):
    """Gain of a detector with this centroid; the code of 0 keV is fixed."""
    return (centroid / 8 - 50) / (PO_209_KEV / 3)


def test_regions_follow_the_line_while_tracking_is_on():
    """Regions change only for later spectra of that detector; stored spectra do not change."""
    for off in (-12, 12):
        lines, singles = made(tracking=1)
        lines.set(icd.P_LINE_ABOVE, 400)
        lines.closed(2, spectrum({CENTRE + off: 1000}))
        lines.clear()
        lines.set(icd.P_LINE_ABOVE, 12)
        lines.set(icd.P_LINE_BELOW, 12)
        gain = gain_of(lines.centroid[2])
        assert abs(gain - 1) > 0.025, gain
        for n, kev in enumerate(icd.LINES_KEV):
            for d, moved in ((2, gain), (3, 1.0)):
                singles[CHANNELS * d + channel(kev, moved)] = n + 1
        wanted = [n + 1 for n in range(LINES)]
        equal((counted(lines, 2), counted(lines, 3)), (wanted, wanted), off)
        lines.set(icd.P_TRACKING, 0)
        equal((counted(lines, 2), counted(lines, 3), lines.tracked()), ([0] * 8, wanted, 0), off)
        lines.set(icd.P_TRACKING, 1)
        equal((counted(lines, 2), lines.tracked()), (wanted, 0b100), off)


def test_edges_of_a_tracked_region_are_scaled_by_the_gain():
    lines, singles = made(tracking=1)
    lines.closed(0, spectrum({CENTRE + 4: 1000}))
    lines.clear()
    gain = gain_of(lines.centroid[0])
    for n, kev in enumerate(icd.LINES_KEV):
        for edge, outwards in ((channel(kev - BELOW_KEV, gain), -1), (channel(kev + ABOVE_KEV, gain), 1)):
            for at, counts in ((edge, 5), (edge + outwards, 0)):
                singles[at] = 5
                equal((kev, at, counted(lines, 0)[n]), (kev, at, counts), (n, edge))
                singles[at] = 0


def test_the_window_of_the_line_follows_it():
    """The second spectrum is looked at where the first had its line; both end channels are included."""
    for off in (-8, 8):
        gain = gain_of(int(8 * (4 * (CENTRE + off) + 1.5)))
        first, last = channel(PO_209_KEV - ABOVE_KEV, gain), channel(PO_209_KEV + ABOVE_KEV, gain)
        for at, moved in ((first - 1, False), (first, True), (last, True), (last + 1, False)):
            lines, _ = made(tracking=1)
            lines.set(icd.P_LINE_ABOVE, 400)
            lines.closed(4, spectrum({CENTRE + off: 1000}))
            lines.set(icd.P_LINE_ABOVE, ABOVE_KEV)
            lines.closed(4, spectrum({CENTRE + off: 200, at: 200}))
            mean = (CENTRE + off + at) / 2 if moved else CENTRE + off
            equal((off, at, lines.centroid[4]), (off, at, int(8 * (4 * mean + 1.5))))
