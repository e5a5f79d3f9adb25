"""All Cypher that reads or writes knowledge: static text, everything else is a parameter.

Parameters that many share: `$tenant`, `$all` and `$access` say what the caller sees (`scope_parameters`), `$filter` is a
list of conditions (`read_parameters`); `$lock` comes with each transaction (connection.Transaction). Fragments in capitals are
put together from other constants only.
"""

from typing import LiteralString

from graphrag.filters import Filter
from graphrag.stores.neo4j.comparable import conditions
from graphrag.types import ALL_ACCESS, Scope


def scope_parameters(scope: Scope) -> dict[str, object]:
    """`$tenant`, `$all` and `$access`."""
    return {"tenant": scope.tenant, "all": ALL_ACCESS in scope.access, "access": sorted(scope.access)}


def read_parameters(scope: Scope, filter: Filter | None) -> dict[str, object]:
    """What `scope_parameters` gives, and `$filter`."""
    return {**scope_parameters(scope), "filter": conditions(filter)}


def together(columns: LiteralString) -> LiteralString:
    """Ends a query with all its rows in one record, for Connection.read_together."""
    return f"RETURN collect([{columns}])"


def _sees(node: LiteralString) -> LiteralString:
    """Whether a document or chunk is visible. An edge belongs to a chunk, so that its access label is the chunk's."""
    return f"{node}.tenant = $tenant AND ($all OR {node}.access IN $access)"


def _passes(node: LiteralString) -> LiteralString:
    """Whether a document or chunk passes the filter; see comparable.py for what the conditions hold."""
    return f"""all(f IN $filter WHERE CASE f.test
    WHEN 'in' THEN {node}[f.name] IN f.values
    WHEN 'range' THEN f.low <= {node}[f.name] AND {node}[f.name] < f.high
    WHEN 'ne' THEN {node}[f.name] STARTS WITH f.kind AND {node}[f.name] <> f.value
    ELSE ({node}[f.name] IS NOT NULL) = f.present END)"""


_SEES_D, _SEES_C = _sees("d"), _sees("c")
_PASSES_D, _PASSES_C = _passes("d"), _passes("c")

_DOCUMENT: LiteralString = """d.id, d.tenant, d.access, d.source, d.part, d.title, d.media_type, d.content_sha256, d.fingerprint,
    d.metadata, d.state, d.length, d.chunk_count, d.created_at, d.updated_at"""
_CHUNK: LiteralString = """c.id, c.document_id, c.source, c.title, c.position, c.start, c.core_start, c.`end`, c.page,
    c.token_count, c.heading, c.sentences, c.text, c.terms, c.phrases, c.mentions, c.marks"""
_RELATION: LiteralString = """r.id, r.chunk_id, r.document_id, r.subject_id, r.predicate, r.object_id, r.start, r.`end`,
    r.description"""

# Slots of chunk vectors (vectors.py).

VECTOR_PROPERTIES: tuple[LiteralString, LiteralString] = ("embedding", "embedding_2")
VECTOR_INDEXES: tuple[LiteralString, LiteralString] = ("chunk_vectors", "chunk_vectors_2")
LAYOUT: LiteralString = """
OPTIONAL MATCH (s:SchemaVersion {id: 'schema'})
RETURN s.slot, s.dimension, s.sentence_dimension, s.embedder, s.sentences"""
# Begins a read of vectors: no rows come where another slot or model is in use.
_IN_USE: LiteralString = """
MATCH (s:SchemaVersion {id: 'schema'})
WHERE coalesce(s.slot, 0) = $slot AND ($embedder IS NULL OR s.embedder = $embedder)"""

# Documents

DOCUMENTS: LiteralString = f"""
MATCH (d:Document)
WHERE {_SEES_D} AND d.id > $after AND d.source STARTS WITH $prefix AND {_PASSES_D}
WITH d ORDER BY d.id LIMIT $limit
{together(_DOCUMENT)}"""

DOCUMENTS_BY_ID: LiteralString = f"""
UNWIND $ids AS id
MATCH (d:Document {{id: id}})
WHERE {_SEES_D} AND d.id > $after AND d.source STARTS WITH $prefix AND {_PASSES_D}
WITH d ORDER BY d.id LIMIT $limit
{together(_DOCUMENT)}"""

