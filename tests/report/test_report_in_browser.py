"""The report in a real browser: all of it is shown, nothing is fetched, on a telephone too."""

import re

import pytest
import yaml
from browser import Browser
from study_copy import ROOT

TELEPHONE, DESK = 360, 1280
GROUPED = re.compile(r'data-group="([^"]+)" data-choice="([^"]+)"')

MEASURED = """(() => {
  const root = document.documentElement;
  for (const details of document.querySelectorAll("details")) details.open = true;
  return {
    width: root.clientWidth, content: root.scrollWidth,
    scrolling: [...document.querySelectorAll(".wide")].filter(
      (each) => each.scrollWidth > each.clientWidth).length,
    beyond: [...document.body.querySelectorAll("*")].filter((each) => !each.closest(".wide")
      && each.getBoundingClientRect().right > root.clientWidth + 0.5).map((each) => each.tagName),
    drawn: [...document.querySelectorAll("figure img")].filter(
      (each) => each.complete && each.naturalWidth == 900).map((each) => each.closest("figure").id),
    captions: [...document.querySelectorAll("caption")].map((each) => each.textContent),
    grouped: [...document.querySelectorAll("[data-group]")].filter(
      (member) => member.getClientRects().length).length,
  };
})()"""

# Of each group and each combination of its choosers: what was chosen, and which members are seen.
CHOSEN = """(() => {
  const found = [], every = [...document.querySelectorAll("select")];
  const choose = (group, selects, part) => {
    if (part === selects.length) {
      found.push([group, selects.map((each) => each.value).join("|"),
        [...document.querySelectorAll(`[data-group="${group}"]`)].filter(
          (each) => each.getClientRects().length).map((each) => each.dataset.choice)]);
      return;
    }
    for (const option of selects[part].options) {
      selects[part].value = option.value;
      selects[part].dispatchEvent(new Event("change"));
      choose(group, selects, part + 1);
    }
  };
  for (const group of new Set(every.map((each) => each.dataset.for)))
    choose(group, every.filter((each) => each.dataset.for === group), 0);
  return found;
})()"""


@pytest.fixture(
    params=[(TELEPHONE, True), (DESK, True), (TELEPHONE, False)],
    ids=["telephone", "desk", "without scripts"],
)
def opened(request, driven: Browser, report_file) -> Browser:
    """The report by width and by whether scripts run."""
    width, scripts = request.param
    driven.events.clear()
    driven.window(width, 800, phone=width == TELEPHONE, scripts=scripts)
    driven.open(report_file.as_uri())
    return driven


def test_all_is_shown_nothing_is_fetched_and_only_tables_and_figures_scroll(
    opened, request, parsed, report
):
    width, scripts = request.node.callspec.params["opened"]
    found = opened.run(MEASURED)
    assert sorted(found["drawn"]) == sorted(parsed.figures)
    assert found["captions"] == [caption for caption in parsed.tables if caption]
    assert all(address.startswith(("file:", "data:")) for address in opened.asked())
    assert found["width"] == found["content"] == width
    assert found["beyond"] == []
    assert width == DESK or found["scrolling"] > 10
    # One of a group is shown at a time, and all without scripts.
    grouped = [group for group, _ in GROUPED.findall(report)]
    assert found["grouped"] == len(set(grouped) if scripts else grouped)


def test_what_is_too_wide_or_fetched_would_be_noticed(driven, report, tmp_path):
    away = '<img src="http://127.0.0.1:9/away.png"><div style="width: 700px">wide</div></body>'
    (tmp_path / "page.html").write_text(report.replace("</body>", away))
    driven.window(TELEPHONE, 800, phone=True)
    driven.open((tmp_path / "page.html").as_uri())
    found = driven.run(MEASURED)
    assert found["content"] > 700
    assert found["beyond"] == ["DIV"]
    assert "http://127.0.0.1:9/away.png" in driven.asked()


def test_no_table_is_wider_than_a_printed_page(driven, report_file):
    """A4 without its margins of 15 mm, at 96 pixels an inch."""
    width = int((210 - 2 * 15) / 25.4 * 96)
    driven.window(width, 800)
    driven.send("Emulation.setEmulatedMedia", media="print")
    driven.open(report_file.as_uri())
    tables = "[...document.querySelectorAll('table')].map((t) => t.getBoundingClientRect().right)"
    ends = driven.run(tables)
    driven.send("Emulation.setEmulatedMedia", media="")
    assert len(ends) > 10
    assert max(ends) <= width


def test_every_choice_shows_the_one_that_bears_its_name(driven, report, report_file):
    driven.window(DESK, 800)
    driven.open(report_file.as_uri())
    grouped = GROUPED.findall(report)
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
    chosen = driven.run(CHOSEN)
    assert sorted((group, choice) for group, choice, _ in chosen) == sorted(grouped)
    assert all(shown == [choice] for _, choice, shown in chosen)


def test_each_chooser_begins_with_the_best_model_that_it_has(driven, report, tmp_path):
    best_first = ["gru-128", "gru-3x32", "gru-64", "gru-32"]  # by what was published in 2017
    lacking = re.sub(r'(data-group="complete-table" data-choice=)"gru-128"', r'\1"another"', report)
    page = tmp_path / "report.html"
    page.write_text(lacking)
    driven.window(DESK, 800)
    driven.open(page.as_uri())
    models = driven.run("""[...document.querySelectorAll("select[data-label=Model]")].map(
        (select) => [select.value, [...select.options].map((option) => option.value)])""")
    begun = [next(name for name in best_first if name in held) for _, held in models]
    assert [value for value, _ in models] == begun
    assert set(begun) == {"gru-128", "gru-3x32"}


@pytest.mark.parametrize(("width", "dark"), [(TELEPHONE, False), (DESK, True)])
def test_axe_finds_no_fault(driven, report_file, width, dark):
    driven.window(width, 800, phone=width == TELEPHONE, dark=dark)
    driven.open(report_file.as_uri())
    driven.run(MEASURED)  # opens all details
    assert driven.faults() == []
