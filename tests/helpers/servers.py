"""Real servers on loopback ports: MLflow's tracking server, and PostgreSQL."""

import glob
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 600.0  # seconds until a server must answer


def free_port() -> int:
    """A loopback port that nothing listens on, chosen by the system."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Server:
    """A server of MLflow's on one port, which can be stopped and started again."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen | None = None

    def words(self) -> list[str]:
        """What follows ``mlflow`` and comes before the port."""
        raise NotImplementedError

    @property
    def runs(self) -> bool:
        """Whether it was started, and not stopped."""
        return self._process is not None

    def start(self) -> None:
        """Returns when the server answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [*self.words(), "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where uvicorn is
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *words],
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PATH": path},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.1)

    def stop(self) -> None:
        """Kills the server with its workers, at once; nothing where it does not run."""
        if self._process:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


class TrackingServer(Server):
    """``mlflow server``."""

    def __init__(self, folder: Path, store: str):
        super().__init__(folder)
        self.store = store

    def words(self) -> list[str]:
        artifacts = (self.folder / "artifacts").as_uri()
        return ["server", "--backend-store-uri", self.store, "--artifacts-destination", artifacts]


class ModelServer(Server):
    """The server that a line of the documentation starts, but for its port."""

    def __init__(self, folder: Path, line: str):
        super().__init__(folder)
        self.line = line

    def words(self) -> list[str]:
        program, *words = shlex.split(self.line)
        assert program == "mlflow"
        return words


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty PostgreSQL database; of an SQLite file where no PostgreSQL is.

    Debian's package is postgresql.
    """
    programs = max(
        glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(Path(p).parent.name), default=None
    )
    if not programs or not Path(programs, "initdb").exists():
        with tempfile.TemporaryDirectory() as empty:
            yield f"sqlite:///{empty}/store.db"
        return
    # PostgreSQL refuses to run as root; pytest's own folders are closed to other users.
    root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="scanline-postgresql-"))
    data, port = folder / "data", free_port()
    if root:
        shutil.chown(folder, "postgres", "postgres")
    who: dict = {"user": "postgres", "group": "postgres", "extra_groups": []} if root else {}

    def call(program: str, *words: str) -> None:
        with open(folder / "calls.log", "ab") as log:
            done = subprocess.run(
                [f"{programs}/{program}", *words], cwd=folder, stdout=log, stderr=log, **who
            )
        assert done.returncode == 0, (folder / "calls.log").read_text()[-2000:]

    try:
        call("initdb", "-D", str(data), "-U", "study", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync")  # fmt: skip
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        call("pg_ctl", "start", "-w", "-D", str(data), "-l", str(folder / "log"), "-o", options)
        try:
            yield f"postgresql://study@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(data))
    finally:
        shutil.rmtree(folder)
