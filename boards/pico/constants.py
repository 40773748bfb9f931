# Raspberry Pi Pico (RP2040): pins, times and sizes. Nothing else in the firmware names a pin.
from micropython import const

MACHINE = "Raspberry Pi Pico with RP2040"  # as its MicroPython reports it: sys.implementation._machine
BOARD_ID = const(1)  # "pico" in icd.toml
CLOCK_MHZ = const(125)
SCRATCH = const(0x4005800C)  # first of the watchdog's scratch registers (boards/rp2/board.py)

FIRST_LINE = const(0)  # GP0-15: discriminator latches of detectors 0-15
MUX_ADDRESS = const(16)  # GP16-19: address of the peak-hold multiplexer
HEAD_RESET = const(22)  # GP22: resets latches and peak-holds while high
PEAK_HOLD = const(28)  # GP28 = ADC2: the multiplexer's output

UART = const(1)  # flight link
UART_TX = const(20)  # GP20
UART_RX = const(21)  # GP21
UART_BAUD = const(921_600)
UART_READ = const(128)  # octets per read, so that a flood of octets does not delay the instrument

I2C = const(1)  # slow control, on I2C1
I2C_SDA = const(26)  # GP26
I2C_SCL = const(27)  # GP27
I2C_HZ = const(100_000)  # standard mode: tolerates long leads and weak pull-ups
DAC_ADDRESS = const(0x60)  # MCP4728, factory default address: thresholds, bias, test pulses
ADC_ADDRESS = const(0x48)  # ADS1115 with ADDR at ground: bias, leakage current, temperatures of head and electronics
EXPANDER_ADDRESS = const(0x20)  # MCP23008 with A0-A2 at ground: bias enable, test pulses
BIAS_GAIN = const(50)  # ratio of the bias to output C of the DAC, and to the output of the divider that reads it back

# Detector head. After the trigger a pulse has PEAKING_NS to reach its peak.
PEAKING_NS = const(1624)
SETTLE_NS = const(256)  # multiplexer and buffer, from the address to the start of the conversion
CONVERT_NS = const(2160)  # 96 cycles of the 48 MHz ADC clock, 2.0 us, DMA and clock crossing
RESET_NS = const(256)
RELEASE_NS = const(192)

STORE_SEGMENTS = const(64)  # segments of the packet store, 16 kB each: 1 MB of the 1.4 MB of the file system

RING_BITS = const(11)  # 2048 events
AMPLITUDE_BITS = const(12)  # 4096 conversions
BACKLOG = const(204)  # waiting events that trigger a step: with 16 hits each they still fit the amplitude ring

# Maximum number of heap octets allocated by a step of each task, without packets, files and whatever else adds to the
# estimate by itself. `dorn bench` measures them. The executive collects garbage before they fill the heap.
ALLOCATION = (130, 1200, 700, 350, 1250, 780, 1650, 600)
