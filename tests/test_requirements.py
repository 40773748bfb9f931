"""The table of requirements: the document is up to date, and missing or failed tests are reported."""

import copy
import tomllib

import pytest
import requirements

TABLES = tomllib.loads(requirements.TABLE.read_text())


def test_the_document_is_up_to_date_and_every_test_exists():
    assert requirements.DOCUMENT.read_text() == requirements.document(TABLES)
    tests, wrong = requirements.wanted(TABLES)
    assert wrong == [] and len(tests) > 50


@pytest.mark.parametrize("test", ["hil/test_nowhere.py::*", "hil/test_boot.py::test_nothing", "hil/bench.py::*"])
def test_a_missing_test_is_reported(test):
    tables = copy.deepcopy(TABLES)
    tables["failure"][0]["tests"].append(test)
    assert requirements.wanted(tables)[1] == [f"{tables['failure'][0]['name']}: there is no test {test}"]


def test_an_unknown_verification_method_is_reported():
    tables = copy.deepcopy(TABLES)
    tables["requirement"][0]["method"] = "hope"
    assert requirements.wanted(tables)[1] == [f"{tables['requirement'][0]['id']}: method 'hope'"]


def test_a_test_with_a_failed_or_skipped_case_has_not_passed(tmp_path):
    file = tmp_path / "results.xml"
    file.write_text(
        '<testsuites><testsuite><testcase classname="hil.test_a" name="test_good[1]"/>'
        '<testcase classname="hil.test_a" name="test_half[1]"/>'
        '<testcase classname="hil.test_a" name="test_half[2]"><failure/></testcase>'
        '<testcase classname="hil.test_a" name="test_not"><skipped/></testcase></testsuite></testsuites>'
    )
    assert requirements.passed([file]) == {"hil/test_a.py::test_good"}
