"""A mail server on loopback that speaks as much SMTP as a client needs, and keeps what it was handed."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    port: int = 0
    letters: list[tuple[str, list[str], str]] = field(default_factory=list)
    """Sender, recipients and text of each letter."""
    logins: list[str] = field(default_factory=list)
    refuses: str = ""
    """A recipient whom it does not know."""


@contextmanager
def mail_server(refuses: str = "") -> Iterator[MailServer]:
    server = MailServer(refuses=refuses)

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            sender, to = "", []
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.upper()
                if word.startswith("EHLO"):
                    self.say("250-here\r\n250 AUTH PLAIN")
                elif word.startswith("AUTH PLAIN"):
                    server.logins.append(base64.b64decode(line.split()[2]).decode().replace("\0", " ").strip())
                    self.say("235 welcome")
                elif word.startswith("MAIL FROM:"):
                    sender, to = line[10:].split()[0].strip("<>"), []
                    self.say("250 well")
                elif word.startswith("RCPT TO:"):
                    name = line[8:].split()[0].strip("<>")
                    if name == server.refuses:
                        self.say("550 nobody here of that name")
                    else:
                        to.append(name)
                        self.say("250 well")
                elif word == "DATA":
                    self.say("354 go on")
                    lines = []
                    while (part := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                        lines.append(part.removeprefix(".") if part.startswith("..") else part)
                    server.letters.append((sender, to, "\n".join(lines)))
                    self.say("250 taken")
                elif word == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 well")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join(5)
