"""Scenarios: what is drawn against what is expected, geometries, and bad keys."""

import math

import numpy as np
import pytest
from dorn import nuclides
from dorn.head import sources
from dorn.head.scenario_source import ScenarioSource
from dorn.nuclides import chains
from dorn.util.checks import SourceError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from support.source_texts import SCENARIO

MISSION = sources.DEMO.with_name("mission.toml")
RADON = '[[source]]\nnuclide = "Rn-222"\nactivity_bq = 2.0\n'
THORON = '[[source]]\nnuclide = "Rn-220"\nactivity_bq = 2.0\n'
BISMUTH = '[[source]]\nnuclide = "Bi-214"\nactivity_bq = 2.0\nbeta_kev = 200\n'
PLANE = '[[source]]\nnuclide = "Po-210"\nactivity_bq_per_cm2 = 0.5\narea_cm2 = 6\nhalf_angle_deg = 60\n'
TAILED = RADON + "tail_kev = 20\ntail_fraction = 0.1\n"
STORM = "[background]\nprofile = [[0, 1], [9, 30]]\nmin_kev = 500\nmax_kev = 9000\npower = 2\n"


def load(write, text, duration_s=1000):
    return ScenarioSource.load(write("s.toml", f"duration_s = {duration_s}\n{text}"))


def drawn(source, seed=1, **arguments):
    times_ns, detectors, energies_kev = zip(*source.pulses(seed=seed, **arguments), strict=True)
    return np.concatenate(times_ns) / 1e9, np.concatenate(detectors), np.concatenate(energies_kev)


def agree(detectors, expected):
    """Whether the counts of the detectors are Poisson with their expectations; front and back are not independent."""
    found = np.bincount(detectors, minlength=16)
    for side in (slice(0, 16, 2), slice(1, 16, 2)):
        some = expected[side] > 0
        assert not found[side][~some].any()
        statistic = ((found - expected)[side][some] ** 2 / expected[side][some]).sum()
        assert not some.any() or stats.chi2(int(some.sum())).sf(statistic) > 1e-3


def test_a_mission_has_what_its_truth_says():
    source = ScenarioSource.load(MISSION)
    times_s, detectors, energies_kev = drawn(source)
    assert (np.diff(times_s) >= 0).all() and times_s[-1] < source.duration_s
    # no electron reaches 600 keV, where the charged particles start, and no alpha is below that
    lines = {name: nuclides.main_kev(name) for name in ("Po-209", "Po-212")}
    for begin_s, end_s in ((0, 36_000), (36_000, 550_800), (550_800, 633_600)):
        inside = (times_s >= begin_s) & (times_s < end_s)
        expected = source.expected(begin_s, end_s)
        agree(detectors[inside], np.sum([*expected.values()], axis=0))
        agree(detectors[inside & (energies_kev < 600)], expected["Bi-214 beta"])
        for name, kev in lines.items():
            exact = (energies_kev == kev) & inside  # not in the tail
            share = nuclides.nuclide(name).lines[0].intensity / sum(part for _, part in nuclides.lines(name))
            agree(detectors[exact], 0.93 * share * expected[name])


def test_a_longer_run_of_a_mission_begins_as_a_shorter_one():
    source = ScenarioSource.load(MISSION)
    one, other = drawn(source, duration_s=50_000), drawn(source, duration_s=90_000)
    for short, long in zip(one, other, strict=True):
        assert (short == long[: len(short)]).all()
    assert list(source.particles(seed=1, duration_s=50_000)) == [
        (round(time_s * 1e9), detector, kev) for time_s, detector, kev in zip(*(c.tolist() for c in one), strict=True)
    ]


def test_what_is_new_leaves_the_particles_of_the_rest_as_they_are(write):
    plain, more = (
        ScenarioSource.load(write("a.toml", SCENARIO)),
        ScenarioSource.load(write("b.toml", SCENARIO + TAILED)),
    )
    rest = {*plain.particles(seed=3, duration_s=9)}
    assert rest < {*more.particles(seed=3, duration_s=9)}


def test_a_chain_grows_in(write):
    source = load(write, RADON + "chain = true\nbegin_s = 500\nefficiency = 0.5\ndetectors = [1, 4]\n", 20_000)
    begin_s, end_s = 3000, 9000
    truth = chains.decays({"Rn-222": 1.0}, [begin_s - 500, end_s - 500])
    expected = source.expected(begin_s, end_s)
    for name, (before, after) in truth.items():
        alphas = (after - before) * sum(part for _, part in nuclides.lines(name))
        if alphas > 1e-6:
            assert expected[name][[1, 4]] == pytest.approx(np.full(2, alphas / 2), rel=1e-3)
    assert expected["Rn-222"].sum() > 1.1 * expected["Po-214"].sum()
    assert not source.expected(0, 500)["Rn-222"].any()


