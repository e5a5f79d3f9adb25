// Chunks without entities: passages that only words and meaning lead to
MATCH (c:Chunk)-[part:PART_OF]->(d:Document)
WHERE NOT EXISTS { (c)-[:MENTIONS]->(:Entity) }
RETURN c AS chunk, part, d AS document, d.source AS source, c.position AS position, left(c.text, 200) AS text
ORDER BY source, position
LIMIT 100
