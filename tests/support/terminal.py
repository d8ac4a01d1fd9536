"""A command as somebody at a terminal has it."""

import os
import pty
import select
import sys


class Terminal:
    """A command on a pseudo terminal of its own."""

    def __init__(self, *words: str) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:  # pragma: no cover
            os.execv(sys.executable, [sys.executable, "-P", "-m", "sovrium_tui", *words])
        self.output = b""
        self._answered = 0
        self.status: int | None = None

    def look(self) -> bool:
        """Take what there is to read; whether the command still runs."""
        if select.select([self._fd], [], [], 0.01)[0]:
            try:
                self.output += os.read(self._fd, 65536)
            except OSError:
                self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status is None

    def answer(self, question: str, text: str) -> None:
        """Wait until that is asked, behind what was answered before, and type. The space behind the question comes once the
        terminal shows nothing any more; what is typed before is dropped."""
        while f"{question}: ".encode() not in self.output[self._answered :]:
            assert self.look(), self.output
        self._answered = len(self.output)
        self.press(text.encode() + b"\n")

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def end(self) -> bytes:
        """All that it wrote, once it has ended."""
        while self.look():
            continue
        os.close(self._fd)
        return self.output
