# Generated from icd.toml by `python -m dorn.exports`: edit that, not this.
from micropython import const

HASH = const(0x1134309d)
APID = const(100)
DESTINATION_ID = const(1)
MAX_PACKET = const(600)
AUTHENTICATION_TRAILER = const(13)
DETECTORS = const(16)
UNITS = const(8)
CHANNELS = const(1024)
CODES_PER_CHANNEL = const(4)
COINCIDENCE_CHANNELS = const(256)
CODES_PER_COINCIDENCE_CHANNEL = const(32)
FULL_SCALE_CODE = const(4095)
KEV_PER_CODE = const(3.0)
ZERO_CODE = const(50)

BOARD_UNIX = const(0)
BOARD_PICO = const(1)

MODE_BOOT = const(0)
MODE_SAFE = const(1)
MODE_STANDBY = const(2)
MODE_SCIENCE = const(3)
MODE_CALIBRATION = const(4)

EVENT_CLASS_FRONT = const(0)
EVENT_CLASS_BACK = const(1)
EVENT_CLASS_FRONT_BACK = const(2)

CODING_RAW = const(0)
CODING_CCSDS121 = const(1)

CLOSED_BY_TIME = const(0)
CLOSED_BY_OVERFLOW = const(1)
CLOSED_BY_STOP = const(2)
CLOSED_BY_RESET = const(3)
CLOSED_BY_RUNNING = const(4)

BIAS_STATE_OFF = const(0)
BIAS_STATE_RAMPING = const(1)
BIAS_STATE_ON = const(2)
BIAS_STATE_TRIPPED = const(3)

TASK_ACQUISITION = const(0)
TASK_COMMANDS = const(1)
TASK_SPECTRA = const(2)
TASK_RATES = const(3)
TASK_HOUSEKEEPING = const(4)
TASK_SLOW_CONTROL = const(5)
TASK_STORAGE = const(6)
TASK_OPERATIONS = const(7)

FAILURE_BAD_CRC = const(1)
FAILURE_BAD_LENGTH = const(2)
FAILURE_BAD_HEADER = const(3)
FAILURE_UNKNOWN_SERVICE = const(4)
FAILURE_UNKNOWN_SUBTYPE = const(5)
FAILURE_UNKNOWN_FUNCTION = const(6)
FAILURE_UNKNOWN_PARAMETER = const(7)
FAILURE_OUT_OF_RANGE = const(8)
FAILURE_WRONG_MODE = const(9)
FAILURE_INTERNAL = const(10)
FAILURE_NOT_ARMED = const(11)
FAILURE_SLOW_CONTROL = const(12)
FAILURE_UNSIGNED = const(13)
FAILURE_FORGED = const(14)
FAILURE_REPLAYED = const(15)
FAILURE_NO_ROOM = const(16)
FAILURE_UNKNOWN_ENTRY = const(17)
FAILURE_UNSYNCHRONISED = const(18)

RESET_CAUSE_POWER_ON = const(1)
RESET_CAUSE_WATCHDOG = const(2)
RESET_CAUSE_COMMANDED = const(3)
RESET_CAUSE_RESET_PIN = const(4)
RESET_CAUSE_CRASH = const(5)

SAFE_REASON_COMMANDED = const(0)
SAFE_REASON_PARAMETERS = const(1)
SAFE_REASON_RESETS = const(2)
SAFE_REASON_BOOT_RECORD = const(3)

EXCEPTION_OTHER = const(0)
EXCEPTION_MEMORY = const(1)
EXCEPTION_OS = const(2)
EXCEPTION_VALUE = const(3)
EXCEPTION_TYPE = const(4)
EXCEPTION_INDEX = const(5)
EXCEPTION_KEY = const(6)
EXCEPTION_ATTRIBUTE = const(7)
EXCEPTION_ZERO_DIVISION = const(8)
EXCEPTION_RUNTIME = const(9)
EXCEPTION_OVERFLOW = const(10)

STRUCTURE_HEALTH = const(1)
STRUCTURE_SCIENCE = const(2)

REGION_SPECTRA = const(0)
REGION_COINCIDENCES = const(1)
REGION_COUNTERS = const(2)
REGION_THRESHOLDS = const(3)
REGION_PARAMETERS = const(4)

CHECK_STATE_UNCHECKED = const(0)
CHECK_STATE_WITHIN = const(1)
CHECK_STATE_BELOW = const(2)
CHECK_STATE_ABOVE = const(3)

