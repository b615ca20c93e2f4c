"""The verb ``study``: the whole workflow, from a checkout of the project."""

import importlib.util
import subprocess
import sys
from pathlib import Path


def study(
    *,
    folder: Path = Path(),
    configs: tuple[Path, ...] = (),
    cores: int | None = None,
    dry_run: bool = False,
) -> None:
    """Run the study of a checkout of the project with Snakemake: all that config.yaml describes.

    Args:
        folder: the checkout, which holds the Snakefile
        configs: files laid over config.yaml, for example workflow/presets/quick.yaml
        cores: processor cores to use; without it, all
        dry_run: print the plan, and run nothing
    """
    if not (folder / "Snakefile").is_file():
        raise ValueError(
            f"folder is {folder.resolve()}, which holds no Snakefile; the study needs a checkout "
            f"of the project (its git repository, or the sdist): go there, or name it by --folder"
        )
    if not importlib.util.find_spec("snakemake"):
        raise ValueError("the study needs Snakemake: pip install 'scanline[study]'")
    command = [sys.executable, "-m", "snakemake", "--resources", "gpu=1"]
    command += ["--cores", "all" if cores is None else str(cores)]
    if configs:
        command += ["--configfile", *(str(path.resolve()) for path in configs)]
    if dry_run:
        command.append("--dry-run")
    if status := subprocess.run(command, cwd=folder).returncode:
        sys.exit(status)
