"""A real Neo4j Community server with Browser, for development and tests, on a machine without Docker.

Needs a JDK 21 or newer and Maven, nothing else; uses the standard library alone. The server's published Maven artifacts
are copied into a cache once (about 130 MB), and a server then starts in its own home folder, on the loopback interface:

    python tools/neo4j_server.py run                  in the foreground, until Ctrl-C (what `make neo4j` does)
    python tools/neo4j_server.py start | stop         in the background
    python tools/neo4j_server.py dump FILE | load FILE    offline backup and restore of its database

It is no way to run a production server: that is the official image or package.
"""

import argparse
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.maven import FetchError
from tools.neo4j_jars import NEO4J_VERSION, ServerError, jars, java_home

HOST = "127.0.0.1"
START_SECONDS = 180
STOP_SECONDS = 60
FOLDERS = ("conf", "data", "logs", "run", "plugins", "import", "licenses")
JAVA_FLAGS = (
    "--add-modules=jdk.incubator.vector",
    "--enable-native-access=ALL-UNNAMED",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent", "java.lang")
    ),
)
SHORT_LIVED = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"""For the environment of a server that lives for minutes: thorough compilation would take more than it gives."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    pid: int
    bolt_port: int
    http_port: int
    home: str
    user: str
    password: str
    """Empty without authentication."""


def prepare(home: Path, *, bolt_port: int, http_port: int, auth: bool, page_cache: str) -> None:
    """Create the home folder and write its configuration; data that is there stays."""
    for name in FOLDERS:
        (home / name).mkdir(parents=True, exist_ok=True)
    settings = {
        "server.default_listen_address": HOST,
        "server.bolt.listen_address": f"{HOST}:{bolt_port}",
        "server.bolt.advertised_address": f"{HOST}:{bolt_port}",
        "server.http.listen_address": f"{HOST}:{http_port}",
        "server.http.advertised_address": f"{HOST}:{http_port}",
        "server.memory.pagecache.size": page_cache,
        "dbms.security.auth_enabled": str(auth).lower(),
        # Nothing is sent anywhere, by the server or by Browser.
        "dbms.usage_report.enabled": "false",
        "server.fleet_discovery.enabled": "false",
        "dbms.fleet_manager.enabled": "false",
        "client.allow_telemetry": "false",
        # No query runs or waits forever, and none reads files.
        "db.transaction.timeout": "120s",
        "db.lock.acquisition.timeout": "30s",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        # Built-in procedures are always there; of a plugin, none is loaded.
        "dbms.security.procedures.allowlist": "db.*,dbms.*,tx.*",
    }
    (home / "conf/neo4j.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


def admin(home: Path, *arguments: str) -> str:
    """Run a command of neo4j-admin on a stopped server's home.

    Raises:
        ServerError: it failed, with what it said.
    """
    done = subprocess.run(
        [
            *(java_home() / "bin/java", *JAVA_FLAGS, "-cp", f"{jars()}/*", f"-Dapp.home={home}", f"-Dbasedir={home}"),
            *("org.neo4j.server.startup.Neo4jAdminCommand", *arguments),
        ],
        env=os.environ | {"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf"), "JAVA_HOME": str(java_home())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise ServerError(f"neo4j-admin {' '.join(arguments[:2])} failed:\n{said}")
    return done.stdout


def free_port(wanted: int, what: str) -> int:
    """The port, or a free one for 0.

    Raises:
        ServerError: it is taken.
    """
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, wanted))
        except OSError as exc:
            option = "--http-port" if what == "HTTP" else "--port"
            raise ServerError(
                f"{what} port {wanted} of {HOST} cannot be used ({exc.strerror}): is another Neo4j running? "
                f"Stop it, or choose another port with {option} (0 takes a free one)"
            ) from exc
        return int(trial.getsockname()[1])


def pid_of(home: Path) -> int | None:
    """The process that runs on this home folder, if any."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((home / "run/server.pid").read_text())
        os.kill(pid, 0)
        # A number can be somebody else's by now: where /proc tells, only a Java process with this home counts.
        command = Path(f"/proc/{pid}/cmdline")
        if not Path("/proc/self").exists() or f"--home-dir={home}".encode() in command.read_bytes().split(b"\0"):
            return pid
    return None


