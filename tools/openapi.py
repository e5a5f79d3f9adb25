"""Print the description of the HTTP interface, for docs/openapi.json (what `make openapi` does)."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from api.app import create_app
from graphrag.settings import load_settings

print(json.dumps(create_app(load_settings()).openapi_schema.to_schema(), indent=2, ensure_ascii=False))
