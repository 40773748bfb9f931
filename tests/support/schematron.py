"""Schematron with XPath 2, as PDS4 uses it: the stylesheets of ISO Schematron in lxml, run by Saxon.

They are written for XSLT 1 and refuse a schema for XSLT 2, but the stylesheet that they make from one is valid in XSLT
2: so the schema is passed to them as one for XSLT 1, and the result run as one of version 2.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

import lxml.isoschematron
from lxml import etree

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


@cache
def _validator(schema: Path):
    from saxonche import PySaxonProcessor

    processor = PySaxonProcessor(license=False)
    text = schema.read_text(encoding="utf-8").replace('queryBinding="xslt2"', 'queryBinding="xslt"')
    skeleton = files(lxml.isoschematron) / "resources" / "xsl" / "iso-schematron-xslt1" / "iso_svrl_for_xslt1.xsl"
    made = etree.XSLT(etree.parse(str(skeleton)))(etree.fromstring(text.encode()))
    made.getroot().set("version", "2.0")
    compiler = processor.new_xslt30_processor()
    return processor, compiler.compile_stylesheet(stylesheet_text=str(made))


def failures(schema: Path, document: Path) -> tuple[int, list[str]]:
    """(rules that applied, texts of the assertions that failed) in a document; without those that only warn."""
    _, validator = _validator(schema)
    report = etree.fromstring(validator.transform_to_string(source_file=str(document)).encode())
    wrong = []
    rule = None
    fired = 0
    for one in report:
        if one.tag == f"{_SVRL}fired-rule":
            rule, fired = one, fired + 1
        elif one.tag == f"{_SVRL}failed-assert" and (rule is None or rule.get("role") != "warning"):
            wrong.append(" ".join("".join(one.itertext()).split()))
    return fired, wrong
