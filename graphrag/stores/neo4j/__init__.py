"""GraphStore and SystemStore in Neo4j 2026.06 or newer: the production store."""
