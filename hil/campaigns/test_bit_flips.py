"""Flip each bit of either copy of the boot record, the authentication counter and the parameters; lose both copies.

Every time: none of a hundred recorded and forged telecommands is accepted, on-board time and record numbers continue,
the parameters are the newest or the previous ones, bias and acquisition are off, and an event reports the damage.
"""

import random
import shutil

import pytest
from dorn.image import firmware
from dorn.link import frames
from dorn.link.key import TAG, Key
from dorn.session.instrument import Instrument
from dorn.targets.unix import UnixTarget

STATES = ("boot", "counter", "parameters")
EVENTS = {"boot": "boot_record_damaged", "counter": "counter_damaged", "parameters": "parameters_damaged"}
SHORT = 3  # bits per copy
RECORDED, FORGED = 60, 40  # telecommands per boot
OLD, NEW = 1111, 2222  # values of a threshold


class Before:
    """The flash of an instrument that was used and switched off; its last time, record number and telecommands."""

    def __init__(self, folder):
        self.flash = folder / "flash"
        self.key = Key.create(folder / "flight.key")
        self.files = firmware.files("unix") | {"key": self.key.board_file}
        with self.switched_on() as target:
            i = Instrument(target, self.key)
            i.connect()
            i.set_parameters(storage_delay=1, threshold_3=OLD)
            i.command("set_time", seconds=50_000, fraction=0)
            i.set_parameters(threshold_3=NEW, bias=2500)
            i.start()
            i.armed("bias_on")
            i.until(lambda: bool(i.events("bias_reached")), 20)
            self.recorded = [self.key.sign(i.dictionary.encode(name, n, **values)) for name, n, values in commands()]
            pongs = sum(p.name == "pong" for p in i.received) + sum(name == "ping" for name, _, _ in commands())
            for content in self.recorded:
                target.send(frames.encode(content))
            i.advance(650)  # more than one reservation of time
            assert sum(p.name == "pong" for p in i.received) == pongs
            self.time_s = i.received[-1].time_s
            self.record = max(p.fields.get("record", 0) for p in i.received)

    def switched_on(self, flash=None):
        return UnixTarget(flash=flash or self.flash, files=self.files)

    def hostile(self, seed):
        """Frame contents: recorded telecommands unchanged, and with a flipped bit, another counter or a random tag."""
        rng = random.Random(seed)
        forged = []
        for n in range(FORGED):
            content = bytearray(rng.choice(self.recorded))
            if n % 3 == 0:
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            else:
                content[-TAG - 4 : -TAG] = rng.randrange(2**32).to_bytes(4, "big")
            if n % 3 == 2:
                content[-TAG:] = rng.randbytes(TAG)
            forged.append(bytes(content))
        out = self.recorded + forged
        rng.shuffle(out)
        return out


def commands():
    """(name, sequence, values by name) of the telecommands an attacker records: the most harmful, and pings."""
    harmful = [("function", {"function": "arm"}), ("function", {"function": "bias_on"}), ("ping", {})]
    return [(name, 100 + n, values) for n in range(RECORDED) for name, values in [harmful[n % 3]]]


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    return Before(tmp_path_factory.mktemp("before"))


def examine(before, folder, state, harm):
    """Power on a copy of the flash damaged by `harm`, and attack it. -> mode, value of the threshold"""
    shutil.copytree(before.flash, folder)
    harm(folder / "kept")
    with before.switched_on(folder) as target:
        i = Instrument(target, before.key)
        i.connect()
        assert i.events(EVENTS[state])
        assert i.received[0].time_s > before.time_s
        sent = before.hostile(folder.name)
        target.send(b"".join(map(frames.encode, sent)))
        hk = i.next("housekeeping")
        assert (hk["authentication_failures"], hk["commands_accepted"]) == (len(sent), 0)
        assert not [p for p in i.received if p.name in ("pong", "acceptance_success")]
        assert target.slow_control.bias_mv == 0
        mode = i.housekeeping.text("mode")
        assert mode in ("standby", "safe")
        if mode == "safe":
            i.function("standby")
        i.advance(2)
        assert min(p.fields["record"] for p in i.received if p.fields.get("record")) > before.record
        value = i.value("threshold_3", 20)
    shutil.rmtree(folder)
    return mode, value


@pytest.mark.parametrize("copy", "01")
@pytest.mark.parametrize("state", STATES)
def test_a_single_bit_error(before, state, copy, long, seed, tmp_path, totals):
    name = f"{state}.{copy}"
    bits = range(8 * (before.flash / "kept" / name).stat().st_size)
    chosen = bits if long else sorted(random.Random(f"{name} {seed}").sample(bits, SHORT))
    for bit in chosen:

        def harm(kept, bit=bit):
            data = bytearray((kept / name).read_bytes())
            data[bit // 8] ^= 1 << bit % 8
            (kept / name).write_bytes(data)

        mode, value = examine(before, tmp_path / str(bit), state, harm)
        assert mode == "standby" and value in (OLD, NEW), bit
    hostile = len(chosen) * (RECORDED + FORGED)
    totals(
        f"{name}: {len(chosen)} boots with one wrong bit: one event each; of {hostile} recorded and forged telecommands"
        " none accepted, nothing lost"
    )


@pytest.mark.parametrize("how", ["removed", "emptied", "zeros"])
@pytest.mark.parametrize("state", STATES)
def test_both_copies_are_lost(before, state, how, tmp_path):
    def harm(kept):
        for copy in "01":
            path = kept / f"{state}.{copy}"
            if how == "removed" and state != "parameters":  # missing parameter files are not damage
                path.unlink()
            else:
                path.write_bytes(b"" if how == "emptied" and state == "boot" else bytes(40))

    mode, value = examine(before, tmp_path / how, state, harm)
    assert mode == ("standby" if state == "counter" else "safe")
    assert value == (NEW if state != "parameters" else 150)
