"""Opens a study's runs in MLflow's browser (``make ui``), at its store wherever that is."""

import os
import signal
import socket
import subprocess
import sys
import webbrowser
from pathlib import Path
from time import sleep

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance import tracking
from scanline.provenance.bound import within
from scanline.provenance.store import load_mlflow
from scanline.study.kept import name_of, tracked_at

PORT = 5000  # or another where that one is taken
SECONDS = 90.0  # until a store that does not answer is given up


def main(*, results: Path = Path("results")) -> None:
    """Serves a store that is a database until Ctrl-C; a store that is a server has its own page.

    Exits 1 with one line where the study tracks nothing, or its store does not answer.

    Args:
        results: the study's folder of results
    """
    try:
        os.environ[tracking.ADDRESS] = tracked_at(results)
        store = tracking.address()
        if store is None:
            raise ValueError(f"{tracking.ADDRESS} is none; set it to the store's address")
        load_mlflow()
        with within(SECONDS, lambda: failed(f"{tracking.shown_address()} does not answer")):
            experiment = tracking.open_store(results)
    except (ValueError, OSError) as error:
        sys.exit(failed(str(error)))
    runs = f"#/experiments/{experiment}/runs?workflowType=machine_learning"
    print(f"{name_of(results)} in {tracking.shown_address()}", flush=True)
    if store.startswith("http"):
        show(f"{store.rstrip('/')}/{runs}")
    else:
        sys.exit(serve(store, runs))


def serve(store: str, runs: str) -> int:
    """MLflow's server of a database, until it ends or is stopped; its exit status."""
    port = free_port()
    # By the environment: a password in a command line is read by everybody on the machine.
    # Five more processes would wait for jobs of MLflow's, of which there are none here.
    no_jobs = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment = os.environ | no_jobs | {"MLFLOW_BACKEND_STORE_URI": store}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"],
        env=environment,
    )
    try:
        while server.poll() is None and not answers(port):
            sleep(0.2)
        if server.poll() is None:
            show(f"http://127.0.0.1:{port}/{runs}")
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def show(address: str) -> None:
    """Prints the address, and opens it where there is a display."""
    print(tracking.masked(address), flush=True)
    if sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        webbrowser.open(address)


def free_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def failed(reason: str) -> int:
    print(f"browse_runs: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    tyro.cli(main, prog="browse_runs.py", description=__doc__)
