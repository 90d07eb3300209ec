//! Ingest: fetch → keep → parse → check → land, every feed of the project.
//!
//! In: contracts. Out: landed batches. Never: a source landed that its gate refuses; raw bytes lost.

use super::keep::{Files, New, keep};
use super::lately::Lately;
use super::{Done, Step};
use crate::exit::{Exit, Failure};
use crate::gap::Gap;
use futures::StreamExt;
use nongshi_feeds::{Contract, Landed, Parsed, Source, fetch, late, missing_days, parse_after};
use nongshi_lake::Batch;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Sources of a feed that are parsed at the same time; one more lands meanwhile. Each is held whole. (With two the full
/// load took a fifth longer and hardly less memory.)
const PARSED_AT_ONCE: usize = 3;

/// Sources that are kept while those before them are parsed.
const KEPT_AHEAD: usize = 2;

/// Missing days that are named; the others are counted.
const NAMED_DAYS: usize = 20;

/// Rules that say nothing about the quality of a feed.
const EXPECTED_RULES: [&str; 3] = ["not_asked_for", "duplicate", "tombstone"];

/// Lands what is new of every feed.
pub async fn ingest(step: &Step<'_>) -> Result<Done, Failure> {
    let records = step.lake().batches().await?;
    let known: Arc<BTreeSet<String>> = Arc::new(records.iter().map(|(_, record)| record.batch_id.clone()).collect());
    let mut done = Done::default();
    let mut counts = Counts::default();
    let contracts = step.project.contracts()?;
    let all = contracts.len();
    for contract in contracts {
        counts.feeds += 1;
        let feed = contract.feed.clone();
        step.talk.progress("ingest", &format!("{} of {all} feeds, {} rows: {feed}", counts.feeds, counts.received));
        let landed = records.iter().map(|(_, record)| record).filter(|record| record.feed == feed);
        let landed = landed.map(|record| Landed { address: record.address.clone(), content: record.content.clone() }).collect();
        match ingest_feed(step, contract, landed, &known, &mut counts, &mut done.gaps).await {
            Ok(()) => {}
            Err(failure) if failure.code == Exit::Bug || failure.code == Exit::Held => return Err(failure),
            Err(failure) => {
                if failure.code == Exit::Unreachable {
                    // where it is the store that does not answer, no other feed can land either
                    step.lake().tables().await?;
                }
                done.gaps.push(feed_gap(&feed, failure));
            }
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
    contract: Contract,
    landed: Vec<Landed>,
    known: &Arc<BTreeSet<String>>,
    counts: &mut Counts,
    gaps: &mut Vec<Gap>,
) -> Result<(), Failure> {
    let contract = Arc::new(contract);
    let mut addresses: Vec<String> = landed.iter().map(|landed: &Landed| landed.address.clone()).collect();
    let files = Files::of(step.lake(), &contract, known).await?;
    let outside = step.project.outside(&contract, landed, files.stamps.clone())?;
    let sources = fetch(&contract, &outside).await?;
    let lately = Lately::of(step.project, &contract).await?;
    // what is held to the source before it waits until that has landed
    let parsed_at_once = if contract.is_relative() { 1 } else { PARSED_AT_ONCE };
    // a source is parsed on another core while the one before it lands; they land in their order
    let mut parsed = sources
        .map(|source| tokio::spawn(keep(step.lake().clone(), contract.clone(), source, known.clone())))
        .buffered(KEPT_AHEAD)
        .map(|kept| kept.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())))
        .flat_map(|kept| futures::stream::iter(kept.map_or_else(|failure| vec![Err(failure)], |kept| files.read(kept).map(Ok).collect())))
        .map(|new| {
            let parsing = new.map(|new| {
                new.map(|new| {
                    tokio::task::spawn_blocking({
                        let (contract, lately) = (contract.clone(), lately.clone());
                        move || batch(&contract, new, &lately)
                    })
                })
            });
            async {
                match parsing? {
                    Some(parsing) => parsing.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())).map(Some),
                    None => Ok(None),
                }
            }
        })
        .buffered(parsed_at_once);
    let mut landing = step.lake().landing();
    let mut now = BTreeSet::new();
    while let Some(batch) = parsed.next().await {
        let (batch, remarks) = match batch {
            Ok(Some(new)) => new,
            Ok(None) => {
                counts.known += 1;
                continue;
            }
            // a bad source says nothing about the others, where they do not follow from it
            Err(failure) if failure.code == Exit::Refused && !contract.in_order() => {
                gaps.push(feed_gap(&contract.feed, failure));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        counts.received += batch.received;
        counts.accepted += batch.accepted.num_rows() as u64;
        counts.rejected += batch.rejected.len() as u64;
        match landing.land(&batch, || step.fence()).await? {
            nongshi_lake::Landed::Now(_) => {
                counts.landed += 1;
                if contract.is_relative() {
                    lately.learn().learn(&contract, &batch.accepted)?;
                }
                remarks.iter().for_each(|remark| step.talk.note(remark));
            }
            nongshi_lake::Landed::Before => counts.known += 1,
        }
        now.insert(batch.id());
        addresses.push(batch.address);
    }
    drop(parsed);
    counts.known += files.remember(step.lake(), |batch| known.contains(batch) || now.contains(batch)).await?;
    gaps.extend(days_gap(&contract, &addresses));
    Ok(())
}

/// The days of which a daily feed brought nothing, in one line.
fn days_gap(contract: &Contract, addresses: &[String]) -> Option<Gap> {
    let missing = told_days(contract, addresses.iter().map(String::as_str))?;
    Some(Gap::new(&contract.feed, "days", format!("{missing} (hint: days on which nothing is sent stand in `[gate] closed`)")))
}

/// Names the missing days; nothing when none is missing.
pub fn told_days<'a>(contract: &Contract, addresses: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let missing = missing_days(contract, addresses);
    let named: Vec<String> = missing.iter().take(NAMED_DAYS).map(ToString::to_string).collect();
    let more = if missing.len() > named.len() { format!(" and {} more", missing.len() - named.len()) } else { String::new() };
    (!missing.is_empty()).then(|| format!("no source landed for {}{more}", named.join(", ")))
}