# Of all tenants: a move to another model is of the whole store.
ALL_DOCUMENTS: LiteralString = f"MATCH (d:Document) WHERE d.id > $after RETURN {_DOCUMENT} ORDER BY d.id LIMIT $limit"

TEXTS: LiteralString = f"""
UNWIND $ids AS id
MATCH (d:Document {{id: id}}) WHERE {_SEES_D}
RETURN d.id, d.text"""

# substring counts code points, as we do; a beginning behind the end is an empty text.
TEXT_BETWEEN: LiteralString = f"""
UNWIND $ids AS id
MATCH (d:Document {{id: id}}) WHERE {_SEES_D}
RETURN d.length, substring(d.text, $start, $length)"""

STATISTICS: LiteralString = f"""
MATCH (d:Document) WHERE {_SEES_D}
WITH count(d) AS documents, sum(d.chunk_count) AS chunks, sum(d.mention_count) AS mentions, sum(d.relation_count) AS relations
CALL () {{
    MATCH (e:Entity {{tenant: $tenant}})
    WHERE EXISTS {{ MATCH (e)<-[m:MENTIONS]-() WHERE $all OR m.access IN $access }}
    RETURN count(e) AS entities
}}
RETURN documents, chunks, entities, mentions, relations"""

REVISION: LiteralString = "MATCH (p:Partition) RETURN sum(p.revision)"

# All that one document contributed, as it was written.
CONTRIBUTION: LiteralString = f"""
MATCH (d:Document {{id: $id}}) WHERE {_SEES_D}
RETURN {_DOCUMENT}, d.text, d.relation_count"""

CONTRIBUTED_CHUNKS: LiteralString = f"""
{_IN_USE}
MATCH (c:Chunk {{document_id: $id}}) WHERE {_SEES_C} AND c[$property] IS NOT NULL
RETURN {_CHUNK}, vector(c[$property], $dimension, FLOAT32), c.sentence_vectors, c.version ORDER BY c.position"""

CONTRIBUTED_RELATIONS: LiteralString = f"""
MATCH ()-[r:RELATES {{document_id: $id}}]->() WHERE r.tenant = $tenant AND ($all OR r.access IN $access)
RETURN {_RELATION} ORDER BY r.id"""

# Chunks

CHUNK_IDS: LiteralString = f"""
MATCH (c:Chunk {{document_id: $id}}) WHERE {_SEES_C}
WITH c.id AS id ORDER BY c.position
{together("id")}"""

CHUNKS: LiteralString = f"""
UNWIND $ids AS id
MATCH (c:Chunk {{id: id}}) WHERE {_SEES_C} AND {_PASSES_C}
{together(_CHUNK)}"""

CHUNKS_WITH_VECTORS: LiteralString = f"""
{_IN_USE}
UNWIND $ids AS id
MATCH (c:Chunk {{id: id}}) WHERE {_SEES_C} AND {_PASSES_C} AND c[$property] IS NOT NULL
{together(f"{_CHUNK}, vector(c[$property], $dimension, FLOAT32), c.sentence_vectors")}"""

# Search. A score is (1 + cosine) / 2. The predicate of a vector search is of declared properties, so that its text depends on
# the filter's fields and on nothing else: it is completed by `vector_search`.

_VECTOR_SEARCH: tuple[LiteralString, LiteralString, LiteralString] = (
    f"""
{_IN_USE}
UNWIND range(0, size($vectors) - 1) AS n
CALL (n) {{
    MATCH (c:Chunk)
    SEARCH c IN (VECTOR INDEX """,
    """ FOR $vectors[n] WHERE c.tenant = $tenant""",
    """ LIMIT $limit) SCORE AS score
    WITH c.id AS id, score ORDER BY score DESC, id
    WITH collect([id, score]) AS found
    RETURN size(found) AS total, found[..$best] AS best
}
RETURN n, total, best""",
)


def vector_search(slot: int, scope: Scope, predicates: list[str]) -> str:
    """The vector search of a slot within a scope, under the predicates of comparable.searchable."""
    first, second, after = _VECTOR_SEARCH
    before = first + VECTOR_INDEXES[slot] + second
    narrowed = [] if ALL_ACCESS in scope.access else ["c.access IN $access"]
    return before + "".join(f" AND {predicate}" for predicate in (*narrowed, *predicates)) + after


