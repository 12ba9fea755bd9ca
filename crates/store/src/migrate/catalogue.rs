//! What columns a database has, against those that Zelus relies on.

use crate::Store;
use crate::error::StoreError;
use crate::row::Row;
use crate::statement::Statement;

/// Every column of every table of the schema in use, with whether an insert must give it a value.
static COLUMNS: Statement = Statement::of_no_network(
    "migrations.columns",
    "SELECT t.name, c.name, lower(c.type), c.\"notnull\" AND c.dflt_value IS NULL
     FROM sqlite_master t JOIN pragma_table_info(t.name) c
     WHERE t.type = 'table'",
)
.postgres(
    "SELECT t.relname, a.attname,
            replace(replace(format_type(a.atttypid, a.atttypmod), 'character varying', 'varchar'),
                    'timestamp without time zone', 'timestamp'),
            a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
     FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid
     WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')
       AND a.attnum > 0 AND NOT a.attisdropped",
);

pub(super) struct Column {
    pub table: String,
    name: String,
    /// In lower case, with its length: `varchar(64)`.
    kind: String,
    required: bool,
}

/// The columns of a database.
pub(super) async fn columns(store: &Store) -> Result<Vec<Column>, StoreError> {
    let read = |row: &Row| {
        let mut columns = row.columns();
        Ok(Column { table: columns.next()?, name: columns.next()?, kind: columns.next()?, required: columns.next()? })
    };
    store.fetch_without_network(&COLUMNS, &[]).await?.iter().map(read).collect()
}

/// The tables that a catalogue lists.
pub(super) fn tables(catalogue: &'static str) -> Vec<&'static str> {
    let mut tables: Vec<_> = expected(catalogue).map(|(table, _, _)| table).collect();
    tables.dedup();
    tables
}

/// Checks that each column of the catalogue is still there with its type (its length may differ), and that no other
/// column of the same tables has to be given a value.
///
/// # Errors
/// Names the first column that is not so, in a line for the operator.
pub(super) fn refuse_changed(catalogue: &'static str, columns: &[Column]) -> Result<(), String> {
    let find = |table, name| columns.iter().find(move |column| column.table == table && column.name == name);
    let problem = |table: &str, name: &str, what: &str| {
        format!("this database was changed by a newer Kratos than Zelus knows: column {table}.{name} {what}")
    };
    for (table, name, kind) in expected(catalogue) {
        match find(table, name) {
            None => return Err(problem(table, name, "is missing")),
            Some(column) if without_length(&column.kind) != without_length(kind) => {
                return Err(problem(table, name, &format!("is of type {} and not {kind}", column.kind)));
            }
            Some(_) => {}
        }
    }
    let known: Vec<_> = expected(catalogue).collect();
    let required = columns.iter().find(|column| {
        let ours = known.iter().any(|(table, _, _)| *table == column.table);
        column.required && ours && !known.iter().any(|(table, name, _)| *table == column.table && *name == column.name)
    });
    required.map_or(Ok(()), |column| Err(problem(&column.table, &column.name, "is new and must be given a value")))
}

/// Table, name and type of each column of a catalogue, which has lines such as `column sessions.aal varchar(4) …`.
fn expected(catalogue: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    catalogue.lines().filter_map(|line| {
        let mut words = line.strip_prefix("column ")?.split(' ');
        let (table, name) = words.next()?.split_once('.')?;
        Some((table, name, words.next()?))
    })
}

fn without_length(kind: &str) -> &str {
    kind.split('(').next().unwrap_or(kind).trim_end()
}
