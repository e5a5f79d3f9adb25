// How are two entities connected: the shortest ways, with the text that says so
// :param from => 'Brno'
// :param to => 'Kalvarde Metrology AB'
MATCH (a:Entity)
WHERE toLower($from) IN [a.key, toLower(a.name)]
MATCH (b:Entity {tenant: a.tenant})
WHERE toLower($to) IN [b.key, toLower(b.name)] AND a <> b
MATCH way = SHORTEST 5 (a)-[:RELATES|SAME_AS|MENTIONS]-{1,6}(b)
RETURN way,
  COLLECT {
    UNWIND relationships(way) AS r
    MATCH (d:Document {id: r.document_id})
    WHERE type(r) = 'RELATES'
    RETURN startNode(r).name + ' -[' + r.predicate + ']-> ' + endNode(r).name + ' (' + d.name + '): '
      + trim(substring(d.text, r.start, r.end - r.start))
  } + COLLECT {
    UNWIND nodes(way) AS c
    WITH c WHERE c:Chunk
    MATCH (c)-[:PART_OF]->(d:Document)
    RETURN 'Named together (' + d.name + '): ' + c.text
  } AS evidence
ORDER BY length(way)