EXACT_SEARCH: LiteralString = f"""
{_IN_USE}
UNWIND range(0, size($vectors) - 1) AS n
CALL (n) {{
    MATCH (c:Chunk {{tenant: $tenant}}) WHERE {_SEES_C} AND {_PASSES_C} AND c[$property] IS NOT NULL
    WITH c.id AS id, vector.similarity.cosine(c[$property], $vectors[n]) AS score
    ORDER BY score DESC, id LIMIT $best
    WITH collect([id, score]) AS best
    RETURN size(best) AS total, best
}}
RETURN n, total, best"""

KEYWORD_SEARCH: LiteralString = f"""
UNWIND $queries AS query
CALL db.index.fulltext.queryNodes('chunk_text', query, {{limit: $limit}}) YIELD node AS c
WITH c, {_PASSES_C} AS passes
{together("c.id, CASE WHEN passes THEN c.terms END")}"""

# For each query of one term, the chunk that Lucene scores highest.
BEST_OF_EACH: LiteralString = f"""
UNWIND $queries AS query
CALL (query) {{
    CALL db.index.fulltext.queryNodes('chunk_text', query[1], {{limit: 1}}) YIELD node, score
    RETURN node.terms AS terms, score
}}
{together("query[0], terms, score")}"""

TERM_STATISTICS: LiteralString = """
OPTIONAL MATCH (p:Partition {tenant: $tenant}) WHERE $all OR p.access IN $access
WITH sum(p.chunks) AS chunks, sum(p.terms) AS terms
CALL () {
    UNWIND $queries AS query
    CALL (query) {
        CALL db.index.fulltext.queryNodes('chunk_text', query) YIELD node
        RETURN count(*) AS frequency
    }
    RETURN collect(frequency) AS frequencies
}
RETURN chunks, terms, frequencies"""

# Entities

ENTITY_IDS_BY_BLOCK: LiteralString = f"""
UNWIND $queries AS query
CALL db.index.fulltext.queryNodes('entity_names', query) YIELD node AS e
WHERE e.tenant = $tenant
WITH DISTINCT e
{together("e.id, e.key")}"""

ENTITY_IDS_BY_PREFIX: LiteralString = f"""
CALL db.index.fulltext.queryNodes('entity_names', $words) YIELD node AS e
WHERE e.tenant = $tenant AND ' ' + e.key CONTAINS $start
{together("e.id")}"""

# The fold: what the visible mentions say about each entity. Most mentioned first.
ENTITIES: LiteralString = f"""
UNWIND $ids AS id
MATCH (e:Entity {{id: id}}) WHERE e.tenant = $tenant
CALL (e) {{
    MATCH (e)<-[m:MENTIONS]-() WHERE $all OR m.access IN $access
    RETURN sum(m.count) AS mentions, count(m) AS chunks, count(DISTINCT m.document_id) AS documents
}}
WITH e, mentions, chunks, documents WHERE chunks > 0
ORDER BY mentions DESC, e.id LIMIT $limit
CALL (e) {{
    MATCH (e)<-[m:MENTIONS]-() WHERE $all OR m.access IN $access
    WITH m.surface AS surface, m.type AS type, sum(m.count) AS weight
    RETURN collect([surface, type, weight]) AS forms
}}
{together("e.id, e.key, mentions, chunks, documents, forms")}"""


def _mentioning(chunk_ids: LiteralString) -> LiteralString:
    """How many chunks mention each entity, and the first of them, given what matches the `id` of each for an entity `e`."""
    return f"""
UNWIND $ids AS id
MATCH (e:Entity {{id: id}}) WHERE e.tenant = $tenant
CALL (e) {{
    {chunk_ids} AS id ORDER BY id
    WITH collect(id) AS ids
    RETURN size(ids) AS total, CASE WHEN $rare AND size(ids) > $limit THEN [] ELSE ids[..$limit] END AS first
}}
WITH e, total, first WHERE total > 0
{together("e.id, total, first")}"""


