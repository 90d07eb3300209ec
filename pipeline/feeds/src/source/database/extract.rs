//! Reads a relation page by page. In: a checked contract, what has landed. Out: a stream of pages, each counted by the
//! database as well. Never: a page with a row that has landed, a page outside the window, more rows a second than allowed.

use super::history::{History, Known, Round, address, place};
use super::session::{Login, Session};
use super::sql::{End, Field, Relation, Start};
use super::watermark::Watermark;
use super::{Database, Outside, Sources};
use crate::FeedError;
use crate::source::Source;
use crate::source::retry::Retry;
use crate::source::trouble::{Fault, Trouble};
use crate::source::window::{refuse_closed, rest};
use futures::StreamExt;
use nongshi_domain::Hint;

/// A snapshot holds back the cleaning of the database: after so many pages there is a new one.
const PAGES_A_SNAPSHOT: u32 = 10;
/// Rows asked for at least, where the page has room for fewer: known rows may lie between.
const LEAST_ROWS: usize = 1_000;

/// Opens the session, unless the window is closed, and reads when the stream is asked.
pub(super) async fn extract<'a>(database: &'a Database, feed: &'a str, outside: &'a Outside) -> Result<Sources<'a>, FeedError> {
    let reader = Reader::open(database, feed, outside).await?;
    let pages = futures::stream::try_unfold(reader, |mut reader| async {
        let page = reader.next().await?;
        Ok(page.map(|page| (page, reader)))
    });
    Ok(pages.boxed())
}

struct Reader<'a> {
    database: &'a Database,
    feed: &'a str,
    outside: &'a Outside,
    place: String,
    history: History,
    session: Box<dyn Session>,
    relation: Relation,
    ahead: Ahead,
    round: Option<Reading>,
    pages_in_snapshot: u32,
    /// Rows of this run that the next round would find again.
    fresh: Known,
}

/// What is read next.
enum Ahead {
    /// The round that landed last, behind its last row.
    Unfinished,
    /// The rows since.
    New,
    Nothing,
}

/// A round that is being read.
struct Reading {
    round: Round,
    start: Start,
    /// Of the next page.
    page: u64,
    known: Known,
}

