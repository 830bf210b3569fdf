"""The processors that come with the house, each with what really takes its text: a stream, a file, a socket."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from executions.processors import processors
from executions.processors.base import Ended, ProcessorError
from executions.processors.files import FilesProcessor, place
from executions.processors.fluent import FluentProcessor, packed
from executions.processors.log import LogProcessor
from executions.processors.syslog import LONGEST, SyslogProcessor, address


def ended(output: str = "one\ntwo\n", *, ok: bool = True, execution: int = 42) -> Ended:
    return Ended(execution, 40, 1, "nightly", "host-1", ok, "", output)


def test_those_that_dkron_has_are_installed():
    assert {"log", "files", "syslog", "fluent"} <= processors().keys()


# --- log --------------------------------------------------------------------------------------------------------------
def test_a_success_goes_to_standard_output_between_marks(capfd):
    stored = LogProcessor().process(ended(), {})

    said = capfd.readouterr()
    assert said.out.splitlines() == [
        "--- BEGIN OUTPUT of job nightly, execution 42",
        "one",
        "two",
        "--- END OUTPUT of job nightly, execution 42",
    ]
    assert (said.err, stored) == ("", "Output in dkron log")


def test_a_failure_goes_to_standard_error(capfd):
    LogProcessor().process(ended("no line end", ok=False), {})

    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[1:] == ["no line end", "--- END OUTPUT of job nightly, execution 42"]


def test_a_log_is_not_moved_about_in(capfd):
    LogProcessor().process(ended("\x1b[2J\x1b[1;31mred\x1b[0m\x1b]0;title\x07 \x08\x9b31m\rtext\ttab\n"), {})

    assert capfd.readouterr().out.splitlines()[1] == "red 31mtext\ttab"


# --- files ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def folder(settings, tmp_path: Path) -> Path:
    settings.OUTPUT_FOLDERS = [str(tmp_path / "logs")]
    return tmp_path / "logs"


def test_the_output_becomes_a_file_of_the_executions_own(folder):
    stored = FilesProcessor().process(ended("grüße\n"), {})

    assert stored == f"{folder}/42.log"
    assert Path(stored).read_text() == "grüße\n"
    assert Path(stored).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("log_dir", ["nightly/de", "{folder}/nightly/de", "./nightly//de/"])
def test_a_folder_below_the_allowed_one_may_be_named(folder, log_dir):
    stored = FilesProcessor().process(ended(), {"log_dir": log_dir.format(folder=folder)})

    assert stored == f"{folder}/nightly/de/42.log"
    assert Path(stored).read_text() == "one\ntwo\n"


@pytest.mark.parametrize("log_dir", ["/var/log/dkron", "/", "..", "a/../../b", "{folder}/../x", "{folder}x", "a\0b"])
def test_no_other_folder_is_written_to(folder, log_dir):
    with pytest.raises(ProcessorError):
        FilesProcessor().process(ended(), {"log_dir": log_dir.format(folder=folder)})

    assert not folder.exists()


def test_of_several_allowed_folders_the_one_it_lies_in_counts():
    roots = [Path("/a"), Path("/b/c")]

    assert place(roots, "/b/c/d") == (Path("/b/c"), ("d",))
    assert place(roots, "") == (Path("/a"), ())


def test_without_a_setting_outputs_lie_in_the_data_folder(settings, tmp_path):
    settings.OUTPUT_FOLDERS, settings.DATA_DIR = [], tmp_path

    assert FilesProcessor().process(ended(), {}) == f"{tmp_path}/output/42.log"


def test_a_link_in_the_place_of_the_file_is_not_followed(folder, tmp_path):
    folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (folder / "42.log").symlink_to(victim)

    with pytest.raises(ProcessorError):
        FilesProcessor().process(ended(), {})

    assert victim.read_text() == "untouched"


def test_nor_one_in_the_place_of_a_folder(folder, tmp_path):
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (folder / "nightly").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ProcessorError):
        FilesProcessor().process(ended(), {"log_dir": "nightly"})

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_pipe_in_the_place_of_the_file_holds_nobody_up(folder):
    folder.mkdir()
    os.mkfifo(folder / "42.log")

    with pytest.raises(ProcessorError):
        FilesProcessor().process(ended(), {})


def test_a_later_execution_of_that_number_takes_the_place_of_the_file(folder):
    FilesProcessor().process(ended("a longer text\n"), {})
    stored = FilesProcessor().process(ended("short\n"), {})

    assert Path(stored).read_text() == "short\n"


# --- syslog -----------------------------------------------------------------------------------------------------------
@pytest.fixture(params=["socket", "udp"])
def system_log(request, settings, tmp_path):
    """A receiver of log lines: a unix socket as /dev/log is one, or a UDP port."""
    if request.param == "socket":
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(str(tmp_path / "log"))
        settings.SYSLOG_ADDRESS = str(tmp_path / "log")
    else:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("127.0.0.1", 0))
        settings.SYSLOG_ADDRESS = f"127.0.0.1:{receiver.getsockname()[1]}"
    receiver.settimeout(5)
    with receiver:
        yield receiver


CRON = 9 << 3


def test_each_line_is_one_of_the_systems_log(system_log):
    stored = SyslogProcessor().process(ended("one\n\n100 %s\n"), {})

    assert [system_log.recv(9000) for _ in range(2)] == [
        b"<%d>[dkron]: one\0" % (CRON + 6),
        b"<%d>[dkron]: 100 %%s\0" % (CRON + 6),
    ]
    assert stored == "Output in syslog"


def test_lines_of_a_failure_are_errors(system_log):
    SyslogProcessor().process(ended("oh", ok=False), {})

    assert system_log.recv(9000) == b"<%d>[dkron]: oh\0" % (CRON + 3)


def test_a_line_that_is_too_long_is_cut(system_log):
    SyslogProcessor().process(ended("x" * 100_000), {})

    assert len(system_log.recv(200_000)) == LONGEST + len(b"<78>[dkron]: \0")


def test_a_system_without_a_log_says_so(settings, tmp_path):
    settings.SYSLOG_ADDRESS = str(tmp_path / "none")

    with pytest.raises(ProcessorError, match="does not take log lines: No such file"):
        SyslogProcessor().process(ended(), {})


@pytest.mark.parametrize(
    ("said", "meant"),
    [("/dev/log", "/dev/log"), ("logs:1514", ("logs", 1514)), ("[::1]:1", ("::1", 1)), ("logs", ("logs", 514))],
)
def test_addresses_are_sockets_or_hosts(said, meant):
    assert address(said) == meant


# --- fluent -----------------------------------------------------------------------------------------------------------
class FluentServer:
    """Takes one connection and keeps what came by it."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.received = b""
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self) -> None:
        connection, _ = self.listening.accept()
        with connection:
            while data := connection.recv(65536):
                self.received += data

    def message(self) -> Any:
        self.thread.join(5)
        value, rest = unpacked(self.received)
        assert rest == b""
        return value


