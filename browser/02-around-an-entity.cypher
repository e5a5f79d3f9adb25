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
    MATCH p = (e)<-[:MENTIONS]-(c:Chunk)-[:PART_OF]->(d:Document)
    RETURN p ORDER BY d.name, c.position LIMIT 20
  } AS named_in,
  COLLECT {
    MATCH p = (e)<-[:MENTIONS]-(:Chunk)-[:MENTIONS]->(o:Entity)
    RETURN p ORDER BY o.document_count DESC, o.key LIMIT 30
  } AS named_beside
