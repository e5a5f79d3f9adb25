"""All that one document contributed, as it was written: what export yields."""

import asyncio

from graphrag.errors import NotFoundError, StoreError
from graphrag.stores import rows
from graphrag.stores.moving import check_bound
from graphrag.stores.neo4j import queries
from graphrag.stores.neo4j.connection import Connection
from graphrag.stores.neo4j.values import from_vector
from graphrag.stores.neo4j.vectors import Vectors
from graphrag.types import ChunkVectors, Fingerprints, GraphBatch, Scope

_ATTEMPTS = 20


async def contribution(
    connection: Connection, held: Vectors, scope: Scope, id_: str, models: Fingerprints | None
) -> GraphBatch:
    """A document with all that it contributed.

    The server does not give several queries one snapshot. So what was read is checked to be of one version, and is read
    again if a write came between.

    Raises:
        NotFoundError: there is none of that id that the scope sees.
        SchemaMismatchError: the vectors are not of these models any more.
    """
    visible = queries.scope_parameters(scope)
    for attempt in range(_ATTEMPTS):
        layout = await held.layout(fresh=attempt > 0)
        check_bound(layout.models, models, connection.location)
        documents, chunks, relations = await asyncio.gather(
            connection.read(queries.CONTRIBUTION, id=id_, **visible),
            connection.read(
                queries.CONTRIBUTED_CHUNKS, id=id_, dimension=layout.dimension, **layout.parameters, **visible
            ),
            connection.read(queries.CONTRIBUTED_RELATIONS, id=id_, **visible),
        )
        if not documents:
            raise NotFoundError(f"document {id_} does not exist")
        *columns, text, relation_count = documents[0]
        document = rows.document_from(columns)
        if (
            len(chunks) == document.chunk_count
            and len(relations) == relation_count
            and all(row[-1] == document.fingerprint and not rows.is_torn(row) for row in chunks)
        ):
            return GraphBatch(
                document,
                text,
                [rows.chunk_from(row[:-3]) for row in chunks],
                [
                    ChunkVectors(from_vector(vector), rows.sentence_vectors(sentences, layout.sentence_dimension))
                    for *_, vector, sentences, _version in chunks
                ],
                [rows.relation_from(row) for row in relations],
            )
        await asyncio.sleep(0.05 * (attempt + 1))
    raise StoreError(
        f"{connection.location}: document {id_} was being written during each of {_ATTEMPTS} reads, or is damaged: try "
        f"again, and ingest it again if this goes on"
    )
