"""The report in a real browser: all of it is shown, nothing is fetched, on a telephone too."""

import html
import json
import re
import shutil
import subprocess

import pytest
import yaml
from report_study import Parsed, study_in, written
from study_copy import ROOT

# The report is shown in frames of a page; the frame's policy forbids every
# request and counts those that are tried.

POLICY = """<head><meta http-equiv="Content-Security-Policy" content="default-src 'none';
 img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<script>window.tried = [];
document.addEventListener("securitypolicyviolation", (e) => tried.push(e.blockedURI));</script>"""

PAGE = """<!doctype html><meta charset="utf-8">
{frames}
<pre id="found"></pre>
<script>
function measured(frame) {{
  const view = frame.contentWindow, page = frame.contentDocument, root = page.documentElement;
  for (const details of page.querySelectorAll("details")) details.open = true;
  const seen = () => [...page.querySelectorAll("[data-group]")].filter(
    (member) => member.getClientRects().length);
  const found = {{
    tried: view.tried, width: root.clientWidth, content: root.scrollWidth,
    scrolling: [...page.querySelectorAll(".wide")].filter(
      (each) => each.scrollWidth > each.clientWidth).length,
    beyond: [...page.body.querySelectorAll("*")].filter((each) => !each.closest(".wide")
      && each.getBoundingClientRect().right > root.clientWidth + 0.5).map((each) => each.tagName),
    drawn: [...page.querySelectorAll("figure img")].filter(
      (each) => each.complete && each.naturalWidth == 900).map((each) => each.closest("figure").id),
    captions: [...page.querySelectorAll("caption")].map((each) => each.textContent),
    grouped: seen().length, chosen: [],
  }};
  const groups = new Set([...page.querySelectorAll("select")].map((each) => each.dataset.for));
  for (const group of groups) {{
    const selects = [...page.querySelectorAll(`select[data-for="${{group}}"]`)];
    const choose = (part) => {{
      if (part == selects.length) {{
        found.chosen.push([group, selects.map((each) => each.value).join("|"), seen().filter(
          (each) => each.dataset.group == group).map((each) => each.dataset.choice)]);
        return;
      }}
      for (const option of selects[part].options) {{
        selects[part].value = option.value;
        selects[part].dispatchEvent(new Event("change"));
        choose(part + 1);
      }}
    }};
    choose(0);
  }}
  return found;
}}
addEventListener("load", () => setTimeout(() => {{
  const found = {{}};
  for (const frame of document.querySelectorAll("iframe")) found[frame.id] = measured(frame);
  document.getElementById("found").textContent = JSON.stringify(found);
}}, 500));
</script>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    study = study_in(tmp_path_factory.mktemp("study"))
    return written(study, tmp_path_factory.mktemp("report") / "out")


@pytest.fixture(scope="module")
def parsed(report) -> Parsed:
    return Parsed(report)


def frame(name: str, width: int, text: str, rights: str = "") -> str:
    shown = html.escape(text.replace("<head>", POLICY, 1))
    return f'<iframe id="{name}" width="{width}" height="800" {rights} srcdoc="{shown}"></iframe>'


@pytest.fixture(scope="module")
def seen(report, tmp_path_factory) -> dict:
    """What a browser finds on a telephone, on a desk, without scripts, and if it is to fetch."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    folder = tmp_path_factory.mktemp("browser")
    away = '<img src="http://127.0.0.1:9/away.png"><div style="width: 700px">wide</div></body>'
    frames = [
        frame("telephone", 360, report),
        frame("desk", 1280, report),
        frame("plain", 360, report, 'sandbox="allow-same-origin"'),
        frame("fetching", 360, report.replace("</body>", away)),
    ]
    page = folder / "page.html"
    page.write_text(PAGE.format(frames="\n".join(frames)))
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--virtual-time-budget=20000",
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1400,900",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


def test_a_browser_shows_every_table_and_figure(seen, parsed):
    for name in ("telephone", "desk", "plain"):
        assert sorted(seen[name]["drawn"]) == sorted(parsed.figures)
        assert seen[name]["captions"] == [caption for caption in parsed.tables if caption]


def test_a_browser_is_asked_to_fetch_nothing(seen):
    assert seen["telephone"]["tried"] == seen["desk"]["tried"] == []
    assert seen["fetching"]["tried"] == ["http://127.0.0.1:9/away.png"]  # it would be noticed


def test_on_a_telephone_tables_and_figures_scroll_and_the_page_does_not(seen):
    for name in ("telephone", "plain"):
        assert seen[name]["width"] == seen[name]["content"] == 360
        assert seen[name]["beyond"] == []
        assert seen[name]["scrolling"] > 10
    assert seen["desk"]["width"] == seen["desk"]["content"] == 1280
    # A page that is too wide would be noticed.
    assert seen["fetching"]["content"] > 700
    assert seen["fetching"]["beyond"] == ["DIV"]


def test_one_of_a_group_is_shown_at_a_time_as_chosen_and_all_without_scripts(seen, report):
    grouped = re.findall(r'data-group="([^"]+)" data-choice="([^"]+)"', report)
    groups = {group: [c for g, c in grouped if g == group] for group, _ in grouped}
    variants = yaml.safe_load((ROOT / "config.yaml").read_text())["complete"]["variants"]
    sizes = {group: len(choices) for group, choices in groups.items()}
    assert sizes == {
        "digits": 9,  # three digits of three runs
        "mosaics": 1 + len(variants),  # truth, models
        "inpaint-figure": 6,  # three kinds of two holes
        "complete-table": 4,  # what was published in 2017
        "inpaint-table": 1,
        "holes": 8,
    }
    assert seen["telephone"]["grouped"] == len(groups)
    assert seen["plain"]["grouped"] == len(grouped)
    chosen = seen["telephone"]["chosen"]
    # Every combination of choices is there, and shows the one that bears its name.
    assert sorted((group, choice) for group, choice, _ in chosen) == sorted(grouped)
    assert all(shown == [choice] for _, choice, shown in chosen)
