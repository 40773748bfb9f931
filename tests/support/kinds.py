"""Texts of files of other programs, one for each kind."""

import json
import struct
from datetime import datetime

COUNTS = [0, 5, 7, 4000, 0, 2]


def npes(counts=COUNTS, version="NPESv2", **changes):
    energy = {"numberOfChannels": len(counts), "validPulseCount": sum(counts), "measurementTime": 60}
    energy |= {"energyCalibration": {"polynomialOrder": 1, "coefficients": [100, 12.5]}, "spectrum": counts} | changes
    energy = {name: value for name, value in energy.items() if value is not None}
    begin, end = "2023-01-19T16:14:50+01:00", "2023-01-19T17:14:50+01:00"
    package = {
        "deviceData": {"softwareName": "Gamma MCA"},
        "sampleInfo": {"name": "Radon"},
        "resultData": {"startTime": begin, "endTime": end, "energySpectrum": energy},
    }
    if version == "NPESv1":
        return {"schemaVersion": version, **package}
    return {"schemaVersion": version, "data": [package]}


def radiacode(counts=COUNTS, times="<MeasurementTime>60</MeasurementTime>", terms=("100", "12.5")):
    points = "".join(f"<DataPoint>{n}</DataPoint>" for n in counts)
    scale = "".join(f"<Coefficient>{term}</Coefficient>" for term in terms)
    return f"""<?xml version="1.0"?><ResultDataFile><ResultDataList><ResultData>
<StartTime>2023-11-21T06:52:39</StartTime><EnergySpectrum><NumberOfChannels>{len(counts)}</NumberOfChannels>
<SpectrumName>Radon</SpectrumName><EnergyCalibration><PolynomialOrder>1</PolynomialOrder><Coefficients>{scale}
</Coefficients></EnergyCalibration>{times}<Spectrum>{points}</Spectrum></EnergySpectrum></ResultData></ResultDataList>
</ResultDataFile>"""


MPA_HEADER = """[ADC1A]
;datum
range={range}
caluse=1
caloff=100.0
calfact=12.5
calunit=keV
[ADC1B]
caluse=0
[MPA4A] REPORT-FILE from 06/12/2023 11:45:30  written 06/12/2023 11:46:30
realtime=60.000
livetime=59.500
fmt={fmt}
"""


def mpa(counts=COUNTS, fmt="asc", name="TDAT0"):
    text = MPA_HEADER.format(range=len(counts), fmt=fmt).replace("\n", "\r\n")
    # the common values come before the first block in .mcd files, and in a block of the whole system in .mpa files
    text = "realtime=60.000\r\nlivetime=59.500\r\n" + text + f"[{name},{len(counts)} ]\r\n"
    if fmt == "dat":
        return text.encode() + struct.pack(f"<{len(counts)}I", *counts)
    rows = (f"{n}\t{c}" if fmt == "csv" else str(c) for n, c in enumerate(counts))
    return (text + "\r\n".join(rows) + "\r\n").encode()


def iec(counts=COUNTS, terms="1.00000000E+02 1.25000000E+01 0.00000000E+00 0.00000000E+00"):
    lines = ["NUCICA   HPGE   0   0     0", f"{59.5:13.2f}{60.0:12.2f}{len(counts):6d}"]
    lines += ["09/12/21 10:54:31 08/25/21 11:34:36", terms, *[""] * 20, " 1.0 2.0", ""]
    for at in range(0, len(counts), 5):
        lines.append(f"{at:6d}" + "".join(f"{n:10d}" for n in counts[at : at + 5]))
    return "\r\n".join(f"A004{line.ljust(64)}" for line in lines) + "\r\n"


def report(counts=COUNTS):
    rows = "\n".join(f"{n:4d} {c:9d}  000" for n, c in enumerate(counts))
    head = "Jun 05 2023     08:34:27 am     Elt: 000090 Seconds.  Real Time: 000091\nID: none\n\n Chn    Counts  ROI\n"
    return f"{head}{rows}\n\n ROI:01  Beg: 0001 Chn    End: 0002 Chn\n"


def amptek(counts=COUNTS, calibration="LABEL - keV\n10 225\n30 475\n"):
    rows = "\n".join(map(str, counts))
    head = "TAG - live_data\nGAIN - 2\nLIVE_TIME - 59.5\nREAL_TIME - 60\nSTART_TIME - 01/13/2026 10:20:30\n"
    scale = f"<<CALIBRATION>>\n{calibration}" if calibration else ""
    return f"<<PMCA SPECTRUM>>\n{head}{scale}<<DATA>>\n{rows}\n<<END>>\n"


def columns(counts=COUNTS):
    rows = "\n".join(f"{n};{c}" for n, c in enumerate(counts))
    return f"live time: 59.5 s\nreal time: 60 s\nchannel;counts\n{rows}"


KINDS = {
    ".json": (json.dumps(npes()), (60, 60), (100, 12.5), datetime.fromisoformat("2023-01-19T16:14:50+01:00")),
    ".xml": (radiacode(), (60, 60), (100, 12.5), datetime(2023, 11, 21, 6, 52, 39)),
    ".mcd": (mpa(), (59.5, 60), (100, 12.5), datetime(2023, 6, 12, 11, 45, 30)),
    ".mpa": (mpa(fmt="dat"), (59.5, 60), (100, 12.5), datetime(2023, 6, 12, 11, 45, 30)),
    ".asc": (mpa(fmt="csv"), (59.5, 60), (100, 12.5), datetime(2023, 6, 12, 11, 45, 30)),
    ".iec": (iec(), (59.5, 60), (100, 12.5), datetime(2021, 9, 12, 10, 54, 31)),
    ".dat": (report(), (90, 91), (), datetime(2023, 6, 5, 8, 34, 27)),
    ".mca": (amptek(), (59.5, 60), (100, 12.5), datetime(2026, 1, 13, 10, 20, 30)),
    ".txt": (columns(), (59.5, 60), (), None),
}
