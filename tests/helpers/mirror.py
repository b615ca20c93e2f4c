"""A loopback mirror of files, and the ways in which it can fail."""

import gzip
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scanline.data.sources import Mirror

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


def dripping(before: bytes, drop: bytes) -> Answer:
    """Bytes of an answer, then without end a drop of it."""

    def answer(handler):
        try:
            handler.wfile.write(before)
            while True:
                handler.wfile.write(drop)
                time.sleep(0.05 if len(drop) < 100 else 0)
        except OSError:
            pass  # the client has gone, as it should

    return answer


def redirection(to: str) -> Answer:
    """Another address, with a body that has no end."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {to}\r\n\r\n".encode()
    return dripping(head, b"\0" * (1 << 20))


def silence(handler):
    time.sleep(10)


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def serve(server: Server, raw: dict[str, bytes]) -> None:
    """Lets ``server`` have the ``raw`` files, compressed."""
    server.answers = {f"{name}.gz": content(gzip.compress(body)) for name, body in raw.items()}
