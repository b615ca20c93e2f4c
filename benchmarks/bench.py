"""Speed of the native core beside Keras' layers and PyTorch's, turn by turn in one run.

Each implementation runs in both arrangements, one process with all cores and one single-threaded
process a core, and counts by the better. The limit is the bare matrix products, 2 operations a
weight, step, image and pass (one forward, two backward), at the rate of NumPy's BLAS on large
matrices, on all cores.
"""

import csv
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Literal

import tyro
from work import TASKS

ROOT = Path(__file__).resolve().parent.parent
PYTHON_OF_TORCH = ROOT / "build/bench-env/bin/python"
CORES = len(os.sched_getaffinity(0))
ARRANGEMENTS = {"one process": (1, CORES), "a process a core": (CORES, 1)}
VARIANTS = {
    **{f"{cell}-{units}": (cell, units, 1) for cell in ("gru", "lstm") for units in (32, 64, 128)},
    **{f"{cell}-3x32": (cell, 32, 3) for cell in ("gru", "lstm")},
}
QUICK = ("gru-32", "gru-128", "gru-3x32", "lstm-128")
INFERENCE = ("gru-32", "gru-128")
FIT = ("gru-32", "gru-128", "lstm-128")
STEPS = 784
GROWTH = {
    "units": (16, 32, 64, 128, 256, 512),
    "batch": (32, 64, 128, 256, 512, 1024),
    "steps": (196, 392, 784, 1568, 3136),
    "threads": (*(2**i for i in range(CORES.bit_length()) if 2**i < CORES), CORES),
}
MIDDLE = {"units": 64, "batch": 256, "steps": STEPS, "threads": CORES}
Measurement = tuple[float, float]  # images/s, peak MiB


