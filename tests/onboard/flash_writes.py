# Writes to flash: see test_rp2040.py.
import time

t = time.ticks_us()
with open("file", "wb") as f:
    f.write(bytes(range(250)) * 80)
print("TOOK", time.ticks_diff(time.ticks_us(), t))
