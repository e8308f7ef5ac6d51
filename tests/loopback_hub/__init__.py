"""A Hugging Face Hub on the loopback interface that speaks what the genuine client needs for upload and download.

There are two listeners: the Hub itself, and its storage, which is another origin and refuses tokens, like the real one.
With ``xet=True`` uploads take the client's default way: hf_xet cuts files into chunks and writes them, because of the
address ``local://``, to a folder instead of a server. Git, multipart LFS, quotas and git's commit ids are missing, and
files uploaded by hf_xet are not served to clients without it.
"""

import contextlib
import shutil
import tempfile
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests.loopback_hub.api import HubHandler
from tests.loopback_hub.handlers import StorageHandler
from tests.loopback_hub.state import Hub

OWNER = "hf_owner_of_everything_here"


@contextlib.contextmanager
def loopback_hub(repositories=(), tokens=(), xet=False):
    """Serve repositories; gives the Hub, whose ``url`` is for HF_ENDPOINT.

    Arguments
    ---------
    repositories : Mapping[str, Path]
        Folders that are there from the start, {"user/name": folder}.
    tokens : Mapping[str, tuple[str, str]]
        Who may log in: token to name and role, "read" or "write". The name "user" is also a member of "group".
    xet : bool
        Whether clients may upload by hf_xet.
    """
    folder = Path(tempfile.mkdtemp(prefix="loopback_hub_"))
    hub = Hub(folder, dict(tokens) | {OWNER: ("owner", "write")}, xet)
    for name, source in dict(repositories).items():
        hub.create("model", name, private=False)
        hub.add(name, {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (HubHandler, StorageHandler)]
    hub.url, hub.storage_url = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}) for server in servers]
    for server, thread in zip(servers, threads, strict=True):
        server.hub, server.daemon_threads = hub, True
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
        shutil.rmtree(folder)
