"""How a completion is computed where nothing else is said, as docs/library.md has it."""

from pathlib import Path

from scanline.inference import budget

PAGE = (Path(__file__).parents[2] / "docs/library.md").read_text()


def test_the_page_names_every_default():
    for name, value in vars(budget).items():
        if name.isupper():
            assert f"`{name.lower()}={value}`" in PAGE, name
