"""Puts the benchmark's latest figures into docs/results/ and the README.

The README's part <!-- speeds --> is written from those files alone.
"""

import json
import shutil
import textwrap
from pathlib import Path

import pandas as pd

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
    lines = [textwrap.fill(words, 100), ""]
    lines += ["| variant | images/s | better peer | ratio | share of the limit | peak MiB |"]
    lines += ["|---|---|---|---|---|---|"]
    table = best(pd.read_csv(folder / "bench-training.csv"))
    for variant, rows in table.groupby("variant", sort=False):
        ours, peers = (rows[(rows["implementation"] == "scanline") == own] for own in (True, False))
        (row,), peer = ours.to_dict("records"), peers.nlargest(1, "images_per_second").iloc[0]
        lines.append(
            f"| {variant} | {row['images_per_second']:,.0f} "
            f"| {peer['implementation']}, {peer['images_per_second']:,.0f} "
            f"| {row['ratio_to_best_peer']:.1f} | {100 * row['share_of_limit']:.0f} % "
            f"| {row['peak_rss_mib']:,} |"
        )
    if (folder / "bench-loop.csv").exists():
        lines += ["", "The study's training loop, its validation included, and bare passes:", ""]
        lines += ["| variant | passes alone, images/s | whole loop, images/s | share |"]
        lines += ["|---|---|---|---|"]
        for variant, rows in best(pd.read_csv(folder / "bench-loop.csv")).groupby(
            "variant", sort=False
        ):
            by = rows.set_index("implementation")
            core, fit = (by.loc[name, "images_per_second"] for name in ("core", "fit"))
            share = by.loc["fit", "share_of_core"]
            lines.append(f"| {variant} | {core:,.0f} | {fit:,.0f} | {100 * share:.0f} % |")
    lines += ["", "Inference, beside straightforward Keras code (extrapolated from a part):", ""]
    lines += ["| task | variant | images/s | Keras | ratio |", "|---|---|---|---|---|"]
    table = best(pd.read_csv(folder / "bench-inference.csv"))
    for (task, variant), rows in table.groupby(["task", "variant"], sort=False):
        by = rows.set_index("implementation")
        ours, keras = (by.loc[name, "images_per_second"] for name in ("scanline", "keras"))
        ratio = by.loc["scanline", "ratio_to_best_peer"]
        lines.append(f"| {task} | {variant} | {ours:,.0f} | {keras:,.1f} | {ratio:,.1f} |")
    return "\n".join(lines) + "\n"


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Of each task, variant and implementation the faster arrangement, in the table's order."""
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
