"""The texts of a figure, where they stand, and whether they can be read."""

import itertools
import re


def texts(figure) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Every text that is seen, and its left, lower, right and upper end in pixels."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    seen = []
    for axes in figure.axes:
        for axis, line in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in axis._update_ticks():
                if min(line) <= tick.get_loc() <= max(line):
                    seen += [tick.label1, tick.label2]
            seen += [axis.label, axis.get_offset_text()]
        seen.append(axes.title)
    legends = [axes.get_legend() for axes in figure.axes] + figure.legends
    seen += [text for legend in legends if legend for text in legend.get_texts()]
    boxes = [
        (text.get_text(), text.get_window_extent(renderer).extents)
        for text in seen
        if text.get_visible() and text.get_text()
    ]
    assert len(boxes) > 5
    return boxes


def no_text_lies_on_another(figure, slanted: tuple[str, ...] = ()) -> None:
    """Fails where two texts overlap; boxes of ``slanted`` ones meet although they do not."""
    for (one, a), (other, b) in itertools.combinations(texts(figure), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart or {one, other} <= set(slanted), f"{one!r} lies on {other!r}"


def can_be_read(figure) -> None:
    """Fails where texts or numbers run together, or an axis does not say what it shows."""
    no_text_lies_on_another(figure)
    # Numbers in one line are a digit's width apart, about 6 pixels at 100 dots an inch.
    words = [text for text in texts(figure) if re.fullmatch(r"[−\d.]+", text[0])]
    for (one, a), (other, b) in itertools.combinations(words, 2):
        if a[1] < b[3] and b[1] < a[3]:
            assert a[2] + 6 <= b[0] or b[2] + 6 <= a[0], f"{one!r} touches {other!r}"
    for axes in figure.axes:
        # No number is to be added to those at the ticks.
        assert axes.xaxis.get_offset_text().get_text() == ""
        assert "+" not in axes.yaxis.get_offset_text().get_text()
        assert axes.get_xlabel()
        assert axes.get_ylabel()
