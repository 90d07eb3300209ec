//! A market's price board on a free port of this machine. In: what it answers to the n-th request. Out: prices that are
//! made up, page by page, as the Xinfadi market's board does; what it was asked. Never: an answer that waits for a clock.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use url::form_urlencoded;

/// With this byte a client that wants TLS begins.
const TLS_HANDSHAKE: u8 = 22;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Asked {
    /// A value of the form or of the query.
    pub fn value(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let mut pairs = form_urlencoded::parse(self.body.as_bytes()).chain(form_urlencoded::parse(query.as_bytes()));
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    fn number(&self, name: &str) -> usize {
        self.value(name).and_then(|text| text.parse().ok()).unwrap_or(1)
    }
}

/// What the board does with a request.
pub enum Answer {
    /// Status, headers, body.
    Says(u16, Vec<(&'static str, String)>, String),
    /// Tells of the whole body and sends half of it.
    Half(String),
    /// Sends for ever.
    Endless,
    /// Closes without a word.
    Hangs,
    /// Says nothing until the other side has gone.
    Silence,
}

impl Answer {
    pub fn ok(body: impl Into<String>) -> Answer {
        Answer::Says(200, vec![("content-type", "application/json".into())], body.into())
    }

    /// An error of the server, perhaps with `Retry-After`.
    pub fn error(status: u16, retry_after: Option<&str>) -> Answer {
        let after = retry_after.map(|after| ("retry-after", after.to_string()));
        Answer::Says(status, after.into_iter().collect(), "{\"list\": []}".into())
    }
}

/// A board that is open until the test ends.
pub struct Board {
    /// `127.0.0.1:PORT`.
    pub at: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    sent: Arc<AtomicU64>,
}

impl Board {
    /// Opens one; `answer` is told the request and how many came before it.
    pub fn open(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Board {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = listener.local_addr().expect("bound").to_string();
        let (asked, sent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
        let board = Board { at, asked: asked.clone(), sent: sent.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // one after the other: who reads is not in a hurry; a reader that went away ends only its own answer
                let _ = serve(stream, &answer, &asked, &sent);
            }
        });
        board
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("one at a time").clone()
    }

    /// Bytes of bodies that the network took.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &dyn Fn(&Asked, usize) -> Answer,
    asked: &Mutex<Vec<Asked>>,
    sent: &AtomicU64,
) -> std::io::Result<()> {
    let request = read(&stream)?;
    let before = {
        let mut asked = asked.lock().expect("one at a time");
        asked.push(request.clone());
        asked.len() - 1
    };
    let mut send = |bytes: &[u8]| {
        stream.write_all(bytes)?;
        sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Ok::<(), std::io::Error>(())
    };
    match answer(&request, before) {
        Answer::Says(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                let _ = write!(head, "{name}: {value}\r\n");
            }
            send(format!("{head}\r\n{body}").as_bytes())
        }
        Answer::Half(body) => {
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            send(head.as_bytes())?;
            send(&body.as_bytes()[..body.len() / 2])
        }
        Answer::Endless => {
            send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"list\": [\"")?;
            loop {
                send(&[b'x'; 1 << 16])?;
            }
        }
        Answer::Hangs => Ok(()),
        Answer::Silence => stream.read(&mut [0]).map(|_| ()),
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Asked> {
    let mut reader = BufReader::new(stream);
    if reader.fill_buf()?.first() == Some(&TLS_HANDSHAKE) {
        (&mut &*stream).write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
        return Err(ErrorKind::InvalidData.into());
    }
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(String::from);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => drop(headers.insert(name.to_lowercase(), value.to_string())),
            None => break,
        }
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().expect("a length"))];
    reader.read_exact(&mut body)?;
    Ok(Asked { method, target, headers, body: String::from_utf8(body).expect("a form") })
}

/// Prices a day, by their number; made up.
pub fn prices(day: &str, rows: std::ops::Range<usize>) -> Vec<String> {
    let row = |number: usize| {
        let (kind, catalogue) = [("菜心", "蔬菜"), ("番茄", "蔬菜"), ("香蕉", "水果")][number % 3];
        let (low, high) = (1.0 + number as f64 / 100.0, 2.0 + number as f64 / 100.0);
        format!(
            "{{\"id\": {number}, \"prodName\": \"{kind}{number}\", \"prodCatid\": 1186, \"prodCat\": \"{catalogue}\", \"prodPcat\": \"\", \
             \"lowPrice\": \"{low:.2}\", \"highPrice\": \"{high:.2}\", \"avgPrice\": \"{:.3}\", \"place\": \"粤\", \"specInfo\": \"普通\", \
             \"unitInfo\": \"斤\", \"pubDate\": \"{} 00:00:00\", \"status\": null}}",
            (low + high) / 2.0,
            day.replace('/', "-")
        )
    };
    rows.map(row).collect()
}

/// A page of them, as the form asks for it.
pub fn page(asked: &Asked, rows: &[String]) -> Answer {
    let (current, limit) = (asked.number("current"), asked.number("limit"));
    let shown: Vec<&str> = rows.iter().skip((current - 1) * limit).take(limit).map(String::as_str).collect();
    Answer::ok(format!("{{\"current\": {current}, \"limit\": {limit}, \"count\": {}, \"list\": [{}]}}", rows.len(), shown.join(", ")))
}
