//! Reads a board day by day, page by page. In: a checked board, what has landed. Out: a stream of pages. Never: two requests
//! at once, a day that has landed but for the last ones, a try more where asking twice is not allowed.

use super::client::{Answer, Client};
use super::history::{History, address, corrected, last, place};
use super::paging::{Step, Walk, look};
use super::{Board, Outside, Sources};
use crate::source::retry::{Again, Failed, Retry};
use crate::source::trouble::{Fault, Trouble};
use crate::source::{Source, window};
use crate::{Contract, Format};
use bytes::Bytes;
use chrono::NaiveDate;
use futures::StreamExt;
use std::collections::{BTreeMap, VecDeque};

/// Reads when the stream is asked.
pub(super) async fn read<'a>(board: &'a Board, contract: &'a Contract, outside: &'a Outside) -> Result<Sources<'a>, Trouble> {
    let reader = Reader::open(board, contract, outside).await?;
    let pages = futures::stream::try_unfold(reader, |mut reader| async {
        let page = reader.next().await.map_err(|trouble| trouble.told(&reader.contract.feed))?;
        Ok(page.map(|page| (page, reader)))
    });
    Ok(pages.boxed())
}

struct Reader<'a> {
    board: &'a Board,
    contract: &'a Contract,
    outside: &'a Outside,
    place: String,
    today: NaiveDate,
    secrets: BTreeMap<String, String>,
    client: Client,
    retry: Retry<'a>,
    history: History,
    /// Days to be asked; nothing where the board is asked for none.
    days: VecDeque<Option<NaiveDate>>,
    reading: Option<Reading>,
    /// Pages that wait to be handed on.
    ready: VecDeque<Source>,
    has_asked: bool,
}

/// A day that is being read.
struct Reading {
    walk: Walk,
    /// The page before, until it is known whether it is the last: its address tells.
    held: Option<(u64, Bytes)>,
}

impl<'a> Reader<'a> {
    async fn open(board: &'a Board, contract: &'a Contract, outside: &'a Outside) -> Result<Reader<'a>, Trouble> {
        window::refuse_closed(board.window, outside)?;
        refuse_pointers(board, contract)?;
        let place = place(&contract.feed);
        let history = History::of(&place, &outside.landed);
        let retry = Retry::new(&contract.feed, outside).resting(board.rest);
        let today = window::day((outside.now)());
        let days = match &board.days {
            Some(days) => history.ahead(days, today).into_iter().map(Some).collect(),
            None => VecDeque::from([None]),
        };
        let (secrets, client) = (secrets(board, outside)?, Client::of(board)?);
        let (reading, ready, has_asked) = (None, VecDeque::new(), false);
        Ok(Reader { board, contract, outside, place, today, secrets, client, retry, history, days, reading, ready, has_asked })
    }

    /// The next page that is handed on.
    async fn next(&mut self) -> Result<Option<Source>, Trouble> {
        loop {
            if let Some(source) = self.ready.pop_front() {
                return Ok(Some(source));
            }
            let Reading { mut walk, held } = match self.reading.take() {
                Some(reading) => reading,
                None => match self.days.pop_front() {
                    Some(day) => Reading { walk: Walk::begin(day, &self.board.paging), held: None },
                    None => return Ok(None),
                },
            };
            let (day, number) = (walk.day, walk.page);
            let address = self.address(day, number);
            let Answer { bytes, link } = self.ask(&walk).await.map_err(|trouble| trouble.at(&address))?;
            let source = Source { address, bytes };
            let mut held = held;
            match look(self.contract, &source, link) {
                Ok(seen) => {
                    let turn = walk.take(&self.board.paging, &seen).map_err(|trouble| trouble.at(&source.address))?;
                    if turn.hand_on
                        && let Some((before, bytes)) = held.replace((number, source.bytes))
                    {
                        self.hand_on(day, before, bytes, false).await;
                    }
                    match held {
                        held if turn.more => self.reading = Some(Reading { walk, held }),
                        Some((last, bytes)) => self.hand_on(day, last, bytes, true).await,
                        None => {}
                    }
                }
                Err(_) => {
                    // it is kept, parsing says why it cannot be read, and where it leads cannot be told
                    if let Some((before, bytes)) = held {
                        self.hand_on(day, before, bytes, false).await;
                    }
                    self.ready.push_back(source);
                    self.days.clear();
                }
            }
        }
    }

    fn address(&self, day: Option<NaiveDate>, number: u64) -> String {
        let number = (self.board.paging.step != Step::Single).then_some(number);
        address(&self.place, day, number, self.today)
    }

    /// Gives the page its address: that of the version which landed last if it says the same, a new one if not.
    async fn hand_on(&mut self, day: Option<NaiveDate>, number: u64, bytes: Bytes, is_last: bool) {
        let mut address = self.address(day, number);
        if let Some(day) = day {
            address = if is_last { last(&address) } else { address };
            let finished = self.history.is_finished(day);
            let landed = self.history.newest(day, number);
            let same = match landed {
                // what is not kept cannot be the same
                Some(landed) => (self.outside.kept)(landed.content.clone()).await.is_ok_and(|kept| kept == bytes),
                None => !finished,
            };
            address = match landed {
                Some(landed) if same && (finished || !is_last) => landed.address.clone(),
                _ if same => address,
                _ => corrected(&address, self.today),
            };
        }
        self.ready.push_back(Source { address, bytes });
    }

    async fn ask(&mut self, walk: &Walk) -> Result<Answer, Trouble> {
        if std::mem::replace(&mut self.has_asked, true) {
            (self.outside.pause)(self.board.rest).await;
        }
        loop {
            window::refuse_closed(self.board.window, self.outside)?;
            let request = self.board.request(walk, &self.secrets)?;
            match self.client.ask(request, (self.outside.now)()).await {
                Ok(answer) => {
                    self.retry.answered();
                    return Ok(answer);
                }
                Err(failed) if self.board.idempotent => self.retry.rest(failed).await?,
                Err(failed) => self.retry.rest(Failed { again: Again::Never, ..failed }).await?,
            }
        }
    }
}

fn secrets(board: &Board, outside: &Outside) -> Result<BTreeMap<String, String>, Trouble> {
    let secret = |(name, at): (&String, &crate::SecretAt)| match (outside.secret)(at) {
        Some(secret) => Ok((name.clone(), secret.trim_end_matches(['\r', '\n']).to_string())),
        None => {
            let what = format!("{at} holds no secret");
            Err(Trouble::new(Fault::Settings, what, "set it where nongshi runs, not in a file of the project that others read"))
        }
    };
    board.secrets.iter().map(secret).collect()
}

/// Pointers lead into JSON only.
fn refuse_pointers(board: &Board, contract: &Contract) -> Result<(), Trouble> {
    if matches!(contract.format, Format::Json { .. }) || !board.paging.points() {
        return Ok(());
    }
    let what = "a pointer leads into JSON, and `[format] kind` is something else";
    Err(Trouble::new(Fault::Settings, what, "without pointers there is `end = \"empty\"`, `end = \"repeated\"` and `next = \"link\"`"))
}
