// What a document contributed: its passages, the entities they name, the relations they state
// :param source => 'quality/calibration-audit-2025.pdf'
MATCH (d:Document)
WHERE toLower($source) IN [toLower(d.source), toLower(d.title)]
RETURN d AS document,
  COLLECT { MATCH p = (c:Chunk)-[:PART_OF]->(d) RETURN p ORDER BY c.position LIMIT 50 } AS passages,
  COLLECT { MATCH p = (c:Chunk)-[:NEXT]->(:Chunk)-[:PART_OF]->(d) RETURN p ORDER BY c.position LIMIT 50 } AS order,
  COLLECT {
    MATCH p = (d)<-[:PART_OF]-(:Chunk)-[m:MENTIONS]->(:Entity)
    RETURN p ORDER BY m.role DESC, m.count DESC LIMIT 100
  } AS entities,
  COLLECT { MATCH p = (:Entity)-[r:RELATES {document_id: d.id}]->(:Entity) RETURN p LIMIT 100 } AS relations
