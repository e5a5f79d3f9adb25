"""What a Neo4j server on this machine needs: a JDK, and the jars of Neo4j and Browser, fetched once with Maven.

Uses the standard library alone. For tools/neo4j_server.py, which starts the server.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.maven import maven_command, run_maven

NEO4J_VERSION = "2026.08.1"
BROWSER_VERSION = "5.24.0"
OLDEST_JDK = 21
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>neo4j-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{NEO4J_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.neo4j.client</groupId><artifactId>neo4j-browser</artifactId><version>{BROWSER_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


class ServerError(Exception):
    """The server cannot be had or started; the message says what to do."""


def java_home() -> Path:
    """The first JDK that is new enough: JAVA_HOME, PATH, /usr/lib/jvm, then the usual places of macOS.

    Raises:
        ServerError: there is none; names those that are too old.
    """
    on_path = shutil.which("java")
    candidates = [
        *([Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []),
        *([Path(on_path).resolve().parent.parent] if on_path else []),
        *sorted(Path("/usr/lib/jvm").glob("*")),
        *sorted(Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home")),
        *sorted(Path("/opt/homebrew/opt").glob("openjdk*/libexec/openjdk.jdk/Contents/Home")),
        *sorted(Path("/usr/local/opt").glob("openjdk*/libexec/openjdk.jdk/Contents/Home")),
    ]
    too_old: dict[Path, int] = {}
    for candidate in candidates:
        home = candidate.resolve()
        version = 0 if home in too_old else _java_version(home)
        if version >= OLDEST_JDK:
            return home
        if version:
            too_old[home] = version
    found = "".join(f"; {home} is {version}" for home, version in too_old.items()) or "; none was found"
    raise ServerError(
        f"Neo4j {NEO4J_VERSION} needs a JDK {OLDEST_JDK} or newer{found}. Install one (Debian, Ubuntu: "
        f"apt install openjdk-{OLDEST_JDK}-jdk-headless; macOS: brew install openjdk) or set JAVA_HOME to it"
    )


def _java_version(home: Path) -> int:
    java = home / "bin/java"
    if not os.access(java, os.X_OK):
        return 0
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30).stderr
        if found := re.search(r'version "(\d+)', said):
            return int(found[1])
    return 0


def jars() -> Path:
    """The folder of the server's jars, fetched by Maven if this is the first time.

    Raises:
        ServerError: no JDK.
        FetchError: no Maven, or it failed.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = base / "graphrag-neo4j" / f"{NEO4J_VERSION}-browser-{BROWSER_VERSION}"
    folder = cache / "lib"
    if folder.is_dir():
        return folder
    command, java = maven_command("the Neo4j server"), java_home()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two first starts at once, the second waits
        if folder.is_dir():
            return folder
        print(f"Fetching Neo4j {NEO4J_VERSION} with Browser {BROWSER_VERSION} into {cache} (once)", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            (Path(temporary) / "pom.xml").write_text(POM)
            run_maven(
                command,
                *("-f", f"{temporary}/pom.xml", "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={temporary}/lib"),
                what=f"Neo4j {NEO4J_VERSION}",
                cwd=Path(temporary),
                environment={"JAVA_HOME": str(java)},
            )
            (Path(temporary) / "lib").rename(folder)  # all of it or nothing
    return folder
