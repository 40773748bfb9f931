# Writes to a missing I2C device: see test_rp2040.py.
from machine import I2C, Pin

i2c = I2C(1, sda=Pin(26), scl=Pin(27), freq=100_000, timeout=5000)
for _ in range(2):
    try:
        i2c.writeto(0x33, b"1")
    except OSError as error:
        print("ERRNO", error.errno)
