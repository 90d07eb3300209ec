//! The nevers of the house, held by a machine. In: the checkout. Out: a list of what breaks a rule.
//! Never: a rule that nobody wrote down (DESIGN and CONTRIBUTING name each of these).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which rooms a room may know, and which heavy libraries. A new arrow changes ARCHITECTURE.md in the same commit.
const ARROWS: &[(&str, &[&str])] = &[
    ("data-samples", &["domain"]),
    ("models", &["domain", "clarabel", "linfa", "linfa-elasticnet", "microlp", "ndarray"]),
    (
        "pipeline/cli",
        &[
            "cluster",
            "domain",
            "feeds",
            "functions",
            "lake",
            "models",
            "pdf",
            "reports",
            "samples",
            "serve",
            "transforms",
            "arrow",
            "datafusion",
            "object_store",
        ],
    ),
    ("pipeline/cluster", &["functions", "lake", "ballista", "ballista-core", "datafusion", "datafusion-proto", "object_store"]),
    ("pipeline/domain", &[]),
    ("pipeline/feeds", &["domain", "arrow", "object_store", "parquet", "polars", "polars-arrow", "sqlx"]),
    ("pipeline/functions", &["domain", "models", "arrow", "datafusion"]),
    ("pipeline/lake", &["domain", "arrow", "datafusion", "datafusion-proto", "deltalake", "object_store", "parquet", "sqlx"]),
    ("pipeline/serve", &["domain", "arrow", "datafusion", "datafusion-postgres"]),
    ("pipeline/transforms", &["domain", "functions", "lake", "arrow", "datafusion"]),
    ("reports", &["domain", "plotters"]),
    ("reports/pdf", &["typst", "typst-layout", "typst-pdf"]),
];
/// Libraries behind which a crate wall stands.
const HEAVY: &[&str] = &[
    "arrow",
    "ballista",
    "ballista-core",
    "clarabel",
    "datafusion",
    "datafusion-postgres",
    "datafusion-proto",
    "deltalake",
    "linfa",
    "linfa-elasticnet",
    "microlp",
    "ndarray",
    "object_store",
    "parquet",
    "plotters",
    "polars",
    "polars-arrow",
    "sqlx",
    "typst",
    "typst-layout",
    "typst-pdf",
];
/// One copy each in the lock file.
const SINGLE: &[&str] = &["arrow", "datafusion", "deltalake", "ndarray", "object_store", "parquet", "rustls"];
/// The outside has one door: these words stand in cli only.
const OUTSIDE: &[&str] =
    &["std::env::var", "std::fs::", "Utc::now", "Local::now", "SystemTime::now", "Instant::now", "thread_rng", "from_entropy", "println!"];
/// Where one of them may stand, and why.
const ALLOWED_OUTSIDE: &[(&str, &str, &str)] =
    &[("pipeline/serve/src/limits.rs", "Instant::now", "a statement's timeout runs on the runtime's own clock; no answer depends on it")];
