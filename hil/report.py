"""A readable report of a run: tests, target and outcomes, with repetitions side by side, and earlier reports."""

import base64
import html
import json
import re
import time
from pathlib import Path

import history
from dorn.products.style import png
from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { padding: .25em .6em; text-align: left; vertical-align: top }
tr { border-top: 1px solid #ddd } .passed { color: #1a7f37 } .failed { color: #c1121f; font-weight: 600 }
.skipped { color: #777 } .evidence, .text { color: #555; font-size: 90% }
.took { text-align: right; white-space: nowrap; color: #777 }
pre { overflow-x: auto; background: #f6f6f6; padding: .6em }
img { max-width: 100% } h2 { margin-top: 1.6em }
"""
_MARKS = {"passed": "✓", "failed": "✗", "skipped": "·"}


class Report:
    """A pytest plugin that writes to the folder of --report when the session ends."""

    def __init__(self, config):
        self._config = config
        self._about = {}
        self._tests = {}  # name without the repetition -> results
        self._run = {"began": history.now(), **history.computer()}
        self._begin_s = time.monotonic()
        self._durations_s = {}  # name without the repetition -> seconds, of all repetitions and phases
        self._earlier = [history.load(folder) for folder in config.getoption("history")]

    def about(self, **facts):
        self._about.update(facts)

    def pytest_runtest_logreport(self, report):
        if not hasattr(report, "evidence"):
            return  # a test outside hil/ in the same session
        name = self._name(report)
        self._durations_s[name] = self._durations_s.get(name, 0.0) + report.duration
        if report.when != "call" and report.passed:
            return  # setup or teardown without a failure
        result = {"outcome": report.outcome, "evidence": report.evidence, "message": "", "text": report.text}
        if report.failed:
            result["message"] = str(report.longrepr)
        elif report.skipped:
            result["message"] = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self._tests.setdefault(name, []).append(result)

    def _name(self, report):
        """(file, test without the repetition)"""
        file, _, test = report.nodeid.rpartition("/")[2].partition("::")
        return file, self._without_repetition(test)

    def _without_repetition(self, test):
        """The test id without the repetition number that conftest.py adds."""
        return re.sub(r"\[#\d+-", "[", re.sub(r"\[#\d+\]|-#\d+", "", test))

    def pytest_sessionfinish(self):
        folder = self._config.getoption("report")
        if folder and self._tests:
            folder = Path(folder)
            folder.mkdir(parents=True, exist_ok=True)
            about = {
                "target": self._config.getoption("target"),
                **self._about,
                "seed": self._config.getoption("seed"),
                **({"only": self._config.getoption("keyword")} if self._config.getoption("keyword") else {}),
            }
            self._run["lasted_s"] = round(time.monotonic() - self._begin_s, 1)
            for name, content in ((history.RESULTS, self._results(about)), (history.RUN, self._times())):
                text = json.dumps(content, indent=1, ensure_ascii=False)
                (folder / name).write_text(text + "\n", encoding="utf-8")
            (folder / "report.html").write_text(self._page(about, history.load(folder)), encoding="utf-8")

    def _results(self, about):
        """The content of results.json: no dates or durations, so that identical runs give identical files."""
        tests = {
            f"{file}::{test}": [
                {"outcome": r["outcome"], **{name: v for name, v in r["evidence"] if not isinstance(v, Figure)}}
                for r in results
            ]
            for (file, test), results in self._tests.items()
        }
        return {"about": about, "tests": tests}

    def _times(self):
        """The content of run.json: what differs between identical runs."""
        durations_s = {f"{file}::{test}": round(seconds, 2) for (file, test), seconds in self._durations_s.items()}
        return {"run": self._run, "durations_s": durations_s}

    def _page(self, about, this):
        outcomes = [r["outcome"] for results in self._tests.values() for r in results]
        total = ", ".join(f"{outcomes.count(o)} {o}" for o in _MARKS if o in outcomes)
        facts = "".join(f"<tr><th>{_text(k)}</th><td>{_text(v)}</td></tr>" for k, v in {**about, **self._run}.items())
        out = [
            f"<!doctype html><html lang=en><meta charset=utf-8><title>DORN-FSW: {_text(about['target'])}</title>",
            f"<style>{_STYLE}</style><h1>Hardware in the loop: {_text(total)}</h1><table>{facts}</table>",
        ]
        if self._earlier:
            out.append(_history(history.in_order([*self._earlier, this])))
        files = {}
        for (file, test), results in self._tests.items():
            files.setdefault(file, []).append((test, results))
        for file, tests in files.items():
            out.append(f"<h2>{_text(file.removeprefix('test_').removesuffix('.py').replace('_', ' '))}</h2><table>")
            for test, results in tests:
                marks = _marks(r["outcome"] for r in results)
                name = test.removeprefix("test_").replace("_", " ")
                text = f"<div class=text>{_text(results[0]['text'])}</div>" if results[0]["text"] else ""
                details = "".join(map(_details, _different(results)))
                took = f"<td class=took>{self._durations_s[file, test]:.1f} s</td>"
                out.append(f"<tr><td>{marks}</td><td>{_text(name)}{text}{details}</td>{took}</tr>")
            out.append("</table>")
        return "\n".join(out) + "\n"


def _history(reports):
    """A table of all reports, the oldest first, and one of the tests whose outcomes changed."""
    columns = ("began", "host", "lasted_s")
    head = "".join(f"<th>{name}</th>" for name in (*columns, "target", "firmware", "manifest", "results"))
    rows = []
    for report in reports:
        cells = [*(report.run.get(name, "") for name in columns)]
        cells += [*(report.about.get(name, "") for name in ("target", "firmware", "manifest")), report.total]
        rows.append("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>")
    out = f"<h2>History</h2><table><tr>{head}</tr>{''.join(rows)}</table>"
    changed = history.changes(reports)
    if not changed:
        return out + "<p>No test has another outcome than before.</p>"
    head = "".join(f"<th>{_text(report.run['began'])}</th>" for report in reports)
    rows = [
        f"<tr><td>{_text(name)}</td>" + "".join(f"<td>{_marks(outcomes)}</td>" for outcomes in row) + "</tr>"
        for name, row in changed.items()
    ]
    return out + f"<table><tr><th>changed</th>{head}</tr>{''.join(rows)}</table>"


def _marks(outcomes):
    return " ".join(f"<span class={_text(outcome)}>{_MARKS.get(outcome, '?')}</span>" for outcome in outcomes)


def _different(results):
    """The first of each set of repetitions with equal content."""
    distinct = []
    for r in results:
        if not any(_content(r) == _content(other) for other in distinct):
            distinct.append(r)
    return distinct


def _content(result):
    return result["message"], [(k, v) for k, v in result["evidence"] if not isinstance(v, Figure)]


def _details(result):
    out = []
    for name, value in result["evidence"]:
        if isinstance(value, Figure):
            data = base64.b64encode(png(value)).decode()
            out.append(f"<br><img alt='{_text(name)}' src='data:image/png;base64,{data}'>")
        else:
            out.append(f"<div class=evidence>{_text(name)}: {_text(value)}</div>")
    if result["message"]:
        tag = "pre" if result["outcome"] == "failed" else "div class=evidence"
        out.append(f"<{tag}>{_text(result['message'])}</{tag.split()[0]}>")
    return "".join(out)


def _text(value):
    return html.escape(str(value))
