#!/bin/sh
# SpecUtils: counts of a channel above 2^24 are rounded when a file is read.
#
# Version: SandiaSpecUtils 0.0.11.
# Expected: the integers of an SPE file, or of N42 channel data, come back as they are in the file.
# Actual: channel counts are kept as 32-bit floating-point numbers, whose integers are exact only up to 2^24 = 16777216:
# 16777217 is read as 16777216, without a warning. The same holds for live and real times in seconds.
# Observed output (counts of three channels):
#   [16777215, 16777216, 16777216]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "SandiaSpecUtils==0.0.11" numpy
cat > "$folder/script.py" <<'SCRIPT'
import sys
from pathlib import Path

import SpecUtils

COUNTS = [16777215, 16777216, 16777217]
path = Path(sys.argv[1]) / "three.spe"
lines = ["$SPEC_ID:", "three channels", "$DATE_MEA:", "01/31/2026 12:00:00", "$MEAS_TIM:", "10 10", "$DATA:", "0 2"]
lines += [*(str(count) for count in COUNTS), "$ENER_FIT:", "0.0 1.0", "$MCA_CAL:", "2", "0.0 1.0 keV", "$ENDRECORD:"]
path.write_text("\r\n".join(lines) + "\r\n")
file = SpecUtils.SpecFile()
file.loadFile(str(path), SpecUtils.ParserType.Auto)
found = [int(count) for count in file.measurement(0).gammaCounts()]
print(found)
sys.exit(found != [16777215, 16777216, 16777216])
SCRIPT
"$folder/venv/bin/python" "$folder/script.py" "$folder"
