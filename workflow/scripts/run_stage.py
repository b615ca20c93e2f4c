"""Runs a script of src/ as a stage of the study, or puts back what it gave before.

``python workflow/scripts/run_stage.py RESULTS SCRIPT ARGUMENTS``, where RESULTS is the study's
folder. A stage whose code, settings and inputs' content were there before is not computed again
(``scanline.provenance.finished``).
"""

import runpy
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
sys.path.insert(0, str(SOURCE))

try:
    from scanline.provenance.finished import Finished, key_of
except ImportError as error:
    sys.exit(f"{Path(sys.argv[2]).stem}: {error}")


def main(results: Path, script: Path, arguments: list[str]) -> None:
    """Exits as the script does."""
    out = Path(arguments[arguments.index("--out") + 1])
    kept = Finished(results) if out.is_relative_to(results) else None
    if kept:
        key = key_of(script.stem, arguments)
        if kept.put_back(key, out):
            print(f"{script.stem}: {out} was computed before and is put back")
            return
    sys.argv = [str(script), *arguments]
    runpy.run_path(str(script), run_name="__main__")
    if kept:
        kept.keep(key, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
