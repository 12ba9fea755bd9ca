-- What one node does at a time, who does it, and until when it is theirs.
CREATE TABLE zelus_leases (
    nid        char(36) NOT NULL,
    name       text     NOT NULL,
    holder     char(36) NOT NULL,
    expires_at datetime NOT NULL,
    PRIMARY KEY (nid, name)
);
