CREATE TABLE services (service_id TEXT PRIMARY KEY, name TEXT, owner_team TEXT, tier INTEGER, language TEXT, data_store TEXT, cluster TEXT, retired_on TEXT);
INSERT INTO services VALUES
 ('svc-01', 'billing-gateway', 'Team Otter', 1, 'Kotlin', 'ledger-db', 'kestrel', NULL),
 ('svc-02', 'invoice-renderer', 'Team Otter', 3, 'Python', 'invoice-bucket', 'kestrel', NULL),
 ('svc-03', 'refund-worker', 'Team Otter', 2, 'Kotlin', 'ledger-db', 'kestrel', NULL),
 ('svc-04', 'route-planner', 'Team Heron', 1, 'Rust', 'route-cache', 'merlin', NULL),
 ('svc-05', 'eta-predictor', 'Team Heron', 2, 'Python', 'feature-store', 'merlin', NULL),
 ('svc-06', 'locker-agent', 'Team Badger', 1, 'C', NULL, NULL, NULL),
 ('svc-07', 'firmware-updater', 'Team Badger', 2, 'Go', 'firmware-bucket', 'kestrel', NULL),
 ('svc-08', 'door-event-bus', 'Team Badger', 1, 'Go', 'event-log', 'merlin', NULL),
 ('svc-09', 'login-api', 'Team Finch', 1, 'Kotlin', 'identity-db', 'kestrel', NULL),
 ('svc-10', 'consent-store', 'Team Finch', 2, 'Kotlin', 'identity-db', 'kestrel', NULL),
 ('svc-11', 'parcel-warehouse', 'Team Marten', 3, 'SQL', 'lakehouse', 'merlin', NULL),
 ('svc-12', 'label-printer', 'Team Heron', 3, 'Java', 'route-cache', 'merlin', '2026-02-27');
CREATE TABLE incidents (incident_no TEXT PRIMARY KEY, service TEXT, severity TEXT, started_at TEXT, minutes_down INTEGER, cause TEXT, commander TEXT);
INSERT INTO incidents VALUES
 ('INC-2031', 'login-api', 'SEV2', '2026-01-14 07:52', 38, 'expired signing certificate', 'Tove Rasmund'),
 ('INC-2036', 'route-planner', 'SEV3', '2026-02-03 05:10', 64, 'stale map tiles after the monthly import', 'Jonas Elvik'),
 ('INC-2041', 'billing-gateway', 'SEV1', '2026-03-09 18:26', 112, 'connection pool of ledger-db exhausted', 'Marit Solheim'),
 ('INC-2044', 'door-event-bus', 'SEV2', '2026-03-21 11:03', 45, 'disk full on two brokers', 'Pavel Dusek'),
 ('INC-2047', 'firmware-updater', 'SEV2', '2026-04-02 02:15', 210, 'signed image with the wrong key', 'Ines Cardoso'),
 ('INC-2052', 'billing-gateway', 'SEV3', '2026-04-28 09:40', 17, 'card scheme outage at Norpay', 'Leif Aune'),
 ('INC-2058', 'eta-predictor', 'SEV3', '2026-05-12 13:30', 95, 'feature-store lagged behind by six hours', 'Jonas Elvik'),
 ('INC-2063', 'refund-worker', 'SEV2', '2026-06-05 22:08', 151, 'poison message in the retry queue', 'Marit Solheim');
CREATE TABLE vendors (vendor_id INTEGER PRIMARY KEY, vendor_name TEXT, supplies TEXT, contract_no TEXT, annual_fee_eur INTEGER, renews_on TEXT, account_manager TEXT);
INSERT INTO vendors VALUES
 (401, 'Norpay AS', 'card payments', 'CT-118', 96000, '2026-12-31', 'Hilde Brandt'),
 (402, 'Skyloft Hosting', 'clusters kestrel and merlin', 'CT-121', 412000, '2027-03-31', 'Oscar Venn'),
 (403, 'Brakel Metalworks', 'locker housings', 'CT-087', 178500, '2026-09-30', 'Griet Maas'),
 (404, 'Tessera Maps', 'map tiles and traffic data', 'CT-130', 54200, '2026-11-15', 'Amir Haddad'),
 (405, 'Coldbridge Cells', 'lock batteries', 'CT-095', 33750, '2027-01-31', 'Sunniva Dahl'),
 (406, 'Lumen Courier Uniforms', 'work clothes', 'CT-102', 12400, '2026-08-01', 'Greta Oll');
CREATE TABLE depots (depot_id TEXT PRIMARY KEY, city TEXT, manager TEXT, lockers_served INTEGER, opened_on TEXT, phone TEXT);
INSERT INTO depots VALUES
 ('DEP-AAR', 'Aarhus', 'Kirsten Holm', 148, '2019-05-06', '+45 55 01 22 10'),
 ('DEP-BRE', 'Bremen', 'Uwe Tietjen', 203, '2020-09-14', '+49 421 550 9071'),
 ('DEP-GOT', 'Gothenburg', 'Annika Sjoberg', 176, '2018-11-01', '+46 31 555 0144'),
 ('DEP-LUB', 'Lubeck', 'Ralf Petersen', 91, '2023-03-20', '+49 451 550 3320');
