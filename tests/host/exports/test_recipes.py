"""The Python code in chapter "Other readers" of the document, run as written: results equal those of `dorn decode`."""

import re
import warnings
from pathlib import Path

import pytest
from dorn import cli, exports
from dorn.dictionary import Dictionary
from support import every_packet

dictionary = Dictionary.load()
ARCHIVE = "telemetry.ccsds"


def chapters() -> dict[str, str]:
    """Program -> its code."""
    document = (exports.folder() / "ICD.md").read_text(encoding="utf-8")
    readers = document.partition("\n## Other readers\n")[2].partition("\n## ")[0]
    found = {}
    for chapter in readers.split("\n### ")[1:]:
        name, _, text = chapter.partition("\n")
        found[name] = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the archive and the files that the commands of the chapter write."""
    out = tmp_path_factory.mktemp("readers")
    every_packet.record(out / ARCHIVE)
    assert cli.main(["decode", str(out / ARCHIVE), "--split", "--out", str(out / "decoded")]) == 0
    assert cli.main(["dictionary", "--out", str(out / "icd")]) == 0
    return out


@pytest.fixture
def run(folder, monkeypatch):
    """run(program): the variables of its code, after it has run; and the decoded packets of the archive."""
    monkeypatch.chdir(folder)

    def run(program):
        found = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from ccsdspy, about missing sequence counts
            exec(chapters()[program], found)
        return found, [dictionary.decode(octets) for octets in every_packet.split(folder / ARCHIVE, dictionary)]

    return run


def fields(packets, name):
    """Fields of the packets of a layout, in time order."""
    return [packet.fields for packet in sorted(packets, key=lambda packet: packet.time_s) if packet.name == name]


def test_every_program_has_code():
    assert set(chapters()) == {"ccsdspy", "space_packet_parser", "spacepackets", "xtce-lib"}
    assert all(chapters().values())


def test_ccsdspy(run):
    found, packets = run("ccsdspy")
    wanted = fields(packets, "spectrum")
    assert {one["coding"] for one in wanted} == {0, 1}  # both codings
    for name in ("detector", "live_us", "total"):
        assert found["spectra"][name].tolist() == [one[name] for one in wanted]
    assert [counts.tolist() for counts in found["counts"]] == [one["counts"] for one in wanted]


def test_space_packet_parser(run):
    found, packets = run("space_packet_parser")
    wanted = fields(packets, "rates")
    assert found["rates"]["rates_live_us"].values.tolist() == [one["live_us"] for one in wanted]
    for detector in range(16):
        accepted = found["rates"][f"rates_accepted_{detector}"].values.tolist()
        assert accepted == [one["accepted"][detector] for one in wanted]
    assert [words.tolist() for words in found["words"]] == [one["words"] for one in fields(packets, "event_list")]
    one_by_one = [(packet["pus_service"], packet["pus_subtype"]) for packet in found["packets"]]
    assert one_by_one == [(packet.service, packet.subtype) for packet in packets]


def test_spacepackets(run):
    found, packets = run("spacepackets")
    read = [(p.service, p.message_subtype, p.seq_count) for p in found["packets"]]
    assert read == [(p.service, p.subtype, p.sequence) for p in packets]


def test_xtce_lib(run):
    found, _ = run("xtce-lib")
    for layout in dictionary.telemetry.values():
        names = []
        for field in layout.fields:
            name = f"{layout.name}_{field.name}"
            names += [f"{name}_{n}" for n in range(field.length)] if isinstance(field.length, int) else [name]
        assert found["names"][layout.name] == [*names, "packet_error_control"]