def rate(script: str, implementation: str, processes: int, options: dict) -> Measurement:
    """What ``processes`` at once do a second, summed, and the largest one's peak MiB."""
    python = PYTHON_OF_TORCH if implementation == "torch" else sys.executable
    environment = dict(
        os.environ,
        PYTHONPATH=str(ROOT / "src"),
        CUDA_VISIBLE_DEVICES="",
        OMP_NUM_THREADS=str(options["threads"]),
        OPENBLAS_NUM_THREADS=str(options["threads"]),
    )
    command = [str(python), str(ROOT / "benchmarks" / script), implementation]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    running = [
        subprocess.Popen(
            command,
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
            raise RuntimeError(f"{' '.join(command)} did not get ready; run it by hand")
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    found = [tuple(map(float, process.communicate()[0].split())) for process in running]
    return sum(speed for speed, _ in found), max(peak for _, peak in found)


def operations(cell: str, units: int, layers: int, passes: int) -> float:
    """Of the matrix products of one image: two an element and pass."""
    gates = 3 if cell == "gru" else 4
    inputs = [1, *[units] * (layers - 1)]
    return 2.0 * passes * STEPS * sum(gates * units * (units + width) for width in inputs)


def matrix_product_rate(seconds: float) -> float:
    """Operations a second, on all cores."""
    products = (
        rate("train_step.py", "blas", processes, {"threads": threads, "seconds": seconds})[0]
        for processes, threads in ARRANGEMENTS.values()
    )
    return max(products) * 2 * 1024**3


def machine(blas: float) -> dict[str, str | int]:
    """What the figures were measured on, and beside what."""
    lines = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = [line.split(":")[1].strip() for line in lines.splitlines() if "model name" in line]
    torch = [PYTHON_OF_TORCH, "-c", "import importlib.metadata as m; print(m.version('torch'))"]
    return {
        "processor": named[0] if named else platform.machine(),
        "cores": CORES,
        "matrix_products_gflops": round(blas / 1e9),
        "keras": version("keras"),
        "tensorflow": version("tensorflow"),
        "torch": subprocess.check_output(torch, text=True).split("+")[0].strip(),
    }


def turn(
    task: str,
    variant: str,
    implementations: tuple[str, ...],
    measure: Callable[[str, int, int], Measurement],
    limit: float | None,
) -> list[dict]:
    """The rows of all ``implementations``; ``limit``: images/s of the bare matrix products."""
    found = {}
    for who, name in product(implementations, ARRANGEMENTS):
        found[who, name] = measure(who, *ARRANGEMENTS[name])
        progress(f"{task}, {variant}, {who}, {name}: {found[who, name][0]:.1f} images/s")
    return rows_of(task, variant, found, limit)


def rows_of(
    task: str, variant: str, found: dict[tuple[str, str], Measurement], limit: float | None
) -> list[dict]:
    """One row a measurement; the best peer is the fastest that is not this project."""
    peer = max((speed for (who, _), (speed, _) in found.items() if who != "scanline"), default=0)
    return [
        dict(
            task=task,
            variant=variant,
            implementation=implementation,
            arrangement=name,
            images_per_second=round(speed, 1),
            ratio_to_best_peer=round(speed / peer, 3) if peer else "",
            share_of_limit=round(speed / limit, 3) if limit else "",
            peak_rss_mib=round(peak),
        )
        for (implementation, name), (speed, peak) in found.items()
    ]


def training(variants: tuple[str, ...], seconds: float, blas: float) -> list[dict]:
    """Training steps of this project's layers and the peers'."""
    rows = []
    for variant in variants:
        limit = blas / operations(*VARIANTS[variant], passes=3)
        steps = steps_of(variant, seconds)
        rows += turn("training", variant, ("scanline", "keras", "torch"), steps, limit)
    return rows


def loop(variants: tuple[str, ...], seconds: float, blas: float) -> list[dict]:
    """The study's training loop beside bare forward and backward passes, and its share of them."""
    rows = []
    for variant in variants:
        limit = blas / operations(*VARIANTS[variant], passes=3)
        steps = steps_of(variant, seconds)
        found = turn("loop", variant, ("core", "scanline", "fit"), steps, limit)
        core = max(row["images_per_second"] for row in found if row["implementation"] == "core")
        for row in found:
            share = round(row["images_per_second"] / core, 3)
            rows.append(row | {"ratio_to_best_peer": "", "share_of_core": share})
    return rows


def steps_of(variant: str, seconds: float) -> Callable[[str, int, int], Measurement]:
    """Measures training steps of a variant by one implementation in one arrangement."""
    shape = dict(zip(("cell", "units", "layers"), VARIANTS[variant], strict=True))

    def measure(who: str, processes: int, threads: int) -> Measurement:
        options = {**shape, "threads": threads, "seconds": seconds}
        return rate("train_step.py", who, processes, options)

    return measure


def inference(variants: tuple[str, ...], seconds: float, blas: float) -> list[dict]:
    rows = []
    for (name, task), variant in product(TASKS.items(), variants):
        options = {"task": name, "units": VARIANTS[variant][1], "images": task.images}

        def measure(who, processes, threads, task=task, options=options):
            sizes = {"part": task.measured(who), "threads": threads, "seconds": seconds}
            return rate("inference.py", who, processes, {**options, **sizes})

        # Of the other tasks it is no limit: what images share is read once.
        limit = blas / operations(*VARIANTS[variant], passes=1) if name == "likelihood" else None
        for row in turn(name, variant, ("scanline", "keras"), measure, limit):
            rows.append(row | {"extrapolated_from": task.extrapolated_from(row["implementation"])})
    return rows


def growth(varied: dict[str, tuple[int, ...]], seconds: float) -> list[dict]:
    """A training step of gru-64, 256 images of 784 pixels, and one number of these varied."""
    rows = []
    for quantity, values in varied.items():
        for value in values:
            sizes = MIDDLE | {quantity: value}
            found = rate("train_step.py", "scanline", 1, {**sizes, "seconds": seconds})
            progress(f"growth, {quantity} {value}: {found[0]:.1f} images/s, {found[1]:.0f} MiB")
            (row,) = rows_of(
                "growth", f"gru-{sizes['units']}", {("scanline", "one process"): found}, None
            )
            rows.append(row | {"varied": quantity, "value": value})
    return rows


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def write(rows: list[dict], path: Path) -> None:
    """The table, on the terminal and as ``path``."""
    for line in (rows[0], *(row.values() for row in rows)):
        print("  ".join(f"{value!s:>16}" for value in line))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(path.relative_to(ROOT), flush=True)


def main(
    *,
    quick: bool = False,
    only: Literal["training", "loop", "inference", "growth"] | None = None,
    trial: bool = False,
) -> None:
    """Measures all, or a part, into results/bench.

    Args:
        quick: training alone, of four variants, into quick.csv
        only: one part
        trial: a little of everything, into build/bench-trial
    """
    folder = ROOT / ("build/bench-trial" if trial else "results/bench")
    folder.mkdir(parents=True, exist_ok=True)
    first, brief = (1, 0.1) if trial else (None, None)
    blas = matrix_product_rate(brief or 2)
    (folder / "machine.json").write_text(json.dumps(machine(blas), indent=2) + "\n")
    print((folder / "machine.json").read_text(), flush=True)
    if quick:
        write(training(QUICK, seconds=2, blas=blas), folder / "quick.csv")
        return
    fewer = {name: values[: first and 2] for name, values in GROWTH.items()}
    parts: dict[str, Callable[[], list[dict]]] = {
        "training": lambda: training(tuple(VARIANTS)[:first], brief or 4, blas),
        "loop": lambda: loop(FIT[:first], brief or 4, blas),
        "inference": lambda: inference(INFERENCE[:first], brief or 4, blas),
        "growth": lambda: growth(fewer, brief or 2),
    }
    for name in [only] if only else parts:
        write(parts[name](), folder / f"{name}.csv")
    command = [sys.executable, str(ROOT / "benchmarks/plot.py"), "--folder", str(folder)]
    subprocess.run(command, check=True, env=dict(os.environ, PYTHONPATH=str(ROOT / "src")))


if __name__ == "__main__":
    tyro.cli(main, prog="bench.py", description=__doc__)
