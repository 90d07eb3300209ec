//! A client that speaks Postgres' messages by hand, for what psql is too polite to say.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An open connection.
pub struct Wire(pub TcpStream);

pub type Messages = Vec<(u8, Vec<u8>)>;

pub fn kinds(messages: &Messages) -> String {
    messages.iter().map(|(kind, _)| *kind as char).collect()
}

pub fn text(messages: &Messages) -> String {
    messages.iter().map(|(_, body)| String::from_utf8_lossy(body).replace('\0', " ")).collect()
}

impl Wire {
    pub fn open(port: u16) -> Wire {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Wire(stream)
    }

    pub fn start(&mut self) -> Messages {
        let body = b"\0\x03\0\0user\0analyst\0database\0nongshi\0\0";
        self.0.write_all(&(body.len() as u32 + 4).to_be_bytes()).unwrap();
        self.0.write_all(body).unwrap();
        // ready, or asked for a password, or refused
        self.read_while(|kind, body| !(kind == b'Z' || kind == b'E' || (kind == b'R' && body != [0, 0, 0, 0])))
    }

    pub fn send(&mut self, kind: u8, body: &[u8]) {
        let message = [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat();
        // a server that has hung up is met when reading
        let _ = self.0.write_all(&message);
    }

    pub fn ask(&mut self, sql: &str) -> Messages {
        self.send(b'Q', format!("{sql}\0").as_bytes());
        self.read_until(b'Z')
    }

    pub fn ask_extended(&mut self, sql: &str) -> Messages {
        self.send(b'P', format!("\0{sql}\0\0\0").as_bytes());
        self.send(b'B', &[0; 8]);
        self.send(b'E', &[0; 5]);
        self.send(b'S', &[]);
        self.read_until(b'Z')
    }

    pub fn read_until(&mut self, last: u8) -> Messages {
        self.read_while(|kind, _| kind != last)
    }

    /// Messages up to the first that does not go on, or until the server hangs up.
    fn read_while(&mut self, goes_on: impl Fn(u8, &[u8]) -> bool) -> Messages {
        let mut messages = Vec::new();
        loop {
            let mut head = [0; 5];
            if self.0.read_exact(&mut head).is_err() {
                return messages;
            }
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let mut body = vec![0; length - 4];
            if self.0.read_exact(&mut body).is_err() {
                return messages;
            }
            let last = !goes_on(head[0], &body);
            messages.push((head[0], body));
            if last {
                return messages;
            }
        }
    }
}