def launch(
    home: Path, *, bolt_port: int, http_port: int, password: str | None, heap: str, page_cache: str
) -> tuple["subprocess.Popen[bytes]", Running]:
    """Start a server and wait until it answers.

    Args:
        home: its folder, created if it does not exist; data that is there is used.
        bolt_port: 0 for a free one, as for `http_port`.
        http_port: of Browser.
        password: the password of the user `neo4j`, which a new home gets; None for a server without authentication.
        heap: largest Java heap.
        page_cache: size of the page cache.

    Raises:
        ServerError: with what to do about it.
    """
    home = home.resolve()
    if (running := pid_of(home)) is not None:
        raise ServerError(f"process {running} runs on {home} already: stop it first, or choose another --home")
    bolt_port, http_port = free_port(bolt_port, "Bolt"), free_port(http_port, "HTTP")
    library, java = jars(), java_home()
    prepare(home, bolt_port=bolt_port, http_port=http_port, auth=password is not None, page_cache=page_cache)
    if password is not None and not (home / "data/dbms").exists() and not (home / "data/databases").exists():
        admin(home, "dbms", "set-initial-password", password)
    log = home / "logs/console.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(java / "bin/java", f"-Xmx{heap}", *JAVA_FLAGS, "-cp", f"{library}/*"),
                *("org.neo4j.server.Neo4jCommunity", f"--home-dir={home}", f"--config-dir={home}/conf"),
                "--console-mode",
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this program, which then stops the server in order
        )
    (home / "run/server.pid").write_text(str(process.pid))
    try:
        _wait(process, http_port, log)
    except BaseException:
        end(process)
        raise
    return process, Running(process.pid, bolt_port, http_port, str(home), "neo4j", password or "")


def _wait(process: "subprocess.Popen[bytes]", http_port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = "\n".join(log.read_text(errors="replace").strip().splitlines()[-12:])
            raise ServerError(f"Neo4j ended with code {process.returncode} while starting; {log} says:\n{said}")
        if _answers(http_port):  # the HTTP server starts last
            return
        time.sleep(0.2)
    raise ServerError(f"Neo4j did not answer within {START_SECONDS} s; see {log}")


def _answers(http_port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, http_port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end(process: "subprocess.Popen[bytes]") -> None:
    """Stop a server in order, or by force if it takes too long."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop(home: Path) -> bool:
    """Stop the server on a home folder; False if none runs."""
    home = home.resolve()
    pid = pid_of(home)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while pid_of(home) is not None:
        if time.monotonic() > deadline:
            raise ServerError(f"process {pid} has not ended within {STOP_SECONDS} s; see {home}/logs/neo4j.log")
        time.sleep(0.1)
    return True


def password_of(home: Path, given: str | None) -> str:
    """The password: as given, from NEO4J_PASSWORD, or one of this home's own, kept in its file `password`."""
    if chosen := given or os.environ.get("NEO4J_PASSWORD"):
        return chosen
    file = home / "password"
    if not file.exists():
        if (home / "data/databases").exists():
            raise ServerError(f"{home} holds data already: give its password in NEO4J_PASSWORD")
        home.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(12) + "\n")
    return file.read_text().strip()


def dump(home: Path, file: Path) -> None:
    """Write the database of a stopped server into one file.

    Raises:
        ServerError: the server runs, or the file exists.
    """
    _require_stopped(home)
    if file.exists():
        raise ServerError(f"{file} exists already: choose another file")
    file.resolve().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.resolve().parent) as folder:
        admin(home.resolve(), "database", "dump", "neo4j", f"--to-path={folder}")
        (Path(folder) / "neo4j.dump").rename(file)


def load(home: Path, file: Path) -> None:
    """Replace the database of a stopped server, or of a new home, by what a dump holds.

    Raises:
        ServerError: the server runs, or there is no such file.
    """
    _require_stopped(home)
    if not file.is_file():
        raise ServerError(f"there is no file {file}")
    home = home.resolve()
    if not (home / "conf/neo4j.conf").exists():
        prepare(home, bolt_port=7687, http_port=7474, auth=True, page_cache="256m")
        admin(home, "dbms", "set-initial-password", password_of(home, None))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "neo4j.dump").symlink_to(file.resolve())  # load wants the database's name
        admin(home, "database", "load", "neo4j", f"--from-path={folder}", "--overwrite-destination=true")


def _require_stopped(home: Path) -> None:
    if (pid := pid_of(home.resolve())) is not None:
        raise ServerError(f"process {pid} runs on {home}: Community dumps and loads offline only, stop it first")


class _Stopped(BaseException):
    """A signal asked to stop, at whatever point that was."""


@contextlib.contextmanager
def _stopped_by_signals() -> Generator[None]:
    def stop(*_: object) -> None:
        raise _Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop_at_end_of_input() -> None:
    # Whoever started us holds the other end: it closes however that process ends, kill -9 included.
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _tell(server: Running, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(server)), flush=True)
        return
    login = f"user {server.user}, password {server.password}" if server.password else "no authentication"
    setting = f"{server.user}:{server.password}@" if server.password else ""
    print(f"Neo4j {NEO4J_VERSION} is ready (process {server.pid}), data in {server.home}")
    print(f"  Browser    http://{HOST}:{server.http_port}/browser/")
    print(f"  Bolt       neo4j://{HOST}:{server.bolt_port}")
    print(f"  Log in     {login}")
    print(f"  Setting    GRAPHRAG_STORE_URL=neo4j://{setting}{HOST}:{server.bolt_port}", flush=True)


def _run(arguments: argparse.Namespace, home: Path) -> int:
    password = None if arguments.no_auth else password_of(home, arguments.password)
    process = None
    try:
        with _stopped_by_signals():
            if arguments.command == "run" and arguments.until_stdin_closes:
                threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
            process, server = launch(
                home,
                bolt_port=arguments.port,
                http_port=arguments.http_port,
                password=password,
                heap=arguments.heap,
                page_cache=arguments.page_cache,
            )
            _tell(server, arguments.json)
            if arguments.command == "start":
                return 0
            if not arguments.json:
                print("Ctrl-C stops it", flush=True)
            process.wait()
    except _Stopped:
        if process is not None:
            end(process)
        return 0
    raise ServerError(f"Neo4j ended by itself with code {process.returncode}; see {home}/logs")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="neo4j_server.py",
        description=f"Neo4j Community {NEO4J_VERSION} with Browser, on this machine, without Docker.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help in (
        ("run", "start in the foreground"),
        ("start", "start in the background; returns when it answers"),
        ("stop", "stop the server of a home folder"),
        ("dump", "write the database of a stopped server into a file"),
        ("load", "replace the database of a stopped server by a dump"),
    ):
        command = commands.add_parser(name, help=help)
        command.add_argument(
            "--home", type=Path, default=Path(".neo4j"), help="data, logs and configuration (default: .neo4j)"
        )
        if name in ("dump", "load"):
            command.add_argument("file", type=Path)
        if name in ("run", "start"):
            command.add_argument("--port", type=int, default=7687, help="of Bolt; 0 takes a free one (default: 7687)")
            command.add_argument(
                "--http-port", type=int, default=7474, help="of Browser; 0 takes a free one (default: 7474)"
            )
            command.add_argument(
                "--password", help="of a new home; better in NEO4J_PASSWORD (default: a random one, printed)"
            )
            command.add_argument(
                "--no-auth", action="store_true", help="anybody on this machine may do everything: tests only"
            )
            command.add_argument("--heap", default="1g", help="largest Java heap (default: 1g)")
            command.add_argument("--page-cache", default="256m", help="page cache (default: 256m)")
            command.add_argument("--json", action="store_true", help="say where it is as one line of JSON")
        if name == "run":
            command.add_argument("--until-stdin-closes", action="store_true", help="stop when standard input ends")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parsed = _parser().parse_args(arguments)
    home: Path = parsed.home
    try:
        if parsed.command in ("run", "start"):
            return _run(parsed, home)
        if parsed.command == "stop":
            print(f"Stopped the server of {home}" if stop(home) else f"No server runs on {home}")
        elif parsed.command == "dump":
            dump(home, parsed.file)
            print(f"Wrote {parsed.file} ({parsed.file.stat().st_size:,} bytes)")
        else:
            load(home, parsed.file)
            print(f"Loaded {parsed.file} into {home}")
    except (ServerError, FetchError) as exc:
        print(f"Error: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
