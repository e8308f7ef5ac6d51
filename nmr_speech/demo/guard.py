"""Who may use the page: this machine's names, the page itself, and uploads up to a total.

A page of somebody else that is open in the same browser can send requests to this machine, and by DNS rebinding even
under its own name. So a request must be addressed to a name of this machine, come from the page itself where a browser
says where it comes from, and carry the token that the page has given to the browser if it changes anything.
"""

import ipaddress
import secrets
import socket
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Gradio's scripts need unsafe-inline and unsafe-eval, but nothing may be loaded from another host.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE = "nmr_speech_token"
READING = ("GET", "HEAD", "OPTIONS")
MOST_UPLOAD, MOST_KEPT, MOST_REQUEST = 2**26, 2**29, 2**20
"""Bytes of an upload, of all uploads that are kept at a time, and of any other request."""


class Guard:
    """ASGI middleware that refuses requests of strangers, and adds the Content-Security-Policy to every response.

    Arguments
    ---------
    app : ASGI application
        The page.
    host : str
        Address that the page listens on. On a loopback address only the names of that are answered to; on others also
        the host's name and its addresses, which no DNS rebinding can name.
    folder : str
        Where uploads are kept.
    """

    def __init__(self, app: Any, host: str, folder: str):
        self.app, self.folder = app, Path(folder)
        self.loopback = host in LOCAL or _is_address(host, loopback=True)
        self.names = LOCAL | {host.lower()} | (frozenset() if self.loopback else {socket.gethostname().lower()})
        self.token = secrets.token_urlsafe(32)
        self.under_way = 0  # bytes of uploads that are arriving

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or let the page answer it; the arguments are those of ASGI."""
        if scope["type"] == "websocket":  # the page needs none
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = _headers(scope)
        refusal = (400, "a header stands twice") if headers is None else self.refusal(scope, headers)
        if headers is None or refusal is not None:
            status, sentence = refusal or (400, "")
            await _answer(receive, send, status, sentence)
            return

        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                # Strict: a browser never sends it along with a request of another site's page.
                cookie = f"{COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict"
                given = [(b"set-cookie", cookie.encode())] if scope["path"] == "/" else []
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode()), *given]
            await send(message)

        size = int(headers["content-length"]) if _is_upload(scope) else 0
        self.under_way += size
        try:
            await self.app(scope, receive, send_with_policy)
        finally:
            self.under_way -= size

    def refusal(self, scope: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return why a request is refused, as a status and a sentence; None if it is not."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.is_mine(host):
            return 403, "this page answers only under the names of the machine that it runs on"
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "this page answers only to itself"
        # A link on another page may lead here, but no other page may use what is here.
        elsewhere = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        followed = scope["method"] in READING and headers.get("sec-fetch-mode") == "navigate"
        if elsewhere and not followed:
            return 403, "this page answers only to itself"
        if scope["method"] in READING:
            return None
        if not secrets.compare_digest(_cookie(headers.get("cookie", "")).encode(), self.token.encode()):
            return 403, "open the page first: it gives the token that uploads and requests need"
        return self.refusal_of_size(_is_upload(scope), headers)

    def refusal_of_size(self, upload: bool, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return why a request of that size is refused; None if it is not."""
        stated = headers.get("content-length", "")
        if not (stated.isascii() and stated.isdigit() and len(stated) < 19):
            return 411, "a request must say how long it is"
        size = int(stated)
        if size > (MOST_UPLOAD if upload else MOST_REQUEST):
            return 413, f"a file may have at most {MOST_UPLOAD >> 20} MiB"
        if upload and size + self.under_way + self.kept() > MOST_KEPT:
            return 507, "too many uploads are kept here; try again in ten minutes"
        return None

    def kept(self) -> int:
        """Return the bytes of all uploads that are kept."""
        total = 0
        for path in self.folder.rglob("*"):
            try:
                total += path.lstat().st_size
            except OSError:  # deleted meanwhile
                continue
        return total

    def is_mine(self, host: str) -> bool:
        """Whether the Host header, such as ``localhost:7860``, names this machine."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if not host or set(host) & set("/@?#\\ "):
            return False
        return name in self.names or (not self.loopback and _is_address(name))


def _is_address(name: str, loopback: bool = False) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not loopback


def _is_upload(scope: Mapping[str, Any]) -> bool:
    return scope["method"] not in READING and scope["path"].rstrip("/").endswith("/upload")


def _headers(scope: Mapping[str, Any]) -> dict[str, str] | None:
    """The headers that are looked at; None if one of them stands twice, because then programs read it differently."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in ("host", "origin", "content-length", "sec-fetch-site", "sec-fetch-mode") and key in found:
            return None
        found[key] = f"{found[key]}; {value.decode('latin-1')}" if key in found else value.decode("latin-1")
    return found


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


async def _answer(receive: Any, send: Any, status: int, sentence: str) -> None:
    # What a browser is sending is read and dropped, or it would report a broken connection instead of the sentence.
    dropped, more = 0, True
    while more and dropped < 2 * MOST_UPLOAD:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})
