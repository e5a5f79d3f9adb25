// Chunks without entities: passages that only words and meaning lead to
MATCH (c:Chunk)-[part:PART_OF]->(d:Document)
WHERE NOT EXISTS { (c)-[:MENTIONS]->(:Entity) }
WITH c, part, d ORDER BY d.source, c.position LIMIT 100
RETURN d.source AS source, collect([c, part]) AS passages, collect(c.position + ': ' + left(c.text, 200)) AS texts, d AS document
ORDER BY source
