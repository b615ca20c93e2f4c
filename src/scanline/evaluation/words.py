"""What every quantity, task and method is called where people read it, and a method's look.

One label each, for the report, the documentation and the figures' axes and legends. Whatever a
table can hold has its line here; ``check`` names what lacks one.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple

from scanline.evaluation.quantities import BY_TASK, PUBLISHED_AS


class Quantity(NamedTuple):
    """A measured quantity: its label, its unit where the label names none, how it is written."""

    label: str
    unit: str = ""
    form: str = "{:.4f}"
    axis: str = ""  # its label with the unit in brackets, where it stands on an axis
    best: Literal["low", "high", ""] = ""  # "": neither is better

    @property
    def heading(self) -> str:
        """Its label above a table's column, with the unit of shares, which are shown in percent."""
        return f"{self.label}, %" if self.is_share else self.label

    @property
    def is_share(self) -> bool:
        return self.form.endswith("%}")


class Method(NamedTuple):
    """A way to fill a hole: its label, and its look in figures."""

    label: str
    colour: int = 7  # place in figures.style.COLOURS
    marker: str = "*"


HIDDEN, WHOLE = "nats per hidden pixel", "nats per pixel"  # units
SHARE = "{:.1%}"
QUANTITIES = {  # names are those of the column ``quantity``, and of the columns of posterior.csv
    "nats": Quantity("cross-entropy, nats", axis="cross-entropy (nats)", best="low"),
    "accuracy": Quantity("accuracy", form="{:.2%}", axis="accuracy (fraction)", best="high"),
    "nats_per_pixel": Quantity(WHOLE, axis="cross-entropy (nats per pixel)", best="low"),
    "nats_per_image": Quantity("nats per image", form="{:.2f}", best="low"),
    "bits_per_image": Quantity("bits per image", form="{:.2f}", best="low"),
    "nats_per_image_given_class": Quantity(
        "nats per image given its class", form="{:.2f}", best="low"
    ),
    "bayes_accuracy": Quantity("classes right by Bayes' rule", form="{:.2%}", best="high"),
    "samples": Quantity("samples", HIDDEN),
    "ground_truth_under_samples": Quantity("ground truth under samples", HIDDEN, best="low"),
    "ground_truth_teacher_forced": Quantity("ground truth, teacher forced", HIDDEN, best="low"),
    "ground_truth_mean": Quantity("ground truth, mean", WHOLE),
    "ground_truth_std": Quantity("ground truth, s.d.", WHOLE),
    "map_mean": Quantity("in-painting, mean", WHOLE),
    "map_std": Quantity("in-painting, s.d.", WHOLE),
    "difference_mean": Quantity("in-painting − ground truth, mean", WHOLE),
    "difference_std": Quantity("in-painting − ground truth, s.d.", WHOLE),
    "truth_log_posterior": Quantity("log posterior of the truth, nats"),
    "entropy": Quantity("entropy of the posterior, nats"),
    "nats_per_hidden_pixel": Quantity(HIDDEN, best="low"),
    "map_pixel_accuracy": Quantity("pixels right, most probable image", "", SHARE, best="high"),
    "marginal_pixel_accuracy": Quantity("pixels right, one by one", "", SHARE, best="high"),
    "map_whole_accuracy": Quantity("holes restored whole", "", SHARE, best="high"),
    "brier": Quantity("Brier score", best="low"),
    "digit_accuracy": Quantity("classes read, most probable image", "", SHARE, best="high"),
    "sample_digit_accuracy": Quantity("classes read, a sample", "", SHARE, best="high"),
    "mean_digit_accuracy": Quantity("classes read, mean over samples", "", SHARE, best="high"),
    "effective_sample_size": Quantity("effective sample size", form="{:.1f}"),
    "log_observed_sd": Quantity("s.d. of log p(observed), nats", form="{:.2g}"),
    "bound_gap": Quantity("gap of bounds, nats", form="{:.2g}"),
    "seconds_per_image": Quantity("seconds an image", form="{:.2g}", best="low"),
}
QUANTITIES |= {name: QUANTITIES[column] for column, name in PUBLISHED_AS.items()}

TASKS = {
    "classify": "class",
    "predict": "next pixel",
    "look_ahead": "look-ahead",
    "complete": "completion",
    "inpaint": "in-painting",
    "posterior": "holes",
}

METHODS = {  # the posterior has one colour, be it enumerated or sampled
    "truth": Method("truth"),
    "prefix": Method("prefix: pixels before", 1, "s"),
    "look_ahead": Method("look-ahead alone", 5, "*"),
    "exact": Method("posterior, exact", 0, "o"),
    "smc": Method("posterior, sequential Monte Carlo", 0, "D"),
    "particle_gibbs": Method("posterior, particle Gibbs", 4, "P"),
    "gibbs": Method("posterior, Gibbs sampling", 2, "^"),
    "nearest_image": Method("nearest training image", 3, "v"),
    "pixel_frequencies": Method("pixel frequencies", 6, "x"),
}


def check(methods: Collection[str] = ()) -> None:
    """Raises ValueError, one line, where something that a table can hold has no label here.

    That is every task and quantity of ``evaluation.quantities``, and the given ``methods``.
    """
    quantities = [name for names in BY_TASK.values() for name in names]
    for names, labelled, table in (
        (BY_TASK, TASKS, "TASKS"),
        (quantities, QUANTITIES, "QUANTITIES"),
        (methods, METHODS, "METHODS"),
    ):
        for name in names:
            if name not in labelled:
                raise ValueError(
                    f"{name!r} has no label; add it to {table} in "
                    f"src/scanline/evaluation/words.py, which has {', '.join(labelled)}"
                )
