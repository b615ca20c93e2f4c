"""docs/data.md has a card of each published data set, as the registry has it."""

from pathlib import Path

from scanline.data.published import SOURCES
from scanline.data.sources import ZipArchive

PAGE = (Path(__file__).parents[2] / "docs/data.md").read_text()


def test_the_page_has_the_registry_s_cards():
    assert rows("| source | images |") == [card(each) for each in SOURCES.values()]


def test_the_page_has_the_registry_s_hashes():
    assert rows("| source | file |") == [line for each in SOURCES.values() for line in hashes(each)]


def rows(head: str) -> list[str]:
    """The lines of the page's table that begins so."""
    return PAGE.split(head)[1].split("\n\n")[0].splitlines()[2:]


def hashes(source) -> list[str]:
    """A line for each file with a published hash, or for the archive that has one for all."""
    known = {name: sha256 for name, sha256 in source.sha256.items() if sha256}
    archives = [place for place in source.places if isinstance(place, ZipArchive)]
    known |= {str(archive): archive.sha256 for archive in archives}
    assert known
    return [f"| `{source.name}` | `{name}` | `{sha256}` |" for name, sha256 in known.items()]


def card(source) -> str:
    shape = source.shape
    counts = f"{shape.training:,} and {shape.test:,}" if shape.test else f"{shape.training:,}"
    cells = (
        f"`{source.name}`",
        f"{counts} of {shape.rows} x {shape.columns}",
        str(source.classes) if shape.labelled else "no labels",
        source.licence,
        source.citation,
        "yes" if source.checked else "not fetched here",
    )
    return f"| {' | '.join(cells)} |"
