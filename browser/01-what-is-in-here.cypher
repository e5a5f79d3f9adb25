// What is in here: counts by tenant and access label
MATCH (d:Document)
WITH d.tenant AS tenant, d.access AS access, count(d) AS documents
CALL (tenant, access) {
  MATCH (c:Chunk {tenant: tenant, access: access})
  RETURN count(c) AS chunks
}
CALL (tenant, access) {
  MATCH (:Chunk {tenant: tenant, access: access})-[m:MENTIONS]->(e:Entity)
  RETURN count(m) AS mentions, count(DISTINCT e) AS entities
}
CALL (tenant, access) {
  MATCH (:Entity {tenant: tenant})-[r:RELATES {access: access}]->(:Entity)
  RETURN count(r) AS relations
}
RETURN tenant, access, documents, chunks, entities, mentions, relations
ORDER BY tenant, access
