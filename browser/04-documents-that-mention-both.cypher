// Documents that mention both of two entities
// :param a => 'RA-88'
// :param b => 'Brno'
MATCH (a:Entity)<-[:MENTIONS]-(:Chunk)-[:PART_OF]->(d:Document)
WHERE toLower($a) IN [a.key, toLower(a.name)]
MATCH (b:Entity {tenant: a.tenant})
WHERE toLower($b) IN [b.key, toLower(b.name)]
  AND EXISTS { (b)<-[:MENTIONS]-(:Chunk)-[:PART_OF]->(d) }
WITH DISTINCT d, a, b
RETURN d AS document, d.source AS source,
  COLLECT { MATCH p = (a)<-[:MENTIONS]-(c:Chunk)-[:PART_OF]->(d) RETURN p ORDER BY c.position LIMIT 10 } AS first,
  COLLECT { MATCH p = (b)<-[:MENTIONS]-(c:Chunk)-[:PART_OF]->(d) RETURN p ORDER BY c.position LIMIT 10 } AS second
ORDER BY source
LIMIT 25
