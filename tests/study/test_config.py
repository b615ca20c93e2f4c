"""Rows of docs/bad-input.md about the config and the results folder, each of which has a test."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
from refusals import ROOT, TABLE, Cases, held, pattern_of, rows
from study_copy import Study

from hide_pixels import hide_pixels
from scanline.files import whole_folder
from scanline.provenance.stage import main

cases = Cases()
TWO_RUNS = "tests/study/test_config.py::test_two_runs_that_write_one_folder"
TEST_FILE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CASE = re.compile(r"^@cases\.add\ndef (\w+)\(", re.MULTILINE)


@cases.add
def results_below_a_file(study):
    (study.folder / "file").write_text("a file")
    return [*study.hide(cut=9, runs=1)[:-1], str(study.folder / "file/out")]


@pytest.mark.parametrize("name", sorted(cases))
def test_refused(name, study, capfd):
    cases.check(name, study, capfd)


def test_a_results_folder_without_write_permission(study):
    study.out.chmod(0o555)
    before = held(study.folder)
    script, *arguments = study.hide(cut=9, runs=1)
    words = [sys.executable, ROOT / f"src/{script}.py", *arguments]
    if os.geteuid() == 0:
        # Permissions do not bind root, but for the capability that is dropped here.
        if not shutil.which("setpriv"):
            pytest.skip("root without setpriv writes everywhere")
        words = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    row = rows()["results-read-only"]
    assert re.fullmatch(pattern_of(row.line) + "\n", done.stderr), done.stderr
    assert done.returncode == row.exit
    assert held(study.folder) == before


def test_two_runs_that_write_one_folder(study, capfd):
    _, *arguments = study.hide(cut=9, runs=1)
    before, row = held(study.folder), rows()[f"`{TWO_RUNS}`"]
    with whole_folder(study.out), pytest.raises(SystemExit) as exit_:  # the first run holds it
        main(hide_pixels, arguments=arguments)
    assert re.fullmatch(pattern_of(row.line) + "\n", capfd.readouterr().err)
    assert exit_.value.code == row.exit
    assert held(study.folder) == before


CONFIGS = {  # a line of config.yaml, and what is put in its place
    "config-type": ("seeds: [1] ", "seeds: many "),
    "config-duplicate": ("  gru-64:", "  gru-128: {cell: gru, units: 8, layers: 1}\n  gru-64:"),
    "config-bomb": (
        "seeds: [1] ",
        "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
        + "".join(f"{c}: &{c} [{', '.join(9 * [f'*{b}'])}]\n" for b, c in pairwise("abcdefghij"))
        + "seeds: [1] ",
    ),
    "config-holds-itself": ("seeds: [1] ", "a: &a [1, *a]\nseeds: [1] "),
    "config-number-as-name": ("  gru-64:", "  64: {cell: gru, units: 8, layers: 1}\n  gru-64:"),
    "config-number-as-path": ("results: results ", "results: 2024 "),
    "config-path-that-is-run": ("results: results ", 'results: "-rf {x}" '),
    "config-password": ("tracking: sqlite ", "tracking: HTTP://me:S3cret@server "),
    "config-path": ("  gru-64:", "  ../x: {cell: gru, units: 8, layers: 1}\n  gru-64:"),
}


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_snakemake_refuses(name, tmp_path):
    sound, (old, new) = (ROOT / "config.yaml").read_text(), CONFIGS[name]
    assert sound.count(f"\n{old}") == 1
    (tmp_path / "config.yaml").write_text(sound.replace(f"\n{old}", f"\n{new}"))
    before = held(tmp_path)
    done = Study(tmp_path).python("-m", "snakemake", "-s", f"{ROOT}/Snakefile", "--cores", "1")
    row = rows()[name]
    told = [line for line in done.stderr.splitlines() if re.fullmatch(pattern_of(row.line), line)]
    assert len(told) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "S3cret" not in done.stderr + done.stdout
    assert done.returncode == row.exit
    assert held(tmp_path) == before


def test_the_table_has_a_row_a_test():
    here = {name for name in rows() if not TEST_FILE.fullmatch(name)}
    files = (ROOT / "tests").rglob("test_*.py")
    written = [name.replace("_", "-") for file in files for name in CASE.findall(file.read_text())]
    assert set(cases) <= set(written)
    assert sorted(here) == sorted([*CONFIGS, "results-read-only", *written])
    for file, test in TEST_FILE.findall(TABLE):
        assert f"def {test}(" in (ROOT / file).read_text()
