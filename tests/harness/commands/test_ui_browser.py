"""Tests of the browser that harness/commands/ui.py opens: when the server listens, and on a desktop alone."""

import socket
import threading
import webbrowser

import pytest

from harness.commands import ui
from harness.commands.ui import _has_browser, _open_when_ready


def test_the_page_opens_when_the_server_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, done = list[str](), threading.Event()

    def note(address: str) -> bool:
        opened.append(address)
        done.set()
        return True

    monkeypatch.setattr(webbrowser, "open", note)
    monkeypatch.setattr(ui, "POLL_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        _open_when_ready("127.0.0.1", port, f"http://127.0.0.1:{port}/#/experiments/1")
        assert done.wait(20)
    assert opened == [f"http://127.0.0.1:{port}/#/experiments/1"]


def test_no_browser_opens_where_the_output_goes_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    assert not _has_browser()
