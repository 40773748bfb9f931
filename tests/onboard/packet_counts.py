# After packet_bench.py: sequence and message counters, which continue and wrap.
for i in range(16385):
    link.full = i == 2
    telemetry.send(icd.PONG if i % 4 else icd.EVENT_INFO, *(() if i % 4 else (1, 2, 3)))
    if i < 6 or i > 16382:
        print(link.sent.hex())
print(telemetry.dropped)
for i in range(65536):
    telemetry.send(icd.START_SUCCESS, 0, 0)
print(link.sent.hex())
telemetry.send(icd.START_SUCCESS, 0, 0)
print(link.sent.hex())
