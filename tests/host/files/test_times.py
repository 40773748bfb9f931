"""Times as programs write them: a line of a file, or a name and a value anywhere in its text."""

import pytest
from dorn.files import spectrum, times
from hypothesis import given
from hypothesis import strategies as st

SECONDS = {
    "300": 300,
    "29.593 seconds": 29.593,
    "0,5 min": 30,
    "01:30:00": 5400,
    "100:00:00,5": 360_000.5,
    "5 min 30 s": 330,
    "1 d 02:00:00": 93_600,
    "2 d": 172_800,
    "1000 us": 1e-3,
    "1,234.5 s": 1234.5,
    "1.234,5 s": 1234.5,
    "1 234,5 s": 1234.5,
    "1'234.5": 1234.5,
    "1,234,567": 1_234_567,
    "30 s, 40 counts": 30,
    "30 (set)": 30,
    "0": None,
}
NO_TIME = (
    "-5 s",
    "1,234 s",
    "300 310",
    "5 30",
    "30 s 5 min",
    "5 min 30",
    "3 furlongs",
    "1:30",
    "1:30:00 min",
    "soon",
    "",
)


@pytest.mark.parametrize("text", SECONDS)
def test_a_time_is_read_in_seconds(text):
    assert times.seconds(text) == (SECONDS[text] and pytest.approx(SECONDS[text], rel=1e-15))


@pytest.mark.parametrize("text", NO_TIME)
def test_what_is_no_time_or_has_two_meanings_is_refused(text):
    with pytest.raises(ValueError, match=r"not a time|not one time|below 0|two meanings|not known"):
        times.seconds(text)


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_hours_minutes_and_seconds_are_the_same_in_all_forms(h, m, s, ms):
    expected = pytest.approx(3600 * h + 60 * m + s + ms / 1000, rel=1e-12) if h or m or s or ms else None
    for form in (f"{h}:{m:02}:{s:02}.{ms:03}", f"{h} h {m} min {s}.{ms:03} s", f"{h} hours {m} m {s}.{ms:03}sec # all"):
        assert times.seconds(form) == expected


@given(st.decimals(0, 10**9, places=2))
def test_separators_of_thousands_change_nothing(value):
    text = f"{value:,.2f}"
    for form in (text, text.replace(",", " "), text.translate(str.maketrans(",.", ".,")), f"{value:.2f}"):
        assert times.seconds(form) == (float(value) or None)


NAMED = {
    "# Live time: 01:30:00": (5400, None),
    "Live time: 30 s": (30, None),
    "LIVE_TIME - 30": (30, None),
    "Live time: -5 s": "live time: below 0",
    "live_time_s: 300\nreal_time_s: 310": (300, 310),
    "Live time (min): 5": (300, None),
    "Live Time (h:m:s) = 00:05:00": (300, None),
    "Live time (ticks): 5": "unit of time not known",
    "Livetime 300 s, Realtime 310 s": (300, 310),
    '"Live Time","300"\n"Elapsed time","310"': (300, 310),
    "# Preset live time: 1000 s\n# Live time: 300 s": (300, None),
    "# Live time preset: 1000 s": (None, None),
    "# Live time: 300 s\n# Live time: 300.0 s": (300, None),
    "# Live time: 300 s\n# Live time: 301 s": "live time: appears twice, with different values",
    "# Live time of detector 3: 300 s": "live time: not a time",
    "# Live time of detector 3: 300 s\nLive time: 30": (30, None),
    "# Real time was not recorded": (None, None),
    "Live time: 1,234 s": "two meanings",
    "true time = 12; live time = 11": (11, 12),
}


@pytest.mark.parametrize("text", NAMED)
def test_times_are_found_by_their_names(text, write):
    (one,) = spectrum.read(write("some.csv", f"{text}\nchannel;counts\n0;1\n1;2\n")).values()
    if isinstance(NAMED[text], str):
        assert one.live_s is None and NAMED[text] in one.faults["times"]
    else:
        assert (one.live_s, one.real_s) == NAMED[text] and not one.faults


@given(st.text(max_size=40) | st.text("0123456789.,:' smhdinu-+eE#", max_size=25))
def test_any_text_is_a_time_or_gives_a_reason(text):
    for parse in (times.seconds, times.named, lambda text: times.named(f"live time: {text}")):
        try:
            found = parse(text)
        except ValueError:
            continue
        for one in found if isinstance(found, tuple) else (found,):
            assert one is None or 0 < one < float("inf")
