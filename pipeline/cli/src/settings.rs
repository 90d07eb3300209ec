//! Settings: text becomes a `RawSettings`, checked becomes `Settings`; only those travel.
//!
//! In: the defaults, `nongshi.toml`, the environment. Out: settings, and where each of them came from.
//! Never: an unknown key passed over.

use crate::exit::{Exit, Failure};
use chrono::TimeDelta;
use nongshi_domain::{Cadence, Category, Hint, Mu, Target};
use nongshi_models::planning::PlanSettings;
use nongshi_reports::Lang;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What holds where nothing else is said.
pub const DEFAULTS: &str = include_str!("defaults.toml");
/// Sample paths at most: the table has a row for each, at every step of every series.
const MOST_PATHS: u32 = 1_000;
/// Settings from the environment begin with this; `NONGSHI_STORE_URL` is `store.url`.
const PREFIX: &str = "NONGSHI_";
/// The query engine works with so much, slowly.
const LEAST_MEMORY_MIB: u64 = 64;
/// More is a slip of the pen: 16 TiB.
const MOST_MEMORY_MIB: u64 = 16 << 20;

/// Checked settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The chain's name.
    pub name: String,
    /// Where the lake is: a folder relative to the project, or a URL.
    pub store_url: String,
    /// object_store's own keys for it.
    pub store_options: BTreeMap<String, String>,
    /// The environment variable with the address of the lock's database; none where a lease in the store is the lock.
    pub lock_url_env: Option<String>,
    /// How long a lease lasts before it must be renewed.
    pub lease: TimeDelta,
    /// How long a run waits for another one to end.
    pub wait: Duration,
    /// What is forecast and planned.
    pub categories: Vec<CategorySettings>,
    /// Backtest origins wanted.
    pub origins: u32,
    /// A forecast this many times beyond what was ever shown is an explosion.
    pub explosion_factor: f64,
    /// Joint sample paths of each panel.
    pub paths: u32,
    /// Weeks a plan looks ahead.
    pub plan_weeks: usize,
    /// How to plan.
    pub planning: PlanSettings,
    /// The market whose prices the own shops pay.
    pub own_price_market: String,
    /// Picking and packing, CNY/kg.
    pub picking_cost_cny_per_kg: f64,
    /// Languages of the reports.
    pub languages: Vec<Lang>,
    /// Rows that `sql` prints.
    pub max_rows: usize,
    /// Memory of the query engine in MiB; none: half of the machine's.
    pub memory_mib: Option<u64>,
    /// Where each setting came from: key, value, origin.
    pub origins_of_settings: Vec<(String, String, String)>,
}

/// One category.
#[derive(Debug, Clone)]
pub struct CategorySettings {
    /// Its name in tables.
    pub category: Category,
    /// The step of its price series.
    pub cadence: Cadence,
    /// Steps ahead.
    pub horizon: u32,
    /// Price, demand.
    pub targets: Vec<Target>,
    /// A series silent for longer is stale.
    pub freshness_days: i64,
}

#[derive(Debug, Deserialize)]
struct RawSettings {
    project: RawProject,
    store: RawStore,
    categories: BTreeMap<String, RawCategory>,
    forecasting: RawForecasting,
    planning: RawPlanning,
    reports: RawReports,
    sql: RawSql,
}

#[derive(Debug, Deserialize)]
struct RawProject {
    name: String,
}

