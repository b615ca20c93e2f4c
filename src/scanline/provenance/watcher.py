"""The process that tells the tracking store of one training, which never waits for it.

It reads lines of JSON: the training's record, then ``{"epoch": 3, "metrics": {…}}`` after each
epoch, at last ``{"end": "FINISHED"}``. It says READY when it can begin, and one line more, then
ends with status 1, where the store fails or takes more than SECONDS for one of these.
"""

import json
import sys

from scanline.layout import results_of
from scanline.provenance.bound import within
from scanline.provenance.record import Record
from scanline.provenance.store import Store, in_one_line, load_mlflow

READY = "ready"
SECONDS = 60.0  # for what the store is told at once; making a new one is among it


def main() -> int:
    """Follows the training that standard input tells of; the exit status."""
    record = Record(**json.loads(sys.stdin.readline()))
    load_mlflow()
    print(READY, flush=True)
    try:
        with within(SECONDS, _no_answer):
            store = Store(results_of(record.folder))
            run_id = store.run_of(record)
        for line in sys.stdin:
            told = json.loads(line)
            with within(SECONDS, _no_answer):
                if "end" in told:
                    store.client.set_terminated(run_id, told["end"])
                else:
                    store.log(run_id, told["metrics"], told["epoch"])
    except Exception as error:  # MLflow and its database drivers raise many kinds
        print(in_one_line(error), flush=True)
        return 1
    return 0


def _no_answer() -> int:
    print(f"no answer in {SECONDS:.0f} s", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
