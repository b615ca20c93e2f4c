"""The report's lines on holes are the table's."""

import pandas as pd
from posterior_tables import HOLES, methods_table, ways_of

from scanline.evaluation.words import METHODS, QUANTITIES
from scanline.report.posterior import SHOWN, by_model_and_hole, headings


def test_every_number_of_the_table_is_shown_once():
    table = methods_table().assign(model="gru-8", n_seeds=1)
    other = methods_table(1).assign(model="gru-9", n_seeds=1)
    shown = by_model_and_hole(pd.concat([table, other]), {"gru-9"})
    names = [(model, hole) for model in ("gru-8", "gru-9 (pretrained)") for hole in HOLES]
    assert [(each.model, each.hole) for each in shown] == names
    assert {each.images for each in shown} == {20}
    for each in shown:
        assert [way for way, _ in each.lines] == [
            METHODS[way].label for way in ("truth", *ways_of(each.hole))
        ]
    lines = [numbers for each in shown for _, numbers in each.lines]
    wanted = pd.concat([table, other])
    for numbers, (_, line) in zip(lines, wanted.iterrows(), strict=True):
        for (text, _), name in zip(numbers, SHOWN, strict=True):
            if line[name] != line[name]:
                assert text == ""
            else:  # shown with 4 decimals, in percent with one, or 2 digits
                value = line[name] * (100 if QUANTITIES[name].is_share else 1)
                least = 0.06 if QUANTITIES[name].is_share else 6e-5
                assert abs(float(text) - value) < max(least, 0.1 * value)


def test_the_best_way_is_marked_and_never_the_truth():
    table = methods_table().assign(model="gru-8", n_seeds=1)
    for each in by_model_and_hole(table, ()):
        of_hole = table[table["hole"] == each.hole]
        for place, name in enumerate(SHOWN):
            marked = {way: numbers[place][0] for way, numbers in each.lines if numbers[place][1]}
            ways = of_hole[of_hole["method"] != "truth"]
            lowest = QUANTITIES[name].best == "low"
            best = ways.loc[ways[name].idxmin() if lowest else ways[name].idxmax(), "method"]
            assert METHODS[best].label in marked
            assert len(set(marked.values())) == 1
            assert METHODS["truth"].label not in marked


def test_ways_that_are_shown_alike_are_marked_alike():
    table = methods_table().assign(model="gru-8", n_seeds=1)
    table = table.assign(brier=0.04141).assign(
        brier=lambda t: t["brier"].where(t.index != 3, 0.04139)
    )
    (first, *_) = by_model_and_hole(table, ())
    numbers = [numbers[SHOWN.index("brier")] for way, numbers in first.lines if way != "truth"]
    assert set(numbers) == {("0.0414", True)}


def test_without_a_classifier_no_classes_are_shown():
    table = methods_table().assign(model="gru-8", n_seeds=1)
    read = [name for name in SHOWN if name.endswith("digit_accuracy")]
    assert len(read) == 2
    table = table.assign(**dict.fromkeys(read, float("nan")))
    shown = headings(table)
    assert list(shown) == [name for name in SHOWN if name not in read]
    for each in by_model_and_hole(table, set()):
        assert all(len(numbers) == len(shown) for _, numbers in each.lines)
