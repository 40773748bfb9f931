"""The command: arguments, one-line errors, and nothing written when the input is wrong."""

import json
import sys
import types

import pytest
from dorn.cli import main
from dorn.dictionary import Dictionary
from dorn.dictionary.codec import crc16
from dorn.image import firmware
from dorn.products.products import FILES
from support.realdata import path as data

SPECTRUM = "energy_kev,counts\n1000,3\n1010,4\n"
SUMMARY = {
    "injected": 10,
    "recorded": 9,
    "live_time_s": 1.0,
    "real_time_s": 2.0,
    "packets": 3,
    "run": {"ended_early": None},
}


@pytest.fixture
def runner(monkeypatch):
    """Record the calls from `dorn run` to dorn.session.acquire; no instrument runs here."""
    calls = []

    def run_source(**settings):
        calls.append(settings)
        return SUMMARY

    fake = types.SimpleNamespace(run_source=run_source, default_target=lambda: ("unix", ""))
    monkeypatch.setitem(sys.modules, "dorn.session.acquire", fake)
    monkeypatch.setattr("dorn.session.acquire", fake, raising=False)
    return calls


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.csv").write_text(SPECTRUM)
    (tmp_path / "s.spe").write_text("$MEAS_TIM:\n10 20\n$DATA:\n0 1\n5\n7\n$ENER_FIT:\n0 0\n")
    (tmp_path / "e.csv").write_text("time_us,detector,energy_kev\n5,0,5000\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "bad.csv").write_text("energy_kev,counts\n2,1\n1,-1\n")
    (tmp_path / "dir.csv").mkdir()
    (tmp_path / "nuclide.toml").write_text('duration_s = 1\n[[source]]\nnuclide = "Rn-22"\nactivity_bq = 1\n')
    (tmp_path / "empty.ccsds").write_text("")
    (tmp_path / "noise.ccsds").write_bytes(bytes(range(200)))
    return tmp_path


RUN = "run s.csv --target unix --rate 10 --duration 5 --out out"
BAD = {
    "fly": "fly",
    "run s.csv": "--out",
    "run none.csv --out out": "none.csv: file: cannot be read: No such file",
    "run dir.csv --out out": "dir.csv: file: cannot be read: Is a directory",
    "run empty.csv --out out": "empty.csv: file: is empty",
    "run bad.csv --out out": "bad.csv:3: energy_kev: not above the previous one (1)",
    "run nuclide.toml --out out": "source[1].nuclide: unknown nuclide (Rn-22); did you mean Rn-222",
    "run s.csv --out out": "s.csv: rate_cps: not in the file; give --rate",
    "run s.csv --rate 5 --out out": "s.csv: duration_s: not in the file; give --duration",
    "run s.csv --rate 5 --live 0 --out out": "--live: S: not above 0 (0)",
    "run s.csv --rate 5 --live 1e12 --out out": "--live: S: above 9007199, 104 days (1000000000000.0)",
    "run s.csv --rate 5 --live 5 --duration 5 --out out": "--live: S: cannot be combined with --duration or --replay",
    "run s.csv --rate 5 --on-reset wait --out out": "--on-reset: invalid choice: 'wait'",
    "run s.spe --out out": "s.spe: calibration: is missing; give --calibration",
    "run e.csv --rate 5 --out out": "rate_cps: a list of events has its own times (5)",
    f"{RUN} --rate 0": "--rate: CPS: not above 0 (0)",
    f"{RUN} --rate -1": "(-1)",
    f"{RUN} --rate nan": "--rate: CPS: not a usable number (nan)",
    f"{RUN} --rate 1e9": "(1e+09)",
    f"{RUN} --rate fast": "--rate: CPS: not a usable number (fast)",
    f"{RUN} --duration 0": "--duration: S: not above 0 (0)",
    f"{RUN} --duration -3": "(-3)",
    f"{RUN} --duration inf": "(inf)",
    f"{RUN} --seed -1": "--seed: N: not a whole number from 0 to 10^18 (-1)",
    f"{RUN} --seed 1.5": "(1.5)",
    f"{RUN} --spacing odd": "'odd'",
    f"{RUN} --noise-kev -1": "--noise-kev: X: below 0 (-1)",
    f"{RUN} --noise-kev much": "(much)",
    f"{RUN} --replay": "duration_s: a replay",
    f"{RUN} --calibration 1": "--calibration: OFFSET_KEV,KEV_PER_CHANNEL: two numbers expected (1)",
    f"{RUN} --calibration -1,0": "--calibration: KEV_PER_CHANNEL: not above 0 (0)",
    f"{RUN} --calibration -1,2": "s.csv: calibration: the file has energies; only a spectrum in channels takes one",
    f"{RUN} --out s.csv": "--out: DIR: not a directory",
    f"{RUN} --out s.csv/below": "--out: DIR: not a directory",
    "run - --out out": "SOURCE: --duration: is missing",
    "run - --duration 0 --out out": "--duration: S: not above 0 (0)",
    "run - --duration 5 --rate 3 --out out": "SOURCE: --rate: does not apply to real detectors (3.0)",
    "run - --duration 5 --replay --out out": "SOURCE: --replay: does not apply to real detectors (True)",
    "run - --duration 5 --noise-kev 3 --out out": "SOURCE: --noise-kev: does not apply to real detectors (3)",
    "decode none.ccsds --out out": "none.ccsds: file: cannot be read: No such file",
    "decode dir.csv --out out": "dir.csv: file: cannot be read: Is a directory",
    "decode empty.ccsds --out out": "empty.ccsds: file: is empty",
    "decode noise.ccsds --out out": "noise.ccsds: packets: none of this instrument",
    "decode empty.ccsds": "--out",
}


@pytest.mark.parametrize("command", BAD)
def test_bad_input_is_one_line_status_2_and_writes_nothing(here, runner, capsys, command):
    before = sorted(here.rglob("*"))
    assert main(command.split()) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("dorn: ") and error.endswith("\n") and error.count("\n") == 1
    assert BAD[command] in error
    assert sorted(here.rglob("*")) == before
    assert runner == []


def test_run_passes_on_all_options(here, runner, capsys):
    extra = ["--seed", "7", "--spacing", "regular", "--noise-kev", "35", "--calibration", "-77.2,12.8"]
    assert main(["run", "s.spe", "--target", "rp2040", "--rate", "3", "--out", "out", *extra]) == 0
    (call,) = runner
    source = call.pop("source")
    assert source.energies_kev.tolist() == pytest.approx([-77.2, -64.4])
    assert source.head == {"noise_kev": 35.0}
    assert str(call.pop("out")) == "out"
    assert call == {
        "key": None,
        "target_name": "rp2040",
        "rate_cps": 3.0,
        "duration_s": 20.0,
        "seed": 7,
        "spacing": "regular",
        "replay": False,
        "live_s": None,
        "on_reset": "end",
        "lines": None,
        "force": False,
        "calibration": None,
        "command": "dorn run s.spe --target rp2040 --rate 3 --out out " + " ".join(extra),
    }
    assert "9 of 10 pulses recorded, 1.00 s live of 2.00 s" in capsys.readouterr().out


def test_replay_and_event_lists_keep_their_own_length(here, runner):
    assert main(["run", "s.csv", "--rate", "10", "--replay", "--out", "out"]) == 0
    assert main(["run", "e.csv", "--out", "out"]) == 0
    replay, events = runner
    assert (replay["rate_cps"], replay["duration_s"], replay["replay"]) == (10, None, True)
    assert (events["rate_cps"], events["duration_s"]) == (None, pytest.approx(5.001e-6))
    assert list(events["source"].particles(events["rate_cps"], events["duration_s"])) == [(5000, 0, 5000.0)]
    assert len(list(replay["source"].particles(replay["rate_cps"], replay["duration_s"], replay=True))) == 7


def test_real_detectors_are_not_a_source(here, runner):
    assert main(["run", "-", "--target", "/dev/ttyACM0", "--duration", "5", "--out", "out"]) == 0
    (call,) = runner
    assert (call["source"], call["rate_cps"], call["duration_s"]) == (None, None, 5)


def test_a_live_time_replaces_the_duration(here, runner):
    assert main(["run", "s.csv", "--rate", "10", "--live", "5", "--out", "out"]) == 0
    assert (
        main(
            ["run", "-", "--target", "/dev/ttyACM0", "--live", "5", "--on-reset", "restart", "--force", "--out", "out"]
        )
        == 0
    )
    for call in runner:
        assert (call["live_s"], call["duration_s"]) == (5, None)
    assert (runner[1]["on_reset"], runner[1]["force"]) == ("restart", True)


def test_a_run_that_ended_early_has_status_1(here, runner, monkeypatch, capsys):
    ended = SUMMARY | {"run": {"ended_early": "the instrument was reset: watchdog"}, "resets": 1}
    monkeypatch.setattr("dorn.session.acquire.run_source", lambda **_: ended)
    assert main(RUN.split()) == 1
    out, error = capsys.readouterr()
    assert "resets of the instrument: 1" in out
    assert error == "dorn: the run ended early: the instrument was reset: watchdog\n"


def test_demo_prints_its_target(here, runner, capsys):
    assert main(["demo"]) == 0
    assert main(["demo", "--target", "rp2040", "--out", "elsewhere"]) == 0
    assert [(str(call["out"]), call["target_name"]) for call in runner] == [
        ("dorn-demo", "unix"),
        ("elsewhere", "rp2040"),
    ]
    assert [call["force"] for call in runner] == [True, False]  # only its own folder is overwritten
    assert "demo on unix: 60 s at 100 particles per second" in capsys.readouterr().out


def test_ctrl_c_ends_with_130(here, runner, monkeypatch, capsys):
    def stopped(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dorn.session.acquire.run_source", stopped)
    assert main(RUN.split()) == 130
    assert capsys.readouterr().err == "dorn: stopped\n"


def test_help_is_not_an_error(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--help"])
    assert stopped.value.code == 0
    assert "--calibration" in capsys.readouterr().out


# ---- decode ------------------------------------------------------------------------------------------


def telemetry(name, sequence, **fields):
    """A telemetry packet as the instrument would send it; fields not given are 0."""
    dictionary = Dictionary.load()
    layout = dictionary.telemetry[name]
    body = b""
    for field in layout.fields:
        value = fields.get(field.name, [0] * field.length if isinstance(field.length, int) else 0)
        values = value if isinstance(value, list) else [value]
        body += b"".join(v.to_bytes(field.size, "big") for v in values)
    header = (0x0800 | dictionary.mission["apid"]).to_bytes(2, "big") + (0xC000 | sequence).to_bytes(2, "big")
    second = bytes([dictionary.mission["pus_version"] << 4, layout.service, layout.subtype]) + bytes(10)
    packet = header + (len(second) + len(body) + 2 - 1).to_bytes(2, "big") + second + body
    return packet + crc16(packet).to_bytes(2, "big")


def archive(hash_=None):
    hash_ = Dictionary.load().hash if hash_ is None else hash_
    return [
        telemetry("housekeeping", 0, structure_id=1, dictionary=hash_, boot_count=1, version_minor=4),
        telemetry("spectrum", 1, detector=2, total=6, first=10, count=3, octets=6, data=[0, 1, 0, 2, 0, 3]),
        telemetry("rates", 3, real_us=2_000_000, live_us=1_000_000, accepted=[1] * 16),
    ]


def test_decode_writes_the_products_and_counts_what_is_damaged(here, capsys):
    damaged = bytearray(telemetry("pong", 2))
    damaged[-1] ^= 1
    packets = archive()
    (here / "t.ccsds").write_bytes(b"".join(packets[:2]) + damaged + packets[2])
    assert main(["decode", "t.ccsds", "--out", "out"]) == 0
    assert {path.name for path in (here / "out").iterdir()} == set(FILES)
    summary = json.loads((here / "out/summary.json").read_text())
    assert (summary["packets"], summary["crc_errors"], summary["sequence_gaps"]) == (3, 1, 1)
    assert (summary["recorded"], summary["in_spectra"], summary["injected"]) == (16, 6, None)
    assert summary["firmware_version"] == "0.4.0"
    assert summary["dictionary"] == f"{Dictionary.load().hash:08x}"
    assert "12,-1.5,3\n" in (here / "out/spectra.csv").read_text()
    assert "16 pulses recorded" in capsys.readouterr().out


def test_decode_refuses_another_dictionary(here, capsys):
    (here / "t.ccsds").write_bytes(b"".join(archive(hash_=0x12345678)))
    before = sorted(here.rglob("*"))
    assert main(["decode", "t.ccsds", "--out", "out"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "t.ccsds" in error and "12345678" in error
    assert sorted(here.rglob("*")) == before


def test_a_wrong_stored_calibration_is_overridden_from_the_command_line(here, runner):
    file = data("po210-kentucky/datafiles/spectrum7.Spe")
    assert main(["run", str(file), "--calibration", "-77.2,12.8457", "--out", "out"]) == 0
    source = runner[0]["source"]
    assert source.energies_kev[418] == pytest.approx(5292.3, abs=0.1)
    assert runner[0]["duration_s"] == 75


def test_the_version_is_that_of_the_firmware(capsys):
    with pytest.raises(SystemExit) as over:
        main(["--version"])
    assert (over.value.code, capsys.readouterr().out) == (0, f"dorn {firmware.version()}\n")