FUNCTION_START = const(1)
FUNCTION_STOP = const(2)
FUNCTION_CLEAR = const(3)
FUNCTION_ARM = const(4)
FUNCTION_RESET = const(5)
FUNCTION_MAINTENANCE = const(6)
FUNCTION_SAFE = const(7)
FUNCTION_STANDBY = const(8)
FUNCTION_CALIBRATE = const(9)
FUNCTION_THRESHOLD_SCAN = const(10)
FUNCTION_SELF_TEST = const(11)
FUNCTION_BIAS_ON = const(16)
FUNCTION_BIAS_OFF = const(17)
FUNCTION_PULSER_ON = const(18)
FUNCTION_PULSER_OFF = const(19)

MONITOR_BIAS = const(0)
MONITOR_LEAKAGE = const(1)
MONITOR_TEMPERATURE_HEAD = const(2)
MONITOR_TEMPERATURE_BOARD = const(3)
MONITOR_HEAP = const(4)
MONITOR_EVENT_RATE = const(5)
MONITOR_RING_OVERRUNS = const(6)
MONITOR_PACKETS_DROPPED = const(7)

TABLE_CRUISE = const(1)
TABLE_ORBIT = const(2)
TABLE_SURFACE = const(3)

# (number, whether it must be armed, resulting mode for each mode, 255: cannot be performed)
FUNCTIONS = (
    (1, False, b'\xff\xff\x03\xff\xff'),
    (2, False, b'\xff\xff\xff\x02\x02'),
    (3, False, b'\xff\xff\x02\x03\x04'),
    (4, False, b'\xff\x01\x02\x03\x04'),
    (5, True, b'\xff\x01\x02\x03\x04'),
    (6, True, b'\xff\x01\x02\x03\x04'),
    (7, False, b'\xff\xff\x01\x01\x01'),
    (8, False, b'\xff\x02\xff\xff\xff'),
    (9, False, b'\xff\xff\x04\xff\xff'),
    (10, False, b'\xff\xff\xff\xff\x04'),
    (11, False, b'\xff\xff\x02\xff\xff'),
    (16, True, b'\xff\xff\x02\x03\x04'),
    (17, False, b'\xff\x01\x02\x03\x04'),
    (18, True, b'\xff\xff\xff\xff\x04'),
    (19, False, b'\xff\x01\x02\x03\x04'),
)

# (file of fsw/pus, service)
OPTIONAL = (
    ("test", 17),
    ("rates", 130),
    ("memory", 6),
    ("schedule", 11),
    ("monitoring", 12),
    ("actions", 19),
    ("event_list", 129),
)

P_INTEGRATION_TIME = const(1)
P_RATES_PERIOD = const(2)
P_HOUSEKEEPING_PERIOD = const(3)
P_DETECTORS_ON = const(4)
P_COMPARATOR_FRONT = const(5)
P_COMPARATOR_BACK = const(6)
P_BIAS = const(7)
P_LEAKAGE_LIMIT = const(8)
P_PULSER_AMPLITUDE = const(9)
P_PULSER_TARGET = const(10)
P_PULSER_RATE = const(11)
P_STORAGE_PER_DAY = const(12)
P_STORAGE_DELAY = const(13)
P_CHECKPOINT_PERIOD = const(14)
P_RESET_LIMIT = const(15)
P_RESET_WINDOW = const(32)
P_THRESHOLD = const(16)
P_TIME_INTERVAL = const(33)
P_MONITOR_INTERVAL = const(34)
P_STORM_RATE = const(35)
P_STORM_HOLD = const(36)
P_STORM_INTEGRATION = const(37)
P_QUOTA = const(38)
P_LINE_BELOW = const(42)
P_LINE_ABOVE = const(43)
P_TRACKING = const(44)
P_SCAN_FROM = const(45)
P_SCAN_STEP = const(46)
P_SCAN_STEPS = const(47)
P_SCAN_DWELL = const(48)
P_COMPRESSION = const(49)

