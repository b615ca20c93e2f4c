"""What the README says is so: links lead somewhere, commands exist and run."""

import os
import re
import subprocess
import sys

from study_copy import ROOT

README = (ROOT / "README.md").read_text()


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    local = [link for link in links if "://" not in link]
    assert local
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", README))
    assert {"run", "test"} <= named <= targets


def test_the_command_that_completes_an_image_runs(tmp_path):
    """As it stands, but for fewer particles and another place of the picture."""
    command = re.search(r"^(scanline complete .*)$", README, re.MULTILINE)
    assert command
    words = command[1].split()
    assert words[-2:] == ["--out", "completed.png"]
    words[-1] = str(tmp_path / "completed.png")
    small = ["--runs", "2", "--particles", "8", "--moves", "1"]
    done = subprocess.run(
        [sys.executable, "-m", *words, *small],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^log p\(observed\) +-\d", done.stdout, re.MULTILINE)
    assert (tmp_path / "completed.png").stat().st_size > 10_000
