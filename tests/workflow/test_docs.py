"""The documentation: links lead somewhere, what it shows runs, no page is left out."""

import json
import re

import matplotlib.pyplot as plt
import nbclient
import nbformat
import pytest
import yaml
from study_copy import ROOT, overlaid

from scanline.study import config as study_config
from scanline.study import settings as study_settings

DOCS = ROOT / "docs"
NOTEBOOKS = sorted(path.name for path in (DOCS / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.md")))
def test_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", (DOCS / name).read_text())
    local = [link for link in links if "://" not in link and not link.startswith("…")]
    assert [link for link in local if not (DOCS / link).exists()] == []


def test_every_page_is_in_the_navigation():
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    named = re.findall(r"[\w-]+\.md", json.dumps(nav))
    assert sorted(named) == sorted(path.name for path in DOCS.glob("*.md"))


def test_the_tutorial_runs(tmp_path, monkeypatch):
    snippets = re.findall(r"```python\n(.*?)```", (DOCS / "tutorial.md").read_text(), re.DOTALL)
    assert len(snippets) > 4
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for snippet in snippets:
        exec(snippet, names)
    plt.close("all")
    assert (tmp_path / "completed.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_and_is_kept_without_outputs(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"), prepend=":")
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = nbformat.read(DOCS / "notebooks" / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    told = [output for cell in code for output in cell.outputs]
    assert not any(output.get("name") == "stderr" for output in told)


def test_the_config_of_one_s_own_images_is_valid():
    (own,) = re.findall(r"```yaml\n(.*?)```", (DOCS / "study.md").read_text(), re.DOTALL)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    merged = overlaid(config, yaml.safe_load(own))
    study_config.validate(merged)
    given = {
        name: study_settings.settings(
            merged, "train_predictor", data="mine", variant=name, seed="3"
        )
        for name in ("gru-128", "gru-64")
    }
    assert [given["gru-128"]["epochs"], given["gru-64"]["epochs"]] == [5, 40]
