-- Describes Kratos' tables of a SQLite database, one fact a line. `catalogue.txt` is its answer for a database that
-- Kratos v26.2 migrated:  sqlite3 kratos.sqlite < catalogue.sql > catalogue.txt
SELECT fact FROM (
    SELECT 'column ' || t.name || '.' || c.name || ' ' || replace(lower(c.type), ' (', '(')
        || iif(c."notnull", ' not null', '') || iif(c.pk, ' primary key', '')
        || coalesce(' default ' || nullif(c.dflt_value, 'NULL'), '') AS fact
    FROM sqlite_master t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'zelus_%'

    UNION ALL
    -- Indices that a constraint made have names of SQLite's own.
    SELECT iif(i."unique", 'unique ', '') || 'index ' || iif(i.origin = 'c', i.name || ' ', '') || 'on ' || t.name || ' ('
        || (SELECT group_concat(x.name || iif(x."desc", ' desc', ''), ', ') FROM pragma_index_xinfo(i.name) x WHERE x.key)
        || ')' || iif(i.partial, (SELECT substr(m.sql, instr(m.sql, ' WHERE ')) FROM sqlite_master m WHERE m.name = i.name), '')
    FROM sqlite_master t JOIN pragma_index_list(t.name) i
    WHERE t.type = 'table' AND t.name NOT LIKE 'zelus_%' AND i.origin <> 'pk'

    UNION ALL
    SELECT 'foreign key ' || t.name || ' (' || f."from" || ') -> ' || f."table" || ' (' || f."to" || ') on update '
        || lower(f.on_update) || ' on delete ' || lower(f.on_delete)
    FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f
    WHERE t.type = 'table' AND t.name NOT LIKE 'zelus_%'
) ORDER BY fact;
