"""Speed of the native core beside Keras' layers and PyTorch's, turn by turn in one run.

Each implementation runs in both arrangements, one process with all cores and one single-threaded
process a core, and counts by the better, in which it then runs in bfloat16 too. The limit is the
bare matrix products, 2 operations a weight, step, image and pass (one forward, two backward), at
the rate at which all cores multiply and add in registers, in the same precision (limit.cc).
"""

import csv
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Literal

import tyro
from rates import ARRANGEMENTS, CORES, Measurement, NotReadyError, rate
from work import TASKS

ROOT = Path(__file__).resolve().parent.parent
PYTHON_OF_TORCH = ROOT / "build/bench-env/bin/python"
DIGITS = ROOT / "data/mnist"
PRECISIONS = ("float32", "bfloat16")
VARIANTS = {
    **{f"{cell}-{units}": (cell, units, 1) for cell in ("gru", "lstm") for units in (32, 64, 128)},
    **{f"{cell}-3x32": (cell, 32, 3) for cell in ("gru", "lstm")},
}
CONTEXT = "gru-64-context"
QUICK = ("gru-32", "gru-128", "gru-3x32", "lstm-128")
INFERENCE = ("gru-32", "gru-128")
SCORED = "gru-128"
STEPS = 784
GROWTH = {
    "units": (16, 32, 64, 128, 256, 512),
    "batch": (32, 64, 128, 256, 512, 1024),
    "steps": (196, 392, 784, 1568, 3136),
    "threads": (*(2**i for i in range(CORES.bit_length()) if 2**i < CORES), CORES),
}
MIDDLE = {"units": 64, "batch": 256, "steps": STEPS, "threads": CORES}
Part = Literal["training", "loop", "inference", "growth"]
Limits = Mapping[str, float]  # by precision: of operations, or of images, a second


def measure(
    script: str, what: str, processes: int, options: Mapping, checkout: Path = ROOT
) -> Measurement:
    """A script's measurement of ``what`` with ``options``, ``threads`` among them."""
    python = PYTHON_OF_TORCH if what == "torch" else sys.executable
    command = [str(python), str(ROOT / "benchmarks" / script), what]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    return rate(command, processes, options["threads"], checkout)


def operations(cell: str, units: int, layers: int, passes: int) -> float:
    """Of the matrix products of one image: two an element and pass."""
    gates = 3 if cell == "gru" else 4
    inputs = [1, *[units] * (layers - 1)]
    return 2.0 * passes * STEPS * sum(gates * units * (units + width) for width in inputs)


def images_at(limits: Limits, variant: str, passes: int) -> Limits:
    """Images a second at the limits of operations a second."""
    return {p: limit / operations(*VARIANTS[variant], passes) for p, limit in limits.items()}


def machine(seconds: float) -> dict:
    """What the figures were measured on, and beside what; the limits in operations/s.

    ``limits`` are those of all cores by precision, ``limits_of_a_core`` those of one.
    """
    asked = [sys.executable, str(ROOT / "benchmarks/limit.py")]
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "src"))
    built = json.loads(subprocess.check_output(asked, text=True, env=environment))

    def limits(cores: int) -> Limits:
        commands = {p: [built["program"], p, str(seconds)] for p in PRECISIONS}
        return {p: round(rate(command, cores, 1, ROOT)[0]) for p, command in commands.items()}

    lines = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = [line.split(":")[1].strip() for line in lines.splitlines() if "model name" in line]
    torch = [PYTHON_OF_TORCH, "-c", "import importlib.metadata as m; print(m.version('torch'))"]
    return {
        "processor": named[0] if named else platform.machine(),
        "cores": CORES,
        "limits": limits(CORES),
        "limits_of_a_core": limits(1),
        "core": built["core"],
        "keras": version("keras"),
        "tensorflow": version("tensorflow"),
        "torch": subprocess.check_output(torch, text=True).split("+")[0].strip(),
    }


