-- Rows as Kratos v26.2 wrote them to SQLite: a native sign-up with its session, an imported identity, a disabled one.

INSERT INTO networks
    (id, created_at, updated_at)
VALUES
    ('6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '2026-11-21 08:07:33.251232+00:00', '2026-11-21 08:07:33.251232+00:00');

INSERT INTO identities
    (id, schema_id, traits, created_at, updated_at, nid, state, state_changed_at, metadata_public, metadata_admin, available_aal, external_id)
VALUES
    ('383e9890-70e5-480b-9ff4-f94fa21cfd2d', 'person', '{"email": "imported.a@example.org"}', '2026-11-21 08:07:34.935203+00:00', '2026-11-21 08:07:34.935203+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 'active', '2026-11-21 08:07:34.934172489+00:00', '{"x": [1, null, "\u00e9"]}', '{"tier": 2}', 'aal1', 'ext-a'),
    ('883d6a9e-7c81-42d1-8c10-83ab97c1a5b0', 'phone', '{"phone": "+4915199999999", "username": "Off-a"}', '2026-11-21 08:07:34.941408+00:00', '2026-11-21 08:07:34.941408+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 'inactive', '2026-11-21 08:07:34.940781471+00:00', NULL, NULL, 'aal0', NULL),
    ('8f8e125a-982a-4cb0-a7de-c428ab502b2d', 'person', '{"email": "native.a@example.org","name":{}}', '2026-11-21 08:07:33.755374+00:00', '2026-11-21 08:07:33.755374+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 'active', '2026-11-21 08:07:33.754608748+00:00', NULL, NULL, 'aal1', NULL);

INSERT INTO identity_credentials
    (id, config, identity_credential_type_id, identity_id, created_at, updated_at, nid, version)
VALUES
    ('1131dddb-c0db-4cff-9cb3-9a2f28385dce', '{"addresses":[{"channel":"email","address":"imported.a@example.org"}]}', '14f3b7e2-8725-4068-be39-8a796485fd97', '383e9890-70e5-480b-9ff4-f94fa21cfd2d', '2026-11-21 08:07:34.936061+00:00', '2026-11-21 08:07:34.936061+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 1),
    ('4c888192-3489-4886-9249-7ca17008f676', '{}', '6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', '383e9890-70e5-480b-9ff4-f94fa21cfd2d', '2026-11-21 08:07:34.936059+00:00', '2026-11-21 08:07:34.936059+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 0),
    ('6ae1759e-f5de-4d65-8b58-acfa7243552b', '{}', '78c1b41d-8341-4507-aa60-aff1d4369670', '883d6a9e-7c81-42d1-8c10-83ab97c1a5b0', '2026-11-21 08:07:34.941814+00:00', '2026-11-21 08:07:34.941814+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 0),
    ('6b23b894-95e6-4a32-8dfb-b56dfdb653ff', '{"providers":[{"subject":"s-a","provider":"local","initial_id_token":"","initial_access_token":"","initial_refresh_token":""}]}', '6fa5e2e0-bfce-4631-b62b-cf2b0252b289', '383e9890-70e5-480b-9ff4-f94fa21cfd2d', '2026-11-21 08:07:34.936057+00:00', '2026-11-21 08:07:34.936057+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 0),
    ('99ba5209-b3f9-493e-ab00-868ca81b7350', '{"hashed_password":"$2a$12$AQupr2llfUdMYWEmibQ.t.EoOsbVqR9pv1nZN07r0oxbQ5oq4Kb7G"}', '78c1b41d-8341-4507-aa60-aff1d4369670', '8f8e125a-982a-4cb0-a7de-c428ab502b2d', '2026-11-21 08:07:33.756372+00:00', '2026-11-21 08:07:33.756372+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 0),
    ('a61d4ec1-ca7b-43aa-b5e8-cd12f25e8648', '{"hashed_password":"$2a$12$Whdycp4gcDGyZN7xnfsXdOcuMEDxCdszfsU5.AoGV53FDeXuipsZS"}', '78c1b41d-8341-4507-aa60-aff1d4369670', '383e9890-70e5-480b-9ff4-f94fa21cfd2d', '2026-11-21 08:07:34.936053+00:00', '2026-11-21 08:07:34.936053+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 0),
    ('b24b7474-e53f-4cef-89a2-72b3c7b38a7e', '{"addresses":[{"channel":"email","address":"native.a@example.org"}]}', '14f3b7e2-8725-4068-be39-8a796485fd97', '8f8e125a-982a-4cb0-a7de-c428ab502b2d', '2026-11-21 08:07:33.756369+00:00', '2026-11-21 08:07:33.756369+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 1),
    ('b36d04b3-d984-448c-81a1-e09b3b79e862', '{"addresses":[{"channel":"sms","address":"+4915199999999"}]}', '14f3b7e2-8725-4068-be39-8a796485fd97', '883d6a9e-7c81-42d1-8c10-83ab97c1a5b0', '2026-11-21 08:07:34.941818+00:00', '2026-11-21 08:07:34.941818+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 1),
    ('f24e4ff3-6454-438e-80fe-612f2cd29c79', '{}', '6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', '8f8e125a-982a-4cb0-a7de-c428ab502b2d', '2026-11-21 08:07:33.756374+00:00', '2026-11-21 08:07:33.756374+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 0);

INSERT INTO identity_credential_identifiers
    (id, identifier, identity_credential_id, created_at, updated_at, nid, identity_credential_type_id, identity_id)
VALUES
    ('03c67d25-10d2-403e-af72-42ba1c4bce39', '+4915199999999', '6ae1759e-f5de-4d65-8b58-acfa7243552b', '2026-11-21 08:07:34.941942+00:00', '2026-11-21 08:07:34.941942+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '78c1b41d-8341-4507-aa60-aff1d4369670', '883d6a9e-7c81-42d1-8c10-83ab97c1a5b0'),
    ('18baaaac-266b-4306-9a85-e6a91e39c1a1', 'native.a@example.org', '99ba5209-b3f9-493e-ab00-868ca81b7350', '2026-11-21 08:07:33.756712+00:00', '2026-11-21 08:07:33.756712+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '78c1b41d-8341-4507-aa60-aff1d4369670', '8f8e125a-982a-4cb0-a7de-c428ab502b2d'),
    ('5cb3e5a2-a900-4661-bd2d-a6de0dfa6681', 'native.a@example.org', 'b24b7474-e53f-4cef-89a2-72b3c7b38a7e', '2026-11-21 08:07:33.756708+00:00', '2026-11-21 08:07:33.756708+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '14f3b7e2-8725-4068-be39-8a796485fd97', '8f8e125a-982a-4cb0-a7de-c428ab502b2d'),
    ('7086beb4-5313-40a9-9ee0-efd36220c239', '+4915199999999', 'b36d04b3-d984-448c-81a1-e09b3b79e862', '2026-11-21 08:07:34.941947+00:00', '2026-11-21 08:07:34.941947+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '14f3b7e2-8725-4068-be39-8a796485fd97', '883d6a9e-7c81-42d1-8c10-83ab97c1a5b0'),
    ('a51dea80-5155-40c6-b1e5-47089cae2d66', 'imported.a@example.org', '1131dddb-c0db-4cff-9cb3-9a2f28385dce', '2026-11-21 08:07:34.936332+00:00', '2026-11-21 08:07:34.936332+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '14f3b7e2-8725-4068-be39-8a796485fd97', '383e9890-70e5-480b-9ff4-f94fa21cfd2d'),
    ('b4259f19-061f-4c0a-83d9-27587b1ec27c', 'imported.a@example.org', '4c888192-3489-4886-9249-7ca17008f676', '2026-11-21 08:07:34.936331+00:00', '2026-11-21 08:07:34.936331+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', '383e9890-70e5-480b-9ff4-f94fa21cfd2d'),
    ('c0d1b03b-cdd9-49cb-b0b5-126b318cd7d9', 'local:s-a', '6b23b894-95e6-4a32-8dfb-b56dfdb653ff', '2026-11-21 08:07:34.936329+00:00', '2026-11-21 08:07:34.936329+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '6fa5e2e0-bfce-4631-b62b-cf2b0252b289', '383e9890-70e5-480b-9ff4-f94fa21cfd2d'),
    ('c51e3c97-32a6-45ae-be4e-744cf703ef9c', 'native.a@example.org', 'f24e4ff3-6454-438e-80fe-612f2cd29c79', '2026-11-21 08:07:33.756713+00:00', '2026-11-21 08:07:33.756713+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', '8f8e125a-982a-4cb0-a7de-c428ab502b2d'),
    ('d8bfdebf-7b29-4d02-8716-2d64850d1a96', 'imported.a@example.org', 'a61d4ec1-ca7b-43aa-b5e8-cd12f25e8648', '2026-11-21 08:07:34.936324+00:00', '2026-11-21 08:07:34.936324+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '78c1b41d-8341-4507-aa60-aff1d4369670', '383e9890-70e5-480b-9ff4-f94fa21cfd2d'),
    ('f0d2a4cc-d614-4bc6-948c-3d2070a71943', 'off-a', '6ae1759e-f5de-4d65-8b58-acfa7243552b', '2026-11-21 08:07:34.941945+00:00', '2026-11-21 08:07:34.941945+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', '78c1b41d-8341-4507-aa60-aff1d4369670', '883d6a9e-7c81-42d1-8c10-83ab97c1a5b0');

INSERT INTO identity_verifiable_addresses
    (id, status, via, verified, value, verified_at, identity_id, created_at, updated_at, nid)
VALUES
    ('11d5e725-41a5-4074-9dee-6276976a5065', 'completed', 'email', 1, 'imported.a@example.org', '2026-11-21 08:07:34.93568112+00:00', '383e9890-70e5-480b-9ff4-f94fa21cfd2d', '2026-11-21 08:07:34.935713+00:00', '2026-11-21 08:07:34.935713+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0'),
    ('952238cc-9b10-42d2-997b-9e2ec0cedad7', 'pending', 'sms', 0, '+4915199999999', NULL, '883d6a9e-7c81-42d1-8c10-83ab97c1a5b0', '2026-11-21 08:07:34.941704+00:00', '2026-11-21 08:07:34.941704+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0'),
    ('da41ff8b-f355-4aa0-a4d4-5889c7ace910', 'pending', 'email', 0, 'native.a@example.org', NULL, '8f8e125a-982a-4cb0-a7de-c428ab502b2d', '2026-11-21 08:07:33.75581+00:00', '2026-11-21 08:07:33.75581+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0');

INSERT INTO identity_recovery_addresses
    (id, via, value, identity_id, created_at, updated_at, nid)
VALUES
    ('31179347-3076-4483-9cbf-7bc6d47c8b52', 'email', 'imported.a@example.org', '383e9890-70e5-480b-9ff4-f94fa21cfd2d', '2026-11-21 08:07:34.935871+00:00', '2026-11-21 08:07:34.935871+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0'),
    ('d13083c5-9c0e-4539-b33b-d8db8bca3219', 'email', 'native.a@example.org', '8f8e125a-982a-4cb0-a7de-c428ab502b2d', '2026-11-21 08:07:33.756068+00:00', '2026-11-21 08:07:33.756068+00:00', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0');

INSERT INTO sessions
    (id, issued_at, expires_at, authenticated_at, identity_id, created_at, updated_at, active, nid, aal, authentication_methods, token, logout_token)
VALUES
    ('b3c3d46e-fb66-43da-a429-605692df5660', '2026-11-21 08:07:33.757988379+00:00', '2036-11-18 08:07:33.757988379+00:00', '2026-11-21 08:07:33.757988379+00:00', '8f8e125a-982a-4cb0-a7de-c428ab502b2d', '2026-11-21 08:07:33.758152+00:00', '2026-11-21 08:07:33.758152+00:00', 1, '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 'aal1', '[{"method":"password","aal":"aal1","completed_at":"2026-11-21T08:07:33.757988039Z"}]', 'ory_st_39Yowpk9zwWLcNcVzC653ioF0QxgfHm4', 'ory_lo_zla5GZn6hMJQIZXtYHDe9VpTeA259rM3');

INSERT INTO session_devices
    (id, identity_id, ip_address, user_agent, location, nid, session_id, created_at, updated_at)
VALUES
    ('dba566eb-90fd-4d61-8770-4ffdec9d797c', '8f8e125a-982a-4cb0-a7de-c428ab502b2d', '127.0.0.1:59876', 'wirecheck', '', '6f28452f-2baa-4525-b0bb-7c63b9ce60f0', 'b3c3d46e-fb66-43da-a429-605692df5660', '2026-11-21 08:07:33.758369+00:00', '2026-11-21 08:07:33.758369+00:00');
