//! Feeds before they land: check one, propose a contract for a file, suggest names. In: a feed, a file, the lake.
//! Out: what would land and what would not. Never: a row landed, a file overwritten.

use crate::args::When;
use crate::exit::{Exit, Failure};
use crate::project::Project;
use crate::rows::Rows;
use crate::stages::ingest::{refuse_bad, remarks, told_days};
use crate::stages::lately::Lately;
use crate::stages::transform::session;
use crate::way::day;
use futures::StreamExt;
use nongshi_domain::nearest;
use nongshi_feeds::{Contract, Source, fetch, members, parse_after, propose};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

/// Rejected rows shown of each source.
const SHOWN_ROWS: usize = 20;

/// Reads every source of a feed by its contract and tells what would land; `name` is a feed or a contract's file.
pub async fn check(folder: &Path, name: &str) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let contract = contract(&project, name)?;
    let outside = project.outside(&contract, Vec::new(), Arc::default())?;
    let lately = Lately::of(&project, &contract).await?;
    // of a source that is read on from where it was left the first page tells enough, and asks little of a till
    let (most, scope) = if contract.in_order() { (1, "the first page: ") } else { (usize::MAX, "") };
    let mut sources = fetch(&contract, &outside).await?.take(most);
    let (mut received, mut accepted, mut refused, mut addresses) = (0, 0, 0, Vec::new());
    while let Some(file) = sources.next().await {
        let file = file?;
        let members = members(&contract, &file).map_err(Failure::from);
        let members = members.unwrap_or_else(|failure| {
            refused += 1;
            failure.tell();
            Vec::new()
        });
        for member in members {
            match member.unpack(&contract, &file).map_err(Failure::from).and_then(|source| checked(&contract, &source, &lately)) {
                Ok(counts) => {
                    (received, accepted) = (received + counts.0, accepted + counts.1);
                    addresses.push(member.address.clone());
                }
                Err(failure) => {
                    refused += 1;
                    failure.tell();
                }
            }
        }
    }
    let rejected = received - accepted;
    let missing = told_days(&contract, addresses.iter().map(String::as_str));
    if let Some(missing) = &missing {
        println!("{missing}");
    }
    eprintln!(
        "feed {}: {scope}{received} received = {accepted} accepted + {rejected} rejected; {refused} sources refused; nothing landed",
        contract.feed
    );
    Ok(match (refused, missing) {
        (0, None) => Exit::Done,
        (0, Some(_)) => Exit::Gaps,
        _ => Exit::Refused,
    })
}

/// Prints a source's counts and its first rejected rows; the answer is received and accepted.
fn checked(contract: &Contract, source: &Source, lately: &Lately) -> Result<(u64, u64), Failure> {
    let parsed = parse_after(contract, source, &lately.values())?;
    let (received, accepted) = (parsed.received, parsed.accepted.num_rows() as u64);
    println!("{}: {received} received = {accepted} accepted + {} rejected", source.address, parsed.rejected.len());
    for row in parsed.rejected.iter().take(SHOWN_ROWS) {
        println!("  row {} {}: {}", row.source_row, row.rule, row.reason);
    }
    if parsed.rejected.len() > SHOWN_ROWS {
        println!("  and {} more", parsed.rejected.len() - SHOWN_ROWS);
    }
    let parsed = refuse_bad(contract, source, parsed)?;
    if contract.is_relative() {
        lately.learn().learn(contract, &parsed.accepted)?;
    }
    remarks(contract, source, &parsed).iter().for_each(|remark| println!("  {remark}"));
    Ok((received, accepted))
}

