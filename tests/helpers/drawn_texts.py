"""The texts of a figure, and where they stand."""


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
