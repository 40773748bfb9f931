"""fsw/pus: effect of each telecommand and its verification reports."""

import pytest
from cobs import cobs
from dorn.link import frames
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ecss.pus_1_verification import ManagedParamsVerification, Service1Tm
from spacepackets.ecss.req_id import RequestId
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm
from support.instrument import instrument
from support.services import SUCCESS, Bench, dictionary, names

apid = dictionary.mission["apid"]
MODE = dictionary.enums["mode"]


def test_ping(bench):
    assert names(bench.command("ping")) == [*SUCCESS[:2], "pong", SUCCESS[2]]
    assert bench.get("router.accepted, router.rejected") == (1, 0)


@pytest.mark.parametrize("ack", range(16))
def test_success_is_reported_as_the_flags_request(bench, ack):
    asked = [name for name, flag in zip(SUCCESS, (1, 2, 8), strict=True) if ack & flag]
    assert [name for name in names(bench.command("ping", ack)) if name != "pong"] == asked


@pytest.mark.parametrize("function, expected", [(1, [None, None, None]), (2, [None, 9]), (5, [None, 11]), (99, [6])])
def test_reports_as_spacepackets_reads_them(bench, function, expected):
    request = PusTc(8, 1, apid=apid, seq_count=1234, ack_flags=0b1111, app_data=bytes([function]))
    codes = []
    for frame in bench.get(f"handle({bytes(request.pack())!r})"):
        tm = PusTm.unpack(cobs.decode(bytes.fromhex(frame)[1:-1])[:-4], timestamp_len=6)
        if tm.service == 1:
            report = Service1Tm.from_tm(tm, ManagedParamsVerification(bytes_err_code=1))
            assert report.tc_req_id == RequestId.from_sp_header(request.sp_header)
            codes.append(report.error_code and report.error_code.val)
    assert codes == expected


def tc(service: int, subtype: int, data: bytes = b"", ack: int = 0) -> bytes:
    packet = PusTc(service=service, message_subtype=subtype, apid=apid, seq_count=9, ack_flags=ack, app_data=data)
    return bytes(packet.pack())


PING = tc(17, 1)
PARAMETER_16, PARAMETER_99 = (16).to_bytes(2, "big"), (99).to_bytes(2, "big")
REFUSALS = {
    "no octet of it to answer to": (b"\x18\x64\xc0", None, None, None),
    "cut": (PING[:-1], "acceptance_failure", "bad_length", len(PING) - 1),
    "only the request id": (PING[:4], "acceptance_failure", "bad_length", 4),
    "damaged": (PING[:-1] + bytes([PING[-1] ^ 1]), "acceptance_failure", "bad_crc", None),
    "no such service": (tc(99, 1), "routing_failure", "unknown_service", 99),
    "service with telemetry only": (tc(1, 1), "routing_failure", "unknown_service", 1),
    "report as a request": (tc(5, 1), "acceptance_failure", "unknown_subtype", 1),
    "no such subtype": (tc(17, 2), "acceptance_failure", "unknown_subtype", 2),
    "too much data": (tc(17, 1, b"x"), "acceptance_failure", "bad_length", 1),
    "too little data": (tc(20, 3, PARAMETER_16), "acceptance_failure", "bad_length", 2),
    "no such function": (tc(8, 1, b"\x63"), "acceptance_failure", "unknown_function", 99),
    "function 0": (tc(8, 1, b"\0"), "acceptance_failure", "unknown_function", 0),
    "no such parameter": (tc(20, 1, PARAMETER_99), "acceptance_failure", "unknown_parameter", 99),
    "nor to set": (tc(20, 3, PARAMETER_99 + bytes(4)), "acceptance_failure", "unknown_parameter", 99),
    "out of range": (tc(20, 3, PARAMETER_16 + b"\0\0\x10\0"), "start_failure", "out_of_range", 4096),
    "stop in standby": (tc(8, 1, b"\2"), "start_failure", "wrong_mode", MODE["standby"]),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_failures_are_reported_whatever_the_flags(bench, case):
    packet, name, failure, detail = REFUSALS[case]
    reports = bench.send(packet)
    assert names(reports) == ([name] if name else [])
    if name:
        assert reports[0].text("failure") == failure
        assert reports[0].fields["request_id"] == int.from_bytes(packet[:2], "big")
        assert reports[0].fields["request_sequence"] == 0xC009
        assert detail in (None, reports[0].fields["detail"])
    assert bench.get("router.accepted, router.rejected") == (0, 1)
    assert bench.get("changes, acquisition.running, acquisition.cleared") == ([], False, 0)


def test_a_start_failure_follows_its_acceptance(bench):
    assert names(bench.command("function", function="stop")) == ["acceptance_success", "start_failure"]


def test_start_stop_clear(bench):
    reports = bench.command("function", function="start")
    assert names(reports) == [*SUCCESS[:2], "event_info", "event_info", SUCCESS[2]]
    assert [report.text("event") for report in reports[2:4]] == ["acquisition_started", "mode_changed"]
    assert (reports[3].fields["a"], reports[3].fields["b"]) == (MODE["standby"], MODE["science"])
    assert (reports[2].fields["a"], reports[2].fields["b"]) == (2**32 - 1, 5)  # the low 32 bits of both
    assert bench.get("acquisition.running") is True
    refusal = bench.command("function", function="start")[-1]
    assert (refusal.text("failure"), refusal.fields["detail"]) == ("wrong_mode", MODE["science"])
    assert names(bench.command("function", function="clear")) == SUCCESS
    assert names(bench.command("function", function="stop")) == [*SUCCESS[:2], "event_info", SUCCESS[2]]
    assert bench.get("acquisition.running, acquisition.cleared, modes.mode") == (False, 1, MODE["standby"])


def test_a_failing_handler_is_reported_and_the_next_telecommand_is_handled(bench):
    assert names(bench.command("function", function="clear")) == SUCCESS
    reports = bench.command("function", ack=0, function="clear")
    assert names(reports) == ["completion_failure"]
    assert (reports[0].text("failure"), reports[0].fields["detail"]) == ("internal", 5)  # the errno
    assert names(bench.command("ping", ack=0)) == ["pong"]


def test_defaults_are_those_of_the_dictionary(bench):
    for name, parameter in dictionary.parameters.items():
        (report,) = bench.command("report_parameter", ack=0, parameter=name)
        assert (report.text("parameter"), report.fields["value"]) == (name, parameter.default)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(dictionary.parameters)),
            st.one_of(st.integers(0, 5000), st.sampled_from([86400, 86401, 65535, 65536, 2**32 - 1])),
        ),
        max_size=12,
    )
)
def test_parameters_keep_the_last_valid_value(child, settings):
    bench = Bench(child)
    expected = {name: parameter.default for name, parameter in dictionary.parameters.items()}
    changes = []
    for name, value in settings:
        parameter = dictionary.parameters[name]
        good = parameter.low <= value <= parameter.high
        bench.later()
        reports = bench.command("set_parameter", parameter=name, value=value)
        if not good:
            assert names(reports) == ["acceptance_success", "start_failure"]
            continue
        changes.append((parameter.id, value))  # even if the value is unchanged: it may not have reached the hardware
        if value == 666:  # rejected by the bound component
            assert reports[-1].name == "completion_failure"
            continue
        assert names(reports) == SUCCESS
        expected[name] = value
    assert bench.get("changes") == changes
    assert [bench.get(f"parameters.get({dictionary.parameters[name].id})") for name in expected] == list(
        expected.values()
    )


