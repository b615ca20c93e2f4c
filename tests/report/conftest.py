"""Fixtures of what people read: the report of a whole study, and a browser for each module.

A study's tables are made with TensorFlow, which modules without a study need not load.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, browser


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> dict:
    from report_study import study_in

    return study_in(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def report_file(study, tmp_path_factory) -> Path:
    from report_study import written

    out = tmp_path_factory.mktemp("report") / "out"
    written(study, out)
    return out / "report.html"


@pytest.fixture(scope="session")
def report(report_file) -> str:
    return report_file.read_text()


@pytest.fixture(scope="session")
def parsed(report):
    from report_study import Parsed

    return Parsed(report)


@pytest.fixture(scope="module")
def driven(tmp_path_factory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened
