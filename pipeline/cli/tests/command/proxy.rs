//! A proxy before the S3 server that fails on purpose, and always in the same way for a seed; or one that forgets conditions.
//! In: a server's address, a share of each fault in thousandths. Out: an address; what it did. Never: a byte of a body changed.

use crate::signed::signed;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How often what goes wrong, in thousandths of all requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// 500 or 503, and nothing done.
    pub refused: u64,
    /// The connection is cut before anything is done.
    pub reset: u64,
    /// Done, and the answer is lost.
    pub lost: u64,
    /// Done, and the answer breaks off.
    pub cut: u64,
}

/// What the proxy has done.
#[derive(Debug, Default)]
pub struct Count {
    /// Requests that came.
    pub requests: AtomicU64,
    /// Requests that were answered with a fault.
    pub faults: AtomicU64,
    /// Conditions that were forgotten.
    pub forgotten: AtomicU64,
}

/// A running proxy.
pub struct Proxy {
    /// Where it listens.
    pub address: String,
    /// What it has done.
    pub count: Arc<Count>,
    /// While set, every connection is cut at once: the store is away.
    pub is_away: Arc<AtomicBool>,
    /// The put that waits on its way.
    pub held: Arc<Held>,
}

/// The first put to a place, as long as a test wants it to be under way.
#[derive(Debug, Default)]
pub struct Held {
    /// The end of the place; nothing is held where there is none.
    place: Option<String>,
    /// It has come.
    pub waits: AtomicBool,
    /// It may go on.
    pub let_go: AtomicBool,
}

impl Held {
    fn pass(&self, request: &str) {
        let mut words = request.split(' ');
        let (method, target) = (words.next(), words.next().unwrap_or_default());
        let is_it = method == Some("PUT") && self.place.as_ref().is_some_and(|place| target.ends_with(place));
        if is_it && !self.waits.swap(true, Ordering::SeqCst) {
            while !self.let_go.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        }
    }
}

/// Starts a proxy before `http://HOST:PORT`; it lives as long as the tests.
pub fn before(server: &str, faults: Faults, seed: u64) -> Proxy {
    start(server, Manner { faults, seed, is_careless: false }, None)
}

/// Starts a proxy that holds the first put to the place until it is let go. A careless one makes create-only puts overwrite.
pub fn holding_before(server: &str, is_careless: bool, place: Option<&str>) -> Proxy {
    start(server, Manner { faults: Faults::default(), seed: 0, is_careless }, place)
}

/// How a proxy treats what passes.
#[derive(Debug, Clone, Copy)]
struct Manner {
    faults: Faults,
    seed: u64,
    is_careless: bool,
}

fn start(server: &str, manner: Manner, holds: Option<&str>) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let server = server.trim_start_matches("http://").trim_end_matches('/').to_string();
    let (count, is_away) = (Arc::new(Count::default()), Arc::new(AtomicBool::new(false)));
    let held = Arc::new(Held { place: holds.map(str::to_string), ..Held::default() });
    let proxy = Proxy { address, count: count.clone(), is_away: is_away.clone(), held: held.clone() };
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (server, count, is_away, held) = (server.clone(), count.clone(), is_away.clone(), held.clone());
            std::thread::spawn(move || {
                let _ = serve(&client, &server, manner, &count, &is_away, &held);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    proxy
}

fn serve(client: &TcpStream, server: &str, manner: Manner, count: &Count, is_away: &AtomicBool, held: &Held) -> std::io::Result<()> {
    let faults = manner.faults;
    let mut from_client = BufReader::new(client.try_clone()?);
    loop {
        let Some((head, body)) = request(&mut from_client)? else { return Ok(()) };
        if is_away.load(Ordering::SeqCst) {
            return Ok(());
        }
        let number = count.requests.fetch_add(1, Ordering::SeqCst);
        let dice = roll(manner.seed, number);
        let fault = |share: u64, from: u64| (from..from + share).contains(&(dice % 1_000));
        let mut from = 0;
        let mut happens = |share: u64| {
            let happens = fault(share, from);
            from += share;
            count.faults.fetch_add(u64::from(happens), Ordering::SeqCst);
            happens
        };
        let (refused, reset, lost, cut) = (happens(faults.refused), happens(faults.reset), happens(faults.lost), happens(faults.cut));
        if refused {
            let status = if dice % 2_000 < 1_000 { "500 Internal Server Error" } else { "503 Slow Down" };
            write!(&mut &*client, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        }
        if reset {
            return Ok(());
        }
        held.pass(&head[0]);
        let head = if manner.is_careless { without_condition(server, head, count) } else { head };
        let answer = forward(server, &head, &body)?;
        // away is away: an answer that is under way is lost, too
        if lost || is_away.load(Ordering::SeqCst) {
            return Ok(());
        }
        if cut {
            (&mut &*client).write_all(&answer[..answer.len() * 2 / 3])?;
            return Ok(());
        }
        (&mut &*client).write_all(&answer)?;
    }
}

/// One request: its head as text, its body; nothing at the end of the connection.
fn request(from: &mut impl BufRead) -> std::io::Result<Option<(Vec<String>, Vec<u8>)>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_string();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let mut body = vec![0; length(&head)];
    from.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

fn length(head: &[String]) -> usize {
    let found = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(|rest| rest.trim().to_string()));
    found.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Asks the server on a connection of its own; the whole answer, which ends with the connection.
fn forward(server: &str, head: &[String], body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut to_server = TcpStream::connect(server)?;
    let keeps = |line: &&String| !line.to_lowercase().starts_with("connection:");
    let head: Vec<&str> = head.iter().filter(keeps).map(String::as_str).collect();
    write!(to_server, "{}\r\nconnection: close\r\n\r\n", head.join("\r\n"))?;
    to_server.write_all(body)?;
    let mut answer = Vec::new();
    to_server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The request without its condition. The client signs every header it sends, conditions too: without one the request is
/// signed anew, as a gateway does that stands before a store.
fn without_condition(server: &str, head: Vec<String>, count: &Count) -> Vec<String> {
    let name = |line: &String| line.split(':').next().unwrap_or_default().to_lowercase();
    if !head.iter().any(|line| name(line) == "if-none-match") {
        return head;
    }
    count.forgotten.fetch_add(1, Ordering::SeqCst);
    let mut words = head[0].split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let signature = signed(method, &format!("http://{server}{target}"));
    let is_anew = |line: &&String| name(line) == "if-none-match" || signature.iter().any(|(signed, _)| *signed == name(line));
    let kept = head.iter().filter(|line| !is_anew(line)).cloned();
    kept.chain(signature.iter().map(|(name, value)| format!("{name}: {value}"))).collect()
}

/// A number from a seed and a count (splitmix64).
fn roll(seed: u64, count: u64) -> u64 {
    let mut mixed = seed.wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
