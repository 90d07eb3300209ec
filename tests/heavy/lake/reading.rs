//! Readers ask all the while one writer commits, compacts and deletes what is old: no file is missing, and each answer is
//! what the version said that the reader had pinned. (Reliability test 7; `NONGSHI_TEST_ROUNDS=200` for all of it.)

use super::{TODAY, batch, cells, free, local, publish};
use chrono::TimeDelta;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use deltalake::operations::vacuum::VacuumMode;
use nongshi_domain::AsOf;
use nongshi_lake::{Catalog, LEAST_DAYS_KEPT, Lake, Layer, TableId};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::sync::watch;

const READERS: usize = 3;
/// Commits to each table between two compactions.
const COMMITS_A_TURN: u64 = 5;
/// Commits that were there before the readers came, and are made to be old.
const OLD_COMMITS: u64 = 8;
/// What each reader asks: a table that grows and is compacted, one whose rows are replaced by every commit.
const ASKED: [(&str, &str); 2] = [
    ("landed/aliases", "select batch_seq, source_row, alias from landed.aliases order by batch_seq, source_row"),
    ("model/said", "select value from said order by value"),
];

fn ids() -> [TableId; 2] {
    [TableId::new(Layer::Landed, "aliases"), TableId::new(Layer::Model, "said")]
}

/// How the writer deletes what is old.
#[derive(Clone, Copy, PartialEq)]
enum Deletes {
    /// As `nongshi lake compact --forget-after` does.
    Forgets,
    /// Everything that the newest version does not need, at once.
    Carelessly,
}

/// The one writer, and what each version of each table says.
struct Writer {
    lake: Lake,
    commits: u64,
    aliases: String,
    says: BTreeMap<(String, u64), String>,
    deleted: usize,
}

impl Writer {
    /// One commit to each table: three rows more, and other rows than before.
    async fn commit(&mut self) {
        self.commits += 1;
        let number = self.commits;
        let names: Vec<String> = (1..=3).map(|row| format!("alias {number}.{row}")).collect();
        let rows: Vec<(&str, &str, &str)> = names.iter().map(|name| (name.as_str(), "x", TODAY)).collect();
        self.lake.land(&batch(&number.to_string(), &rows, 0), free).await.unwrap();
        for (row, name) in names.iter().enumerate() {
            let line = format!("{number},{},{name}", row + 1);
            self.aliases += &if self.aliases.is_empty() { line } else { format!("\n{line}") };
        }
        let values = [number as i64, number as i64 + 1_000];
        assert!(publish(&self.lake, "2025-01-01", &values).await);
        self.note().await;
    }

    /// The same rows in fewer files, and old files gone.
    async fn tidy(&mut self, deletes: Deletes) {
        for id in ids() {
            let done = self.lake.compact(&id, free).await.unwrap().unwrap();
            assert!(done.files_now == 1, "{id}: {done:?}");
            self.deleted += match deletes {
                Deletes::Forgets => self.lake.forget(&id, LEAST_DAYS_KEPT, free).await.unwrap(),
                Deletes::Carelessly => {
                    let table = self.lake.table(&id).await.unwrap().unwrap();
                    let vacuum = table.vacuum().with_mode(VacuumMode::Full).with_retention_period(TimeDelta::zero());
                    vacuum.with_enforce_retention_duration(false).await.unwrap().1.files_deleted.len()
                }
            };
        }
        self.note().await;
    }

    /// Every version that is new says what was committed last.
    async fn note(&mut self) {
        let said = [self.aliases.clone(), format!("{}\n{}", self.commits, self.commits + 1_000)];
        for (id, said) in ids().iter().zip(said) {
            let newest = self.lake.table(id).await.unwrap().unwrap().version().unwrap();
            for version in (0..=newest).rev() {
                if self.says.contains_key(&(id.to_string(), version)) {
                    break;
                }
                self.says.insert((id.to_string(), version), said.clone());
            }
        }
    }
}

/// Makes what stands there old: the files that later commits took out were taken out more than a week ago.
fn grow_old(folder: &Path) -> usize {
    let more_than_a_week = TimeDelta::days(i64::from(LEAST_DAYS_KEPT) + 1).num_milliseconds();
    let mut aged = 0;
    for id in ids() {
        for entry in std::fs::read_dir(folder.join(id.to_string()).join("_delta_log")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let mut lines = Vec::new();
            for line in text.lines() {
                let (before, after) = line.split_once("\"deletionTimestamp\":").unwrap_or((line, ""));
                let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
                lines.push(match digits.parse::<i64>() {
                    Ok(at) => format!("{before}\"deletionTimestamp\":{}{}", at - more_than_a_week, &after[digits.len()..]),
                    Err(_) => line.to_string(),
                });
                aged += usize::from(!digits.is_empty());
            }
            std::fs::write(&path, lines.join("\n")).unwrap();
        }
    }
    aged
}

