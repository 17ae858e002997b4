"""`make study` serves the built site on this machine only, on the next free port."""

import socket
import threading
import urllib.request
from pathlib import Path

import pytest

from dldocs import serve


def test_a_taken_port_gives_way_to_the_next_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = squatter.getsockname()[1]
        with serve.listen(tmp_path, taken) as server:
            assert taken < server.server_address[1] <= taken + serve.ATTEMPTS


def test_no_free_port_says_which_to_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as squatter, pytest.raises(SystemExit, match="make study PORT="):
        serve.listen(tmp_path, squatter.getsockname()[1])


def test_it_serves_the_folder_and_on_the_loopback_address_only(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("built")
    with serve.listen(tmp_path, 8000) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host, port = server.server_address[:2]
        with urllib.request.urlopen(f"http://{host}:{port}/") as page:
            body = page.read()
        server.shutdown()
        thread.join()

    assert (host, body) == ("127.0.0.1", b"built")
