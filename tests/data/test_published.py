"""docs/data.md has a card of each published data set, as the registry has it."""

from pathlib import Path

from scanline.data.published import SOURCES

PAGE = (Path(__file__).parents[2] / "docs/data.md").read_text()


def test_the_page_has_the_registry_s_cards():
    table = PAGE.split("| source | images |")[1].splitlines()[2:]
    assert [line for line in table if line] == [card(each) for each in SOURCES.values()]


def card(source) -> str:
    rows, columns, labelled, training, test = source.shape
    counts = f"{training:,} and {test:,}" if test else f"{training:,}"
    cells = (
        f"`{source.name}`",
        f"{counts} of {rows} x {columns}",
        str(source.classes) if labelled else "no labels",
        source.licence,
        source.citation,
        "yes" if source.checked else "not fetched here",
    )
    return f"| {' | '.join(cells)} |"
