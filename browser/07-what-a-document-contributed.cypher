// What a document contributed: its passages, the entities they name, the relations they state
// :param source => 'quality/calibration-audit-2025.pdf'
MATCH (d:Document)
WHERE toLower($source) IN [toLower(d.source), toLower(d.title)]
RETURN
  COLLECT { MATCH (c:Chunk)-[part:PART_OF]->(d) RETURN [c, part] ORDER BY c.position LIMIT 50 } AS passages,
  COLLECT { MATCH (d)<-[:PART_OF]-(c:Chunk)-[next:NEXT]->(after:Chunk) RETURN [c, next, after] ORDER BY c.position LIMIT 50 } AS order,
  COLLECT {
    MATCH (d)<-[:PART_OF]-(c:Chunk)-[m:MENTIONS]->(e:Entity)
    RETURN [c, m, e] ORDER BY m.role DESC, m.count DESC LIMIT 100
  } AS entities,
  COLLECT { MATCH p = (:Entity)-[r:RELATES {document_id: d.id}]->(:Entity) RETURN p LIMIT 100 } AS relations,
  d AS document