def test_a_source_that_decays_falls_with_its_half_life(write):
    source = load(write, '[[source]]\nnuclide = "Po-218"\nactivity_bq = 100\ndecays = true\n')
    times_s, _, _ = drawn(source)
    life_s = nuclides.half_life_s("Po-218") / math.log(2)
    assert abs(len(times_s) - 100 * life_s * -math.expm1(-1000 / life_s)) < 5 * math.sqrt(100 * life_s)
    truncated = stats.truncexpon(1000 / life_s, scale=life_s)
    assert stats.kstest(times_s, truncated.cdf).pvalue > 1e-3


def test_a_source_begins_and_ends(write):
    source = load(write, RADON + "begin_s = 100\nend_s = 300\n")
    times_s, _, _ = drawn(source)
    assert 100 < times_s.min() < 105 and 295 < times_s.max() < 300
    assert source.rate_cps == pytest.approx(0.4, rel=1e-4)
    assert abs(len(drawn(source, rate_cps=40)[0]) - 40_000) < 5 * math.sqrt(40_000)


def test_delayed_pairs_are_counted_in_the_truth(write):
    source = load(
        write,
        BISMUTH
        + 'followed_by = "Po-214"\nfollowed_fraction = 0.25\n'
        + THORON
        + 'followed_by = "Po-216"\nfollowed_fraction = 1\n',
    )
    expected = {name: counts.sum() for name, counts in source.expected(0, 1000).items()}
    beta = nuclides.nuclide("Bi-214").daughters[0].fraction
    assert expected["Bi-214 beta"] == pytest.approx(2000, rel=1e-3)
    assert expected["Po-214"] == pytest.approx(0.25 * 2000 * beta, rel=1e-3)
    assert expected["Po-216"] == pytest.approx(2000, rel=1e-3)
    _, _, energies_kev = drawn(source)
    for name in ("Po-214", "Po-216"):
        found = (abs(energies_kev - nuclides.main_kev(name)) < 1).sum()
        assert abs(found - expected[name]) < 5 * math.sqrt(expected[name])


def test_the_delay_of_a_pair_has_the_half_life_of_the_daughter(write):
    text = THORON.replace("2.0", "0.1") + 'detectors = [3]\nfollowed_by = "Po-216"\nfollowed_fraction = 1\n'
    times_s, _, energies_kev = drawn(load(write, text, 50_000))
    first = np.flatnonzero(abs(energies_kev - nuclides.main_kev("Rn-220")) < 1)[:-1]
    delays_s = np.diff(times_s)[first]  # at 0.1 Bq the next pulse is the other alpha, in 98 % of cases
    assert np.median(delays_s) == pytest.approx(nuclides.half_life_s("Po-216"), rel=0.05)


@pytest.mark.parametrize("height_cm", [0.1, 100.0, 1e6])
def test_a_plane_gives_the_rate_of_its_solid_angle_at_any_height(write, height_cm):
    def seen(radius_cm):
        distance2 = height_cm**2 + radius_cm**2
        return 0.5 * 2 * math.pi * radius_cm * 6 * height_cm / math.sqrt(distance2) / (4 * math.pi * distance2)

    rate_cps = quad(seen, 0, height_cm * math.tan(math.radians(60)))[0]
    source = load(write, PLANE + 'detectors = "back"\n')
    assert source.rate_cps == pytest.approx(8 * rate_cps, rel=1e-4)
    assert source.expected(0, 10)["Po-210"][[0, 1]] == pytest.approx([0, 10 * rate_cps], rel=1e-4)


def test_several_backgrounds_are_told_apart(write):
    text = "[[background]]\nrate_cps = 3\nmin_kev = 1\nmax_kev = 2\nthrough_fraction = 1\n" + STORM.replace(
        "[background]", "[[background]]"
    )
    expected = load(write, text).expected(0, 4.5)
    assert expected["background[1]"].sum() == pytest.approx(27)  # in both detectors
    assert expected["background[2]"].sum() == pytest.approx(4.5 * (1 + 15.5) / 2)


