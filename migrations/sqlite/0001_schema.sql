-- The schema of Kratos v26.2 on SQLite, in one step.
--
-- Names, types, defaults and indexes are Kratos', oddities included (uuids as text, defaults that are strings, two
-- unique index names of `sessions` that are swapped), so that either server can open the other's database. The test
-- `catalogue` compares the result with the catalogue of a database that Kratos migrated.

-- The network every row belongs to (its column is `nid`), and Kratos' list of applied migrations.

CREATE TABLE networks (
    id         text     PRIMARY KEY,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL
);

CREATE TABLE schema_migration (
    version      varchar(48) NOT NULL,
    version_self int         NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX schema_migration_version_idx ON schema_migration (version);
CREATE INDEX schema_migration_version_self_idx ON schema_migration (version_self);

-- Identities: who they are, how they prove it, where they can be reached.

CREATE TABLE identity_credential_types (
    id   text PRIMARY KEY,
    name text NOT NULL
);
CREATE UNIQUE INDEX identity_credential_types_name_idx ON identity_credential_types (name);

CREATE TABLE identities (
    id               text        PRIMARY KEY,
    schema_id        text        NOT NULL,
    traits           text        NOT NULL,
    created_at       datetime    NOT NULL,
    updated_at       datetime    NOT NULL,
    nid              char(36),
    state            text        NOT NULL DEFAULT 'active',
    state_changed_at datetime,
    metadata_public  jsonb,
    metadata_admin   jsonb,
    available_aal    varchar(4),
    organization_id  uuid,
    external_id      varchar(64) CHECK (external_id IS NULL OR external_id <> '')
);
CREATE UNIQUE INDEX identities_nid_external_id_idx ON identities (nid, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX identities_nid_id_idx ON identities (nid, id);
CREATE INDEX identities_nid_organization_id_idx ON identities (organization_id);

CREATE TABLE identity_credentials (
    id                          text     PRIMARY KEY,
    config                      text     NOT NULL,
    identity_credential_type_id char(36) NOT NULL,
    identity_id                 char(36) NOT NULL,
    created_at                  datetime NOT NULL,
    updated_at                  datetime NOT NULL,
    nid                         char(36),
    version                     int      NOT NULL DEFAULT '0',
    FOREIGN KEY (identity_credential_type_id) REFERENCES identity_credential_types (id) ON DELETE CASCADE,
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX identity_credentials_identity_id_idx ON identity_credentials (identity_id);

CREATE TABLE identity_credential_identifiers (
    id                          text     PRIMARY KEY,
    identifier                  text     NOT NULL,
    identity_credential_id      char(36) NOT NULL,
    created_at                  datetime NOT NULL,
    updated_at                  datetime NOT NULL,
    nid                         char(36),
    identity_credential_type_id char(36) NOT NULL,
    identity_id                 char(36) NOT NULL,
    FOREIGN KEY (identity_credential_id) REFERENCES identity_credentials (id) ON UPDATE RESTRICT ON DELETE CASCADE,
    FOREIGN KEY (nid) REFERENCES networks (id) ON UPDATE RESTRICT ON DELETE CASCADE,
    FOREIGN KEY (identity_credential_type_id)
        REFERENCES identity_credential_types (id) ON UPDATE RESTRICT ON DELETE CASCADE,
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON UPDATE RESTRICT ON DELETE CASCADE
);
CREATE INDEX identity_credential_identifiers_ici_nid_i_idx
    ON identity_credential_identifiers (identity_credential_id, nid, identifier);
CREATE UNIQUE INDEX identity_credential_identifiers_identifier_nid_type_uq_idx
    ON identity_credential_identifiers (nid, identity_credential_type_id, identifier);
CREATE INDEX identity_credential_identifiers_nid_i_ici_idx
    ON identity_credential_identifiers (nid, identifier, identity_credential_id);

CREATE TABLE identity_verifiable_addresses (
    id          text     PRIMARY KEY,
    status      text     NOT NULL,
    via         text     NOT NULL,
    verified    bool     NOT NULL,
    value       text     NOT NULL,
    verified_at datetime,
    identity_id char(36) NOT NULL,
    created_at  datetime NOT NULL,
    updated_at  datetime NOT NULL,
    nid         char(36),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX identity_verifiable_addresses_identity_id_idx ON identity_verifiable_addresses (identity_id);
CREATE UNIQUE INDEX identity_verifiable_addresses_status_via_uq_idx ON identity_verifiable_addresses (nid, via, value);

CREATE TABLE identity_recovery_addresses (
    id          text     PRIMARY KEY,
    via         text     NOT NULL,
    value       text     NOT NULL,
    identity_id char(36) NOT NULL,
    created_at  datetime NOT NULL,
    updated_at  datetime NOT NULL,
    nid         char(36),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX identity_recovery_addresses_identity_id_idx ON identity_recovery_addresses (identity_id);
CREATE UNIQUE INDEX identity_recovery_addresses_status_via_uq_idx ON identity_recovery_addresses (nid, via, value);

-- Sessions, the devices they were used from, and the codes native apps trade for a session after a browser sign-in.

CREATE TABLE sessions (
    id                     text        PRIMARY KEY,
    issued_at              datetime    NOT NULL DEFAULT 'CURRENT_TIMESTAMP',
    expires_at             datetime    NOT NULL,
    authenticated_at       datetime    NOT NULL,
    identity_id            char(36)    NOT NULL,
    created_at             datetime    NOT NULL,
    updated_at             datetime    NOT NULL,
    active                 numeric     DEFAULT 'false',
    nid                    char(36),
    aal                    text        NOT NULL DEFAULT 'aal1',
    authentication_methods text        NOT NULL,
    token                  varchar(39),
    logout_token           varchar(39),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX sessions_list_active_idx ON sessions (nid, expires_at, active, created_at DESC, id);
CREATE INDEX sessions_list_identity_idx ON sessions (identity_id, nid, created_at DESC);
CREATE INDEX sessions_list_idx ON sessions (nid, created_at DESC, id);
CREATE UNIQUE INDEX sessions_logout_token_uq_idx ON sessions (token);
CREATE UNIQUE INDEX sessions_token_uq_idx ON sessions (logout_token);

CREATE TABLE session_devices (
    id          uuid         NOT NULL PRIMARY KEY,
    identity_id uuid         NOT NULL,
    ip_address  varchar(50)  DEFAULT '',
    user_agent  varchar(512) DEFAULT '',
    location    varchar(512) DEFAULT '',
    nid         uuid         NOT NULL,
    session_id  uuid         NOT NULL,
    created_at  timestamp    NOT NULL,
    updated_at  timestamp    NOT NULL,
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE,
    FOREIGN KEY (nid) REFERENCES networks (id) ON DELETE CASCADE,
    FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE,
    UNIQUE (nid, session_id, ip_address, user_agent)
);
CREATE INDEX session_devices_nid_idx ON session_devices (nid);
CREATE INDEX session_devices_session_id_idx ON session_devices (session_id);

CREATE TABLE session_token_exchanges (
    id             text        NOT NULL PRIMARY KEY,
    nid            text        NOT NULL,
    flow_id        text        NOT NULL,
    session_id     text,
    init_code      varchar(64) NOT NULL,
    return_to_code varchar(64) NOT NULL,
    created_at     timestamp   NOT NULL,
    updated_at     timestamp   NOT NULL,
    FOREIGN KEY (nid) REFERENCES networks (id) ON DELETE CASCADE
);
CREATE INDEX session_token_exchanges_nid_code_idx ON session_token_exchanges (init_code, nid);
CREATE INDEX session_token_exchanges_nid_flow_id_idx ON session_token_exchanges (flow_id, nid);

-- Self-service flows, what a flow carries across redirects, and the errors shown to people.

CREATE TABLE selfservice_login_flows (
    id                          text         PRIMARY KEY,
    issued_at                   datetime     NOT NULL DEFAULT 'CURRENT_TIMESTAMP',
    expires_at                  datetime     NOT NULL,
    active_method               text         NOT NULL,
    csrf_token                  text         NOT NULL,
    created_at                  datetime     NOT NULL,
    updated_at                  datetime     NOT NULL,
    forced                      bool         NOT NULL DEFAULT 'false',
    type                        text         NOT NULL DEFAULT 'browser',
    ui                          text,
    nid                         char(36),
    requested_aal               text         NOT NULL DEFAULT 'aal1',
    internal_context            text         NOT NULL,
    oauth2_login_challenge      char(36),
    oauth2_login_challenge_data text,
    state                       varchar(255),
    request_url                 text         NOT NULL DEFAULT '',
    submit_count                int          NOT NULL DEFAULT 0,
    organization_id             uuid,
    identity_schema_id          varchar(128)
);
CREATE INDEX selfservice_login_flows_nid_idx ON selfservice_login_flows (nid);

CREATE TABLE selfservice_registration_flows (
    id                          text         PRIMARY KEY,
    issued_at                   datetime     NOT NULL DEFAULT 'CURRENT_TIMESTAMP',
    expires_at                  datetime     NOT NULL,
    active_method               text         NOT NULL,
    csrf_token                  text         NOT NULL,
    created_at                  datetime     NOT NULL,
    updated_at                  datetime     NOT NULL,
    type                        text         NOT NULL DEFAULT 'browser',
    ui                          text,
    nid                         char(36),
    internal_context            text         NOT NULL,
    oauth2_login_challenge      char(36),
    oauth2_login_challenge_data text,
    state                       varchar(255),
    request_url                 text         NOT NULL DEFAULT '',
    submit_count                int          NOT NULL DEFAULT 0,
    organization_id             uuid,
    identity_schema_id          varchar(128)
);
CREATE INDEX selfservice_registration_flows_nid_idx ON selfservice_registration_flows (nid);

CREATE TABLE selfservice_settings_flows (
    id               text     PRIMARY KEY,
    issued_at        datetime NOT NULL DEFAULT 'CURRENT_TIMESTAMP',
    expires_at       datetime NOT NULL,
    identity_id      char(36) NOT NULL,
    created_at       datetime NOT NULL,
    updated_at       datetime NOT NULL,
    active_method    text,
    state            text     NOT NULL DEFAULT 'show_form',
    type             text     NOT NULL DEFAULT 'browser',
    ui               text,
    nid              char(36),
    internal_context text     NOT NULL,
    request_url      text     NOT NULL DEFAULT '',
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX selfservice_settings_flows_identity_id_idx ON selfservice_settings_flows (identity_id);
CREATE INDEX selfservice_settings_flows_nid_idx ON selfservice_settings_flows (nid);

CREATE TABLE selfservice_recovery_flows (
    id                    text     PRIMARY KEY,
    issued_at             datetime NOT NULL DEFAULT 'CURRENT_TIMESTAMP',
    expires_at            datetime NOT NULL,
    active_method         text,
    csrf_token            text     NOT NULL,
    state                 text     NOT NULL,
    recovered_identity_id char(36),
    created_at            datetime NOT NULL,
    updated_at            datetime NOT NULL,
    type                  text     NOT NULL DEFAULT 'browser',
    ui                    text,
    nid                   char(36),
    submit_count          int      NOT NULL DEFAULT 0,
    skip_csrf_check       boolean  NOT NULL DEFAULT FALSE,
    request_url           text     NOT NULL DEFAULT '',
    FOREIGN KEY (recovered_identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX selfservice_recovery_flows_nid_idx ON selfservice_recovery_flows (nid);
CREATE INDEX selfservice_recovery_flows_recovered_identity_id_idx ON selfservice_recovery_flows (recovered_identity_id);

CREATE TABLE selfservice_verification_flows (
    id                     text        PRIMARY KEY,
    issued_at              datetime    NOT NULL DEFAULT 'CURRENT_TIMESTAMP',
    expires_at             datetime    NOT NULL,
    csrf_token             text        NOT NULL,
    created_at             datetime    NOT NULL,
    updated_at             datetime    NOT NULL,
    type                   text        NOT NULL DEFAULT 'browser',
    state                  text        NOT NULL DEFAULT 'show_form',
    active_method          text,
    ui                     text,
    nid                    char(36),
    submit_count           int         NOT NULL DEFAULT 0,
    request_url            text        NOT NULL DEFAULT '',
    oauth2_login_challenge text,
    session_id             uuid,
    identity_id            varchar(36),
    authentication_methods text
);
CREATE INDEX selfservice_verification_flows_nid_idx ON selfservice_verification_flows (nid);

CREATE TABLE continuity_containers (
    id          text     PRIMARY KEY,
    identity_id char(36),
    name        text     NOT NULL,
    payload     text,
    expires_at  datetime NOT NULL,
    created_at  datetime NOT NULL,
    updated_at  datetime NOT NULL,
    nid         char(36),
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON DELETE CASCADE
);
CREATE INDEX continuity_containers_identity_id_idx ON continuity_containers (identity_id);
CREATE INDEX continuity_containers_nid_idx ON continuity_containers (nid);

CREATE TABLE selfservice_errors (
    id         text     PRIMARY KEY,
    errors     text     NOT NULL,
    seen_at    datetime,
    was_seen   bool     NOT NULL,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL,
    csrf_token text     NOT NULL DEFAULT '',
    nid        char(36)
);
CREATE INDEX selfservice_errors_nid_idx ON selfservice_errors (nid);

-- One-time codes and link tokens of the flows, stored as HMACs.

CREATE TABLE identity_login_codes (
    id                        uuid         NOT NULL PRIMARY KEY,
    code                      varchar(64)  NOT NULL,
    address                   varchar(255) NOT NULL,
    used_at                   timestamp,
    expires_at                timestamp    NOT NULL DEFAULT '2000-01-01 00:00:00',
    issued_at                 timestamp    NOT NULL DEFAULT '2000-01-01 00:00:00',
    selfservice_login_flow_id uuid         NOT NULL,
    identity_id               uuid         NOT NULL,
    created_at                timestamp    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at                timestamp    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    nid                       uuid         NOT NULL,
    address_type              varchar(36),
    FOREIGN KEY (selfservice_login_flow_id) REFERENCES selfservice_login_flows (id) ON DELETE CASCADE,
    FOREIGN KEY (nid) REFERENCES networks (id) ON UPDATE RESTRICT ON DELETE CASCADE
);
CREATE INDEX identity_login_codes_flow_id_idx ON identity_login_codes (selfservice_login_flow_id);
CREATE INDEX identity_login_codes_identity_id_idx ON identity_login_codes (identity_id);
CREATE INDEX identity_login_codes_nid_idx ON identity_login_codes (nid);

CREATE TABLE identity_registration_codes (
    id                               uuid         NOT NULL PRIMARY KEY,
    code                             varchar(64)  NOT NULL,
    address                          varchar(255) NOT NULL,
    used_at                          timestamp,
    expires_at                       timestamp    NOT NULL DEFAULT '2000-01-01 00:00:00',
    issued_at                        timestamp    NOT NULL DEFAULT '2000-01-01 00:00:00',
    selfservice_registration_flow_id uuid         NOT NULL,
    created_at                       timestamp    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at                       timestamp    NOT NULL DEFAULT CURRENT_TIMESTAMP,
    nid                              uuid         NOT NULL,
    address_type                     varchar(36),
    FOREIGN KEY (selfservice_registration_flow_id) REFERENCES selfservice_registration_flows (id) ON DELETE CASCADE,
    FOREIGN KEY (nid) REFERENCES networks (id) ON UPDATE RESTRICT ON DELETE CASCADE
);
CREATE INDEX identity_registration_codes_flow_id_idx ON identity_registration_codes (selfservice_registration_flow_id);
CREATE INDEX identity_registration_codes_nid_idx ON identity_registration_codes (nid);

CREATE TABLE identity_recovery_codes (
    id                           uuid        NOT NULL PRIMARY KEY,
    code                         varchar(64) NOT NULL,
    used_at                      timestamp,
    identity_recovery_address_id uuid,
    code_type                    int         NOT NULL,
    expires_at                   timestamp   NOT NULL DEFAULT '2000-01-01 00:00:00',
    issued_at                    timestamp   NOT NULL DEFAULT '2000-01-01 00:00:00',
    selfservice_recovery_flow_id uuid        NOT NULL,
    created_at                   timestamp   NOT NULL,
    updated_at                   timestamp   NOT NULL,
    nid                          uuid        NOT NULL,
    identity_id                  uuid        NOT NULL,
    FOREIGN KEY (identity_recovery_address_id) REFERENCES identity_recovery_addresses (id) ON DELETE CASCADE,
    FOREIGN KEY (selfservice_recovery_flow_id) REFERENCES selfservice_recovery_flows (id) ON DELETE CASCADE,
    FOREIGN KEY (nid) REFERENCES networks (id) ON UPDATE RESTRICT ON DELETE CASCADE,
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON UPDATE RESTRICT ON DELETE CASCADE
);
CREATE INDEX identity_recovery_codes_flow_id_idx ON identity_recovery_codes (selfservice_recovery_flow_id);
CREATE INDEX identity_recovery_codes_identity_id_idx ON identity_recovery_codes (identity_id);
CREATE INDEX identity_recovery_codes_identity_recovery_address_id_idx
    ON identity_recovery_codes (identity_recovery_address_id);
CREATE INDEX identity_recovery_codes_nid_idx ON identity_recovery_codes (nid);

CREATE TABLE identity_recovery_tokens (
    id                           text     PRIMARY KEY,
    token                        text     NOT NULL,
    used                         bool     NOT NULL DEFAULT 'false',
    used_at                      datetime,
    identity_recovery_address_id char(36),
    selfservice_recovery_flow_id char(36),
    created_at                   datetime NOT NULL,
    updated_at                   datetime NOT NULL,
    expires_at                   datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
    issued_at                    datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
    nid                          char(36),
    identity_id                  char(36),
    token_type                   int      NOT NULL DEFAULT 0,
    FOREIGN KEY (identity_recovery_address_id) REFERENCES identity_recovery_addresses (id) ON DELETE CASCADE,
    FOREIGN KEY (selfservice_recovery_flow_id) REFERENCES selfservice_recovery_flows (id) ON DELETE CASCADE,
    FOREIGN KEY (identity_id) REFERENCES identities (id) ON UPDATE RESTRICT ON DELETE CASCADE
);
CREATE UNIQUE INDEX identity_recovery_addresses_code_uq_idx ON identity_recovery_tokens (token);
CREATE INDEX identity_recovery_tokens_identity_id_idx ON identity_recovery_tokens (identity_id);
CREATE INDEX identity_recovery_tokens_identity_recovery_address_id_idx
    ON identity_recovery_tokens (identity_recovery_address_id);
CREATE INDEX identity_recovery_tokens_nid_idx ON identity_recovery_tokens (nid);
CREATE INDEX identity_recovery_tokens_selfservice_recovery_flow_id_idx
    ON identity_recovery_tokens (selfservice_recovery_flow_id);

CREATE TABLE identity_verification_codes (
    id                               uuid        NOT NULL PRIMARY KEY,
    code_hmac                        varchar(64) NOT NULL,
    used_at                          timestamp,
    identity_verifiable_address_id   uuid,
    expires_at                       timestamp   NOT NULL DEFAULT '2000-01-01 00:00:00',
    issued_at                        timestamp   NOT NULL DEFAULT '2000-01-01 00:00:00',
    selfservice_verification_flow_id uuid        NOT NULL,
    created_at                       timestamp   NOT NULL,
    updated_at                       timestamp   NOT NULL,
    nid                              uuid        NOT NULL,
    FOREIGN KEY (identity_verifiable_address_id) REFERENCES identity_verifiable_addresses (id) ON DELETE CASCADE,
    FOREIGN KEY (selfservice_verification_flow_id) REFERENCES selfservice_verification_flows (id) ON DELETE CASCADE,
    FOREIGN KEY (nid) REFERENCES networks (id) ON UPDATE RESTRICT ON DELETE CASCADE
);
CREATE INDEX identity_verification_codes_flow_id_idx ON identity_verification_codes (selfservice_verification_flow_id);
CREATE INDEX identity_verification_codes_identity_verifiable_address_id_idx
    ON identity_verification_codes (identity_verifiable_address_id);
CREATE INDEX identity_verification_codes_nid_idx ON identity_verification_codes (nid);

CREATE TABLE identity_verification_tokens (
    id                               text     PRIMARY KEY,
    token                            text     NOT NULL,
    used                             bool     NOT NULL DEFAULT 'false',
    used_at                          datetime,
    expires_at                       datetime NOT NULL,
    issued_at                        datetime NOT NULL,
    identity_verifiable_address_id   char(36) NOT NULL,
    selfservice_verification_flow_id char(36) NOT NULL,
    created_at                       datetime NOT NULL,
    updated_at                       datetime NOT NULL,
    nid                              char(36),
    FOREIGN KEY (identity_verifiable_address_id) REFERENCES identity_verifiable_addresses (id) ON DELETE CASCADE,
    FOREIGN KEY (selfservice_verification_flow_id) REFERENCES selfservice_verification_flows (id) ON DELETE CASCADE
);
CREATE INDEX identity_verification_tokens_nid_idx ON identity_verification_tokens (nid);
CREATE UNIQUE INDEX identity_verification_tokens_token_uq_idx ON identity_verification_tokens (token);
CREATE INDEX identity_verification_tokens_verifiable_address_id_idx
    ON identity_verification_tokens (identity_verifiable_address_id);
CREATE INDEX identity_verification_tokens_verification_flow_id_idx
    ON identity_verification_tokens (selfservice_verification_flow_id);

-- Outgoing messages and every try to deliver them.

CREATE TABLE courier_messages (
    id              text        PRIMARY KEY,
    type            integer     NOT NULL,
    status          integer     NOT NULL,
    body            text        NOT NULL,
    subject         text        NOT NULL,
    recipient       text        NOT NULL,
    created_at      datetime    NOT NULL,
    updated_at      datetime    NOT NULL,
    template_type   text        NOT NULL DEFAULT '',
    template_data   blob,
    nid             char(36),
    send_count      int         NOT NULL DEFAULT 0,
    channel         varchar(32),
    request_headers jsonb
);
CREATE INDEX courier_messages_nid_id_created_at_idx ON courier_messages (nid, id, created_at DESC);
CREATE INDEX courier_messages_nid_recipient_created_at_id_idx ON courier_messages (nid, recipient, created_at DESC);
CREATE INDEX courier_messages_nid_status_created_at_id_idx ON courier_messages (nid, status, created_at DESC);
CREATE INDEX courier_messages_status_id_idx ON courier_messages (status, id);

CREATE TABLE courier_message_dispatches (
    id         uuid       PRIMARY KEY,
    message_id uuid       NOT NULL,
    status     varchar(7) NOT NULL,
    error      json,
    nid        uuid       NOT NULL,
    created_at timestamp  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp  NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (message_id) REFERENCES courier_messages (id) ON DELETE CASCADE,
    FOREIGN KEY (nid) REFERENCES networks (id) ON DELETE CASCADE
);
CREATE INDEX courier_message_dispatches_message_id_idx ON courier_message_dispatches (message_id, created_at DESC);
CREATE INDEX courier_message_dispatches_nid_idx ON courier_message_dispatches (nid);

-- The credential types, with the ids that Kratos gives them. Older installations may have others: look them up by name.
INSERT INTO identity_credential_types (id, name) VALUES
    ('78c1b41d-8341-4507-aa60-aff1d4369670', 'password'),
    ('6fa5e2e0-bfce-4631-b62b-cf2b0252b289', 'oidc'),
    ('5e29b036-aa47-457f-9fe6-aa8b854a752b', 'totp'),
    ('567a0730-7f48-4dd7-a13d-df87a51c245f', 'lookup_secret'),
    ('6b213fa0-e6ad-46cb-8878-b088d2ce2e3c', 'webauthn'),
    ('14f3b7e2-8725-4068-be39-8a796485fd97', 'code'),
    ('8d0ca544-9bf6-45d3-bd75-0bbb3aeba3c7', 'passkey'),
    ('7bddcf6c-f50e-4a18-9b0f-429114c33419', 'saml');