fn contract(project: &Project, name: &str) -> Result<Contract, Failure> {
    if !name.ends_with(".toml") {
        let mut contracts = project.contracts()?;
        let place = contracts.iter().position(|contract| contract.feed == name);
        return place.map(|place| contracts.swap_remove(place)).ok_or_else(|| {
            let hint = nearest(name, contracts.iter().map(|contract| contract.feed.as_str()));
            let hint = hint.map_or("a contract's file ends with `.toml`".to_string(), |near| format!("did you mean `{near}`?"));
            Failure::new(Exit::Usage, format!("no feed `{name}`: `feeds/{name}.toml` is not there")).hint(hint)
        });
    }
    let path = Path::new(name);
    let text = std::fs::read_to_string(path).map_err(|error| Failure::new(Exit::Usage, format!("`{name}` cannot be read: {error}")))?;
    let feed = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Contract::read(&feed, &text)?)
}

/// Looks at a file and writes the contract that would read it.
pub fn new(file: &Path, output: Option<&Path>) -> Result<Exit, Failure> {
    let unread = |error: std::io::Error| Failure::new(Exit::Usage, format!("`{}` cannot be read: {error}", file.display()));
    let bytes = std::fs::read(file).map_err(unread)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let proposal = propose(&name, bytes.into())?;
    match output {
        None => print!("{}", proposal.text),
        Some(path) => {
            let written =
                std::fs::File::create_new(path).and_then(|mut file| std::io::Write::write_all(&mut file, proposal.text.as_bytes()));
            written.map_err(|error| {
                Failure::new(Exit::Usage, format!("`{}` cannot be written: {error}", path.display()))
                    .hint("a file that is there is not overwritten")
            })?;
        }
    }
    match proposal.open.is_empty() {
        true => eprintln!("the contract reads the file; look at every line, then `nongshi feed check`"),
        false => eprintln!("to be filled in: {}", proposal.open.join("; ")),
    }
    Ok(if proposal.open.is_empty() { Exit::Done } else { Exit::Gaps })
}

/// Names that no crop has, each with the crop whose name is nearest: lines for the `aliases` table.
pub async fn suggest(folder: &Path, when: When) -> Result<Exit, Failure> {
    let project = Project::open(folder)?;
    let (ctx, _) = session(&project, day(when)).await?;
    let unmapped =
        Rows::of(&ctx, "select name, facts from unmapped_names where why = 'no crop of that name' order by facts desc, name").await?;
    let crops = Rows::of(&ctx, "select distinct crop from crops order by crop").await?;
    let crops: Vec<String> = (0..crops.len()).filter_map(|row| crops.text(row, "crop")).collect();
    let (mut lines, mut strangers) = ("alias,name\n".to_string(), 0);
    for row in 0..unmapped.len() {
        let Some(name) = unmapped.text(row, "name") else { continue };
        match near(&name, &crops) {
            Some(crop) => {
                writeln!(lines, "{},{}", quoted(&name), quoted(crop)).map_err(|error| Failure::new(Exit::Bug, error.to_string()))?
            }
            None => strangers += 1,
        }
    }
    print!("{lines}");
    eprintln!(
        "{} unknown names, {strangers} of them near to no crop; look at each line before it goes into reference/aliases.csv",
        unmapped.len()
    );
    Ok(Exit::Done)
}

/// The nearest crop by edits; else the longest one whose name stands in this one, as 菜心 in 本地菜心(精品).
fn near<'a>(name: &str, crops: &'a [String]) -> Option<&'a str> {
    let held = crops.iter().filter(|crop| crop.chars().count() > 1 && name.contains(crop.as_str()));
    let held = held.max_by_key(|crop| crop.chars().count()).map(String::as_str);
    held.or_else(|| nearest(name, crops.iter().map(String::as_str)))
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_an_addition_finds_its_crop() {
        let crops = ["菜心", "上海青", "西红柿", "红薯叶"].map(String::from);
        for (name, expect) in [("上海菁", Some("上海青")), ("本地菜心(精品)", Some("菜心")), ("西红杮", Some("西红柿")), ("榴莲", None)]
        {
            assert_eq!(near(name, &crops), expect, "{name}");
        }
    }
}