/// One answer: table, version, and its rows or why there are none.
type Answer = (String, u64, Result<String, String>);

/// Asks until the writer has ended. Every other time what was pinned is held while the writer tidies up twice.
async fn read(lake: Lake, mut tidied: watch::Receiver<u64>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for turn in 0.. {
        tidied.borrow_and_update();
        let catalog = Catalog::pin(&lake).await.unwrap();
        let ctx = nongshi_functions::session(SessionConfig::new().with_target_partitions(2)).unwrap();
        catalog.register(&ctx, &lake, AsOf(TODAY.parse().unwrap())).await.unwrap();
        let mut is_ended = tidied.has_changed().is_err();
        if turn % 2 == 1 {
            for _ in 0..2 {
                is_ended |= tidied.changed().await.is_err();
            }
        }
        for (table, query) in ASKED {
            let answer = async { Ok(cells(&ctx.sql(query).await?.collect().await?)) }.await;
            let answer = answer.map_err(|error: datafusion::error::DataFusionError| error.to_string());
            answers.push((table.to_string(), catalog.versions()[table], answer));
        }
        if is_ended {
            break;
        }
    }
    answers
}

/// Lets the writer write and the readers read.
async fn all_at_once(folder: &tempfile::TempDir, commits: u64, deletes: Deletes) -> (Writer, Vec<Answer>) {
    let lake = local(folder);
    let mut writer = Writer { lake: lake.clone(), commits: 0, aliases: String::new(), says: BTreeMap::new(), deleted: 0 };
    for _ in 0..OLD_COMMITS {
        writer.commit().await;
    }
    for id in ids() {
        lake.compact(&id, free).await.unwrap();
    }
    writer.note().await;
    let aged = grow_old(folder.path());
    assert!(aged as u64 >= OLD_COMMITS, "{aged} files were taken out");
    let (tidied, watched) = watch::channel(0);
    let readers: Vec<_> = (0..READERS).map(|_| tokio::spawn(read(lake.clone(), watched.clone()))).collect();
    for number in 1..=commits {
        writer.commit().await;
        if number % COMMITS_A_TURN == 0 {
            writer.tidy(deletes).await;
            tidied.send_modify(|count| *count += 1);
        }
    }
    drop(tidied);
    let mut answers = Vec::new();
    for reader in readers {
        answers.extend(reader.await.unwrap());
    }
    if deletes == Deletes::Forgets {
        assert_eq!(writer.deleted, aged, "what is old is deleted, and nothing else");
    }
    (writer, answers)
}

/// Asserts that every answer is what its version said; returns those whose files were missing.
fn missing(writer: &Writer, answers: &[Answer]) -> usize {
    let mut missing = 0;
    for (table, version, answer) in answers {
        match answer {
            Ok(rows) => assert_eq!(rows, &writer.says[&(table.clone(), *version)], "{table} at version {version}"),
            Err(error) => {
                assert!(error.contains("not found"), "{table} at version {version}: {error}");
                missing += 1;
            }
        }
    }
    missing
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_never_misses_a_file_and_never_sees_half_a_commit() {
    let commits = std::env::var("NONGSHI_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(30);
    let folder = tempfile::tempdir().unwrap();
    let (writer, answers) = all_at_once(&folder, commits, Deletes::Forgets).await;
    assert_eq!(missing(&writer, &answers), 0);
    let versions: std::collections::BTreeSet<_> = answers.iter().map(|(table, version, _)| (table, version)).collect();
    assert!(versions.len() > 2 * ASKED.len(), "the readers saw the tables change: {versions:?}");
    println!("{commits} commits, {} answers of {} versions, {} files deleted, 0 missing", answers.len(), versions.len(), writer.deleted);
    // the control: the files as they lie there are what no version ever said
    let lying = folder.path().join("landed/aliases");
    let pin = writer.lake.pin(&ids()[0]).await.unwrap().unwrap();
    let options = ParquetReadOptions::default().schema(&pin.schema);
    let ctx = SessionContext::new();
    ctx.register_parquet("lying", lying.to_string_lossy(), options).await.unwrap();
    let query = ASKED[0].1.replace("landed.aliases", "lying");
    let rows = cells(&ctx.sql(&query).await.unwrap().collect().await.unwrap());
    assert!(!rows.is_empty() && writer.says.values().all(|said| *said != rows));
}

/// The control: where files are deleted that a version still needs which is no week old, its readers miss them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_careless_vacuum_is_seen_by_the_readers() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, answers) = all_at_once(&folder, 4 * COMMITS_A_TURN, Deletes::Carelessly).await;
    let missed = missing(&writer, &answers);
    assert!(missed > 0, "none of {} answers missed a file", answers.len());
}
