// Most connected entities, with the relations among them
MATCH (e:Entity)-[:RELATES]-(other:Entity)
WHERE other <> e
WITH e, count(DISTINCT other) AS neighbours
ORDER BY neighbours DESC, e.key, e.id
LIMIT 25
WITH collect({entity: e, neighbours: neighbours}) AS top
UNWIND top AS row
WITH row.entity AS e, row.neighbours AS neighbours, [one IN top | one.entity] AS others
RETURN e AS entity, e.name AS name, neighbours, e.mention_count AS mentions,
  COLLECT { MATCH p = (e)-[:RELATES]->(o:Entity) WHERE o IN others RETURN p LIMIT 50 } AS among_them
ORDER BY neighbours DESC, e.key, e.id
