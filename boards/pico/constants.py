# Raspberry Pi Pico (RP2040): pins, times and sizes. Nothing else in the firmware names a pin.
from micropython import const

BOARD_ID = const(1)  # "pico" in icd.toml
CLOCK_MHZ = const(125)

FIRST_LINE = const(0)  # GP0-15: discriminator latches of detectors 0-15
MUX_ADDRESS = const(16)  # GP16-19: address of the peak-hold multiplexer
HEAD_RESET = const(22)  # GP22: resets latches and peak-holds while high
PEAK_HOLD = const(28)  # GP28 = ADC2: the multiplexer's output

I2C = const(1)  # slow control, on I2C1
I2C_SDA = const(26)  # GP26
I2C_SCL = const(27)  # GP27
I2C_HZ = const(100_000)  # standard mode: long leads and weak pull-ups will do
DAC_ADDRESS = const(0x60)  # MCP4728, as delivered: A the front, B the back comparators' threshold

# Of the detector head. After the trigger the pulse has PEAKING_NS to reach its top.
PEAKING_NS = const(1984)
SETTLE_NS = const(256)  # multiplexer and buffer, from the address to the start of the conversion
CONVERT_NS = const(2304)  # 2.0 us of conversion, DMA and clock crossing
RESET_NS = const(256)
RELEASE_NS = const(128)

RING_BITS = const(11)  # 2048 events
AMPLITUDE_BITS = const(12)  # 4096 conversions
