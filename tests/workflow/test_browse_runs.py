"""``make ui``: a real server answers at the address that is printed, and has the study's runs."""

import json
import os
import re
import subprocess
import sys
from urllib.request import urlopen

from study_copy import ROOT
from tracking_store import empty_store

ADDRESS = r"(http://127\.0\.0\.1:\d+/)#/experiments/(\d+)/runs\?workflowType=machine_learning"


def test_the_printed_address_is_that_of_the_table_of_the_study_s_runs(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"tracking": "sqlite"}))
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow/mlflow.db").write_bytes(empty_store())
    unset = ("SCANLINE_TRACKING", "DISPLAY", "WAYLAND_DISPLAY")  # no browser must open
    served = subprocess.Popen(
        [sys.executable, "workflow/scripts/browse_runs.py", "--results", str(tmp_path)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in unset},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert served.stdout
    try:
        printed = next(line.strip() for line in served.stdout if line.startswith("http"))
        found = re.fullmatch(ADDRESS, printed)
        assert found, printed
        server, experiment = found.groups()
        asked = f"{server}api/2.0/mlflow/experiments/get?experiment_id={experiment}"
        with urlopen(server) as page, urlopen(asked) as answer:
            assert b"MLflow" in page.read()
            assert json.load(answer)["experiment"]["name"].startswith(f"scanline {tmp_path.name} ")
    finally:
        served.terminate()
        served.communicate(timeout=60)
    assert served.returncode == 0
