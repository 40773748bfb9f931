# The unique id that MicroPython found at its start: see test_rp2040.py.
import time

import machine

time.sleep(1)  # until the host has opened the port
print("ID", machine.unique_id().hex())
