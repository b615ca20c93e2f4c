"""Progress that a person can follow: a bar on a terminal, plain lines in a log."""

import sys
import time

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """Follows ``steps`` steps of ``images`` in all, of which ``done`` were made before."""

    def __init__(self, label: str, epochs: int, steps_per_epoch: int, done: int = 0):
        self.label, self.epochs, self.steps_per_epoch = label, epochs, steps_per_epoch
        self.step = done
        self.images = 0
        self.began = self.spoke = time.monotonic()
        self.first = done
        self.bar = (
            tqdm(total=epochs * steps_per_epoch, initial=done, desc=label, unit="step")
            if sys.stderr.isatty()
            else None
        )

    def advance(self, loss: float, images: int) -> None:
        """One more step, of ``images`` images."""
        self.step += 1
        self.images += images
        if self.bar:
            self.bar.set_postfix_str(f"loss {loss:.4f}, {self._rate():.0f} images/s", refresh=False)
            self.bar.update()
        elif time.monotonic() - self.spoke >= SECONDS_BETWEEN_LINES:
            self.say(f"loss {loss:.4f}, {self._rate():.0f} images/s, {self._left()} left")

    def say(self, words: str) -> None:
        """One line, above the bar where there is one."""
        epoch = min(self.step // self.steps_per_epoch + 1, self.epochs)
        if self.step and self.step % self.steps_per_epoch == 0:
            epoch = self.step // self.steps_per_epoch
        line = f"{self.label}: epoch {epoch}/{self.epochs}, step {self.step}: {words}"
        if self.bar:
            self.bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)
        self.spoke = time.monotonic()

    def close(self) -> None:
        if self.bar:
            self.bar.close()

    def _rate(self) -> float:
        return self.images / max(time.monotonic() - self.began, 1e-9)

    def _left(self) -> str:
        seconds = (time.monotonic() - self.began) / max(self.step - self.first, 1)
        left = round(seconds * (self.epochs * self.steps_per_epoch - self.step))
        return f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
