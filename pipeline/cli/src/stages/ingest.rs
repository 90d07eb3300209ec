//! Ingest: fetch → keep → parse → check → land, every feed of the project.
//!
//! In: contracts. Out: landed batches. Never: a source landed that its gate refuses; raw bytes lost.

use super::{Done, Step};
use crate::exit::{Exit, Failure};
use crate::gap::Gap;
use nongshi_feeds::{Contract, FeedError, Parsed, Source, fetch, parse};
use nongshi_lake::{Batch, Landed, digest};
use object_store::local::LocalFileSystem;
use std::collections::BTreeSet;

/// Rules that say nothing about the quality of a feed.
const EXPECTED_RULES: [&str; 2] = ["not_asked_for", "duplicate"];

/// Lands what is new of every feed.
pub async fn ingest(step: &Step<'_>) -> Result<Done, Failure> {
    let known: BTreeSet<String> = step.lake().batches().await?.into_iter().map(|(_, record)| record.batch_id).collect();
    let mut done = Done::default();
    let mut counts = Counts::default();
    for contract in step.project.contracts()? {
        counts.feeds += 1;
        match ingest_feed(step, &contract, &known, &mut counts, &mut done.gaps).await {
            Ok(()) => {}
            Err(failure) if failure.code == Exit::Bug || failure.code == Exit::Held => return Err(failure),
            Err(failure) => done.gaps.push(feed_gap(&contract, failure)),
        }
    }
    done.changed = counts.landed > 0;
    done.said = format!(
        "{} feeds, {} batches: {} new, {} known; of the new {} received = {} accepted + {} rejected",
        counts.feeds,
        counts.landed + counts.known,
        counts.landed,
        counts.known,
        counts.received,
        counts.accepted,
        counts.rejected
    );
    Ok(done)
}

#[derive(Default)]
struct Counts {
    feeds: u64,
    landed: u64,
    known: u64,
    received: u64,
    accepted: u64,
    rejected: u64,
}

async fn ingest_feed(
    step: &Step<'_>,
    contract: &Contract,
    known: &BTreeSet<String>,
    counts: &mut Counts,
    gaps: &mut Vec<Gap>,
) -> Result<(), Failure> {
    for source in fetch_feed(step, contract).await? {
        let content = digest([source.bytes.as_ref()]);
        if known.contains(&Batch::id_of(&contract.feed, &source.address, &content)) {
            counts.known += 1;
            continue;
        }
        // kept before anyone parses it: a source that cannot be read is not lost
        step.lake().keep(&contract.feed, &source.bytes).await?;
        let parsed = match parse(contract, &source).map_err(Failure::from).and_then(|parsed| refuse_bad(contract, &source, parsed)) {
            Ok(parsed) => parsed,
            Err(failure) if failure.code == Exit::Bug => return Err(failure),
            Err(failure) => {
                gaps.push(feed_gap(contract, failure));
                continue;
            }
        };
        let Parsed { accepted, rejected, received } = parsed;
        counts.received += received;
        counts.accepted += accepted.num_rows() as u64;
        counts.rejected += rejected.len() as u64;
        let batch =
            Batch { feed: contract.feed.clone(), address: source.address, content, table: contract.table, received, accepted, rejected };
        match step.lake().land(&batch, || step.fence()).await? {
            Landed::Now(_) => counts.landed += 1,
            Landed::Before => counts.known += 1,
        }
    }
    Ok(())
}

async fn fetch_feed(step: &Step<'_>, contract: &Contract) -> Result<Vec<Source>, Failure> {
    let root = step.project.folder.join(contract.root());
    let looked_for = || FeedError::Missing {
        feed: contract.feed.clone(),
        looked_for: contract.files.iter().map(|glob| format!("`{}/{glob}`", contract.root())).collect::<Vec<_>>().join(", "),
    };
    if !root.is_dir() {
        return Err(looked_for().into());
    }
    let store = LocalFileSystem::new_with_prefix(&root).map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?;
    Ok(fetch(contract, &store).await?)
}

/// A source with too many bad rows is refused whole: its gate says where "too many" begins.
fn refuse_bad(contract: &Contract, source: &Source, parsed: Parsed) -> Result<Parsed, Failure> {
    let bad = parsed.rejected.iter().filter(|row| !EXPECTED_RULES.contains(&row.rule.as_str())).count();
    let share = bad as f64 / parsed.received.max(1) as f64;
    if share <= contract.gate.refuse_share {
        return Ok(parsed);
    }
    let first = parsed.rejected.iter().find(|row| !EXPECTED_RULES.contains(&row.rule.as_str()));
    let example = first.map_or(String::new(), |row| format!("; the first, row {}: {}", row.source_row, row.reason));
    let message = format!(
        "feed {}: `{}` has {bad} bad rows of {}, more than its gate allows{example}",
        contract.feed, source.address, parsed.received
    );
    Err(Failure::new(Exit::Refused, message)
        .hint(format!("the raw bytes are kept; mend the source, or set `[gate] refuse_share` in feeds/{}.toml", contract.feed)))
}

/// What a feed's failure means for the run: a feed that is not there is a gap, a feed that is bad refuses.
fn feed_gap(contract: &Contract, failure: Failure) -> Gap {
    let mut reason = failure.message;
    if let Some(hint) = failure.hint {
        reason = format!("{reason} (hint: {hint})");
    }
    let code = if failure.code == Exit::Refused { Exit::Refused } else { Exit::Gaps };
    Gap { code, ..Gap::new(&contract.feed, "feed", reason) }
}
