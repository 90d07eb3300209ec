//! The command line. In: words. Out: a command. Never: a default that hides a choice.

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};
use nongshi_domain::Cadence;
use std::path::PathBuf;

/// nongshi 农时: from sales and prices to the next planting and harvest plan.
#[derive(Debug, Parser)]
#[command(
    name = "nongshi",
    version,
    about,
    after_help = "Settings: flag > NONGSHI_SECTION_KEY in the environment > nongshi.toml > default.\nExit codes: 0 done, 1 done with gaps, 2 usage, 3 settings, 4 a gate refused, 5 not reachable, 6 locked, 70 a bug, 130/143 interrupted."
)]
pub struct Cli {
    /// The project folder.
    #[arg(short = 'C', long = "directory", global = true, default_value = ".")]
    pub directory: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a project folder.
    Init {
        /// Where.
        directory: PathBuf,
        /// A small simulated chain whose last day was yesterday, ready to run.
        #[arg(long)]
        sample: bool,
    },
    /// A simulated chain and two issues of its plan, four weeks apart: everything to look at, nothing to set up.
    Demo {
        /// Where.
        #[arg(default_value = "nongshi-demo")]
        directory: PathBuf,
        /// Open the report.
        #[arg(long)]
        open: bool,
    },
    /// The whole way: ingest, transform, forecast, plan, report.
    Run {
        #[command(flatten)]
        when: When,
        /// Only these stages.
        #[arg(long, value_delimiter = ',')]
        only: Vec<Stage>,
        /// Say what would run; change nothing.
        #[arg(long)]
        dry_run: bool,
        /// A summary as JSON on stdout.
        #[arg(long)]
        json: bool,
    },
    /// Days long past, one after another: the whole way of each, from what was known then. A day that nothing has
    /// changed for stands as it is; ends with the worst of the days' exit codes.
    Backfill {
        /// The first day to speak from.
        #[arg(long, value_name = "DATE")]
        from: NaiveDate,
        /// The last one.
        #[arg(long, value_name = "DATE")]
        to: NaiveDate,
    },
    /// Fetch, keep, parse, check and land every feed.
    Ingest(When),
    /// Make the curated tables.
    Transform(When),
    /// Forecast every category that is alive; with `--panel`, any panel, no project needed.
    Forecast {
        #[command(flatten)]
        when: When,
        #[command(flatten)]
        panel: MaybePanel,
    },
    /// Score what `forecast --panel` would have said at the last cutoffs of each series.
    Backtest(BacktestArgs),
    /// Plan every base.
    Plan(When),
    /// Write the reports.
    Report(When),
    /// Ask a question in SQL.
    Sql {
        /// The query.
        #[arg(short, long, conflicts_with = "file", required_unless_present = "file")]
        command: Option<String>,
        /// A file that holds it.
        #[arg(short, long)]
        file: Option<PathBuf>,
        /// How to print; a table on a terminal, else csv.
        #[arg(long)]
        format: Option<Format>,
        /// Where to print.
        #[arg(short, long)]
        output: Option<PathBuf>,
        #[command(flatten)]
        when: When,
    },
    /// SQL over the Postgres wire, read-only, on loopback.
    Serve {
        /// Address and port to listen on; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:5433")]
        listen: std::net::SocketAddr,
        #[command(flatten)]
        when: When,
    },
    /// The distributed engine.
    Cluster {
        #[command(subcommand)]
        command: ClusterCommand,
    },
    /// Contracts and names, before anything lands.
    Feed {
        #[command(subcommand)]
        command: FeedCommand,
    },
    /// The store: what it holds, and whether all of it is there.
    Lake {
        #[command(subcommand)]
        command: LakeCommand,
    },
    /// What is wrong, and how to mend it.
    Doctor,
    /// What ran, what is known until when, what was rejected.
    Status(When),
    /// The settings and where each came from.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

/// `cluster ...`
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Run one query on the distributed engine inside this process.
    Query {
        /// The query.
        #[arg(short, long)]
        command: String,
        #[command(flatten)]
        when: When,
    },
}

/// `feed ...`
#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// Accepted and rejected rows of a feed, without landing any.
    Check {
        /// The feed's name, or the file of a contract.
        feed: String,
    },
    /// Look at a file and propose its contract.
    New {
        /// The file.
        file: PathBuf,
        /// Where to write the contract; stdout when absent.
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// For each name that no crop has, the crop whose name is nearest.
    Suggest(When),
}