def turn(
    task: str,
    variant: str,
    implementations: tuple[str, ...],
    precisions: tuple[str, ...],
    measured: Callable[[str, str, int, int], Measurement],
    limits: Limits,
) -> list[dict]:
    """The rows of all ``implementations``; ``limits`` in images/s.

    The first precision is measured in both arrangements, the others in the better of them. A peer
    that does not run is told and left out.
    """
    found: dict[tuple[str, str, str], Measurement] = {}
    for who, precision in product(implementations, precisions):
        speeds = {name: speed for (other, _, name), (speed, _) in found.items() if other == who}
        for name in [max(speeds, key=speeds.__getitem__)] if speeds else ARRANGEMENTS:
            try:
                speed, peak = measured(who, precision, *ARRANGEMENTS[name])
            except NotReadyError as error:
                if who == "scanline":
                    raise
                progress(str(error))
                continue
            found[who, precision, name] = speed, peak
            words = f"{task}, {variant}, {who}, {precision}, {name}"
            progress(f"{words}: {speed:.1f} images/s, {peak:.0f} MiB")
    return rows_of(task, variant, found, limits)


def rows_of(
    task: str, variant: str, found: Mapping[tuple[str, str, str], Measurement], limits: Limits
) -> list[dict]:
    """One row a measurement; the best peer is the fastest that is not this project.

    ``ratio_in_precision`` is that to the best peer of the same precision.
    """
    peers: dict[str, float] = {}
    for (who, precision, _), (speed, _) in found.items():
        if who != "scanline":
            peers[precision] = max(speed, peers.get(precision, 0))
    best = max(peers.values(), default=0)

    def share(speed: float, whole: float | None) -> float | str:
        return round(speed / whole, 3) if whole else ""

    return [
        dict(
            task=task,
            variant=variant,
            implementation=implementation,
            precision=precision,
            arrangement=name,
            images_per_second=round(speed, 1),
            ratio_to_best_peer=share(speed, best),
            ratio_in_precision=share(speed, peers.get(precision)),
            share_of_limit=share(speed, limits.get(precision)),
            peak_rss_mib=round(peak),
        )
        for (implementation, precision, name), (speed, peak) in found.items()
    ]


def training(variants: tuple[str, ...], seconds: float, limits: Limits) -> list[dict]:
    """Training steps of this project's layers and the peers', on random pixels."""
    rows = []
    implementations = ("scanline", "keras", "torch")
    for variant in variants:
        shape = shape_of(variant)

        def measured(who, precision, processes, threads, shape=shape):
            options = {**shape, "precision": precision, "threads": threads, "seconds": seconds}
            return measure("train_step.py", who, processes, options)

        possible = images_at(limits, variant, passes=3)
        rows += turn("training", variant, implementations, PRECISIONS, measured, possible)
    return rows


def loop(variants: tuple[str, ...], seconds: float, before: Path | None) -> list[dict]:
    """The study's loop on MNIST's digits, and its scoring, beside those of a checkout ``before``.

    In the study's arrangement: a single-threaded training a core.
    """
    name = "a process for each core"
    processes, threads = ARRANGEMENTS[name]
    checkouts = {("before", "float32"): before, **{("scanline", p): ROOT for p in PRECISIONS}}
    rows = []
    for task, variant in [*product(["loop"], variants), ("scoring", SCORED)]:
        options = {**shape_of(variant), "data": DIGITS, "threads": threads, "seconds": seconds}
        speed_before = 0.0
        for (who, precision), checkout in checkouts.items():
            if checkout is None or (task, precision) == ("scoring", "bfloat16"):
                continue
            one = {**options, "precision": precision}
            speed, peak = measure("loop.py", task, processes, one, checkout)
            speed_before = speed if who == "before" else speed_before
            progress(f"{task}, {variant}, {who}, {precision}: {speed:.1f} images/s, {peak:.0f} MiB")
            rows.append(
                dict(
                    task=task,
                    variant=variant,
                    implementation=who,
                    precision=precision,
                    arrangement=name,
                    images_per_second=round(speed, 1),
                    ratio_to_before=round(speed / speed_before, 3) if speed_before else "",
                    peak_rss_mib=round(peak),
                )
            )
    return rows


