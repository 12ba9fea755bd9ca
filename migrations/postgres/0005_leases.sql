-- What one node does at a time, who does it, and until when it is theirs.
CREATE TABLE zelus_leases (
    nid        uuid      NOT NULL,
    name       text      NOT NULL,
    holder     uuid      NOT NULL,
    expires_at timestamp NOT NULL,
    PRIMARY KEY (nid, name)
);
