# After packet_bench.py: parses and builds packets.
def crc(data):
    return crc16(data, len(data))


def tc(data):
    try:
        service, subtype, ack, data = parse(data)
        return service, subtype, ack, bytes(data).hex()
    except Refused as refusal:
        return refusal.args


def send(name, us, *values):
    clock.now = us
    telemetry.send(getattr(icd, name), *values)
    return link.sent.hex()


def spectrum(first, counts):
    telemetry.begin(icd.SPECTRUM, 3, 0, 0, 7, 1, 2, 3, sum(counts), first, len(counts), 0, 2 * len(counts))
    telemetry.halves(array("H", [0xDEAD] * first + counts + [0xBEEF]), first, len(counts))
    telemetry.end()
    return link.sent.hex()


def rates(scalars, arrays):
    telemetry.begin(icd.RATES, *scalars)
    for values in arrays:
        telemetry.words(array("I", [0xDEADBEEF] + values), 1, 16)
    telemetry.end()
    return link.sent.hex()


def answer(line):
    return repr(eval(line))
