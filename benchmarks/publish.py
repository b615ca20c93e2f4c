"""Puts the benchmark's latest figures into docs/results/ and docs/speed.md.

The page's part <!-- speeds --> is written from only those files.
"""

import json
import shutil
import textwrap
from pathlib import Path

import pandas as pd
import yaml
from work import NAMES

from scanline.report import results
from scanline.study.settings import settings
from scanline.training.kinds import KINDS

ROOT = Path(__file__).resolve().parent.parent
TRAINING_IMAGES = 60_000  # of MNIST, validation images among them
PRECISIONS = ("float32", "bfloat16")
MEASURED, PUBLISHED = ROOT / "results/bench", ROOT / "docs/results"


def speeds(folder: Path) -> str:
    """The page's words and tables on the figures of ``folder``."""
    machine = json.loads((folder / "bench-machine.json").read_text())
    limits, of_a_core = (
        " and ".join(f"{limit / 1e9:,.0f} in {p}" for p, limit in machine[key].items())
        for key in ("limits", "limits_of_a_core")
    )
    core = " and ".join(machine["core"].values())
    words = (
        f"Training on random pixels, batch 256, 784 steps, forward, backward and Adam, on "
        f"{machine['cores']} cores of {machine['processor']}. The core runs as {core}; the limit "
        f"is the rate at which all cores multiply and add in registers, in GFLOP/s {limits} "
        f"({of_a_core} on one core). The peers are Keras {machine['keras']} (TensorFlow "
        f"{machine['tensorflow']}) and PyTorch {machine['torch']}, each in both precisions. The "
        f"first ratio is bfloat16's to the best peer of any precision, the second float32's to the "
        f"best peer in float32."
    )
    parts = [textwrap.fill(words, 100) + "\n", training(folder / "bench-training.csv")]
    if (folder / "bench-loop.csv").exists():
        parts += [loop(folder / "bench-loop.csv")]
        parts += [cost(folder / "bench-loop.csv", machine["cores"]) + "\n"]
    parts += ["Inference, beside straightforward Keras code (extrapolated from a part):\n"]
    return "\n".join([*parts, inference(folder / "bench-inference.csv")])


def training(path: Path) -> str:
    """Training steps in both precisions beside the best peer's, in Markdown."""
    lines = []
    for variant, rows in best(path).groupby("variant", sort=False):
        ours = rows[rows["implementation"] == "scanline"].set_index("precision")
        peer = rows.loc[rows[rows["implementation"] != "scanline"]["images_per_second"].idxmax()]
        by = {p: ours.loc[p] for p in PRECISIONS}
        lines.append(
            (
                variant,
                *(f"{by[p]['images_per_second']:,.0f}" for p in PRECISIONS),
                f"{NAMES[peer['implementation']]} {peer['precision']}, "
                f"{peer['images_per_second']:,.0f}",
                f"{by['bfloat16']['ratio_to_best_peer']:.1f}",
                f"{by['float32']['ratio_in_precision']:.1f}",
                ", ".join(f"{100 * by[p]['share_of_limit']:.0f} %" for p in PRECISIONS),
                ", ".join(f"{by[p]['peak_rss_mib']:,}" for p in PRECISIONS),
            )
        )
    columns = ["variant", "float32, images/s", "bfloat16, images/s", "best peer", "ratio"]
    return results.markdown(lines, [*columns, "in float32", "share of the limits", "peaks, MiB"])