def unpacked(data: bytes) -> tuple[Any, bytes]:
    """The first value of MessagePack `data` and what comes after it, as the format's specification has them."""
    kind, rest = data[0], data[1:]
    if kind == 0xDB:
        (size,) = struct.unpack_from(">I", rest)
        return rest[4 : 4 + size].decode(), rest[4 + size :]
    if kind == 0xCE:
        return struct.unpack_from(">I", rest)[0], rest[4:]
    assert kind in (0xDC, 0xDE)
    (count,) = struct.unpack_from(">H", rest)
    values, rest = [], rest[2:]
    for _ in range(count * (2 if kind == 0xDE else 1)):
        value, rest = unpacked(rest)
        values.append(value)
    return (dict(zip(values[::2], values[1::2], strict=True)) if kind == 0xDE else values), rest


@pytest.fixture
def fluent_server(settings):
    server = FluentServer()
    settings.FLUENTBIT_HOST, settings.FLUENTBIT_PORT, settings.FLUENTBIT_TAG = "127.0.0.1", server.port, "jobs"
    yield server
    server.listening.close()


def test_the_output_goes_by_the_forward_protocol(fluent_server):
    stored = FluentProcessor().process(ended("grüße\n" * 20_000), {})

    tag, moment, record = fluent_server.message()
    assert tag == "jobs"
    assert abs(moment - time.time()) < 60
    assert record == {"host": "host-1", "job_name": "nightly", "message": "grüße\n" * 20_000}
    assert stored == "Output sent to Fluent"


def test_a_server_that_is_not_there_is_told(settings):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        settings.FLUENTBIT_HOST, settings.FLUENTBIT_PORT = gone.getsockname()

    with pytest.raises(ProcessorError, match="does not take it: Connection refused"):
        FluentProcessor().process(ended(), {})


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ("aé", b"\xdb\x00\x00\x00\x03a\xc3\xa9"),
        (7, b"\xce\x00\x00\x00\x07"),
        (["a"], b"\xdc\x00\x01\xdb\x00\x00\x00\x01a"),
        ({"a": 1}, b"\xde\x00\x01\xdb\x00\x00\x00\x01a\xce\x00\x00\x00\x01"),
        ("\ud800", b"\xdb\x00\x00\x00\x01?"),
    ],
)
def test_values_are_packed_as_the_format_says(value, data):
    assert packed(value) == data


def test_what_it_does_not_know_is_not_packed():
    with pytest.raises(TypeError):
        packed(1.5)