BAD = {
    "tail_fraction: is missing": RADON + "tail_kev = 20\n",
    "tail_kev: is missing": RADON + "tail_fraction = 0.1\n",
    "tail_fraction: above 1 (1.5)": RADON + "tail_kev = 20\ntail_fraction = 1.5\n",
    "tail_kev: not above 0 (0)": RADON + "tail_kev = 0\ntail_fraction = 0.5\n",
    "begin_s: below 0 (-1)": RADON + "begin_s = -1\n",
    "end_s: not above begin_s (5.0)": RADON + "begin_s = 5\nend_s = 5\n",
    "decays: neither true nor false (1)": RADON + "decays = 1\n",
    "chain: neither true nor false (yes)": RADON + 'chain = "yes"\n',
    "beta_kev: not above 0 (-3)": RADON + "beta_kev = -3\n",
    "nuclide: has no alpha line; give beta_kev to detect its electrons (Pb-214)": RADON.replace("Rn-222", "Pb-214"),
    "followed_by: not a daughter of Rn-220; known: Po-216 (Po-214)": THORON
    + 'followed_by = "Po-214"\nfollowed_fraction = 1\n',
    "followed_by: unknown nuclide (Po-2166); did you mean": THORON + 'followed_by = "Po-2166"\nfollowed_fraction = 1\n',
    "followed_fraction: is missing": THORON + 'followed_by = "Po-216"\n',
    "followed_fraction: unknown key (1)": THORON + "followed_fraction = 1\n",
    "followed_by: not allowed with chain, which already includes it (Po-216)": THORON
    + 'chain = true\nfollowed_by = "Po-216"\nfollowed_fraction = 1\n',
    "followed_by: follows the electron of Bi-214: beta_kev is missing (Po-214)": BISMUTH.replace("beta_kev = 200\n", "")
    + 'followed_by = "Po-214"\nfollowed_fraction = 1\n',
    "followed_by: has no alpha line (Pb-214)": RADON.replace("Rn-222", "Po-218")
    + 'followed_by = "Pb-214"\nfollowed_fraction = 1\n',
    "followed_by: half-life above 1000 s: define it as a separate source (Po-210)": BISMUTH.replace("Bi-214", "Bi-210")
    + 'followed_by = "Po-210"\nfollowed_fraction = 1\n',
    "half_angle_deg: above 90 (91.0)": PLANE.replace("60", "91"),
    "area_cm2: is missing": PLANE.replace("area_cm2 = 6\n", ""),
    "efficiency: unknown key (1)": PLANE + "efficiency = 1\n",
    "activity_bq: unknown key (2.0)": PLANE + "activity_bq = 2.0\n",
    "profile: not a list of [time, value]": STORM.replace("[[0, 1], [9, 30]]", "3"),
    "profile: entry 1: value not from 0 to 1e+07: -30": STORM.replace("30", "-30"),
    "profile: no particles": STORM.replace("[9, 30]", "[0, 30]"),
    "profile: not allowed with rate_cps": STORM + "rate_cps = 3\n",
    "power: below 0 (-2)": STORM.replace("power = 2", "power = -2"),
    "min_kev: not above 0 (0)": STORM.replace("500", "0"),
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_key_is_named(write, message):
    with pytest.raises(SourceError) as caught:
        load(write, BAD[message])
    where = "background" if BAD[message].startswith("[b") else "source[1]"
    assert f"{where}.{message}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_of_several_backgrounds_the_bad_one_is_named(write):
    with pytest.raises(SourceError, match=r"background\[2\]\.rate_cps: is missing"):
        load(write, "[[background]]\nrate_cps = 1\nmin_kev = 1\nmax_kev = 2\n[[background]]\nmin_kev = 1\n")


@pytest.mark.parametrize(
    "text",
    [
        RADON + "begin_s = 1000\n",
        RADON + "efficiency = 0\n",
        STORM.replace("[9,", "[9e6,").replace("[0, 1]", "[2000, 0]"),
    ],
)
def test_a_scenario_without_particles_is_rejected(write, text):
    with pytest.raises(SourceError, match=r"source: no particles within duration_s \(1000\.0\)"):
        load(write, text)


VALUES = st.one_of(
    st.sampled_from(["true", "false", "0", "0.5", "1", "30", "3600", "-1", '"Po-216"', '"Po-214"', '"front"']),
    st.sampled_from(["[[0, 1], [9, 2]]", "[[9, 2], [0, 1]]", "[]", "[3]", "nan", "1e300", '"all"', "{}"]),
)
KEYS = {
    "source": "activity_bq efficiency detectors tail_kev tail_fraction begin_s end_s decays chain beta_kev followed_by "
    "followed_fraction activity_bq_per_cm2 area_cm2 half_angle_deg",
    "background": "rate_cps min_kev max_kev through_fraction power profile",
}


@st.composite
def texts(draw):
    text = "duration_s = 5\n"
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([*KEYS]))
        text += f"[[{kind}]]\n"
        if kind == "source":
            text += f'nuclide = "{draw(st.sampled_from(["Rn-220", "Bi-214", "Po-209", "Pb-212"]))}"\n'
        keys = draw(st.dictionaries(st.sampled_from(KEYS[kind].split()), VALUES, max_size=7))
        text += "".join(f"{key} = {value}\n" for key, value in keys.items())
    return text


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts())
def test_any_scenario_is_read_or_gives_an_error_of_one_line(write, text):
    try:
        source = ScenarioSource.load(write("any.toml", text))
    except SourceError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert 0 < source.rate_cps < math.inf
        assert all((counts >= -1e-9).all() for counts in source.expected(0, 5).values())