def loop(path: Path) -> str:
    """The study's loop and scoring on digits, beside those before, in Markdown."""
    table = pd.read_csv(path)
    lines = []
    for (task, variant), rows in table.groupby(["task", "variant"], sort=False):
        by = rows.set_index(["implementation", "precision"])
        cells = []
        for series in (("before", "float32"), *(("scanline", p) for p in PRECISIONS)):
            if series not in by.index:
                cells += [""] if series[0] == "before" else ["", ""]
                continue
            row = by.loc[series]
            cells.append(f"{row['images_per_second']:,.0f}")
            if series[0] != "before":
                ratio = row["ratio_to_before"]
                cells.append("" if pd.isna(ratio) else f"{ratio:.2f}")
        lines.append((variant if task == "loop" else f"{task}, {variant}", *cells))
    words = (
        "The study's training loop with its validation on MNIST's digits (threshold 0.1), batch "
        "256, a single-threaded process a core, in images/s, and its ratio to the loop before "
        "bfloat16, look-ups and shared beginnings. The last row scores the 10,000 test images."
    )
    columns = ["variant", "before", "float32", "ratio", "bfloat16", "ratio"]
    return f"{textwrap.fill(words, 100)}\n\n{results.markdown(lines, columns)}"


def cost(path: Path, cores: int) -> str:
    """CPU-hours of one seed of config.yaml's classifiers and next-pixel models.

    The rates in ``path`` are of all ``cores``.
    """
    table = pd.read_csv(path).query("task == 'loop'")
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    of_split = TRAINING_IMAGES - config["datasets"][config["dataset"]]["validation_images"]
    named = [
        (KINDS[task].script, name)
        for task in ("classify", "predict")
        for name in config[task]["variants"]
    ]
    images: dict[str, int] = {}
    left_out = sorted({name for _, name in named} - set(table["variant"]))
    for script, name in named:
        given = settings(config, script, data=config["dataset"], variant=name, seed="1")
        images[name] = images.get(name, 0) + given["epochs"] * (given["train_images"] or of_split)
    hours = {
        series: sum(
            images.get(row["variant"], 0) * cores / row["images_per_second"]
            for _, row in rows.iterrows()
        )
        / 3600
        for series, rows in table.groupby(["implementation", "precision"])
    }
    words = (
        f"At these rates one seed of config.yaml's classifiers and next-pixel models, "
        f"{', '.join(left_out)} left out, takes {hours['before', 'float32']:.1f} hours of one "
        f"core by the loop before, "
        f"{hours['scanline', 'float32']:.1f} in float32 and {hours['scanline', 'bfloat16']:.1f} "
        f"in bfloat16. This is reckoned, not measured."
    )
    return textwrap.fill(words, 100)


def inference(path: Path) -> str:
    """The tasks of inference beside Keras' ``predict``, in Markdown."""
    lines = []
    for (task, variant), rows in best(path).groupby(["task", "variant"], sort=False):
        by = rows.set_index("implementation")
        ours, keras = (by.loc[name, "images_per_second"] for name in ("scanline", "keras"))
        ratio = by.loc["scanline", "ratio_to_best_peer"]
        lines.append((task, variant, f"{ours:,.0f}", f"{keras:,.1f}", f"{ratio:,.1f}"))
    return results.markdown(lines, ["task", "variant", "images/s", "Keras", "ratio"])


def best(path: Path) -> pd.DataFrame:
    """Of each task, variant, implementation and precision the faster arrangement, in order."""
    table = pd.read_csv(path)
    if "precision" not in table:  # measured before there were two
        table["precision"] = "float32"
    keys = ["task", "variant", "implementation", "precision"]
    return table.loc[table.groupby(keys, sort=False)["images_per_second"].idxmax()]


def main() -> None:
    training = [path for name in ("quick", "training") for path in MEASURED.glob(f"{name}.csv")]
    newest = sorted(training, key=lambda path: path.stat().st_mtime)[-1:]
    others = [MEASURED / f"{part}.csv" for part in ("loop", "inference", "growth")]
    for path, name in [
        *((path, "bench-training.csv") for path in newest),
        *((path, f"bench-{path.name}") for path in others),
        (MEASURED / "machine.json", "bench-machine.json"),
    ]:
        if path.exists():
            shutil.copyfile(path, PUBLISHED / name)
            print(f"{path.relative_to(ROOT)} -> docs/results/{name}")
    results.put(ROOT / "docs/speed.md", "speeds", speeds(PUBLISHED))


if __name__ == "__main__":
    main()
