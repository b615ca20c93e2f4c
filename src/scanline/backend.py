"""What TensorFlow and Keras read from the environment when they are first imported.

The wings that import them (models, training, inference) import this module first.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Snakemake gives a job its number of threads in OMP_NUM_THREADS; TensorFlow does not look there. A
# job also inherits what this module told the process that started it: its own number counts.
if "OMP_NUM_THREADS" in os.environ:
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"]
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"


@contextmanager
def quietly() -> Iterator[None]:
    """Holds back what TensorFlow's libraries write to standard error while they are loaded.

    They do so before TF_CPP_MIN_LOG_LEVEL counts. It is written after all where loading fails, and
    held back only at the level 3, which is the default here.
    """
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] != "3" or "tensorflow" in sys.modules:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
