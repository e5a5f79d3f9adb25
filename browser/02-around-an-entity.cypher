// Around an entity: its relations, what may be the same, the passages that name it, and what they name beside it
// :param name => 'RA-88'
MATCH (e:Entity)
WHERE toLower($name) IN [e.key, toLower(e.name)]
RETURN e AS entity,
  COLLECT {
    MATCH p = (e)-[:RELATES|SAME_AS]-(:Entity)
    RETURN p LIMIT 40
  } AS related,
  COLLECT {
    MATCH p = (e)<-[:MENTIONS]-(:Chunk)-[:MENTIONS]->(o:Entity)
    RETURN p ORDER BY o.document_count DESC, o.key LIMIT 30
  } AS named_beside,
  COLLECT {
    MATCH (e)<-[m:MENTIONS]-(c:Chunk)-[part:PART_OF]->(d:Document)
    WITH m, c, part, d ORDER BY d.name, c.position LIMIT 20
    WITH d, collect([m, c, part]) AS passages
    RETURN [passages, d]
  } AS named_in
