"""Compares all recorded hashes of a study with its results, config and code (``make verify``)."""

import sys
from pathlib import Path

import tyro
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from scanline.provenance.verify import verify
from scanline.study.config import load_config


def main(*, results: Path | None = None, configfile: tuple[Path, ...] = ()) -> None:
    """Exits 1 where something does not match, after naming each.

    Args:
        results: the config's results folder if not given
        configfile: laid over config.yaml; the preset with that results folder if not given
    """
    try:
        config = load_config([ROOT / "config.yaml", *(configfile or presets_of(results))])
        results = results or Path(config["results"])
        verdict = verify(results, config)
    except (ValueError, OSError) as error:
        sys.exit(f"verify_results: {error}")
    for mismatch in verdict.mismatches:
        print(mismatch)
    counted = f"{results}: {verdict.stages} stages, {verdict.files} files"
    if verdict.mismatches:
        sys.exit(f"{counted}; {len(verdict.mismatches)} do not match")
    print(f"{counted}; all match their records, the config and the code")


def presets_of(results: Path | None) -> list[Path]:
    """The preset that writes to ``results``; none where config.yaml's own study does."""
    if results is None:
        return []
    for file in sorted((ROOT / "workflow/presets").glob("*.yaml")):
        named = (yaml.safe_load(file.read_text()) or {}).get("results")
        if named and Path(named) == results:
            return [file]
    return []


if __name__ == "__main__":
    tyro.cli(main, prog="verify_results.py", description=__doc__)
