//! What a table's commits say, in the order of the log. In: a log. Out: one `Commit` for each version, and which of them
//! still hold. Never: a commit read twice, a note believed that does not stand in the log.

use crate::delta::Note;
use crate::error::LakeError;
use chrono::{DateTime, Utc};
use deltalake::logstore::LogStoreRef;
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;

/// Commits read at the same time.
const READ_AHEAD: usize = 8;

/// One commit, as far as it concerns us.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub version: u64,
    /// Whether the log holds it; all else is empty where it does not.
    pub is_there: bool,
    pub at: Option<DateTime<Utc>>,
    pub operation: String,
    pub note: Option<Note>,
    pub transactions: Vec<String>,
    /// Rows in the files it added; unknown where a file tells none.
    pub rows: Option<u64>,
    pub files_added: u64,
    pub files_removed: u64,
    /// The files it added or removed, as the log spells them.
    pub files: Vec<String>,
}

/// A line of a commit.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "commitInfo")]
    info: Option<Info>,
    txn: Option<Transaction>,
    add: Option<Add>,
    remove: Option<Remove>,
}

#[derive(Deserialize)]
struct Info {
    timestamp: Option<i64>,
    operation: Option<String>,
    nongshi: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Transaction {
    #[serde(rename = "appId")]
    app_id: String,
}

#[derive(Deserialize)]
struct Add {
    path: String,
    stats: Option<String>,
}

#[derive(Deserialize)]
struct Remove {
    path: String,
}

#[derive(Deserialize)]
struct Stats {
    #[serde(rename = "numRecords")]
    rows: Option<u64>,
}

/// The commits of these versions, oldest first.
pub(crate) async fn read(log: LogStoreRef, from: u64, to: u64) -> Result<Vec<Commit>, LakeError> {
    let entries = (from..=to).map(|version| {
        let log = log.clone();
        async move { Ok::<_, LakeError>((version, log.read_commit_entry(version).await?)) }
    });
    let mut entries = futures::stream::iter(entries).buffered(READ_AHEAD);
    let mut commits = Vec::new();
    while let Some((version, entry)) = entries.try_next().await? {
        commits.push(commit(version, entry.as_deref())?);
    }
    Ok(commits)
}

fn commit(version: u64, entry: Option<&[u8]>) -> Result<Commit, LakeError> {
    let mut commit = Commit {
        version,
        is_there: entry.is_some(),
        at: None,
        operation: String::new(),
        note: None,
        transactions: Vec::new(),
        rows: Some(0),
        files_added: 0,
        files_removed: 0,
        files: Vec::new(),
    };
    for line in entry.unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Line { info, txn, add, remove } = serde_json::from_slice(line)?;
        commit.transactions.extend(txn.map(|txn| txn.app_id));
        if let Some(info) = info {
            commit.at = info.timestamp.and_then(DateTime::from_timestamp_millis);
            commit.operation = info.operation.unwrap_or_default();
            // another program's word under our key is no note
            commit.note = info.nongshi.and_then(|note| serde_json::from_value(note).ok());
        }
        if let Some(add) = add {
            let rows = add.stats.and_then(|stats| serde_json::from_str::<Stats>(&stats).ok()?.rows);
            commit.rows = commit.rows.zip(rows).map(|(sum, rows)| sum + rows);
            commit.files_added += 1;
            commit.files.push(add.path);
        }
        if let Some(remove) = remove {
            commit.files_removed += 1;
            commit.files.push(remove.path);
        }
    }
    Ok(commit)
}

/// Takes the next commit in: those that a restore went back behind hold no more.
pub(crate) fn take(standing: &mut Vec<Commit>, next: Commit) {
    match &next.note {
        Some(Note::Restored { to }) => standing.retain(|commit| commit.version <= *to),
        Some(Note::Undone { batch_ids }) => {
            for commit in standing.iter_mut() {
                commit.transactions.retain(|name| !batch_ids.contains(name));
            }
        }
        _ => {}
    }
    standing.push(next);
}

/// The commits that hold, oldest first.
pub(crate) fn standing(commits: Vec<Commit>) -> Vec<Commit> {
    let mut standing = Vec::with_capacity(commits.len());
    for commit in commits {
        take(&mut standing, commit);
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(version: u64, note: Option<Note>, transaction: &str) -> Commit {
        let transactions = vec![transaction.to_string()];
        Commit { note, transactions, ..commit(version, Some(b"")).expect("an empty commit") }
    }

    #[test]
    fn a_commit_tells_its_note_its_rows_and_its_files() {
        let entry = br#"{"commitInfo":{"timestamp":1767225600000,"operation":"WRITE","nongshi":{"kind":"rejected","batch_id":"a"}}}
{"txn":{"appId":"a","version":1}}
{"add":{"path":"x.parquet","stats":"{\"numRecords\":3}"}}
{"remove":{"path":"y.parquet"}}
"#;
        let commit = commit(4, Some(entry)).expect("well-formed");
        assert_eq!((commit.version, commit.rows, commit.files_added, commit.files_removed), (4, Some(3), 1, 1));
        assert_eq!(commit.note, Some(Note::Rejected { batch_id: "a".into() }));
        assert_eq!(commit.at.map(|at| at.to_rfc3339()), Some("2026-01-01T00:00:00+00:00".into()));
    }

    #[test]
    fn what_was_gone_back_behind_holds_no_more() {
        let all = vec![
            with(1, None, "a"),
            with(2, None, "b"),
            with(3, Some(Note::Restored { to: 1 }), "c"),
            with(4, None, "d"),
            with(5, Some(Note::Undone { batch_ids: vec!["d".into()] }), "e"),
        ];
        let standing = standing(all);
        assert_eq!(standing.iter().map(|commit| commit.version).collect::<Vec<_>>(), [1, 3, 4, 5]);
        assert_eq!(standing.iter().flat_map(|commit| &commit.transactions).collect::<Vec<_>>(), ["a", "c", "e"]);
    }
}
