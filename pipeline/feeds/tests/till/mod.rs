//! A till with its database, and a lake of memory. In: the servers that the environment names. Out: rows, written as a
//! till writes them. Never: a server that is not there taken for one that passed.

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use nongshi_feeds::{Contract, Fault, FeedError, Landed, Outside, fetch, parse};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection, Row};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const CONTRACT: &str = r#"
version = 1
table = "sales"
[source]
kind = "KIND"
url_env = "TILL_URL"
relation = "lines"
watermark = "updated_at"
key = ["id"]
overlap = "2h"
page_rows = 100
[columns]
shop = { from = "shop" }
product = { value = "A1" }
day = { from = "day" }
line = { from = "id" }
product_name = { value = "菜心" }
category = { value = "vegetables" }
channel = { value = "shop" }
quantity_kg = { from = "kg", unit = "kg", above = 0 }
[available_on]
source = "updated_at"
lag_days = 1
"#;

/// The contract of the till's lines, changed.
pub fn contract(till: &Till, changes: &[(&str, &str)]) -> Contract {
    let mut text = CONTRACT.replace("KIND", till.kind);
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    Contract::read("till", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// What a database's error says, hint and all.
pub fn wrong<T>(ended: Result<T, FeedError>) -> (Fault, String) {
    match ended {
        Err(FeedError::Place { fault, what, hint, .. }) => (fault, format!("{what} ({})", hint.expect("a hint").0)),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("nothing went wrong"),
    }
}

/// A till's database on one of the servers.
#[derive(Debug, Clone)]
pub struct Till {
    pub kind: &'static str,
    keeper: String,
    /// The address with which nongshi reads.
    pub reader: String,
}

/// A till on every server, with a database of its own.
pub async fn tills(name: &str) -> Vec<Till> {
    let mut tills = Vec::new();
    for (kind, variable) in [("mysql", "NONGSHI_TEST_MYSQL"), ("postgres", "NONGSHI_TEST_POSTGRES")] {
        match std::env::var(variable) {
            Ok(keeper) => tills.push(Till::make(kind, &keeper, name).await),
            Err(_) => {
                assert!(std::env::var_os("CI").is_none(), "{variable} must name a server under CI");
                println!("skipped: {variable} names no server (`tests/run` starts one)");
            }
        }
    }
    tills
}

/// Who talks to the server.
pub enum Talk {
    Mysql(MySqlConnection),
    Postgres(PgConnection),
}

impl Talk {
    async fn open(kind: &str, url: &str) -> Talk {
        match kind {
            "mysql" => {
                let mut connection = MySqlConnection::connect(&format!("{url}?timezone=%2B08:00")).await.expect("a server");
                connection.execute("set innodb_lock_wait_timeout = 5").await.expect("a server");
                Talk::Mysql(connection)
            }
            _ => {
                let mut connection = PgConnection::connect(url).await.expect("a server");
                connection.execute("set timezone = 'Asia/Shanghai'").await.expect("a server");
                Talk::Postgres(connection)
            }
        }
    }

    /// Runs a statement.
    pub async fn run(&mut self, sql: &str) {
        let ran = match self {
            Talk::Mysql(connection) => connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(|_| ()),
            Talk::Postgres(connection) => connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(|_| ()),
        };
        ran.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn texts(&mut self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Talk::Mysql(connection) => {
                let rows = connection.fetch_all(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
                rows.iter().map(|row| (0..row.len()).map(|place| row.get_unchecked(place)).collect()).collect()
            }
            Talk::Postgres(connection) => {
                let rows = connection.fetch_all(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
                rows.iter().map(|row| (0..row.len()).map(|place| row.get(place)).collect()).collect()
            }
        }
    }
}

impl Till {
    async fn make(kind: &'static str, keeper: &str, name: &str) -> Till {
        let name = format!("{name}_{}_{}", std::process::id(), UNIQUE.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        let mut server = Talk::open(kind, keeper).await;
        let letters = if kind == "mysql" { "character set utf8mb4" } else { "encoding 'UTF8' locale 'C' template template0" };
        server.run(&format!("create database {name} {letters}")).await;
        let at = |login: &str| {
            let (front, _) = keeper.rsplit_once('/').expect("an address");
            let (_, place) = front.rsplit_once('@').expect("an address");
            format!("{kind}://{login}@{place}/{name}")
        };
        let (_, login) = keeper.split_once("://").expect("an address");
        let till = Till { kind, keeper: at(login.rsplit_once('@').expect("a login").0), reader: at(&format!("{name}:canary-reader")) };
        let mut database = till.open().await;
        match kind {
            "mysql" => {
                database
                    .run("create table `lines` (id bigint primary key, shop varchar(40) not null, kg decimal(10,3) not null, price double, day date, updated_at datetime(6), key (updated_at, id))")
                    .await;
                server.run(&format!("create user {name} identified by 'canary-reader'; grant select, execute on {name}.* to {name}")).await;
            }
            _ => {
                database
                    .run("create table lines (id bigint primary key, shop text not null, kg numeric(10,3) not null, price float8, day date, updated_at timestamptz); create index on lines (updated_at, id)")
                    .await;
                database.run(&format!("create role {name} login password 'canary-reader'; grant select on lines to {name}")).await;
            }
        }
        till
    }

    /// A conversation with the till's database.
    pub async fn open(&self) -> Talk {
        Talk::open(self.kind, &self.keeper).await
    }

    /// The statement that begins a transaction.
    pub fn begin(&self) -> String {
        if self.kind == "mysql" { "start transaction".into() } else { "begin".into() }
    }

    /// The statement that enters a line, dated so many minutes ago.
    pub fn line(&self, id: u64, minutes_ago: i64) -> String {
        let ago = match self.kind {
            "mysql" => format!("now(6) - interval {minutes_ago} minute"),
            _ => format!("clock_timestamp() - interval '{minutes_ago} minute'"),
        };
        format!("insert into {} values ({id}, '{}', {}.5, 1.5, '2026-01-01', {ago})", self.lines(), shop(id), id % 90 + 1)
    }

    fn lines(&self) -> &'static str {
        if self.kind == "mysql" { "`lines`" } else { "lines" }
    }

    /// Enters lines.
    pub async fn insert(&self, ids: RangeInclusive<u64>, minutes_ago: i64) {
        let mut talk = self.open().await;
        for id in ids {
            talk.run(&self.line(id, minutes_ago)).await;
        }
    }

    /// Sells: lines come in and are corrected, some in transactions that commit late. Which, is always the same.
    pub async fn sell(self, works: u64) {
        let (mut talk, mut slow) = (self.open().await, self.open().await);
        let mut next = 1;
        for work in 0..works {
            match work % 5 {
                0 | 1 => {
                    talk.run(&self.line(next, 0)).await;
                    next += 1;
                }
                2 => {
                    slow.run(&self.begin()).await;
                    slow.run(&self.line(next, 0)).await;
                    next += 1;
                }
                3 => {
                    let now = if self.kind == "mysql" { "now(6)" } else { "clock_timestamp()" };
                    // never the line that the slow one still holds
                    let id = work * 7919 % (next - 1) + 1;
                    let id = if id + 1 >= next { 1 } else { id };
                    talk.run(&format!("update {} set kg = kg + 1, updated_at = {now} where id = {id}", self.lines())).await;
                }
                _ => {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                    slow.run("commit").await;
                }
            }
        }
        slow.run("commit").await;
    }

    /// What the till says: each line's shop and weight.
    pub async fn rows(&self) -> BTreeMap<String, (String, String)> {
        let sql = match self.kind {
            "mysql" => "select cast(id as char), shop, cast(kg as char) from `lines`",
            _ => "select id::text, shop, kg::text from lines",
        };
        let rows = self.open().await.texts(sql).await;
        rows.into_iter().map(|row| (row[0].clone(), (row[1].clone(), row[2].clone()))).collect()
    }

    /// A function that writes when it is asked.
    pub async fn make_note_taker(&self) {
        let mut talk = self.open().await;
        talk.run("create table notes (note int)").await;
        match self.kind {
            "mysql" => {
                talk.run("create function take_note() returns int modifies sql data begin insert into notes values (1); return 1; end")
                    .await;
            }
            _ => {
                talk.run(
                    "create function take_note() returns int language plpgsql security definer as \
                     $$ begin insert into notes values (1); return 1; end $$",
                )
                .await;
            }
        }
    }

    /// How many notes were taken.
    pub async fn notes(&self) -> usize {
        let count = if self.kind == "mysql" { "cast(count(*) as char)" } else { "count(*)::text" };
        self.open().await.texts(&format!("select {count} from notes")).await[0][0].parse().expect("a count")
    }

    /// Enters lines from 1 on in one go, a day's worth of them to the minute.
    pub async fn fill(&self, lines: u64) {
        let sql = match self.kind {
            "mysql" => format!(
                "insert into `lines` select seq, '天河店', seq % 90 + 1.5, 1.5, '2026-01-01', now(6) - interval seq second from seq_1_to_{lines}"
            ),
            _ => format!(
                "insert into lines select n, '天河店', n % 90 + 1.5, 1.5, '2026-01-01', now() - n * interval '1 second' \
                 from generate_series(1, {lines}) n"
            ),
        };
        self.open().await.run(&sql).await;
    }

    /// Gives every line the same moment.
    pub async fn at_one_moment(&self) {
        let ago = if self.kind == "mysql" { "now(6) - interval 60 minute" } else { "now() - interval '60 minute'" };
        self.open().await.run(&format!("update {} set updated_at = {ago}", self.lines())).await;
    }

    /// Takes a line's time away.
    pub async fn forget_time_of(&self, id: u64) {
        self.open().await.run(&format!("update {} set updated_at = null where id = {id}", self.lines())).await;
    }
}

static UNIQUE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

fn shop(id: u64) -> &'static str {
    ["北京路店", "东山口\"旗舰\"店", "天河店"][id as usize % 3]
}

type Kept = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// What landed, in memory.
pub struct Lake {
    landed: Vec<Landed>,
    kept: Kept,
    pause: fn(Duration) -> BoxFuture<'static, ()>,
}

impl Default for Lake {
    fn default() -> Lake {
        Lake { landed: Vec::new(), kept: Kept::default(), pause: |_| async {}.boxed() }
    }
}

impl Lake {
    /// One whose rests are told to somebody.
    pub fn resting(pause: fn(Duration) -> BoxFuture<'static, ()>) -> Lake {
        Lake { pause, ..Lake::default() }
    }

    /// Reads on, lands at most so many pages, and tells how many.
    pub async fn run(&mut self, contract: &Contract, url: &str, most_pages: usize) -> Result<usize, FeedError> {
        let (url, kept) = (url.to_string(), self.kept.clone());
        let outside = Outside {
            secret: Arc::new(move |_| Some(url.clone())),
            pause: self.pause,
            landed: self.landed.clone(),
            kept: Arc::new(move |content| {
                let found = kept.lock().expect("one at a time").get(&content).cloned();
                async move { found.ok_or(format!("{content} is not kept")) }.boxed()
            }),
            ..Outside::nothing()
        };
        let mut pages = 0;
        let mut sources = fetch(contract, &outside).await?;
        while pages < most_pages
            && let Some(source) = sources.next().await
        {
            let source = source?;
            let parsed = parse(contract, &source)?;
            assert_eq!((parsed.received, parsed.rejected.len()), (parsed.accepted.num_rows() as u64, 0), "{:?}", parsed.rejected.first());
            let content = format!("content-{}", self.landed.len());
            self.kept.lock().expect("one at a time").insert(content.clone(), source.bytes);
            self.landed.push(Landed { address: source.address, content });
            pages += 1;
        }
        Ok(pages)
    }

    /// Address and text of each page.
    pub fn pages(&self) -> Vec<(String, String)> {
        let kept = self.kept.lock().expect("one at a time");
        self.landed.iter().map(|page| (page.address.clone(), String::from_utf8_lossy(&kept[&page.content]).into_owned())).collect()
    }

    /// Every row that landed, in its order.
    pub fn lines(&self) -> Vec<String> {
        self.pages().iter().flat_map(|(_, text)| text.lines().map(String::from).collect::<Vec<_>>()).collect()
    }

    /// The version of each line that landed last.
    pub fn newest(&self) -> BTreeMap<String, (String, String)> {
        let rows = self.lines().into_iter().map(|line| {
            let row: serde_json::Value = serde_json::from_str(&line).expect("a row");
            let text = |name: &str| row[name].as_str().expect("a text").to_string();
            (text("id"), (text("shop"), text("kg")))
        });
        rows.collect()
    }
}
