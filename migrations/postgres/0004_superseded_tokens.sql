-- Tokens that sessions had before their owners proved anew who they are. They answer what is under way, for some seconds.
CREATE TABLE zelus_superseded_tokens (
    -- The first half of the token's SHA-256.
    id               uuid      NOT NULL PRIMARY KEY,
    nid              uuid      NOT NULL,
    session_id       uuid      NOT NULL,
    -- What the session proved by then: the first of its authentication methods, and when that was.
    methods          integer   NOT NULL,
    authenticated_at timestamp NOT NULL,
    expires_at       timestamp NOT NULL
);