CHUNKS_MENTIONING: LiteralString = _mentioning(
    "MATCH (e)<-[m:MENTIONS]-() WHERE $all OR m.access IN $access WITH m.chunk_id"
)
CHUNKS_MENTIONING_FILTERED: LiteralString = _mentioning(
    f"MATCH (e)<-[:MENTIONS]-(c:Chunk) WHERE {_SEES_C} AND {_PASSES_C} WITH c.id"
)

ENTITY_IDS: LiteralString = f"""
MATCH (e:Entity) WHERE e.id > $after AND e.tenant = $tenant
AND EXISTS {{ MATCH (e)<-[m:MENTIONS]-() WHERE $all OR m.access IN $access }}
WITH e.id AS id ORDER BY id LIMIT $limit
{together("id")}"""

# Title links. The chunks that are about an entity are visible as `a` is, their edge to it.

_ABOUT: LiteralString = f"""
    MATCH (e)<-[a:ABOUT]-(c:Chunk) WHERE ($all OR a.access IN $access) AND {_PASSES_C}"""

# For each given chunk: which of its phrases are the key of a visible subject, the first chunks about each, and whether
# the chunk itself is about it.
TITLE_LINKS: LiteralString = f"""
UNWIND $ids AS id
MATCH (c:Chunk {{id: id}}) WHERE {_SEES_C} AND {_PASSES_C}
WITH c AS source
UNWIND source.phrase_ids AS phrase
MATCH (e:Entity {{id: phrase}})
CALL (e) {{ {_ABOUT}
    WITH a.chunk_id AS target ORDER BY target LIMIT $limit
    RETURN collect(target) AS targets
}}
WITH source, e, targets WHERE size(targets) > 0
WITH source, collect([e.key, targets, EXISTS {{ (source)-[:ABOUT]->(e) }}]) AS subjects
{together("source.id, source.phrases, subjects")}"""

# Steps in the graph of entities

NEIGHBOURS: LiteralString = f"""
UNWIND $ids AS id
MATCH (e:Entity {{id: id}})-[r:RELATES]-(other:Entity) WHERE e.tenant = $tenant AND ($all OR r.access IN $access)
WITH DISTINCT other
{together("other.id")}"""

RELATIONS_AMONG: LiteralString = f"""
UNWIND $ids AS id
MATCH (e:Entity {{id: id}})-[r:RELATES]->() WHERE e.tenant = $tenant AND ($all OR r.access IN $access) AND r.object_id IN $ids
WITH r ORDER BY r.id
{together(_RELATION)}"""

# Writing. A statement that begins by setting `lock` waits for other writers of the same node, and then reads what they left.

# What is stored about the models, and about each document to be written, with one id of its batch that another document has.
# Documents ascending by id, so that two writers never wait for each other in a circle.
STATE: LiteralString = """
OPTIONAL MATCH (s:SchemaVersion {id: 'schema'})
UNWIND $documents AS row
OPTIONAL MATCH (d:Document {id: row.id})
FOREACH (held IN CASE WHEN d IS NULL THEN [] ELSE [d] END | SET held.lock = $lock)
WITH s, row, d
CALL (row) {
    UNWIND row.chunk_ids AS id
    MATCH (c:Chunk {id: id}) WHERE c.document_id <> row.id
    RETURN min(c.id) AS taken_chunk
}
CALL (row) {
    UNWIND row.relation_ids AS id
    MATCH ()-[r:RELATES {id: id}]->() WHERE r.document_id <> row.id
    RETURN min(r.id) AS taken_relation
}
RETURN s.dimension, s.sentence_dimension, s.embedder, s.sentences, s.slot, s.move_target,
    row.id, d.tenant, d.access, d.fingerprint, d.state, d.created_at, d.chunk_count, d.term_count, taken_chunk, taken_relation"""

# The models again, from now on until the transaction ends: nobody changes them meanwhile.
LOCK_MODELS: LiteralString = """
MATCH (s:SchemaVersion {id: 'schema'}) SET s.lock = $lock
WITH s
RETURN s.dimension, s.sentence_dimension, s.embedder, s.sentences, s.slot"""

RECORD_DIMENSIONS: LiteralString = """
MATCH (s:SchemaVersion {id: 'schema'}) SET s.lock = $lock
WITH s
SET s.dimension = coalesce(s.dimension, $dimension), s.sentence_dimension = coalesce(s.sentence_dimension, $sentence_dimension)
RETURN s.dimension, s.sentence_dimension"""

