"""The report's lines on holes are the table's."""

import pandas as pd
from posterior_tables import HOLES, methods_table, ways_of

from scanline.evaluation.words import METHODS
from scanline.report.posterior import SHOWN, headings, lines_by_model


def test_every_number_of_the_table_is_shown_once(tmp_path):
    table = methods_table().assign(model="gru-8", n_seeds=1)
    other = methods_table(1).assign(model="gru-9", n_seeds=1)
    pd.concat([table, other]).to_csv(tmp_path / "posterior.csv", index=False)
    shown = lines_by_model(tmp_path / "posterior.csv", {"gru-9"})
    assert list(shown) == ["gru-8", "gru-9 (pretrained)"]
    for lines, wanted in zip(shown.values(), (table, other), strict=True):
        assert [hole for hole, _, _ in lines if hole] == [f"{hole}, 20 images" for hole in HOLES]
        assert [way for _, way, _ in lines] == [
            METHODS[way].label for hole in HOLES for way in ("truth", *ways_of(hole))
        ]
        for (_, _, numbers), (_, line) in zip(lines, wanted.iterrows(), strict=True):
            for text, name in zip(numbers, SHOWN, strict=True):
                if line[name] != line[name]:
                    assert text == ""
                else:  # shown with 4 decimals, or 2 digits
                    assert abs(float(text) - line[name]) < max(6e-5, 0.06 * line[name])


def test_without_a_classifier_no_classes_are_shown(tmp_path):
    table = methods_table().assign(model="gru-8", n_seeds=1)
    read = [name for name in SHOWN if name.endswith("digit_accuracy")]
    assert len(read) == 2
    table.assign(**dict.fromkeys(read, float("nan"))).to_csv(tmp_path / "p.csv", index=False)
    shown = headings(tmp_path / "p.csv")
    assert list(shown) == [name for name in SHOWN if name not in read]
    for _, _, numbers in lines_by_model(tmp_path / "p.csv", set())["gru-8"]:
        assert len(numbers) == len(shown)