/// A job that has no name yet.
const NOT_IN_THIS_HOUSE: &[&str] = &["manager", "handler", "service", "processor", "helper", "util", "utils", "common", "misc"];
/// A longer file usually holds two things.
const MOST_LINES: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below the room's sources with one of the endings.
fn sources(below: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![below.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The part of a source that is not tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod").next().unwrap_or(text)
}

fn nothing_broken(broken: Vec<String>) {
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn arrows_point_down_and_each_heavy_library_has_its_room() {
    let mut broken = Vec::new();
    for (room, allowed) in ARROWS {
        let manifest: toml::Table = read(&root().join(room).join("Cargo.toml")).parse().expect("a manifest");
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        for name in dependencies.keys() {
            let short = name.strip_prefix("nongshi-").unwrap_or(name);
            let is_room = name.starts_with("nongshi-");
            if (is_room || HEAVY.contains(&short)) && !allowed.contains(&short) {
                broken.push(format!("{room} knows {name}; ARROWS does not allow it"));
            }
        }
        for (name, value) in &dependencies {
            if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                broken.push(format!("{room}: {name} is not `workspace = true`"));
            }
        }
    }
    let workspace: toml::Table = read(&root().join("Cargo.toml")).parse().expect("a manifest");
    let members = workspace["workspace"]["members"].as_array().expect("members").iter().filter_map(toml::Value::as_str);
    for member in members.filter(|member| !member.starts_with("tests")) {
        if !ARROWS.iter().any(|(room, _)| *room == member) {
            broken.push(format!("{member} has no line in ARROWS"));
        }
    }
    nothing_broken(broken);
}

#[test]
fn one_copy_of_what_must_agree_and_no_second_s3_client() {
    let lock: toml::Table = read(&root().join("Cargo.lock")).parse().expect("a lock file");
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().expect("packages") {
        versions.entry(package["name"].as_str().expect("a name")).or_default().push(package["version"].as_str().expect("a version"));
    }
    let mut broken: Vec<String> = SINGLE
        .iter()
        .filter(|name| versions.get(**name).map_or(0, Vec::len) != 1)
        .map(|name| format!("{name}: {:?}, not one copy", versions.get(*name)))
        .collect();
    broken.extend(
        versions
            .keys()
            .filter(|name| name.starts_with("aws-sdk") || name.starts_with("aws-config"))
            .map(|name| format!("{name} is in the lock file")),
    );
    nothing_broken(broken);
}

#[test]
fn only_cli_sees_the_outside() {
    let mut broken = Vec::new();
    for (room, _) in ARROWS.iter().filter(|(room, _)| *room != "pipeline/cli") {
        for path in sources(&root().join(room).join("src"), "rs") {
            let text = read(&path);
            for word in OUTSIDE {
                let allowed = ALLOWED_OUTSIDE.iter().any(|(file, known, _)| path.ends_with(file) && known == word);
                if !allowed && without_tests(&text).lines().any(|line| line.contains(word) && !line.trim_start().starts_with("//")) {
                    broken.push(format!("{}: `{word}` stands outside cli", path.display()));
                }
            }
        }
    }
    nothing_broken(broken);
}

#[test]
fn the_checker_knows_no_planner_and_feeds_no_transforms() {
    let mut broken = Vec::new();
    let planners = [
        "planning::plan",
        "super::plan",
        "super::program",
        "super::round",
        "super::improve",
        "super::draft",
        "super::market",
        "super::field",
        "super::risk",
    ];
    for path in sources(&root().join("models/src/planning/check"), "rs")
        .into_iter()
        .chain([root().join("models/src/planning/check.rs")])
        .filter(|path| path.exists())
    {
        let text = read(&path);
        broken.extend(
            planners
                .iter()
                .filter(|word| without_tests(&text).contains(**word))
                .map(|word| format!("{}: the checker knows `{word}`", path.display())),
        );
    }
    nothing_broken(broken);
}

#[test]
fn no_float_is_summed_or_averaged_in_a_curated_table() {
    let mut broken = Vec::new();
    for path in sources(&root().join("pipeline/transforms/sql"), "sql") {
        for (number, line) in read(&path).lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("--")) {
            let line = line.to_lowercase();
            for word in ["double", "float", "real", "stddev", "corr("] {
                if line
                    .split(|character: char| !character.is_alphanumeric() && character != '(')
                    .any(|part| part == word || word.ends_with('(') && part.starts_with(word))
                {
                    broken.push(format!("{}:{}: `{word}`", path.display(), number + 1));
                }
            }
            // an average or a product is cast to its decimal in the same line
            if (line.contains("avg(") || line.contains(" * ")) && !line.contains("decimal(") && !line.contains("select *") {
                broken.push(format!("{}:{}: not cast to a decimal", path.display(), number + 1));
            }
        }
    }
    nothing_broken(broken);
}

#[test]
fn files_are_short_begin_with_their_sentence_and_have_a_job() {
    let mut broken = Vec::new();
    for (room, _) in ARROWS {
        for path in sources(&root().join(room).join("src"), "rs") {
            let (text, name) = (read(&path), path.display());
            if text.lines().count() > MOST_LINES {
                broken.push(format!("{name}: {} lines", text.lines().count()));
            }
            if !text.starts_with("//!") && !path.ends_with("tests.rs") {
                broken.push(format!("{name}: does not begin with `//!`"));
            }
            if path.file_stem().is_some_and(|stem| NOT_IN_THIS_HOUSE.iter().any(|word| stem.to_string_lossy() == **word)) {
                broken.push(format!("{name}: not a name of this house"));
            }
            if text.contains("#[allow(") || text.contains("#![allow(") {
                broken.push(format!("{name}: `allow`, not `expect` with a reason"));
            }
        }
    }
    nothing_broken(broken);
}

#[test]
fn lists_are_in_alphabetic_order() {
    let text = read(&root().join("pipeline/transforms/src/transform.rs"));
    let listed: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(\"")?.split_once('"'))
        .map(|(name, _)| name)
        .take_while(|name| !name.is_empty())
        .collect();
    let listed: Vec<&str> = listed.into_iter().filter(|name| root().join(format!("pipeline/transforms/sql/{name}.sql")).exists()).collect();
    let files: Vec<String> = sources(&root().join("pipeline/transforms/sql"), "sql")
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(listed, files, "BUILT_IN lists every SQL file, in order");
}

#[test]
fn nothing_names_a_machine_path() {
    let mut broken = Vec::new();
    let known = ["rs", "toml", "md", "sql", "py", "sh", "html", "css", "typ"];
    let folders = ["assets", "data-samples", "models", "notebooks", "pipeline", "reports", "tests"];
    for path in folders.iter().flat_map(|folder| known.iter().flat_map(move |ending| sources(&root().join(folder), ending))) {
        let text = read(&path);
        // spelled apart so that this file does not find itself
        for word in [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")] {
            if text.contains(word) {
                broken.push(format!("{}: `{word}`", path.display()));
            }
        }
    }
    nothing_broken(broken);
}