def shape_of(variant: str) -> dict:
    """The options of a script that make the variant's model."""
    cell, units, layers = VARIANTS[variant.removesuffix("-context")]
    inputs = {"inputs": "context"} if variant.endswith("-context") else {}
    return {"cell": cell, "units": units, "layers": layers, **inputs}


def inference(variants: tuple[str, ...], seconds: float, limits: Limits) -> list[dict]:
    rows = []
    for (name, task), variant in product(TASKS.items(), variants):
        options = {"task": name, "units": VARIANTS[variant][1], "images": task.images}

        def measured(who, precision, processes, threads, task=task, options=options):
            sizes = {"part": task.measured(who), "threads": threads, "seconds": seconds}
            return measure("inference.py", who, processes, {**options, **sizes})

        # Of the other tasks it is no limit: what images share is read once.
        possible = images_at(limits, variant, passes=1) if name == "likelihood" else {}
        for row in turn(name, variant, ("scanline", "keras"), ("float32",), measured, possible):
            rows.append(row | {"extrapolated_from": task.extrapolated_from(row["implementation"])})
    return rows


def growth(varied: dict[str, tuple[int, ...]], seconds: float) -> list[dict]:
    """A training step of gru-64, 256 images of 784 pixels, and one number of these varied."""
    rows = []
    for quantity, values in varied.items():
        for value in values:
            sizes = MIDDLE | {quantity: value}
            found = measure("train_step.py", "scanline", 1, {**sizes, "seconds": seconds})
            progress(f"growth, {quantity} {value}: {found[0]:.1f} images/s, {found[1]:.0f} MiB")
            (row,) = rows_of(
                "growth",
                f"gru-{sizes['units']}",
                {("scanline", "float32", "one process"): found},
                {},
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
    only: tuple[Part, ...] = (),
    before: Path | None = None,
    trial: bool = False,
) -> None:
    """Measures all, or some parts, into results/bench.

    Args:
        quick: only the training of four variants, into quick.csv
        only: these parts
        before: another checkout of this project, whose loop is measured beside this one's
        trial: a little of everything, into build/bench-trial
    """
    wanted: tuple[Part, ...] = only or ("training", "loop", "inference", "growth")
    if "loop" in wanted and not quick and not DIGITS.is_dir():
        asked = "python src/fetch.py --source mnist --out data/mnist"
        sys.exit(f"bench: data/mnist is not there, whose digits the loop needs; run: {asked}")
    if before and not (before / "src/scanline").is_dir():
        sys.exit(f"bench: before is {before}, which has no src/scanline; name a checkout's folder")
    folder = ROOT / ("build/bench-trial" if trial else "results/bench")
    folder.mkdir(parents=True, exist_ok=True)
    first, brief = (1, 0.1) if trial else (None, None)
    facts = machine(brief or 2)
    (folder / "machine.json").write_text(json.dumps(facts, indent=2) + "\n")
    print((folder / "machine.json").read_text(), flush=True)
    limits = facts["limits"]
    if quick:
        write(training(QUICK, seconds=2, limits=limits), folder / "quick.csv")
        return
    fewer = {name: values[: first and 2] for name, values in GROWTH.items()}
    parts: dict[Part, Callable[[], list[dict]]] = {
        "training": lambda: training(tuple(VARIANTS)[:first], brief or 2, limits),
        "loop": lambda: loop((*VARIANTS, CONTEXT)[:first], brief or 2, before),
        "inference": lambda: inference(INFERENCE[:first], brief or 4, limits),
        "growth": lambda: growth(fewer, brief or 2),
    }
    for name in wanted:
        write(parts[name](), folder / f"{name}.csv")
    command = [sys.executable, str(ROOT / "benchmarks/plot.py"), "--folder", str(folder)]
    subprocess.run(command, check=True, env=dict(os.environ, PYTHONPATH=str(ROOT / "src")))


if __name__ == "__main__":
    tyro.cli(main, prog="bench.py", description=__doc__)
