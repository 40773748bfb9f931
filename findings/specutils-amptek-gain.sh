#!/bin/sh
# SpecUtils: the calibration of an Amptek .mca file is its field GAIN; the points of its section CALIBRATION are ignored.
#
# Version: SandiaSpecUtils 0.0.11.
# Expected: a file of Amptek's program with the points "channel 10 is 100 keV, channel 20 is 200 keV" is read with 10 keV
# per channel. GAIN is a setting of the instrument, not an energy.
# Actual: with "GAIN - 2" the energy of channel n is 2 n, whether the section CALIBRATION is there or not, and without a
# warning. Counts and times are right.
# Observed output (coefficients with and without the section; counts of four channels):
#   [0.0, 2.0] [0.0, 2.0] [0, 3, 6, 2]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "SandiaSpecUtils==0.0.11" numpy
cat > "$folder/script.py" <<'SCRIPT'
import sys
from pathlib import Path

import SpecUtils

HEAD = ["<<PMCA SPECTRUM>>", "TAG - live_data", "DESCRIPTION - ", "GAIN - 2", "THRESHOLD - 0", "LIVE_MODE - 0"]
HEAD += ["PRESET_TIME - 0", "LIVE_TIME - 10.25", "REAL_TIME - 12.5", "START_TIME - 01/13/2026 10:20:30"]
HEAD += ["SERIAL_NUMBER - 1"]
POINTS = ["<<CALIBRATION>>", "LABEL - keV", "10 100", "20 200"]
COUNTS = [0, 3, 6, 2]


def read(name, lines):
    path = Path(sys.argv[1]) / name
    path.write_text("\r\n".join([*lines, "<<DATA>>", *map(str, COUNTS), "<<END>>"]) + "\r\n")
    file = SpecUtils.SpecFile()
    file.loadFile(str(path), SpecUtils.ParserType.AmptekMca)
    one = file.measurement(0)
    return [float(c) for c in one.calibrationCoeffs()], [int(n) for n in one.gammaCounts()]


calibrated, counts = read("points.mca", HEAD + POINTS)
without, _ = read("none.mca", HEAD)
print(calibrated, without, counts)
sys.exit((calibrated, without, counts) != ([0.0, 2.0], [0.0, 2.0], COUNTS))
SCRIPT
"$folder/venv/bin/python" "$folder/script.py" "$folder"
