"""The verbs of the command ``scanline``, and how they end.

A verb imports what it needs when it runs, so that ``--help`` is quick.
"""

import os
import sys

import tyro

from scanline.commands.complete import complete
from scanline.commands.files import classify, sample, score
from scanline.commands.models import export, models
from scanline.commands.study import study

VERBS = (models, score, sample, complete, classify, export, study)
DESCRIPTION = "Score, sample, complete and classify images with trained models, pixel by pixel."


def main(arguments: list[str] | None = None) -> None:
    """Runs a verb on the command line's arguments; exits 1 with one line where it fails."""
    app = tyro.extras.SubcommandApp()
    for function in VERBS:
        app.command(function)
    arguments = sys.argv[1:] if arguments is None else arguments
    verb = next((word for word in arguments if not word.startswith("-")), "")
    if verb != "study":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        app.cli(prog="scanline", description=DESCRIPTION, args=arguments)
    except (ValueError, OSError) as error:
        sys.exit(f"scanline {verb}: {error}")
    except KeyboardInterrupt:
        print(f"scanline {verb}: interrupted", file=sys.stderr)
        sys.exit(130)
