// Documents that mention both of two entities
// :param a => 'RA-88'
// :param b => 'Brno'
MATCH (a:Entity)<-[:MENTIONS]-(:Chunk)-[:PART_OF]->(d:Document)
WHERE toLower($a) IN [a.key, toLower(a.name)]
MATCH (b:Entity {tenant: a.tenant})
WHERE toLower($b) IN [b.key, toLower(b.name)]
  AND EXISTS { (b)<-[:MENTIONS]-(:Chunk)-[:PART_OF]->(d) }
WITH DISTINCT d, a, b
RETURN d.source AS source,
  COLLECT { MATCH (a)<-[m:MENTIONS]-(c:Chunk)-[part:PART_OF]->(d) RETURN [a, m, c, part] ORDER BY c.position LIMIT 10 } AS first,
  COLLECT { MATCH (b)<-[m:MENTIONS]-(c:Chunk)-[part:PART_OF]->(d) RETURN [b, m, c, part] ORDER BY c.position LIMIT 10 } AS second,
  d AS document
ORDER BY source
LIMIT 25
