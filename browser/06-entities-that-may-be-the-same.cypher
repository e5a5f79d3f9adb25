// Entities that may be the same, most likely first, with the reason
MATCH pair = (a:Entity)-[s:SAME_AS]->(b:Entity)
RETURN pair, a.name AS one, b.name AS other, s.score AS score, s.reason AS reason
ORDER BY score DESC, a.key, b.key
LIMIT 100
