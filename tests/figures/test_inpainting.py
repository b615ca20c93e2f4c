"""Figures of in-painting: histograms of all images, frames around patches, examples."""

import numpy as np
import pytest
from drawn_pictures import shown
from drawn_texts import can_be_read

from draw_inpainting import draw_inpainting
from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.inpainting import draw_bulk_and_tail, draw_inpaintings
from scanline.figures.pictures import FILLED_INK, FILLED_PAPER, HIDDEN, PAPER
from scanline.files import save_arrays


def histograms(scale: float, count: int = 200):
    values = np.random.default_rng(0).gamma(2, scale, count)
    names = {"ground truth": values, "in-painting": values * 0.99}
    colours = {"ground truth": "black", "in-painting": "red"}
    return draw_bulk_and_tail(names, "cross-entropy (nats per pixel)", colours)


@pytest.mark.parametrize("scale", [0.05, 2e-4, 3e4])
def test_histograms_can_be_read(scale):
    can_be_read(histograms(scale))


def test_a_histogram_of_one_value_can_be_read():
    values = {"gru-32": np.full(7, 0.1234567)}
    can_be_read(draw_bulk_and_tail(values, "difference (nats per pixel)", {"gru-32": "red"}))


def heights(axes) -> list[np.ndarray]:
    """Counts of the histograms of ``axes``, read from their outlines."""
    return [polygon.get_xy()[1:-1:2, 1] for polygon in axes.patches]


def test_a_histogram_shows_all_images_and_its_bulk_those_up_to_the_95th_percentile():
    values = {"gru-32": np.arange(100.0)}
    figure = draw_bulk_and_tail(values, "nats per pixel", {"gru-32": "red"})
    bulk, tail = figure.axes
    (in_bulk,), (in_all,) = heights(bulk), heights(tail)
    assert in_bulk.sum() == 95  # 0 to 94; the percentile is 94.05
    assert in_all.sum() == 100
    assert tail.get_yscale() == "log"
    assert tail.get_ylim()[0] < 1  # a bin of one image has a height


def test_two_histograms_share_their_bins():
    figure = histograms(0.05)
    for axes in figure.axes:
        one, other = axes.patches
        assert set(one.get_xy()[:, 0]) == set(other.get_xy()[:, 0])
        assert one.get_fill()  # a second one that hardly differs leaves it in sight
        assert not other.get_fill()


def test_a_frame_says_which_part_is_seen_close_up_and_the_hole_is_in_its_middle():
    pictures = np.full((2, 120), PAPER)  # of 12 rows, 10 columns
    hidden = pictures.copy()
    hidden[0, 34] = HIDDEN  # row 3, column 4
    hidden[1, [56, 57, 66, 67]] = HIDDEN  # rows 5 and 6, columns 6 and 7
    figure = draw_inpaintings(pictures, hidden, pictures, ["image 1", "image 2"], columns=10)
    assert len(figure.axes) == 6
    for i, axes in enumerate(figure.axes[:2]):
        (frame,) = axes.patches
        (left, top), (right, bottom) = frame.get_bbox().get_points()
        rows, columns = np.nonzero(hidden[i].reshape(12, 10) == HIDDEN)
        # Pixel (row, column) covers half a unit to each side; three pixels lie around.
        assert (left, right) == (columns.min() - 3.5, columns.max() + 3.5)
        assert (top, bottom) == (rows.min() - 3.5, rows.max() + 3.5)
        assert not frame.get_fill()
        for close_up in figure.axes[2 + i :: 2]:
            assert close_up.get_xlim() == (left, right)
            assert close_up.get_ylim() == (bottom, top)
            assert not close_up.patches


@pytest.mark.parametrize("restored", [0, 3, 12])
def test_examples_are_restored_ones_and_others_as_far_as_there_are(tmp_path, monkeypatch, restored):
    figures: dict = {}
    monkeypatch.setattr(style, "save", lambda figure, _, name: figures.update({name: figure}))
    pixels = np.zeros((12, 16), np.uint8)
    found = np.where(np.arange(12) < restored, 0, 1).astype(np.uint8)[:, None]
    (tmp_path / "hidden").mkdir()
    save_arrays(
        tmp_path / "hidden" / "1x1.npz",
        {"columns": 4},
        pixels=pixels,
        hidden=np.full((12, 1), 5),
        indices=np.arange(12) * 10,
    )
    nats = np.linspace(1, 2, 12)
    save_arrays(
        tmp_path / "1x1.npz",
        log_likelihood_truth=-nats - found[:, 0],
        log_likelihood_map=-nats,
        map=found,
    )
    draw_inpainting(
        posterior=(tmp_path / "1x1.npz",),
        hidden=(tmp_path / "hidden" / "1x1.npz",),
        model="gru-32",
        out=tmp_path,
    )
    names = figure_names.inpainting("1x1", "gru-32")
    assert set(figures) == set(names.values())
    axes = figures[names["examples"]].axes
    right = list(range(restored))[:4]
    wrong = list(range(restored, 12))[:4]
    assert [each.get_title() for each in axes[: len(right + wrong)]] == [
        *(f"image {10 * i}\nrestored" for i in right),
        *(f"image {10 * i}\nnot restored" for i in wrong),
    ]
    pictures = np.array(shown(figures[names["examples"]])).reshape(3, len(right + wrong), 16)
    assert (pictures[0, :, 5] == HIDDEN).all()
    assert (pictures[1] == PAPER).all()
    filled = [FILLED_PAPER] * len(right) + [FILLED_INK] * len(wrong)
    assert pictures[2, :, 5].tolist() == filled
