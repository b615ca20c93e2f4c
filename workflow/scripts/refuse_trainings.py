"""Exits 1, naming them, where a study would train models before its report (``make report``)."""

import shlex
import subprocess
import sys
from pathlib import Path

import tyro

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from scanline.study.kept import CONFIG, kept_config, name_of
from scanline.training.kinds import KINDS


def main(*, results: Path = Path("results")) -> None:
    """Asks Snakemake, which runs nothing.

    Args:
        results: the study's folder of results
    """
    try:
        written_to = Path(kept_config(results)["results"])
        if written_to.resolve() != results.resolve():
            raise ValueError(
                f"the study in {results} was run with results: {written_to}, where it is no more; "
                f"set results in {results / CONFIG}, or move the folder back"
            )
        models = to_be_trained(results / CONFIG)
        if models:
            raise ValueError(
                f"the report of {name_of(results)} needs {len(models)} models that are not "
                f"trained, or not as the config and the code say: {', '.join(models)}; "
                f"`snakemake --cores 1 --configfile {shlex.quote(str(results / CONFIG))}` trains "
                f"them"
            )
    except (ValueError, OSError) as error:
        sys.exit(f"refuse_trainings: {error}")
    print(f"the report of {name_of(results)}")


def to_be_trained(config: Path) -> list[str]:
    """The folders of the models that a run with this config would train.

    ValueError, with what Snakemake says, where it cannot plan.
    """
    words = ["--configfile", str(config), "--summary", "--cores", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words], capture_output=True, text=True
    )
    if done.returncode:
        raise ValueError(" ".join(done.stderr.split()))
    rows = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    trainings = {kind.script for kind in KINDS.values()}
    return sorted(
        {
            str(Path(output).parent)
            for output, _, rule, *_, plan in rows
            if rule in trainings and plan == "update pending"
        }
    )


if __name__ == "__main__":
    tyro.cli(main, prog="refuse_trainings.py", description=__doc__)