# first id, count, low, high, default, owner of each: 0: boot only, 1: always present, or optional service
PARAMETERS = (
    1, 1, 1, 86400, 60, 1,
    2, 1, 1, 3600, 5, 1,
    3, 1, 1, 3600, 10, 1,
    4, 1, 0, 65535, 65535, 1,
    5, 1, 10, 2000, 45, 1,
    6, 1, 10, 2000, 45, 1,
    7, 1, 0, 100000, 40000, 1,
    8, 1, 1, 2000, 1000, 1,
    9, 1, 0, 2000, 750, 1,
    10, 1, 8, 31, 8, 1,
    11, 1, 1, 4, 1, 1,
    12, 1, 0, 100000000, 1000000, 1,
    13, 1, 1, 3600, 60, 1,
    14, 1, 0, 86400, 600, 1,
    15, 1, 1, 100, 5, 0,
    32, 1, 10, 86400, 600, 1,
    16, 16, 0, 4095, 150, 1,
    33, 1, 0, 86400, 0, 1,
    34, 1, 1, 3600, 10, 12,
    35, 1, 1, 1000000, 2000, 1,
    36, 1, 1, 86400, 300, 1,
    37, 1, 1, 86400, 60, 1,
    38, 4, 0, 50, 10, 129,
    42, 1, 12, 500, 120, 130,
    43, 1, 12, 500, 60, 130,
    44, 1, 0, 1, 1, 130,
    45, 1, 10, 2000, 10, 1,
    46, 1, 1, 500, 5, 1,
    47, 1, 1, 100, 16, 1,
    48, 1, 1, 600, 5, 1,
    49, 1, 0, 1, 1, 1,
)

# observation tables: (number, ((parameter, value), ...))
TABLES = (
    (1, ((1, 3600), (2, 60), (3, 60), (12, 1000000))),
    (2, ((1, 600), (2, 10), (3, 60), (12, 4000000))),
    (3, ((1, 1800), (2, 30), (3, 60), (12, 2000000))),
)

# (low, high, repetition)
MONITORS = (
    (0, 105000, 2),
    (0, 800, 3),
    (23315, 34315, 3),
    (23315, 35815, 3),
    (20000, 4294967295, 2),
    (0, 50000, 3),
    (0, 3, 3),
    (0, 10, 3),
)

# (event, telecommand)
ACTIONS = (
    (66, b'\x18d\xc0\x00\x00\x07 \x08\x01\x00\x01\x11\xe83'),
    (65, b'\x18d\xc0\x00\x00\x07 \x08\x01\x00\x01\x11\xe83'),
)

# energies
LINES_KEV = (
    4883,
    5304,
    5489,
    6003,
    6288,
    6778,
    7687,
    8785,
)

# service, subtype, format and whether octets follow, of every telecommand
COMMANDS = (
    17, 1, ">", False,
    8, 1, ">B", False,
    15, 1, ">", False,
    15, 2, ">", False,
    15, 9, ">IHIH", False,
    15, 12, ">", False,
    15, 17, ">", False,
    15, 128, ">II", False,
    15, 129, ">I", False,
    20, 1, ">H", False,
    20, 3, ">HI", False,
    20, 128, ">", False,
    3, 5, ">B", False,
    3, 6, ">B", False,
    3, 27, ">B", False,
    3, 31, ">BI", False,
    5, 5, ">B", False,
    5, 6, ">B", False,
    5, 7, ">", False,
    6, 2, ">BIH", True,
    6, 5, ">BIH", False,
    6, 9, ">BII", False,
    9, 1, ">I", False,
    9, 128, ">IH", False,
    11, 1, ">", False,
    11, 2, ">", False,
    11, 3, ">", False,
    11, 4, ">IHB", True,
    11, 5, ">H", False,
    11, 16, ">", False,
    12, 1, ">B", False,
    12, 2, ">B", False,
    12, 5, ">BIIB", False,
    12, 6, ">B", False,
    12, 7, ">BIIB", False,
    12, 8, ">", False,
    12, 10, ">", False,
    19, 1, ">BB", True,
    19, 2, ">B", False,
    19, 3, ">", False,
    19, 4, ">B", False,
    19, 5, ">B", False,
    19, 6, ">", False,
    19, 8, ">", False,
    19, 9, ">", False,
    20, 129, ">B", False,
    128, 3, ">I", False,
)

