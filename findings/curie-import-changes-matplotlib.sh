#!/bin/sh
# curie: importing it changes the settings of matplotlib for the whole process.
#
# Version: curie 0.3.1.
# Expected: a package for spectroscopy that is imported to read a file leaves the plots of the program as they are.
# Actual: `import curie` sets fonts, sizes, line widths, tick directions and colours in matplotlib.rcParams, so that
# every figure drawn afterwards looks different; nothing restores them. matplotlib.rc_context around the import does.
# Observed output (number of changed settings is above 5; then with rc_context):
#   changed: True
#   changed within rc_context only: True
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "curie==0.3.1" "setuptools<81"
cat > "$folder/script.py" <<'SCRIPT'
import subprocess
import sys

PLAIN = """
import matplotlib
before = dict(matplotlib.rcParams)
import curie
print(sum(before[name] != value for name, value in matplotlib.rcParams.items()))
"""
GUARDED = """
import matplotlib
before = dict(matplotlib.rcParams)
with matplotlib.rc_context():
    import curie
print(sum(before[name] != value for name, value in matplotlib.rcParams.items()))
"""


def changed(script):
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()[-1])


found = changed(PLAIN) > 5, changed(GUARDED) == 0
print(f"changed: {found[0]}\nchanged within rc_context only: {found[1]}")
sys.exit(found != (True, True))
SCRIPT
"$folder/venv/bin/python" "$folder/script.py"