/// Unpacks and parses what is new; beside the batch stands what is to be said of it.
fn batch(contract: &Contract, new: New, lately: &Lately) -> Result<(Batch, Vec<String>), Failure> {
    let source = new.member.unpack(contract, &new.file)?;
    let parsed = refuse_bad(contract, &source, parse_after(contract, &source, &lately.values())?)?;
    let remarks = remarks(contract, &source, &parsed);
    let Parsed { accepted, rejected, received } = parsed;
    let (feed, table) = (contract.feed.clone(), contract.table);
    Ok((Batch { feed, address: source.address, content: new.content, table, received, accepted, rejected }, remarks))
}

/// What is said of a source that lands all the same: more bad rows than its gate passes in silence, rows that are late.
pub fn remarks(contract: &Contract, source: &Source, parsed: &Parsed) -> Vec<String> {
    let (bad, example) = bad_rows(parsed);
    let of = format!("feed {}: `{}` has", contract.feed, source.address);
    let warned = (bad as f64 / parsed.received.max(1) as f64 > contract.gate.warn_share)
        .then(|| format!("warning: {of} {bad} bad rows of {}; what is good landed{example}", parsed.received));
    let late = late(contract, parsed).map(|late| {
        let (rows, row, day, known) = (late.rows, late.source_row, late.day, late.known_on);
        let most = contract.gate.lateness_days.unwrap_or_default();
        format!("late: {of} {rows} rows known more than {most} days after their day; they landed; the latest, row {row}: {day}, known on {known}")
    });
    warned.into_iter().chain(late).collect()
}

/// How many rows are bad, and the first of them in words.
fn bad_rows(parsed: &Parsed) -> (usize, String) {
    let bad = || parsed.rejected.iter().filter(|row| !EXPECTED_RULES.contains(&row.rule.as_str()));
    let example = bad().next().map_or(String::new(), |row| format!("; the first, row {}: {}", row.source_row, row.reason));
    (bad().count(), example)
}

/// A source with too many bad rows is refused whole: its gate says where "too many" begins.
pub fn refuse_bad(contract: &Contract, source: &Source, parsed: Parsed) -> Result<Parsed, Failure> {
    let (bad, example) = bad_rows(&parsed);
    if bad as f64 / parsed.received.max(1) as f64 <= contract.gate.refuse_share {
        return Ok(parsed);
    }
    let message = format!(
        "feed {}: `{}` has {bad} bad rows of {}, more than its gate allows{example}",
        contract.feed, source.address, parsed.received
    );
    Err(Failure::new(Exit::Refused, message)
        .hint(format!("the raw bytes are kept; mend the source, or set `[gate] refuse_share` in feeds/{}.toml", contract.feed)))
}

/// What a feed's failure means for the run: the others go on, and the exit code says what can be done.
fn feed_gap(feed: &str, failure: Failure) -> Gap {
    let mut reason = failure.message;
    // the outermost word is rarely the one that helps: a full disk is a store that "cannot be reached"
    if let Some(cause) = failure.causes.last().filter(|cause| !reason.contains(cause.as_str())) {
        reason = format!("{reason}: {cause}");
    }
    if let Some(hint) = failure.hint {
        reason = format!("{reason} (hint: {hint})");
    }
    Gap { code: failure.code, ..Gap::new(feed, "feed", reason) }
}