WRITE_DOCUMENTS: LiteralString = """
UNWIND $documents AS properties
MERGE (d:Document {id: properties.id}) SET d = properties"""

# `before` is the id of the chunk before this one, null for a document's first.
WRITE_CHUNKS: LiteralString = """
UNWIND $chunks AS row
MATCH (d:Document {id: row.properties.document_id})
CREATE (c:Chunk)-[:PART_OF]->(d)
SET c = row.properties
WITH c, row
CALL db.create.setNodeVectorProperty(c, $property, row.vector)
WITH c, row WHERE row.before IS NOT NULL
MATCH (before:Chunk {id: row.before})
CREATE (before)-[:NEXT]->(c)"""

# Entities ascending by id, as documents are. A mention is a list (place of its chunk in `$chunk_ids`, surface form, type,
# role, count): what it shares with its chunk is not sent for each.
WRITE_MENTIONS: LiteralString = """
UNWIND $entities AS row
MERGE (e:Entity {id: row.id})
ON CREATE SET e += row.properties
SET e:Stale, e.touched = $lock
WITH e, row
UNWIND row.mentions AS mention
MATCH (c:Chunk {id: $chunk_ids[mention[0]]})
CREATE (c)-[m:MENTIONS]->(e)
SET m = {surface: mention[1], type: mention[2], role: mention[3], count: mention[4], chunk_id: c.id,
    document_id: c.document_id, tenant: c.tenant, access: c.access}
FOREACH (_ IN CASE WHEN m.role = 'subject' THEN [1] ELSE [] END |
    CREATE (c)-[:ABOUT {chunk_id: c.id, document_id: c.document_id, tenant: c.tenant, access: c.access}]->(e))"""

WRITE_RELATIONS: LiteralString = """
UNWIND $relations AS properties
MATCH (s:Entity {id: properties.subject_id}) MATCH (o:Entity {id: properties.object_id})
CREATE (s)-[r:RELATES]->(o)
SET r = properties"""

# Counts over what the holders of one label see, kept in the transaction of each write: reads sum over their labels.
COUNT_WRITE: LiteralString = """
UNWIND $partitions AS row
MERGE (p:Partition {id: row.id})
ON CREATE SET p.tenant = row.tenant, p.access = row.access, p.chunks = 0, p.terms = 0, p.revision = 0
SET p.lock = $lock
WITH p, row
SET p.chunks = p.chunks + row.chunks, p.terms = p.terms + row.terms, p.revision = p.revision + 1"""

LOCK_DOCUMENTS: LiteralString = f"""
UNWIND $ids AS id
MATCH (d:Document {{id: id}}) WHERE d.tenant = $tenant
SET d.lock = $lock
WITH d WHERE {_SEES_D}
RETURN d.id, d.access, d.chunk_count, d.term_count"""

REMOVE_RELATIONS: LiteralString = """
UNWIND $ids AS id
MATCH ()-[r:RELATES {document_id: id}]->() DELETE r"""

# Returns the entities that lost a mention.
REMOVE_CHUNKS: LiteralString = """
UNWIND $ids AS id
MATCH (c:Chunk {document_id: id})
OPTIONAL MATCH (c)-[:MENTIONS]->(e:Entity)
WITH c, e ORDER BY e.id
WITH collect(DISTINCT c) AS chunks, collect(DISTINCT e) AS entities
FOREACH (e IN entities | SET e:Stale, e.touched = $lock)
FOREACH (c IN chunks | DETACH DELETE c)
RETURN [e IN entities | e.id]"""

REMOVE_ORPHANS: LiteralString = """
UNWIND $ids AS id
MATCH (e:Entity {id: id}) SET e.lock = $lock
WITH e WHERE NOT EXISTS { (e)<-[:MENTIONS]-() }
DETACH DELETE e"""

REMOVE_DOCUMENTS: LiteralString = """
UNWIND $ids AS id
MATCH (d:Document {id: id}) DETACH DELETE d"""

CHECK_LEASE: LiteralString = """
OPTIONAL MATCH (j:Job {id: $id})
FOREACH (held IN CASE WHEN j IS NULL THEN [] ELSE [j] END | SET held.lock = $lock)
RETURN j.state, j.worker, j.fence"""
