"""ST[06], memory management: dump, check and, where permitted, load of named regions."""

import struct
import zlib

import pytest
from particles import regular
from support.instrument import DICTIONARY, both_if_long, instrument, play, refused

OCTETS = {"spectra": 16 * 1024 * 2, "coincidences": 8 * 256 * 2, "counters": 64 * 4, "thresholds": 16 * 2}
OCTETS["parameters"] = 4 * len(DICTIONARY.parameters)
MOST = 512  # maximum number of octets in a dump


def dump(i, region, offset=0, count=None):
    count = min(MOST, OCTETS[region] - offset) if count is None else count
    i.command("dump_memory", region=region, offset=offset, count=count)
    f = i.last("memory_dump")
    assert (f["region"], f["offset"], f["count"]) == (DICTIONARY.enums["region"][region], offset, count)
    return bytes(f["data"])


def whole(i, region):
    return b"".join(dump(i, region, offset) for offset in range(0, OCTETS[region], MOST))


def crc(i, region, offset, count):
    i.command("check_memory", region=region, offset=offset, count=count)
    return i.last("memory_check")["crc"]


def load(i, offset, data, region="thresholds"):
    i.command("load_memory", region=region, offset=offset, data=data)


def thresholds(i):
    return list(struct.unpack("<16H", dump(i, "thresholds")))


@both_if_long
def test_dumps_agree_with_other_packets(where):
    with instrument(where) as i:
        i.set("threshold_3", 777)
        i.set("rates_period", 1)
        i.start()
        play(i, ((k * 50_000, k % 3, 4000.0) for k in range(1, 301)))
        rates = i.next("rates", 2)
        counters = struct.unpack("<64I", dump(i, "counters"))
        names = ("accepted", "below_threshold", "over_range", "disabled")
        assert counters == tuple(n for name in names for n in rates[name]) and sum(counters) == 300
        channel = int((4000 / 3 + 50) / 4)
        spectrum = struct.unpack("<256H", dump(i, "spectra", 2 * (2 * 1024 + 256)))
        assert spectrum[channel - 256] == 100 and sum(spectrum) == 100
        values = struct.unpack(f"<{OCTETS['parameters'] // 4}I", whole(i, "parameters"))
        expected = {name: p.default for name, p in DICTIONARY.parameters.items()}
        assert values == tuple((expected | {"threshold_3": 777, "rates_period": 1}).values())
        assert thresholds(i) == [777 if d == 3 else 150 for d in range(16)]


@pytest.mark.parametrize("region", ["coincidences", "counters", "thresholds", "parameters"])
def test_the_checksum_is_zlibs_crc_of_the_dump(region):
    with instrument("unix") as i:
        i.start()
        play(i, ((k * 50_000, k % 16, 4000.0) for k in range(1, 100)))
        octets = whole(i, region)
        assert crc(i, region, 0, len(octets)) == zlib.crc32(octets)
        assert crc(i, region, 3, len(octets) - 5) == zlib.crc32(octets[3:-2])
        assert dump(i, region, 3, 7) == octets[3:10]


def test_only_data_within_a_region_is_accessible():
    with instrument("unix") as i:
        for region, octets in OCTETS.items():
            assert len(dump(i, region, octets - 1, 1)) == 1
            crc(i, region, 0, octets)
            for offset, count in ((octets, 1), (octets - 1, 2), (0, 0), (2**32 - 1, 1), (octets - 1, 65535)):
                refused(i, "out_of_range", "dump_memory", region=region, offset=offset, count=count)
            for offset, count in ((octets, 1), (1, octets), (0, 0), (0, 2**32 - 1), (2**32 - 1, 2)):
                refused(i, "out_of_range", "check_memory", region=region, offset=offset, count=count)
        refused(i, "out_of_range", "dump_memory", region="spectra", offset=0, count=MOST + 1)
        for command in ("dump_memory", "check_memory"):
            refused(i, "unknown_entry", command, region=len(OCTETS), offset=0, count=1)
            refused(i, "unknown_entry", command, region=255, offset=0, count=1)


@both_if_long
def test_loading_thresholds_must_be_armed_and_lasts_until_they_are_set(where):
    with instrument(where) as i:
        refused(i, "not_armed", "load_memory", region="thresholds", offset=0, data=bytes(2))
        i.function("arm")
        load(i, 2 * 5, struct.pack("<2H", 2000, 2100))
        refused(i, "not_armed", "load_memory", region="thresholds", offset=0, data=bytes(2))
        assert thresholds(i) == [{5: 2000, 6: 2100}.get(d, 150) for d in range(16)]
        i.start()
        play(i, ((k * 50_000, k % 16, 4000.0) for k in range(1, 161)))  # code 1383
        rates = i.stop()
        assert rates["below_threshold"] == [10 if d in (5, 6) else 0 for d in range(16)]
        assert rates["accepted"] == [0 if d in (5, 6) else 10 for d in range(16)]
        i.command("report_parameter", parameter="threshold_5")
        assert i.last("parameter_value")["value"] == 150
        i.set("threshold_5", 150)
        assert thresholds(i) == [2100 if d == 6 else 150 for d in range(16)]
        i.reboot(i.target.power_cycle)
        assert thresholds(i) == [150] * 16


@pytest.mark.parametrize("region", [name for name in OCTETS if name != "thresholds"])
def test_regions_that_must_not_be_loaded_stay_unchanged(region):
    with instrument("unix") as i:
        before = whole(i, region)
        i.function("arm")
        refused(i, "out_of_range", "load_memory", region=region, offset=0, data=bytes([0xA5] * 4))
        assert whole(i, region) == before
        # nothing can be loaded beyond the thresholds, or in mode safe
        refused(i, "out_of_range", "load_memory", region="thresholds", offset=30, data=bytes(3))
        i.function("safe")
        i.function("arm")
        refused(i, "wrong_mode", "load_memory", region="thresholds", offset=0, data=bytes(2))
        assert thresholds(i) == [150] * 16 and whole(i, region) == before


def test_dumps_and_checks_do_not_disturb_a_measurement():
    with instrument("unix") as i:
        i.start()
        i.target.inject(regular(2000, 1_000_000))
        for _ in range(8):
            crc(i, "spectra", 0, OCTETS["spectra"])
            i.advance(0.2)
        i.advance(1)
        assert i.stop()["accepted"][0] == i.target.head.fates.delivered == 2000
