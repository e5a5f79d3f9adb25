"""Metadata of documents as integer columns, so that a filter costs one array lookup and no Python per document."""

import numpy as np
from numpy.typing import NDArray

from graphrag.filters import Condition, kind
from graphrag.types import Metadata, Scalar


class MetadataColumn:
    """One filterable field: a code per document row, 0 where the field is missing."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._values: list[Scalar | None] = [None]
        # By kind as well as value, since Python holds 1 and True for equal.
        self._code_of: dict[tuple[str, Scalar], int] = {}
        self._codes = np.zeros(64, dtype=np.int32)
        self._tables: dict[Condition, NDArray[np.bool_]] = {}

    def set(self, row: int, metadata: Metadata) -> None:
        """Record the field's value of the document at `row`."""
        if row >= len(self._codes):
            self._codes = np.concatenate([self._codes, np.zeros(max(row + 1, len(self._codes)), dtype=np.int32)])
        value = metadata.get(self._field)
        if value is None:
            self._codes[row] = 0
            return
        key = (kind(value), value)
        code = self._code_of.get(key)
        if code is None:
            code = self._code_of[key] = len(self._values)
            self._values.append(value)
        self._codes[row] = code

    def mask(self, condition: Condition, rows: int) -> NDArray[np.bool_]:
        """Which of the first `rows` documents pass. The condition is judged once per distinct value."""
        table = self._tables.get(condition, np.zeros(0, dtype=np.bool_))
        if len(table) < len(self._values):
            fresh = [
                condition.matches({} if value is None else {self._field: value}) for value in self._values[len(table) :]
            ]
            table = np.concatenate([table, np.array(fresh, dtype=np.bool_)])
            if len(self._tables) >= 256:
                self._tables.clear()
            self._tables[condition] = table
        return table[self._codes[:rows]]
