"""The floors of the house: the import contract sees what breaks it, the picture is the code's."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import draw_architecture
import grimp
import pytest

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package and of what the contract says of it."""
    shutil.copytree(
        ROOT / "src/scanline", tmp_path / "scanline", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def linted(folder: Path) -> tuple[int, str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_the_contract_holds_until_a_wing_imports_upwards(copied):
    assert linted(copied)[0] == 0
    with open(copied / "scanline/data/idx.py", "a") as module:
        module.write("\nfrom scanline.evaluation import tables\n")
    status, said = linted(copied)
    assert status == 1
    assert "scanline.data.idx -> scanline.evaluation.tables" in said


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("models/stack.py", "scanline.holes.sets"),  # a neighbour on the same floor
        ("inference/smc.py", "scanline.provenance.record"),
        ("provenance/tracking.py", "scanline.evaluation.tables"),
    ],
)
def test_other_imports_that_break_it(copied, module, imported):
    with open(copied / "scanline" / module, "a") as file:
        file.write(f"\nimport {imported}\n")
    importer = "scanline." + module.removesuffix(".py").replace("/", ".")
    status, said = linted(copied)
    assert status == 1
    assert f"{importer} -> {imported}" in said


def test_a_wing_without_a_floor(copied):
    (copied / "scanline/kernel/__init__.py").touch()
    status, said = linted(copied)
    assert status == 1
    assert "kernel" in said


def test_the_picture_is_the_codes():
    """``make graph`` draws it anew where this fails."""
    graph = grimp.build_graph(draw_architecture.PACKAGE, cache_dir=None)
    drawn = {"node": {}, "edge": {}}
    for group in ElementTree.parse(draw_architecture.PICTURE).iter(f"{SVG}g"):
        if (kind := group.get("class")) in drawn:
            lines = [text.text for text in group.iter(f"{SVG}text")]
            drawn[kind][group.find(f"{SVG}title").text] = lines
    assert drawn["node"] == draw_architecture.boxes(graph)
    assert sorted(drawn["edge"]) == [f"{a}->{b}" for a, b in draw_architecture.arrows(graph)]


def test_the_page_names_files_that_exist():
    page = (ROOT / "docs/architecture.md").read_text()
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`([\w./]+\.(?:py|smk|yaml|toml|h|cc)|Snakefile)`", prose))
    folders = [ROOT, ROOT / "src", ROOT / "src/scanline"]
    assert named
    assert [name for name in sorted(named) if not any((f / name).is_file() for f in folders)] == []
