"""A web server on this machine that can break in the ways real ones break."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Site:
    """What the server does, and what it was asked.

    `cut` closes the connection after so many bytes of a body, for each answer in turn;
    `ranges` says whether it honours Range; `status` answers with an error instead.
    """

    content: bytes
    url: str = ""
    cut: list[int | None] = field(default_factory=list)
    ranges: bool = True
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)  # the Range of each request
    sent: int = 0


@contextlib.contextmanager
def serve(content: bytes, name: str = "file.bin") -> Iterator[Site]:
    site = Site(content)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            site.asked.append(wanted)
            if site.status is not None:
                self.send_error(site.status)
                return
            start, total = 0, len(site.content)
            if wanted and site.ranges:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= total:
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(total - start))
            self.end_headers()
            body = site.content[start:]
            stop = site.cut.pop(0) if site.cut else None
            body = body if stop is None else body[:stop]
            site.sent += len(body)
            self.wfile.write(body)
            self.wfile.flush()
            self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}/{name}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
