//! `docs/reference/metrics.md` against what is printed.

use std::collections::BTreeSet;
use std::time::Duration;

use metrics::{Answered, Levels, Metrics, Names};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/metrics.md");

/// Everything that may be printed, once.
fn printed(names: Names) -> String {
    let metrics = Metrics::new(names);
    let request = Answered { route: Some("/x"), method: "GET", code: "200", took: Duration::ZERO };
    metrics.requests.count(&request, || (1, Some(1)));
    let Metrics { sign_ins, sign_in_failures, sign_ups, sign_up_failures, logouts, reloads, .. } = &metrics;
    let Metrics { recoveries, recovery_failures, verifications, verification_failures, .. } = &metrics;
    for counters in [
        sign_ins,
        sign_in_failures,
        sign_ups,
        sign_up_failures,
        logouts,
        recoveries,
        recovery_failures,
        verifications,
        verification_failures,
        reloads,
    ] {
        counters.count(["x"]);
    }
    for factor in [&metrics.failed_tries, &metrics.refused_tries] {
        factor.count(["password"]);
    }
    metrics.held_back.count(["known"]);
    metrics.deliveries.count(["email", "sent"]);
    metrics.render(&Levels {
        hashes_waiting: Some(1),
        hashes_under_way: Some(1),
        connections_in_use: Some(1),
        connections: Some(1),
        messages_waiting: Some(1),
    })
}

/// A row for each metric: its name as collectors have it, its type, its labels and its meaning.
fn rows(printed: &str) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for block in printed.split("# HELP ").skip(1) {
        let mut lines = block.lines();
        let (name, help) = lines.next().and_then(|line| line.split_once(' ')).expect("a name and what it means");
        let kind = lines.next().and_then(|line| line.rsplit(' ').next()).expect("a type");
        let sample = lines.find(|line| !line.starts_with('#')).unwrap_or_else(|| panic!("{name} has no value"));
        let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
        let labels = sample.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(labels, _)| labels);
        let labels =
            labels.into_iter().flat_map(|labels| labels.split(',')).filter_map(|label| label.split('=').next());
        let labels = labels.filter(|label| !["le", "app", "version", "hash", "buildTime"].contains(label));
        let labels: Vec<String> = labels.map(|label| format!("`{label}`")).collect();
        let help = format!("{}.", help.trim_end_matches('.'));
        rows.insert(format!("| `{name}` | {kind} | {} | {help} |", labels.join(", ")));
    }
    rows
}

#[test]
fn the_page_lists_what_is_printed_and_nothing_else() {
    let page = std::fs::read_to_string(PAGE).expect("docs/reference/metrics.md");
    // Linux alone tells of the process.
    let is_here = |line: &&str| cfg!(target_os = "linux") || !line.starts_with("| `process_");
    let row = |line: &&str| line.starts_with("| `") && is_here(line);
    let written: BTreeSet<String> = page.lines().filter(row).map(str::to_owned).collect();
    let usual = rows(&printed(Names::Zelus));
    let all: BTreeSet<String> = rows(&printed(Names::Kratos)).union(&usual).cloned().collect();
    let list = |rows: Vec<&String>| rows.into_iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let (missing, left) = (list(all.difference(&written).collect()), list(written.difference(&all).collect()));
    assert!(missing.is_empty() && left.is_empty(), "the page lacks:\n{missing}\nand lists in vain:\n{left}");
    // What has Kratos' names only is below the heading that says so.
    let (before, _) = page.split_once("`zelus.metrics.names: kratos`\n").expect("a heading");
    assert!(usual.iter().all(|row| before.contains(row.as_str())), "usual metrics stand first");
    assert_eq!(before.lines().filter(row).count(), usual.len());
}
