"""Columns of numbers that grow, and metadata of documents as such: a filter costs one array lookup and no Python per document."""

from array import array
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from graphrag.filters import Condition, kind
from graphrag.types import Metadata, Scalar

_Number = TypeVar("_Number", bound=np.generic)


def fit(column: NDArray[_Number], row: int) -> NDArray[_Number]:
    """The column, grown so that `row` exists."""
    if row < len(column):
        return column
    return np.concatenate([column, np.zeros(max(len(column), row + 1 - len(column)), dtype=column.dtype)])


def view(numbers: "array[int]", width: int = 0) -> NDArray[np.int32]:
    """The numbers as they are, without a copy, in rows of `width` if given.

    An array cannot grow while a view of it exists, so no view may leave the method that makes it.
    """
    flat = np.frombuffer(numbers, dtype=np.intc)
    return flat.reshape(-1, width) if width else flat


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
        self._codes = fit(self._codes, row)
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
