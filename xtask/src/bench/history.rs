//! `bench/results/runs.jsonl`: a row for every run, so that figures can be followed from commit to commit.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::results::{Results, Spread};
use super::targets;
use crate::Result;

/// Adds the row of a run to a file, which is made where there is none.
pub fn append(results: &Results, file: &Path) -> Result {
    let mut rows = OpenOptions::new().create(true).append(true).open(file)?;
    Ok(writeln!(rows, "{}", row(results))?)
}

/// A run in one line of JSON: where and how it was measured, and the figures that have a target, beside those that they
/// are compared with. A figure of several rounds is `[median, least, most]`.
fn row(results: &Results) -> Value {
    json!({
        "commit": results.commit,
        "machine": results.machine,
        "rounds": results.rounds,
        "seconds": results.seconds,
        "connections": results.connections,
        "figures": figures(results),
    })
}

fn figures(results: &Results) -> Map<String, Value> {
    let mut figures = Map::new();
    figures.insert("password hash, µs".to_owned(), value(Spread::once(results.hash_us)));
    if let Some(jsonnet) = results.jsonnet_us {
        figures.insert("Jsonnet snippet, µs".to_owned(), value(Spread::once(jsonnet)));
    }
    for on in &results.databases {
        figures.insert(format!("{}: bare route, µs", targets::title(&on.name)), value(on.bare.cpu_us()));
    }
    for target in targets::all(results) {
        let unit = if target.unit.is_empty() { String::new() } else { format!(", {}", target.unit) };
        figures.insert(format!("{}{unit}", target.what), value(target.measured));
    }
    figures
}

fn value(Spread { median, least, most }: Spread) -> Value {
    if least == most { hundredths(median) } else { [median, least, most].map(hundredths).to_vec().into() }
}

/// As many digits as a figure deserves.
fn hundredths(figure: f64) -> Value {
    ((figure * 100.0).round() / 100.0).into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::value;
    use crate::bench::results::Spread;
    use crate::root;

    #[test]
    fn a_figure_is_its_median_with_the_least_and_the_most() {
        assert_eq!(value(Spread::of([1.234, 9.0, 7.006])), json!([7.01, 1.23, 9.0]));
        assert_eq!(value(Spread::once(29.066)), json!(29.07));
    }

    #[test]
    fn every_run_is_a_row() {
        let rows = fs::read_to_string(root().join("bench/results/runs.jsonl")).unwrap();
        assert!(rows.ends_with('\n'));
        for row in rows.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            assert!(row["commit"].is_string() && row["machine"]["cores"].is_u64(), "{row}");
            let figures = row["figures"].as_object().unwrap();
            assert!(figures["SQLite: whoami by token, µs above bare"].is_array(), "{row}");
            for (name, figure) in figures {
                let numbers = figure.as_array().map_or(1, Vec::len);
                assert!(figure.is_number() || numbers == 3, "{name}: {figure}");
            }
        }
    }
}
