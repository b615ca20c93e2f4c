"""Puts the benchmark's latest figures into docs/results/ and the README.

The README's part <!-- speeds --> is written from those files alone.
"""

import json
import shutil
import textwrap
from pathlib import Path

import pandas as pd
from work import NAMES

from scanline.report import readme

ROOT = Path(__file__).resolve().parent.parent
MEASURED, PUBLISHED = ROOT / "results/bench", ROOT / "docs/results"


def speeds(folder: Path) -> str:
    """The README's words and tables on the figures of ``folder``."""
    machine = json.loads((folder / "bench-machine.json").read_text())
    words = (
        f"Training, batch 256, 784 steps, float32, forward, backward and Adam, on "
        f"{machine['cores']} cores of {machine['processor']}, whose matrix products run at "
        f"{machine['matrix_products_gflops']} GFLOP/s. The peers are Keras {machine['keras']} "
        f"(TensorFlow {machine['tensorflow']}) and PyTorch {machine['torch']}."
    )
    parts = [textwrap.fill(words, 100) + "\n", training(folder / "bench-training.csv")]
    if (folder / "bench-loop.csv").exists():
        parts += ["The study's training loop with its validation, beside bare passes:\n"]
        parts += [loop(folder / "bench-loop.csv")]
    parts += ["Inference, beside straightforward Keras code (extrapolated from a part):\n"]
    return "\n".join([*parts, inference(folder / "bench-inference.csv")])


def training(path: Path) -> str:
    """Training steps beside the better peer's, in Markdown."""
    lines = []
    for variant, rows in best(path).groupby("variant", sort=False):
        by = rows.set_index("implementation")
        row, peer = by.loc["scanline"], by.drop("scanline")["images_per_second"]
        lines.append(
            (
                variant,
                f"{row['images_per_second']:,.0f}",
                f"{NAMES[peer.idxmax()]}, {peer.max():,.0f}",
                f"{row['ratio_to_best_peer']:.1f}",
                f"{100 * row['share_of_limit']:.0f} %",
                f"{row['peak_rss_mib']:,}",
            )
        )
    columns = ["variant", "images/s", "better peer", "ratio", "share of the limit", "peak MiB"]
    return readme.markdown(lines, columns)


def loop(path: Path) -> str:
    """The training loop beside bare forward and backward passes, in Markdown."""
    lines = []
    for variant, rows in best(path).groupby("variant", sort=False):
        by = rows.set_index("implementation")
        core, fit = (by.loc[name, "images_per_second"] for name in ("core", "fit"))
        share = f"{100 * by.loc['fit', 'share_of_core']:.0f} %"
        lines.append((variant, f"{core:,.0f}", f"{fit:,.0f}", share))
    columns = ["variant", "passes alone, images/s", "whole loop, images/s", "share"]
    return readme.markdown(lines, columns)


def inference(path: Path) -> str:
    """The tasks of inference beside Keras' ``predict``, in Markdown."""
    lines = []
    for (task, variant), rows in best(path).groupby(["task", "variant"], sort=False):
        by = rows.set_index("implementation")
        ours, keras = (by.loc[name, "images_per_second"] for name in ("scanline", "keras"))
        ratio = by.loc["scanline", "ratio_to_best_peer"]
        lines.append((task, variant, f"{ours:,.0f}", f"{keras:,.1f}", f"{ratio:,.1f}"))
    return readme.markdown(lines, ["task", "variant", "images/s", "Keras", "ratio"])


def best(path: Path) -> pd.DataFrame:
    """Of each task, variant and implementation the faster arrangement, in the table's order."""
    table = pd.read_csv(path)
    keys = ["task", "variant", "implementation"]
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
    readme.put(ROOT / "README.md", "speeds", speeds(PUBLISHED))


if __name__ == "__main__":
    main()
