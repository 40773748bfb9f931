"""The table of requirements: its document is up to date, and a test that is not there, or did not pass, is found."""

import copy
import tomllib

import pytest
import requirements

TABLES = tomllib.loads(requirements.TABLE.read_text())


def test_the_document_is_made_of_the_table_and_every_test_is_there():
    assert requirements.DOCUMENT.read_text() == requirements.document(TABLES)
    tests, wrong = requirements.wanted(TABLES)
    assert wrong == [] and len(tests) > 50


@pytest.mark.parametrize("test", ["hil/test_nowhere.py::*", "hil/test_boot.py::test_nothing", "hil/bench.py::*"])
def test_a_test_that_is_not_there_is_named(test):
    tables = copy.deepcopy(TABLES)
    tables["failure"][0]["tests"].append(test)
    assert requirements.wanted(tables)[1] == [f"{tables['failure'][0]['name']}: there is no test {test}"]


def test_an_unknown_verification_method_is_named():
    tables = copy.deepcopy(TABLES)
    tables["requirement"][0]["method"] = "hope"
    assert requirements.wanted(tables)[1] == [f"{tables['requirement'][0]['id']}: method 'hope'"]


def test_only_what_passed_throughout_has_passed(tmp_path):
    file = tmp_path / "results.xml"
    file.write_text(
        '<testsuites><testsuite><testcase classname="hil.test_a" name="test_good[1]"/>'
        '<testcase classname="hil.test_a" name="test_half[1]"/>'
        '<testcase classname="hil.test_a" name="test_half[2]"><failure/></testcase>'
        '<testcase classname="hil.test_a" name="test_not"><skipped/></testcase></testsuite></testsuites>'
    )
    assert requirements.passed([file]) == {"hil/test_a.py::test_good"}
