# After packet_bench.py: packets offered to the store.
class Store:
    next = 2**32 - 2

    def number(self, priority):
        print("asked", priority)
        if priority == 2:
            return 0
        self.next += 1
        return self.next

    def append(self, frame):
        print("kept", bytes(frame).hex())


telemetry = Telemetry(clock, link, Store(), ORIGIN)
telemetry.send(icd.EVENT_LOW, 1, 2, 3)
print("sent", link.sent.hex())
telemetry.send(icd.PONG)
telemetry.begin(icd.RATES, *range(11))
telemetry.end()
print("sent", link.sent.hex())