impl<'a> Reader<'a> {
    async fn open(database: &'a Database, feed: &'a str, outside: &'a Outside) -> Result<Reader<'a>, FeedError> {
        let told = |trouble: Trouble| trouble.told(feed);
        refuse_closed(database.window, outside).map_err(told)?;
        let secret = (outside.secret)(&database.url).ok_or_else(|| {
            told(Trouble::new(
                Fault::Settings,
                format!("{} holds no address", database.url),
                "set it where nongshi runs, not in a file of the project that others read",
            ))
        })?;
        let login = Login::read(&secret, &database.connect).map_err(told)?;
        let mut retry = Retry::new(feed, outside);
        let mut session = loop {
            match (database.connect.open)(&login, database.statement_timeout).await {
                Ok(session) => break session,
                Err(trouble) => retry.rest(trouble.into()).await.map_err(told)?,
            }
        };
        let relation = describe(database, session.as_mut()).await.map_err(told)?;
        session.snapshot().await.map_err(told)?;
        refuse_empty(session.as_mut(), &relation).await.map_err(told)?;
        let place = place(database.connect.scheme, feed, &database.name);
        let history = History::of(&place, outside);
        let (ahead, fresh) = (Ahead::Unfinished, Known::default());
        Ok(Reader { database, feed, outside, place, history, session, relation, ahead, round: None, pages_in_snapshot: 0, fresh })
    }

    /// The next page; at the end nothing, or what will come later.
    async fn next(&mut self) -> Result<Option<Source>, FeedError> {
        self.page().await.map_err(|trouble| trouble.told(self.feed))
    }

    async fn page(&mut self) -> Result<Option<Source>, Trouble> {
        loop {
            refuse_closed(self.database.window, self.outside)?;
            if self.pages_in_snapshot == PAGES_A_SNAPSHOT {
                self.session.snapshot().await?;
                self.pages_in_snapshot = 0;
            }
            let reading = match self.round.take() {
                Some(reading) => reading,
                None => match self.begin().await? {
                    Some(reading) => reading,
                    None if matches!(self.ahead, Ahead::Nothing) => return self.end().await,
                    None => continue,
                },
            };
            if let Some(source) = self.read(reading).await? {
                self.pages_in_snapshot += 1;
                return Ok(Some(source));
            }
        }
    }

    /// The next round, if there is something in it to read.
    async fn begin(&mut self) -> Result<Option<Reading>, Trouble> {
        let last = self.history.last();
        match self.ahead {
            Ahead::Unfinished => {
                self.ahead = Ahead::New;
                let Some((round, page)) = last else { return Ok(None) };
                let order: Vec<String> = self.relation.order.iter().map(|field| field.name.clone()).collect();
                let row = self.history.last_row(self.outside, &order).await.map_err(unkept)?;
                let known = match &round.from {
                    Some(from) => self.known(from).await?,
                    None => Known::default(),
                };
                Ok(Some(Reading { round, start: Start::After(row), page: page + 1, known }))
            }
            Ahead::New => {
                self.ahead = Ahead::Nothing;
                let Some(highest) = self.highest().await? else { return Ok(None) };
                let Some((last, _)) = last else {
                    let round = Round { from: None, to: highest };
                    return Ok(Some(Reading { round, start: Start::Beginning, page: 1, known: Known::default() }));
                };
                let from = self.overlap_before(&last.to)?;
                let known = self.known(&from).await?;
                // a row may have been deleted over there; what has landed has landed
                let to = if highest.is_before(&last.to) { last.to } else { highest };
                let start = Start::At(from.text.clone());
                Ok(Some(Reading { round: Round { from: Some(from), to }, start, page: 1, known }))
            }
            Ahead::Nothing => Ok(None),
        }
    }

    async fn known(&mut self, from: &Watermark) -> Result<Known, Trouble> {
        let mut known = self.history.known(self.outside, from, &self.database.watermark).await.map_err(unkept)?;
        known.join(std::mem::take(&mut self.fresh));
        Ok(known)
    }

    async fn highest(&mut self) -> Result<Option<Watermark>, Trouble> {
        let rows = self.session.rows(&self.relation.highest()).await?;
        let Some(text) = rows.into_iter().flatten().next().flatten() else { return Ok(None) };
        let read = Watermark::read(&text).ok_or_else(|| {
            Trouble::new(
                Fault::Settings,
                format!("`{}` holds `{text}`, which is no time, day or whole number", self.database.watermark),
                "choose another `watermark`",
            )
        })?;
        Ok(Some(read))
    }

    fn overlap_before(&self, to: &Watermark) -> Result<Watermark, Trouble> {
        to.before(self.database.overlap).ok_or_else(|| {
            let what = format!("`overlap` does not fit `{}`, which holds `{}`", self.database.watermark, to.text);
            Trouble::new(Fault::Settings, what, "a time or a day needs `overlap = \"2h\"`, a number `overlap = 1000`")
        })
    }

    /// One page of the round; nothing when nothing new is left in it. The round goes on unless it is exhausted.
    async fn read(&mut self, mut reading: Reading) -> Result<Option<Source>, Trouble> {
        let (first, end) = (reading.start.clone(), End::At(reading.round.to.text.clone()));
        let mut page = Page::default();
        let mut exhausted = false;
        while !exhausted && page.new < self.database.page_rows {
            if page.new > 0 && refuse_closed(self.database.window, self.outside).is_err() {
                // what is read is kept; the next run goes on behind it
                break;
            }
            let room = (self.database.page_rows - page.new).max(LEAST_ROWS.min(self.database.page_rows));
            let most = room.min(self.database.rows_per_second as usize);
            let rows = self.session.rows(&self.relation.rows(&reading.start, &end, most)).await?;
            (self.outside.pause)(rest(rows.len(), self.database.rows_per_second)).await;
            exhausted = rows.len() < most;
            for row in rows {
                if page.new == self.database.page_rows {
                    exhausted = false;
                    break;
                }
                let after = page.take(&self.relation, row, &reading.known)?;
                reading.start = Start::After(after);
            }
        }
        self.count(&first, &reading.start, &page).await?;
        let source = (page.new > 0)
            .then(|| Source { address: address(&self.place, &reading.round, reading.page), bytes: page.bytes.clone().into() });
        if source.is_some() {
            self.remember(&reading, &page);
            reading.page += 1;
        }
        if !exhausted {
            self.round = Some(reading);
        }
        Ok(source)
    }

    /// The database's own count of what was read.
    async fn count(&mut self, first: &Start, last: &Start, page: &Page) -> Result<(), Trouble> {
        let Start::After(row) = last else { return Ok(()) };
        if first == last {
            return Ok(());
        }
        let rows = self.session.rows(&self.relation.count(first, &End::Row(row.clone()))).await?;
        let counted: Option<usize> = rows.into_iter().flatten().next().flatten().and_then(|count| count.parse().ok());
        if counted == Some(page.new + page.known) {
            return Ok(());
        }
        let what = format!(
            "the database counts {} rows where {} were read, {} of them known",
            counted.map_or("no".to_string(), |counted| counted.to_string()),
            page.new + page.known,
            page.known
        );
        Err(Trouble::new(Fault::Refused, what, "`key` must tell every row from every other; nothing of this page has landed"))
    }

    /// What the next round of this run would find again.
    fn remember(&mut self, reading: &Reading, page: &Page) {
        let unfinished = matches!(self.ahead, Ahead::New);
        let Start::After(row) = &reading.start else { return };
        let from = reading.round.to.before(self.database.overlap);
        let reaches = |from: &Watermark| Watermark::read(&row[0]).is_none_or(|last| !last.is_before(from));
        if unfinished && from.as_ref().is_some_and(reaches) {
            self.fresh.add(&page.bytes);
        }
    }

    /// Nothing, unless rows lie in the database's future.
    async fn end(&mut self) -> Result<Option<Source>, Trouble> {
        let Some(future) = self.relation.future() else { return Ok(None) };
        if self.session.rows(&future).await?.is_empty() {
            return Ok(None);
        }
        let what = format!("some rows have a `{}` in the future; they are left until then", self.database.watermark);
        Err(Trouble::new(Fault::Later, what, "look at the clocks over there"))
    }
}

/// A page while it is filled.
#[derive(Default)]
struct Page {
    bytes: Vec<u8>,
    new: usize,
    known: usize,
}

impl Page {
    /// Takes the row in unless it is known, and returns its values in the columns of order.
    fn take(&mut self, relation: &Relation, mut row: Vec<Option<String>>, known: &Known) -> Result<Vec<String>, Trouble> {
        let order: Option<Vec<String>> = row.drain(relation.columns.len().min(row.len())..).collect();
        let order =
            order.ok_or_else(|| Trouble::new(Fault::Refused, "a row has lost its key", "`watermark` and `key` may never be empty"))?;
        let before = self.bytes.len();
        self.bytes.push(b'{');
        for (place, (name, value)) in relation.columns.iter().zip(&row).enumerate() {
            if place > 0 {
                self.bytes.push(b',');
            }
            // text into memory: neither can fail
            let _ = serde_json::to_writer(&mut self.bytes, name);
            self.bytes.push(b':');
            let _ = serde_json::to_writer(&mut self.bytes, value);
        }
        self.bytes.push(b'}');
        if known.holds(&self.bytes[before..]) {
            self.bytes.truncate(before);
            self.known += 1;
        } else {
            self.bytes.push(b'\n');
            self.new += 1;
        }
        Ok(order)
    }
}

/// The relation's columns and what it is ordered by.
async fn describe(database: &Database, session: &mut dyn Session) -> Result<Relation, Trouble> {
    let dialect = database.connect.dialect();
    let all = session.columns(&format!("select * from {} as feed", database.from)).await?;
    let lacks = |name: &str| {
        let hint = Hint::for_name(name, all.iter().map(|(name, _)| name.as_str()));
        Trouble { fault: Fault::Settings, what: format!("`{}` has no column `{name}`", database.name), hint: Some(hint.0) }
    };
    let kind = |name: &str| all.iter().find(|(known, _)| known == name).map(|(_, kind)| kind.as_str()).ok_or_else(|| lacks(name));
    let mut order = Vec::new();
    for name in std::iter::once(&database.watermark).chain(&database.key) {
        let kind = kind(name)?;
        let holds = dialect.holds(kind).ok_or_else(|| {
            let what = format!("`{name}` is of type {kind}, by which rows cannot be ordered surely");
            Trouble::new(Fault::Settings, what, "a time, a day, a whole number, a decimal or a text can")
        })?;
        order.push(Field { name: name.clone(), holds });
    }
    let mut columns: Vec<String> = match &database.columns {
        Some(columns) => columns.clone(),
        None => all.iter().map(|(name, _)| name.clone()).collect(),
    };
    for name in order.iter().map(|field| &field.name) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    for (place, name) in columns.iter().enumerate() {
        kind(name)?;
        if columns[..place].contains(name) {
            return Err(Trouble::new(Fault::Settings, format!("column `{name}` comes twice"), "give each its own name in the `query`"));
        }
    }
    Ok(Relation { dialect, from: database.from.clone(), columns, order })
}

/// Rows without a watermark or a key would never be read.
async fn refuse_empty(session: &mut dyn Session, relation: &Relation) -> Result<(), Trouble> {
    for field in &relation.order {
        if !session.rows(&relation.empty(field)).await?.is_empty() {
            let what = format!("some rows have no `{}`: they would never be read", field.name);
            return Err(Trouble::new(Fault::Refused, what, "mend them, or take a `query` with `coalesce`"));
        }
    }
    Ok(())
}

fn unkept(what: String) -> Trouble {
    Trouble::new(
        Fault::Refused,
        format!("where reading goes on cannot be told: {what}"),
        "restore the raw bytes in the store; a feed with another `watermark` or `key` needs another name",
    )
}