#[derive(Debug, Deserialize)]
struct RawStore {
    url: String,
    lock: String,
    lock_url_env: String,
    lease_seconds: i64,
    wait_seconds: u32,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct RawCategory {
    order: i64,
    cadence: Cadence,
    horizon: u32,
    targets: Vec<Target>,
    freshness_days: i64,
}

#[derive(Debug, Deserialize)]
struct RawForecasting {
    origins: u32,
    explosion_factor: f64,
    paths: u32,
}

#[derive(Debug, Deserialize)]
struct RawPlanning {
    weeks: usize,
    sow_weeks: usize,
    order_weeks: usize,
    risk_aversion: f64,
    tail: f64,
    min_area_mu: f64,
    max_crops_per_plot: usize,
    own_price_market: String,
    picking_cost_cny_per_kg: f64,
}

#[derive(Debug, Deserialize)]
struct RawReports {
    languages: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct RawSql {
    max_rows: usize,
    memory_mib: u64,
}

/// Reads the settings of a project from its file's text and the environment.
pub fn read(text: &str, environment: &BTreeMap<String, String>) -> Result<Settings, Failure> {
    let defaults: toml::Table = DEFAULTS.parse().map_err(|error: toml::de::Error| Failure::new(Exit::Bug, error.to_string()))?;
    let given: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::new(Exit::Settings, format!("nongshi.toml cannot be read\n{}", error.to_string().trim_end()))
    })?;
    refuse_unknown(&defaults, &given, text)?;
    let mut origins = BTreeMap::new();
    let mut merged = toml::Table::new();
    merge(&mut merged, &defaults, "", "default", &mut origins);
    merge(&mut merged, &given, "", "nongshi.toml", &mut origins);
    merge_environment(&mut merged, environment, &mut origins)?;
    let raw: RawSettings = merged.clone().try_into().map_err(|error: toml::de::Error| {
        Failure::new(Exit::Settings, format!("nongshi.toml: {}", error.message()))
            .hint("`nongshi config show` lists every setting with its value")
    })?;
    let shown = origins.into_iter().map(|(key, (value, origin))| (key, value, origin)).collect();
    check(raw, shown)
}

fn check(raw: RawSettings, origins_of_settings: Vec<(String, String, String)>) -> Result<Settings, Failure> {
    let refused = |what: &str| Failure::new(Exit::Settings, format!("nongshi.toml: {what}"));
    let planning = &raw.planning;
    if !(0.0..=1.0).contains(&planning.risk_aversion) {
        return Err(refused(&format!("`planning.risk_aversion` is {}; it lies between 0 and 1", planning.risk_aversion)));
    }
    if !(planning.tail > 0.0 && planning.tail <= 1.0) {
        return Err(refused(&format!("`planning.tail` is {}; it lies above 0 and up to 1", planning.tail)));
    }
    if planning.weeks == 0 || planning.weeks > 60 || planning.sow_weeks > planning.weeks {
        return Err(refused("`planning.weeks` lies between 1 and 60 and `planning.sow_weeks` not above it"));
    }
    if raw.forecasting.paths > MOST_PATHS {
        return Err(refused(&format!("`forecasting.paths` is {}; it lies between 0 and {MOST_PATHS}", raw.forecasting.paths)));
    }
    let mut languages = Vec::new();
    for name in &raw.reports.languages {
        languages.push(name.parse::<Lang>().map_err(|error| refused(&format!("`reports.languages`: {error}")))?);
    }
    let mut categories: Vec<(i64, CategorySettings)> = Vec::new();
    for (name, category) in raw.categories {
        if category.horizon == 0 || category.horizon > 400 {
            return Err(refused(&format!("`categories.{name}.horizon` is {}; it lies between 1 and 400 steps", category.horizon)));
        }
        let RawCategory { order, cadence, horizon, targets, freshness_days } = category;
        categories.push((order, CategorySettings { category: Category(name), cadence, horizon, targets, freshness_days }));
    }
    let lock_url_env = match (raw.store.lock.as_str(), raw.store.lock_url_env.as_str()) {
        ("lease", _) => None,
        ("postgres", "") => return Err(refused("`store.lock` is `postgres`, and `store.lock_url_env` names no environment variable")),
        ("postgres", name) if name.contains("://") => {
            return Err(refused(
                "`store.lock_url_env` holds an address, and a settings file is no place for a secret: name the environment variable that holds it",
            ));
        }
        ("postgres", name) => Some(name.to_string()),
        (other, _) => return Err(refused(&format!("`store.lock` is `{other}`; it is `lease` or `postgres`"))),
    };
    if !(1..=86_400).contains(&raw.store.lease_seconds) {
        return Err(refused(&format!("`store.lease_seconds` is {}; it lies between 1 and 86400", raw.store.lease_seconds)));
    }
    let memory_mib = match raw.sql.memory_mib {
        0 => None,
        mib if (LEAST_MEMORY_MIB..=MOST_MEMORY_MIB).contains(&mib) => Some(mib),
        mib => {
            return Err(refused(&format!(
                "`sql.memory_mib` is {mib}; it lies between {LEAST_MEMORY_MIB} and {MOST_MEMORY_MIB}, or is 0: half of the machine's memory"
            )));
        }
    };
    categories.sort_by(|a, b| (a.0, &a.1.category).cmp(&(b.0, &b.1.category)));
    Ok(Settings {
        name: raw.project.name,
        store_url: raw.store.url,
        store_options: raw.store.options,
        lock_url_env,
        lease: TimeDelta::seconds(raw.store.lease_seconds),
        wait: Duration::from_secs(raw.store.wait_seconds.into()),
        categories: categories.into_iter().map(|(_, category)| category).collect(),
        origins: raw.forecasting.origins,
        explosion_factor: raw.forecasting.explosion_factor,
        paths: raw.forecasting.paths,
        plan_weeks: planning.weeks,
        planning: PlanSettings {
            risk_aversion: planning.risk_aversion,
            tail: planning.tail,
            sow_weeks: planning.sow_weeks,
            order_weeks: planning.order_weeks,
            min_area: Mu(planning.min_area_mu),
            max_crops_per_plot: planning.max_crops_per_plot,
            ..PlanSettings::default()
        },
        own_price_market: planning.own_price_market.clone(),
        picking_cost_cny_per_kg: planning.picking_cost_cny_per_kg,
        languages,
        max_rows: raw.sql.max_rows,
        memory_mib,
        origins_of_settings,
    })
}