ACCEPTANCE_SUCCESS = (1, 1, ">HH", 0)
ACCEPTANCE_FAILURE = (1, 2, ">HHBI", 0)
START_SUCCESS = (1, 3, ">HH", 0)
START_FAILURE = (1, 4, ">HHBI", 0)
COMPLETION_SUCCESS = (1, 7, ">HH", 0)
COMPLETION_FAILURE = (1, 8, ">HHBI", 0)
ROUTING_FAILURE = (1, 10, ">HHBI", 0)
HOUSEKEEPING = (3, 25, ">IHBIQIBBBBBIBQIIIIHHHHHHIHIHHHIHIHHHBIHBIIIIBHBHI", 2)
EVENT_INFO = (5, 1, ">IHBII", 1)
EVENT_LOW = (5, 2, ">IHBII", 1)
EVENT_MEDIUM = (5, 3, ">IHBII", 1)
EVENT_HIGH = (5, 4, ">IHBII", 1)
DISABLED_EVENTS = (5, 8, ">B", 0)
MEMORY_DUMP = (6, 6, ">BIH", 0)
MEMORY_CHECK = (6, 10, ">BIII", 0)
TIME_REPORT = (9, 2, ">IQ", 0)
SCHEDULE_REPORT = (11, 10, ">BB", 0)
MONITOR_DEFINITIONS = (12, 9, ">B", 0)
OUT_OF_LIMITS = (12, 11, ">B", 0)
MONITOR_TRANSITION = (12, 12, ">IHBIIBB", 1)
ACTION_STATUS = (19, 7, ">BB", 0)
STORAGE_REPORT = (15, 13, ">IIIIIIIIIHB", 0)
RETRIEVAL_END = (15, 130, ">III", 0)
PONG = (17, 2, ">", 0)
PARAMETER_VALUE = (20, 2, ">HI", 0)
SPECTRUM = (128, 1, ">IHBBBIQQQIHHBH", 1)
COINCIDENCE_SPECTRUM = (128, 2, ">IHBBBIQQQIHHBH", 1)
RATES = (130, 1, ">IHQQQIIIIIIII", 2)
EVENT_LIST = (129, 1, ">IHQIH", 1)
LINE_RATES = (130, 2, ">IHQH", 2)
THRESHOLD_SCAN = (130, 3, ">IHHHQ", 1)

# numbers of all event reports
EVENTS = b'\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f !"#$%&@ABCDEFG'

# event reports: subtype of service 5 << 8 | id
EVENT_BOOTED = const(257)
EVENT_IDENTIFIED = const(294)
EVENT_ACQUISITION_STARTED = const(258)
EVENT_ACQUISITION_STOPPED = const(259)
EVENT_CLEARED = const(260)
EVENT_RING_OVERRUN = const(528)
EVENT_RING_SLIP = const(785)
EVENT_DETECTOR_OFF = const(786)
EVENT_TASK_OVERRUN = const(531)
EVENT_TASK_FAILED = const(1044)
EVENT_CRASHED = const(1045)
EVENT_PARAMETERS_DAMAGED = const(792)
EVENT_PARAMETER_UNBOUND = const(1035)
EVENT_SAFE = const(1049)
EVENT_SPECTRA_RECOVERED = const(538)
EVENT_BOOT_RECORD_DAMAGED = const(796)
EVENT_COUNTER_DAMAGED = const(797)
EVENT_CHALLENGE = const(798)
EVENT_KEY_DAMAGED = const(1055)
EVENT_SAFE_STEP_FAILED = const(1036)
EVENT_LINK_RESTARTED = const(539)
EVENT_UPLINK_OVERRUN = const(549)
EVENT_FLASH_FAILED = const(791)
EVENT_SLOW_CONTROL_FAILED = const(790)
EVENT_BIAS_TRIPPED = const(1056)
EVENT_BIAS_REACHED = const(289)
EVENT_BIAS_OFF = const(290)
EVENT_MODE_CHANGED = const(261)
EVENT_TIME_SET = const(262)
EVENT_SELF_TEST = const(263)
EVENT_SELF_TEST_FAILED = const(776)
EVENT_TABLE_LOADED = const(265)
EVENT_SCAN_ENDED = const(266)
EVENT_STORM_BEGIN = const(803)
EVENT_STORM_END = const(292)
EVENT_LIMIT_BIAS = const(832)
EVENT_LIMIT_LEAKAGE = const(833)
EVENT_LIMIT_TEMPERATURE_HEAD = const(834)
EVENT_LIMIT_TEMPERATURE_BOARD = const(835)
EVENT_LIMIT_HEAP = const(580)
EVENT_LIMIT_EVENT_RATE = const(581)
EVENT_LIMIT_RING_OVERRUNS = const(582)
EVENT_LIMIT_PACKETS_DROPPED = const(583)
