"""Training speed of the native core beside Keras' layers and PyTorch's, turn by turn in one run.

Each implementation runs in both arrangements, one process with all cores and one single-threaded
process a core, and counts by the better. The limit is the step's bare matrix products, 6 operations
a weight, step and image, at the rate of NumPy's BLAS on large matrices, on all cores.
"""

import argparse
import csv
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = {
    **{f"{cell}-{units}": (cell, units, 1) for cell in ("gru", "lstm") for units in (32, 64, 128)},
    **{f"{cell}-3x32": (cell, 32, 3) for cell in ("gru", "lstm")},
}
QUICK = ("gru-32", "gru-128", "gru-3x32", "lstm-128")
STEPS = 784


def rate(
    implementation: str, processes: int, threads: int, options: list[str]
) -> tuple[float, float]:
    """What ``processes`` at once do a second, summed, and the largest one's peak MiB."""
    python = ROOT / "build/bench-env/bin/python" if implementation == "torch" else sys.executable
    environment = dict(
        os.environ,
        PYTHONPATH=str(ROOT / "src"),
        CUDA_VISIBLE_DEVICES="",
        OMP_NUM_THREADS=str(threads),
        OPENBLAS_NUM_THREADS=str(threads),
    )
    command = [str(python), str(ROOT / "benchmarks/train_step.py"), implementation]
    running = [
        subprocess.Popen(
            [*command, "--threads", str(threads), *options],
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(processes)
    ]
    for process in running:
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(
                f"{' '.join(map(str, process.args))} did not get ready; run it by hand"
            )
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    found = [tuple(map(float, process.communicate()[0].split())) for process in running]
    return sum(speed for speed, _ in found), max(peak for _, peak in found)


def operations(cell: str, units: int, layers: int) -> float:
    """Of the matrix products of one image, forward and backward: two an element and direction."""
    gates = 3 if cell == "gru" else 4
    inputs = [1, *[units] * (layers - 1)]
    return 6.0 * STEPS * sum(gates * units * (units + width) for width in inputs)


def measure(variants: list[str], seconds: float) -> list[dict]:
    cores = len(os.sched_getaffinity(0))
    arrangements = {"one process": (1, cores), "a process a core": (cores, 1)}
    blas = max(rate("blas", *sizes, [])[0] for sizes in arrangements.values()) * 2 * 1024**3
    print(f"{platform.machine()}, {cores} cores, matrix products: {blas / 1e9:.0f} GFLOP/s")
    rows = []
    for variant in variants:
        cell, units, layers = VARIANTS[variant]
        options = f"--cell {cell} --units {units} --layers {layers} --seconds {seconds}".split()
        found = {
            (implementation, name): rate(implementation, *sizes, options)
            for implementation in ("scanline", "keras", "torch")
            for name, sizes in arrangements.items()
        }
        peer = max(speed for (who, _), (speed, _) in found.items() if who != "scanline")
        for (implementation, name), (speed, peak) in found.items():
            row = dict(
                task="training",
                variant=variant,
                implementation=implementation,
                arrangement=name,
                images_per_second=round(speed, 1),
                ratio_to_best_peer=round(speed / peer, 3),
                share_of_limit=round(speed * operations(cell, units, layers) / blas, 3),
                peak_rss_mib=round(peak),
            )
            rows.append(row)
            print("  ".join(f"{value!s:>16}" for value in row.values()), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four variants, into quick.csv")
    given = parser.parse_args()
    rows = measure(list(QUICK if given.quick else VARIANTS), seconds=3 if given.quick else 6)
    path = ROOT / "results/bench" / ("quick.csv" if given.quick else "training.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