/// Every key must be one of the defaults'; a category of the user's own has the keys of the others.
fn refuse_unknown(defaults: &toml::Table, given: &toml::Table, text: &str) -> Result<(), Failure> {
    let mut known = BTreeMap::new();
    flatten(defaults, "", &mut known);
    let category_keys: Vec<String> =
        known.keys().filter_map(|key| key.strip_prefix("categories.")?.split_once('.')).map(|(_, key)| key.to_string()).collect();
    let mut flat = BTreeMap::new();
    flatten(given, "", &mut flat);
    for key in flat.keys() {
        let in_category = key.strip_prefix("categories.").and_then(|rest| rest.split_once('.'));
        let is_known = match in_category {
            Some((_, name)) => category_keys.iter().any(|known| known == name),
            None => known.contains_key(key) || key.starts_with("store.options."),
        };
        if !is_known {
            let names: Vec<String> = match in_category {
                Some((category, _)) => category_keys.iter().map(|name| format!("categories.{category}.{name}")).collect(),
                None => known.keys().filter(|key| !key.starts_with("categories.")).cloned().collect(),
            };
            let last = key.rsplit('.').next().unwrap_or(key);
            let line =
                text.lines().position(|line| line.trim_start().starts_with(last)).map_or(String::new(), |line| format!(":{}", line + 1));
            let hint = Hint::for_name(key, names.iter().map(String::as_str));
            return Err(Failure {
                hint: Some(hint),
                ..Failure::new(Exit::Settings, format!("nongshi.toml{line}: the key `{key}` is not known"))
            });
        }
    }
    Ok(())
}

fn flatten(table: &toml::Table, above: &str, into: &mut BTreeMap<String, toml::Value>) {
    for (key, value) in table {
        let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(inner, &key, into),
            value => {
                into.insert(key, value.clone());
            }
        }
    }
}

