// Find an entity by a part of its name: what the other queries want as a name
// :param part => 'kalvarde'
MATCH (e:Entity)
WHERE e.key CONTAINS toLower($part) OR toLower(e.name) CONTAINS toLower($part)
RETURN e AS entity, e.name AS name, e.type AS type, e.mention_count AS mentions, e.document_count AS documents
ORDER BY mentions DESC, name
LIMIT 50
