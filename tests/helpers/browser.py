"""A headless Chromium that a test drives: pages, JavaScript, mouse, finger, keyboard.

It is told what to do over a pipe, in the DevTools protocol, so that no further package is needed.
"""

import base64
import importlib.util
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest


class Browser:
    """One page of a running Chromium."""

    def __init__(self, to_browser: int, from_browser: int):
        self._to, self._from = to_browser, os.fdopen(from_browser, "rb", closefd=False)
        self._ids, self._session = count(1), {}
        self.events: list[dict] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        opened = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": opened["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters) -> dict:
        """The answer to one command of the protocol."""
        message = {"id": next(self._ids), "method": method, "params": parameters, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            told = self._read()
            if told.get("id") == message["id"]:
                assert "error" not in told, (method, told["error"])
                return told["result"]
            self.events.append(told)

    def _read(self) -> dict:
        text = bytearray()
        while (letter := self._from.read(1)) != b"\0":
            assert letter, "the browser has ended"
            text += letter
        return json.loads(text)

    def open(self, address: str) -> None:
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def run(self, script: str):
        """The value of a JavaScript expression, or of what it promises."""
        told = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until a JavaScript expression is true, 60 s at most."""
        end = time.monotonic() + 60
        while not self.run(condition):
            assert time.monotonic() < end, condition
            time.sleep(0.02)

    def window(
        self,
        width: int,
        height: int,
        *,
        phone: bool = False,
        dark: bool = False,
        scripts: bool = True,
    ) -> None:
        """How the pages that are opened next are seen, and whether their scripts run."""
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def asked(self) -> list[str]:
        """The addresses that pages have asked for since ``events`` was cleared."""
        self.run("0")  # what was told before is read
        told = [each for each in self.events if each["method"] == "Network.requestWillBeSent"]
        return [each["params"]["request"]["url"] for each in told]

    def faults(self) -> list[tuple[str, str, list[str]]]:
        """What axe-core finds in the page: a rule, what it wants, and the places; or skips."""
        found = importlib.util.find_spec("axe_core_python")
        if found is None:
            pytest.skip("axe-core-python is not installed")
        self.run(Path(found.origin).with_name("axe.min.js").read_text() + "; 0")
        return self.run(
            """axe.run().then((found) => found.violations.map((each) =>
            [each.id, each.help, each.nodes.map((node) => node.target.join(" "))]))"""
        )

    def place(self, selector: str, across: float, down: float) -> tuple[float, float]:
        """Where in the window a point of an element lies, by shares of its width and height."""
        x, y, width, height = self.run(
            f"""(() => {{ const each = document.querySelector({selector!r});
            each.scrollIntoView({{block: "center"}}); const box = each.getBoundingClientRect();
            return [box.x, box.y, box.width, box.height]; }})()"""
        )
        return x + across * width, y + down * height

    def drag(self, selector: str, *points: tuple[float, float]) -> None:
        """By the mouse."""
        places = [self.place(selector, *point) for point in points]
        kinds = ["mousePressed", *["mouseMoved"] * (len(places) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*places, places[-1]], strict=True):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag_finger(self, selector: str, *points: tuple[float, float]) -> None:
        places = [self.place(selector, *point) for point in points]
        kinds = ["touchStart", *["touchMove"] * (len(places) - 1)]
        for kind, (x, y) in zip(kinds, places, strict=True):
            self.send("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key)

    def screenshot(self, path: Path) -> None:
        """The whole page."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser whose profile lies in ``folder``; the test is skipped where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    process = subprocess.Popen(
        [
            *("bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", program),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--hide-scrollbars", "--disable-background-networking", "--remote-debugging-pipe"),
            f"--user-data-dir={folder / 'profile'}",
        ],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        opened = Browser(ours_out, ours_in)
        yield opened
        opened._session = {}
        opened.send("Browser.close")
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        os.close(ours_out)
        os.close(ours_in)