def test_a_value_rejected_by_its_setter_is_not_kept(bench):
    reports = bench.command("set_parameter", parameter="threshold_3", value=666)
    assert reports[-1].text("failure") == "internal"
    assert bench.get("parameters.get(19)") == 150


@pytest.mark.parametrize("name", dictionary.events)
def test_events_are_reported_with_their_severity(bench, name):
    (report,) = bench.frames(f"report('EVENT_{name.upper()}', 1, 2)")
    assert report.subtype == dictionary.events[name].subtype
    assert report.text("event") == name


# telecommands with a valid packet format and any service, subtype and data, and plain noise
anything = st.one_of(
    st.binary(max_size=40),
    st.builds(
        tc,
        st.sampled_from([1, 5, 8, 17, 20, 128]),
        st.integers(0, 5),
        st.binary(max_size=8),
        st.integers(0, 15),
    ),
)


@given(st.lists(anything, min_size=1, max_size=8))
def test_nothing_on_the_uplink_stops_the_router(child, packets):
    bench = Bench(child)
    for packet in packets:
        bench.send(packet)
    assert sum(bench.get("router.accepted, router.rejected")) == len(packets)
    assert "pong" in names(bench.command("ping"))


def test_every_command_of_the_dictionary_is_served():
    """On the whole instrument: each command is rejected only because of its data, one octet."""
    with instrument("unix") as i:
        for command in dictionary.commands.values():
            i.received.clear()
            i.target.send(frames.encode(tc(command.service, command.subtype, b"\xff")))
            i.until(lambda: any("failure" in packet.fields for packet in i.received), 1)
            (report,) = (packet for packet in i.received if "failure" in packet.fields)
            one_octet = [field.type for field in command.fields] == ["u8"]
            of_value = ("unknown_entry", "unknown_function", "unknown_parameter", "out_of_range")
            wanted = of_value if one_octet else ("bad_length",)
            found = report.text("failure")
            assert found in wanted, f"{command.name} with the octet FF: {found}, not one of {', '.join(wanted)}"


def test_a_check_that_raises_is_reported_as_a_failure(bench):
    bench.child.ask("setattr(acquisition, 'to_close', None)")
    reports = bench.command("function", function="start")
    assert names(reports) == ["acceptance_success", "start_failure"] and reports[-1].text("failure") == "internal"
    assert names(bench.command("ping")) == [*SUCCESS[:2], "pong", SUCCESS[2]]
