"""Verification of telecommands by Yamcs: one algorithm for each stage, which reads the ST[01] reports."""

import xml.etree.ElementTree as ET

from dorn.dictionary import Dictionary, headers
from dorn.exports.xtce import add

_LIMIT = "PT10S"  # time limit for the report of each stage, from the release
# the subtype of the last report of service 1, which packets of other services leave as it is
REPORT = "request_report"
# verifier, its name -> the reports that let it succeed, and fail. A report of a later stage stands for those of earlier
# ones, which may have been lost; a routing failure (omitted service) also fails the acceptance stage.
_START, _COMPLETION = ("start_success", "start_failure"), ("completion_success", "completion_failure")
_VERIFIERS = {
    ("AcceptedVerifier", "Accepted"): (
        ("acceptance_success", *_START, *_COMPLETION),
        ("acceptance_failure", "routing_failure"),
    ),
    ("ExecutionVerifier", "Started"): (("start_success", *_COMPLETION), ("start_failure",)),
    ("CompleteVerifier", "Complete"): (("completion_success",), ("completion_failure",)),
}


def add_verifiers(command: ET.Element, dictionary: Dictionary) -> None:
    """Add the VerifierSet to a MetaCommand."""
    verifiers = add(command, "VerifierSet")
    subtype = {name: layout.subtype for name, layout in dictionary.telemetry.items()}
    for (tag, name), (successes, failures) in _VERIFIERS.items():
        _add(dictionary, verifiers, tag, name, [subtype[s] for s in successes], [subtype[f] for f in failures])


def _add(
    dictionary: Dictionary, parent: ET.Element, tag: str, name: str, successes: list[int], failures: list[int]
) -> None:
    verifier = add(parent, tag, name=name)
    algorithm = add(verifier, "CustomAlgorithm", name=f"verify_{name.lower()}")
    inputs = {
        "sent_count": "/yamcs/cmdHist/ccsds-seqcount",
        "apid": "request_apid",
        "count": "request_count",
        "report": REPORT,
        "released": "/yamcs/cmdHist/Acknowledge_Released_Time",
        # lets the algorithm run again: Yamcs 5.12.8 may lose a run if the history of the telecommand changes meanwhile
        "any_packet": headers.SUBTYPE,
        "failure": "request_failure",
        "detail": "request_detail",
    }
    ancillary = add(algorithm, "AncillaryDataSet")
    for known in inputs:
        if known not in ("failure", "detail"):  # which a report of success does not have
            add(ancillary, "AncillaryData", known, name="Yamcs:AlgorithmMandatoryInput")
    succeeded, failed = (
        " || ".join(f"report.value == {number}" for number in numbers) for numbers in (successes, failures)
    )
    script = (
        f"if (apid.value == {dictionary.mission['apid']} && count.value == sent_count.value"
        " && report.acquisitionTime().toString() >= released.value) {"  # else a report to an earlier telecommand
        f" if ({succeeded}) return true;"
        f' if ({failed}) return failure.value + " (" + detail.value + ")"; }}'
    )
    add(algorithm, "AlgorithmText", script, language="JavaScript")
    listed = add(algorithm, "InputSet")
    for input_name, parameter in inputs.items():
        add(listed, "InputParameterInstanceRef", parameterRef=parameter, inputName=input_name)
    add(verifier, "CheckWindow", timeToStopChecking=_LIMIT, timeWindowIsRelativeTo="commandRelease")
