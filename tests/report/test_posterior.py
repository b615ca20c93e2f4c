"""The report's lines on holes are the table's."""

import pandas as pd
from posterior_tables import HOLES, methods_table, posterior_table, ways_of

from scanline.evaluation.posterior import SAMPLED
from scanline.evaluation.words import METHODS, QUANTITIES
from scanline.report.posterior import SHOWN, by_model_and_hole, headings
from scanline.report.summary import of_holes


def test_every_number_of_the_table_is_shown_once():
    table, other = posterior_table(model="gru-8"), posterior_table(1, "gru-9")
    shown = by_model_and_hole(pd.concat([table, other]), {"gru-9"})
    names = [(model, hole) for model in ("gru-8", "gru-9 (pretrained)") for hole in HOLES]
    assert [(each.model, each.hole) for each in shown] == names
    assert {each.images for each in shown} == {20}
    for each in shown:
        assert each.table.columns == [QUANTITIES[name].heading for name in SHOWN]
        assert [way for way, _ in each.table.rows] == [
            METHODS[way].label for way in ("truth", *ways_of(each.hole))
        ]
    rows = [entries for each in shown for _, entries in each.table.rows]
    wanted = pd.concat([table, other])
    for entries, (_, line) in zip(rows, wanted.iterrows(), strict=True):
        for entry, name in zip(entries, SHOWN, strict=True):
            if line[name] != line[name]:
                assert entry.ours == ""
            else:  # shown with 4 decimals, nats per image and percent with one, or 2 digits
                value = line[name] * (100 if QUANTITIES[name].is_share else 1)
                coarse = ("nats_per_image", "effective_sample_size")
                least = 0.06 if QUANTITIES[name].is_share or name in coarse else 6e-5
                assert abs(float(entry.ours) - value) < max(least, 0.1 * value)


def test_nats_per_image_have_their_interval():
    table = posterior_table()
    rows = [entries for each in by_model_and_hole(table, ()) for _, entries in each.table.rows]
    for entries, (_, line) in zip(rows, table.iterrows(), strict=True):
        intervals = {name: each.interval for name, each in zip(SHOWN, entries, strict=True)}
        wanted = ""
        if line["nats_per_image"] == line["nats_per_image"]:
            # Two digits of the error, 1.25.
            wanted = f"{line['nats_low']:.1f} to {line['nats_high']:.1f}".replace("-", "−")
        assert intervals.pop("nats_per_image") == wanted
        assert set(intervals.values()) == {""}


def test_the_summary_has_the_best_way_s_interval():
    (shown,) = of_holes(posterior_table())
    lines = posterior_table().query("hole == 'random-half'").set_index("method")
    best = lines.loc[lines["nats_per_image"].idxmin()]
    assert shown.what == "nats per image (random-half)"
    assert shown.ours == f"{best['nats_per_image']:.1f}"
    assert shown.interval == f"{best['nats_low']:.1f} to {best['nats_high']:.1f}".replace("-", "−")
    assert shown.beside == f"{lines['nats_per_image']['prefix']:.1f} (prefix)"


def test_a_table_that_was_published_without_intervals_is_shown_without():
    old = methods_table().assign(model="gru-128", n_seeds=1)
    new = posterior_table(1, "gru-9")
    lines = old.query("hole == 'random-half'").set_index("method")["nats_per_hidden_pixel"]
    (alone,) = of_holes(old)
    assert alone.what == "nats per hidden pixel (random-half)"
    assert (alone.ours, alone.interval) == (f"{lines.min():.4f}", "")
    assert alone.beside == f"{lines['prefix']:.4f} (prefix)"
    assert "nats_per_image" not in headings(old)
    for each in by_model_and_hole(old, ()):
        assert not any(entry.interval for _, entries in each.table.rows for entry in entries)
    # Beside a newer one the old lines have an empty place.
    place = SHOWN.index("nats_per_image")
    for each in by_model_and_hole(pd.concat([old, new]), ()):
        told = [entries[place].ours for _, entries in each.table.rows]
        assert any(told) is (each.model == "gru-9")


def test_the_best_way_is_marked_and_never_the_truth():
    table = posterior_table()
    for each in by_model_and_hole(table, ()):
        of_hole = table[table["hole"] == each.hole]
        for place, name in enumerate(SHOWN):
            if name in SAMPLED:  # of one method alone
                assert not any(entries[place].is_best for _, entries in each.table.rows)
                continue
            marked = {
                way: entries[place].ours
                for way, entries in each.table.rows
                if entries[place].is_best
            }
            ways = of_hole[of_hole["method"] != "truth"]
            lowest = QUANTITIES[name].best == "low"
            best = ways.loc[ways[name].idxmin() if lowest else ways[name].idxmax(), "method"]
            assert METHODS[best].label in marked
            assert len(set(marked.values())) == 1
            assert METHODS["truth"].label not in marked


def test_ways_that_are_shown_alike_are_marked_alike():
    table = posterior_table().assign(brier=0.04141)
    table = table.assign(brier=table["brier"].where(table.index != 3, 0.04139))
    (first, *_) = by_model_and_hole(table, ())
    entries = [row[SHOWN.index("brier")] for way, row in first.table.rows if way != "truth"]
    assert {(entry.ours, entry.is_best) for entry in entries} == {("0.0414", True)}


def test_equal_ways_are_marked_whatever_the_digits_of_their_errors():
    table = posterior_table().query("hole == '4x4'")
    equal = table["method"].isin(["prefix", "smc"])
    table = table.assign(
        nats_per_image=table["nats_per_image"].where(~equal, 0.5),
        nats_high=table["nats_high"].where(table["method"] != "smc", 0.52),
        nats_low=table["nats_low"].where(table["method"] != "smc", 0.48),
    )
    table.loc[table["method"] == "prefix", ["nats_low", "nats_high"]] = [0.3, 0.7]
    (shown,) = by_model_and_hole(table, ())
    place = SHOWN.index("nats_per_image")
    marked = [row[place].ours for _, row in shown.table.rows if row[place].is_best]
    assert marked == ["0.50", "0.500"]


def test_without_a_classifier_no_classes_are_shown():
    table = posterior_table()
    read = [name for name in SHOWN if name.endswith("digit_accuracy")]
    assert len(read) == 3
    table = table.assign(**dict.fromkeys(read, float("nan")))
    shown = headings(table)
    assert list(shown) == [name for name in SHOWN if name not in read]
    for each in by_model_and_hole(table, set()):
        assert all(len(entries) == len(shown) for _, entries in each.table.rows)
        # And no line without a number: of the truth nothing else is known.
        assert [way for way, _ in each.table.rows] == [
            METHODS[way].label for way in ways_of(each.hole)
        ]


def test_a_method_of_fewer_images_says_so_and_is_never_the_best():
    table = posterior_table()
    chains = table["method"] == "gibbs"
    table.loc[chains, "n_images"] = 5
    table.loc[chains, "map_pixel_accuracy"] = 1.0
    place, label = SHOWN.index("map_pixel_accuracy"), METHODS["gibbs"].label
    for each in by_model_and_hole(table, ()):
        ways = dict(each.table.rows)
        assert label not in ways
        assert not ways[f"{label} (5 images)"][place].is_best
        assert sum(entries[place].is_best for entries in ways.values()) == 1
