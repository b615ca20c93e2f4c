"""The style of figures: set on purpose, never by an import, and the same bytes each time."""

import matplotlib.pyplot as plt

from scanline.figures import style


def test_a_figure_is_saved_as_picture_and_as_vectors_the_same_each_time(tmp_path):
    contents = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3], label="three points")
        axes.legend()
        style.save(figure, folder, "figure-x")
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"figure-x.png", "figure-x.pdf"}
    assert contents[0]["figure-x.png"].startswith(b"\x89PNG")
    assert contents[0]["figure-x.pdf"].startswith(b"%PDF")
    assert plt.get_fignums() == []
