-- Rows as Kratos v26.2 wrote them to PostgreSQL: a native sign-up with its session, an imported identity, a disabled one.

INSERT INTO networks
    (id, created_at, updated_at)
VALUES
    ('fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '2026-11-21 08:07:36.339624', '2026-11-21 08:07:36.339624');

INSERT INTO identities
    (id, schema_id, traits, created_at, updated_at, nid, state, state_changed_at, metadata_public, metadata_admin, available_aal, external_id)
VALUES
    ('31d85e2a-e3aa-46de-84c1-a1f11bc96c0b', 'phone', '{"phone": "+4915199999999", "username": "Off-a"}', '2026-11-21 08:07:38.163652', '2026-11-21 08:07:38.163652', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', 'inactive', '2026-11-21 08:07:38.162799', NULL, NULL, 'aal0', NULL),
    ('6d2babb5-ee02-4526-9efd-3bb1d8fd27cd', 'person', '{"name": {}, "email": "native.a@example.org"}', '2026-11-21 08:07:36.796975', '2026-11-21 08:07:36.796975', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', 'active', '2026-11-21 08:07:36.795796', NULL, NULL, 'aal1', NULL),
    ('adf99a85-7420-449b-9f73-9d937b432252', 'person', '{"email": "imported.a@example.org"}', '2026-11-21 08:07:38.156963', '2026-11-21 08:07:38.156963', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', 'active', '2026-11-21 08:07:38.155946', '{"x": [1, null, "é"]}', '{"tier": 2}', 'aal1', 'ext-a');

INSERT INTO identity_credentials
    (id, config, identity_credential_type_id, identity_id, created_at, updated_at, nid, version)
VALUES
    ('01948ace-66b6-49c3-b978-64cd7e550cd4', '{"hashed_password": "$2a$12$QsujyOWf.5V3V7y9LSDYu.rIhoyK90vlFo2yVHI0VSzFzEmP2TFHa"}', '78c1b41d-8341-4507-aa60-aff1d4369670', 'adf99a85-7420-449b-9f73-9d937b432252', '2026-11-21 08:07:38.158408', '2026-11-21 08:07:38.158408', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '0'),
    ('2170c6db-8d7c-4683-bf33-4d40f410f843', '{"providers": [{"subject": "s-a", "provider": "local", "initial_id_token": "", "initial_access_token": "", "initial_refresh_token": ""}]}', '6fa5e2e0-bfce-4631-b62b-cf2b0252b289', 'adf99a85-7420-449b-9f73-9d937b432252', '2026-11-21 08:07:38.1584', '2026-11-21 08:07:38.1584', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '0'),
    ('302043ec-5802-4a27-943d-17bb9f6bc951', '{}', '6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', 'adf99a85-7420-449b-9f73-9d937b432252', '2026-11-21 08:07:38.158404', '2026-11-21 08:07:38.158404', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '0'),
    ('33d3a52b-960a-4a05-b2c7-319de68aa262', '{"addresses": [{"address": "imported.a@example.org", "channel": "email"}]}', '14f3b7e2-8725-4068-be39-8a796485fd97', 'adf99a85-7420-449b-9f73-9d937b432252', '2026-11-21 08:07:38.158406', '2026-11-21 08:07:38.158406', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '1'),
    ('34edc059-f57d-49c2-8ed4-35429ef5aa31', '{}', '6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd', '2026-11-21 08:07:36.800901', '2026-11-21 08:07:36.800901', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '0'),
    ('7f1d80f2-36d0-4352-8eb5-decafbbee694', '{}', '78c1b41d-8341-4507-aa60-aff1d4369670', '31d85e2a-e3aa-46de-84c1-a1f11bc96c0b', '2026-11-21 08:07:38.164565', '2026-11-21 08:07:38.164565', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '0'),
    ('bea46ac7-2269-4072-aa07-e23d2430ba10', '{"hashed_password": "$2a$12$qdSkptx1nrRkZPNGduwKXeOYxW8aqYVVz.4fvpH3nKErwZ1xnCCzS"}', '78c1b41d-8341-4507-aa60-aff1d4369670', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd', '2026-11-21 08:07:36.800898', '2026-11-21 08:07:36.800898', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '0'),
    ('d6f90d42-cecf-484d-91a9-eb12250f59da', '{"addresses": [{"address": "+4915199999999", "channel": "sms"}]}', '14f3b7e2-8725-4068-be39-8a796485fd97', '31d85e2a-e3aa-46de-84c1-a1f11bc96c0b', '2026-11-21 08:07:38.164569', '2026-11-21 08:07:38.164569', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '1'),
    ('e468c70c-a3ca-41bc-b709-96315f8a6470', '{"addresses": [{"address": "native.a@example.org", "channel": "email"}]}', '14f3b7e2-8725-4068-be39-8a796485fd97', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd', '2026-11-21 08:07:36.800902', '2026-11-21 08:07:36.800902', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '1');

INSERT INTO identity_credential_identifiers
    (id, identifier, identity_credential_id, created_at, updated_at, nid, identity_credential_type_id, identity_id)
VALUES
    ('1404b701-2cf9-4744-a4c4-00823c77c4cd', 'imported.a@example.org', '01948ace-66b6-49c3-b978-64cd7e550cd4', '2026-11-21 08:07:38.158694', '2026-11-21 08:07:38.158694', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '78c1b41d-8341-4507-aa60-aff1d4369670', 'adf99a85-7420-449b-9f73-9d937b432252'),
    ('459748a7-308f-49a2-8dfd-8e83481c535e', 'native.a@example.org', 'e468c70c-a3ca-41bc-b709-96315f8a6470', '2026-11-21 08:07:36.801907', '2026-11-21 08:07:36.801907', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '14f3b7e2-8725-4068-be39-8a796485fd97', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd'),
    ('5a76aa5a-9b0f-40d1-bc38-a853b09b5217', '+4915199999999', 'd6f90d42-cecf-484d-91a9-eb12250f59da', '2026-11-21 08:07:38.164954', '2026-11-21 08:07:38.164954', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '14f3b7e2-8725-4068-be39-8a796485fd97', '31d85e2a-e3aa-46de-84c1-a1f11bc96c0b'),
    ('68ab3c74-e8ef-4eca-902d-fe6c0ef358bf', 'native.a@example.org', 'bea46ac7-2269-4072-aa07-e23d2430ba10', '2026-11-21 08:07:36.801902', '2026-11-21 08:07:36.801902', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '78c1b41d-8341-4507-aa60-aff1d4369670', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd'),
    ('989564e8-f666-45c9-8c23-397cdbe194fb', 'local:s-a', '2170c6db-8d7c-4683-bf33-4d40f410f843', '2026-11-21 08:07:38.158687', '2026-11-21 08:07:38.158687', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '6fa5e2e0-bfce-4631-b62b-cf2b0252b289', 'adf99a85-7420-449b-9f73-9d937b432252'),
    ('9ecc0795-764d-418d-b6d8-b645b7f4e765', 'native.a@example.org', '34edc059-f57d-49c2-8ed4-35429ef5aa31', '2026-11-21 08:07:36.801905', '2026-11-21 08:07:36.801905', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd'),
    ('a2f41622-d20f-46bc-b7f1-6f2855eefd83', 'imported.a@example.org', '33d3a52b-960a-4a05-b2c7-319de68aa262', '2026-11-21 08:07:38.158692', '2026-11-21 08:07:38.158692', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '14f3b7e2-8725-4068-be39-8a796485fd97', 'adf99a85-7420-449b-9f73-9d937b432252'),
    ('c9bfef63-0d04-49dd-b4dd-d687974863aa', '+4915199999999', '7f1d80f2-36d0-4352-8eb5-decafbbee694', '2026-11-21 08:07:38.164952', '2026-11-21 08:07:38.164952', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '78c1b41d-8341-4507-aa60-aff1d4369670', '31d85e2a-e3aa-46de-84c1-a1f11bc96c0b'),
    ('e71c960e-2fcb-469f-830d-9a88edf35409', 'imported.a@example.org', '302043ec-5802-4a27-943d-17bb9f6bc951', '2026-11-21 08:07:38.158691', '2026-11-21 08:07:38.158691', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', 'adf99a85-7420-449b-9f73-9d937b432252'),
    ('f1d6dfd9-3363-4d50-b694-8414ba4e4bd0', 'off-a', '7f1d80f2-36d0-4352-8eb5-decafbbee694', '2026-11-21 08:07:38.164947', '2026-11-21 08:07:38.164947', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '78c1b41d-8341-4507-aa60-aff1d4369670', '31d85e2a-e3aa-46de-84c1-a1f11bc96c0b');

INSERT INTO identity_verifiable_addresses
    (id, status, via, verified, value, verified_at, identity_id, created_at, updated_at, nid)
VALUES
    ('3b5636d7-f9d1-4504-9089-5cf74bacc3ca', 'pending', 'sms', 'f', '+4915199999999', NULL, '31d85e2a-e3aa-46de-84c1-a1f11bc96c0b', '2026-11-21 08:07:38.164196', '2026-11-21 08:07:38.164196', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3'),
    ('84da77bc-2698-4dc6-b391-62eb2110d02a', 'completed', 'email', 't', 'imported.a@example.org', '2026-11-21 08:07:38.157678', 'adf99a85-7420-449b-9f73-9d937b432252', '2026-11-21 08:07:38.157734', '2026-11-21 08:07:38.157734', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3'),
    ('af97aa98-e990-44a8-a151-701242377b9b', 'pending', 'email', 'f', 'native.a@example.org', NULL, '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd', '2026-11-21 08:07:36.798599', '2026-11-21 08:07:36.798599', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3');

INSERT INTO identity_recovery_addresses
    (id, via, value, identity_id, created_at, updated_at, nid)
VALUES
    ('a69eaec8-38e9-4dfa-b30b-52a2d90eb65f', 'email', 'native.a@example.org', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd', '2026-11-21 08:07:36.799468', '2026-11-21 08:07:36.799468', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3'),
    ('db3906c3-3199-41c0-b8e3-37eb6ecedf73', 'email', 'imported.a@example.org', 'adf99a85-7420-449b-9f73-9d937b432252', '2026-11-21 08:07:38.158117', '2026-11-21 08:07:38.158117', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3');

INSERT INTO sessions
    (id, issued_at, expires_at, authenticated_at, identity_id, created_at, updated_at, token, active, nid, logout_token, aal, authentication_methods)
VALUES
    ('63702ecd-3591-41e0-8d90-21638b528c42', '2026-11-21 08:07:36.803809', '2036-11-18 08:07:36.803809', '2026-11-21 08:07:36.803809', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd', '2026-11-21 08:07:36.804156', '2026-11-21 08:07:36.804156', 'ory_st_QnDNGxvhN3e3u2OCMgyaHXto6krTyRMV', 't', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', 'ory_lo_uzhcO0cB8XuJ3N4wWxyHFNJHdMrM31pj', 'aal1', '[{"aal": "aal1", "method": "password", "completed_at": "2026-11-21T08:07:36.803809035Z"}]');

INSERT INTO session_devices
    (id, ip_address, user_agent, location, nid, session_id, created_at, updated_at, identity_id)
VALUES
    ('0b1484ab-5fd3-420a-ace0-308a12dcb1fd', '127.0.0.1:35226', 'wirecheck', '', 'fc3ce05b-5573-4831-a90b-c200ea1bd4d3', '63702ecd-3591-41e0-8d90-21638b528c42', '2026-11-21 08:07:36.80538', '2026-11-21 08:07:36.80538', '6d2babb5-ee02-4526-9efd-3bb1d8fd27cd');
