"""Compares all recorded hashes of a study with its results, config and code (``make verify``)."""

import sys
from pathlib import Path

import tyro

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from scanline.provenance.verify import verify
from scanline.study.config import load_config
from scanline.study.kept import kept_config, planned


def main(*, results: Path | None = None, configfile: tuple[Path, ...] = ()) -> None:
    """Exits 1 where something does not match, after naming each.

    Args:
        results: the folder of results; that of the config if not given
        configfile: laid over config.yaml; if not given, the config that lies with the results
    """
    try:
        named = load_config([ROOT / "config.yaml", *configfile])
        results = results or Path(named["results"])
        config = named if configfile else kept_config(results)
        verdict = verify(results, config, planned(results))
    except (ValueError, OSError) as error:
        sys.exit(f"verify_results: {error}")
    for mismatch in verdict.mismatches:
        print(mismatch)
    counted = f"{results}: {verdict.stages} stages, {verdict.files} files"
    if verdict.mismatches:
        sys.exit(f"{counted}; {len(verdict.mismatches)} do not match")
    print(f"{counted}; all match their records, the config and the code")


if __name__ == "__main__":
    tyro.cli(main, prog="verify_results.py", description=__doc__)