/// `lake ...`
#[derive(Debug, Subcommand)]
pub enum LakeCommand {
    /// Read every file and every raw byte, and prove that nothing was lost; changes nothing.
    Check {
        /// A summary as JSON on stdout.
        #[arg(long)]
        json: bool,
    },
    /// What each version of a table did; every table when none is named.
    History {
        /// The table, such as `sales` or `landed/sales`.
        table: Option<String>,
    },
    /// The same rows in fewer files; every table when none is named.
    Compact {
        /// The tables, such as `sales` or `landed/sales`.
        tables: Vec<String>,
        /// Then delete files that no version has needed for so many days, 7 at least: what is older can no longer be
        /// restored.
        #[arg(long, value_name = "DAYS")]
        forget_after: Option<u32>,
    },
    /// A table as it stood at an earlier version. Batches that landed later can land again: their raw bytes are kept.
    Restore {
        /// The table, such as `sales` or `landed/sales`.
        table: String,
        /// The version, as `lake history` lists it.
        #[arg(long)]
        version: u64,
        /// Say what would be undone; change nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// `config ...`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting, its value and its origin.
    Show,
}

/// The day to speak from.
#[derive(Debug, Clone, Copy, Args)]
pub struct When {
    /// The day to speak from; yesterday in Asia/Shanghai when absent.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<NaiveDate>,
}

/// A panel and how to look ahead.
#[derive(Debug, Clone, Args)]
pub struct PanelArgs {
    /// A CSV or Parquet file with the columns `unique_id` (the series), `ds` (the step), `y` (the value, not below zero).
    #[arg(long, value_name = "FILE")]
    pub panel: PathBuf,
    /// The step of the series.
    #[arg(long)]
    pub freq: PanelFreq,
    /// Steps ahead.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=400))]
    pub horizon: u32,
    /// Seasons in steps, the shortest first; the first is also the lag of the scale of scores. The step's own when absent.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub season: Vec<u32>,
    #[command(flatten)]
    pub told: ToldArgs,
    /// Where to write; standard output when absent.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What a panel tells beside its values, and what is asked of it.
#[derive(Debug, Clone, Args)]
pub struct ToldArgs {
    /// Columns of numbers that are known beforehand (a price, a promotion, weather as forecast), for every step of every series
    /// and, for `forecast`, for the steps to be said: rows with an empty `y`.
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    pub known: Vec<String>,
    /// A column with the share of each step, from 0 to 1, during which it could be bought. Sales are raised to demand, and errors
    /// are taken where it was 1.
    #[arg(long, value_name = "COL")]
    pub in_stock: Option<String>,
    /// Quantiles to write, in percent [default: 10,50,90]
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', value_parser = percent)]
    pub levels: Vec<f64>,
}

/// A quantile's level in percent.
fn percent(text: &str) -> Result<f64, String> {
    let level: f64 = text.parse().map_err(|_| "a number is wanted".to_string())?;
    if level > 0.0 && level < 100.0 { Ok(level) } else { Err("it must lie between 0 and 100".to_string()) }
}

/// The same where there may be none: with `--panel` the others belong, without it none does.
#[derive(Debug, Clone, Args)]
pub struct MaybePanel {
    /// A CSV or Parquet file with the columns `unique_id` (the series), `ds` (the step), `y` (the value, not below zero).
    #[arg(long, value_name = "FILE", conflicts_with = "as_of", requires_all = ["freq", "horizon"])]
    panel: Option<PathBuf>,
    /// The step of the series.
    #[arg(long, requires = "panel")]
    freq: Option<PanelFreq>,
    /// Steps ahead.
    #[arg(long, requires = "panel", value_parser = clap::value_parser!(u32).range(1..=400))]
    horizon: Option<u32>,
    /// Seasons in steps, the shortest first. The step's own when absent.
    #[arg(long, requires = "panel", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1000))]
    season: Vec<u32>,
    #[command(flatten)]
    told: ToldArgs,
    /// Where to write; standard output when absent.
    #[arg(short, long, value_name = "FILE", requires = "panel")]
    output: Option<PathBuf>,
}

impl MaybePanel {
    /// The panel, when one is named.
    pub fn named(self) -> Option<PanelArgs> {
        let MaybePanel { panel, freq, horizon, season, told, output } = self;
        Some(PanelArgs { panel: panel?, freq: freq?, horizon: horizon?, season, told, output })
    }
}

/// A rolling origin over a panel.
#[derive(Debug, Clone, Args)]
pub struct BacktestArgs {
    #[command(flatten)]
    pub panel: PanelArgs,
    /// Cutoffs of each series, the last one a horizon before its end.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub windows: u32,
    /// Steps between them.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub step: u32,
    /// Where to write every forecast with its cutoff.
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
}

/// The step of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PanelFreq {
    /// days
    #[value(name = "D")]
    Day,
    /// weeks, each written by the same weekday
    #[value(name = "W")]
    Week,
    /// ten days (旬), written by their first day (a month's 1st, 11th, 21st) or their last
    #[value(name = "X")]
    TenDays,
    /// months, written by their first or their last day
    #[value(name = "M")]
    Month,
    /// numbered steps
    #[value(name = "1")]
    Numbered,
}

impl PanelFreq {
    /// The calendar's step; numbered steps are counted as days.
    pub fn cadence(self) -> Cadence {
        match self {
            PanelFreq::Day | PanelFreq::Numbered => Cadence::Day,
            PanelFreq::Week => Cadence::Week,
            PanelFreq::TenDays => Cadence::TenDays,
            PanelFreq::Month => Cadence::Month,
        }
    }
}

/// The stages of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Stage {
    /// fetch, keep, parse, check, land
    Ingest,
    /// transform
    Transform,
    /// gather, choose, fit, forecast
    Forecast,
    /// plan
    Plan,
    /// render
    Report,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Stage; 5] = [Stage::Ingest, Stage::Transform, Stage::Forecast, Stage::Plan, Stage::Report];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ingest => "ingest",
            Stage::Transform => "transform",
            Stage::Forecast => "forecast",
            Stage::Plan => "plan",
            Stage::Report => "report",
        }
    }
}

/// Forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns side by side.
    Table,
    /// Comma-separated.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
}