fn merge(into: &mut toml::Table, from: &toml::Table, above: &str, origin: &str, origins: &mut BTreeMap<String, (String, String)>) {
    for (key, value) in from {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            toml::Value::Table(inner) => {
                let entry = into.entry(key.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
                if let toml::Value::Table(below) = entry {
                    merge(below, inner, &path, origin, origins);
                }
            }
            value => {
                let secret = path.contains("secret") || path.contains("password") || path.contains("key_id");
                let shown = if secret { "(hidden)".into() } else { value.to_string() };
                origins.insert(path, (shown, origin.to_string()));
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// `NONGSHI_STORE_URL` sets `store.url`: each known key under its own name.
fn merge_environment(
    into: &mut toml::Table,
    environment: &BTreeMap<String, String>,
    origins: &mut BTreeMap<String, (String, String)>,
) -> Result<(), Failure> {
    let mut flat = BTreeMap::new();
    flatten(into, "", &mut flat);
    for (key, before) in flat {
        let name = format!("{PREFIX}{}", key.replace('.', "_").to_uppercase());
        let Some(text) = environment.get(&name) else { continue };
        let misread = || Failure::new(Exit::Settings, format!("`{name}` is `{text}`, which is no {}", before.type_str()));
        let value = match &before {
            toml::Value::String(_) => toml::Value::String(text.clone()),
            toml::Value::Integer(_) => toml::Value::Integer(text.parse().map_err(|_| misread())?),
            toml::Value::Float(_) => toml::Value::Float(text.parse().map_err(|_| misread())?),
            toml::Value::Array(_) => toml::Value::Array(text.split(',').map(|part| toml::Value::String(part.trim().into())).collect()),
            _ => return Err(misread()),
        };
        origins.insert(key.clone(), (value.to_string(), format!("environment {name}")));
        let mut place = &mut *into;
        let parts: Vec<&str> = key.split('.').collect();
        for part in &parts[..parts.len() - 1] {
            let Some(toml::Value::Table(inner)) = place.get_mut(*part) else { return Err(misread()) };
            place = inner;
        }
        place.insert(parts[parts.len() - 1].to_string(), value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        // (text, message, hint)
        for (text, message, hint) in [
            (
                "[planning]\nrisk_avversion = 0.1",
                "nongshi.toml:2: the key `planning.risk_avversion` is not known",
                "did you mean `planning.risk_aversion`?",
            ),
            (
                "[categories.eggs]\nhorizn = 3",
                "nongshi.toml:2: the key `categories.eggs.horizn` is not known",
                "did you mean `categories.eggs.horizon`?",
            ),
        ] {
            let failure = read(text, &BTreeMap::new()).expect_err("an unknown key");
            assert_eq!((failure.message.as_str(), failure.hint.expect("a hint").0.as_str(), failure.code), (message, hint, Exit::Settings));
        }
    }

    #[test]
    fn memory_is_bounded_by_default_and_from_below() {
        let read = |text: &str| read(text, &BTreeMap::new());
        assert_eq!(read("").expect("well-formed").memory_mib, None);
        assert_eq!(read("[sql]\nmemory_mib = 512").expect("well-formed").memory_mib, Some(512));
        for text in ["memory_mib = 63", "memory_mib = 16777217", "memory_mib = -1", "memory_mib = 0.5"] {
            let failure = read(&format!("[sql]\n{text}")).expect_err("refused");
            assert_eq!(failure.code, Exit::Settings, "{text}: {}", failure.message);
        }
    }

    #[test]
    fn later_places_win_and_are_named() {
        let environment = [("NONGSHI_STORE_URL".to_string(), "s3://bucket/lake".to_string())].into();
        let settings = read("[store]\nurl = \"elsewhere\"\n[planning]\nweeks = 30", &environment).expect("well-formed");
        assert_eq!((settings.store_url.as_str(), settings.plan_weeks), ("s3://bucket/lake", 30));
        let origin = |key: &str| settings.origins_of_settings.iter().find(|(name, _, _)| name == key).map(|(_, _, origin)| origin.as_str());
        assert_eq!(origin("store.url"), Some("environment NONGSHI_STORE_URL"));
        assert_eq!(origin("planning.weeks"), Some("nongshi.toml"));
        assert_eq!(origin("planning.tail"), Some("default"));
        let paths = |count: i64| read(&format!("[forecasting]\npaths = {count}"), &BTreeMap::new());
        assert_eq!((settings.paths, paths(0).map_or(1, |settings| settings.paths)), (100, 0));
        assert!(paths(1_001).is_err_and(|failure| failure.message.contains("it lies between 0 and 1000")));
        assert!(paths(-1).is_err());
    }
}
