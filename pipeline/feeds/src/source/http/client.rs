//! Asks a server once. In: a request. Out: the whole body, or what is wrong and whether another try may mend it. Never: more
//! of a body than allowed, another host, a proxy from the environment, an address or a word of the server in an error.

use super::Board;
use super::paging::next_link;
use crate::source::retry::{Again, Failed};
use crate::source::trouble::{Fault, Trouble};
use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::{LINK, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Request, Response, StatusCode};
use std::time::Duration;

/// How long a server may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A few lead through a login page's cookie dance; more go round in a circle.
const MOST_REDIRECTS: usize = 5;
const ANSWERED: &str = "what the board wants may have changed: ask it by hand as the contract does";

/// A server's answer.
pub(super) struct Answer {
    pub bytes: Bytes,
    /// The next page by the `Link` header.
    pub link: Option<String>,
}

/// Asks one board.
pub(super) struct Client {
    http: reqwest::Client,
    most_bytes: usize,
}

impl Client {
    pub fn of(board: &Board) -> Result<Client, Trouble> {
        let same_host = |attempt: reqwest::redirect::Attempt| {
            let asked = attempt.previous().first().map(|url| url.origin());
            match attempt.previous().len() <= MOST_REDIRECTS && asked == Some(attempt.url().origin()) {
                true => attempt.follow(),
                false => attempt.stop(),
            }
        };
        // a redirected POST would become a GET without its body
        let redirect = if board.method == reqwest::Method::GET { Policy::custom(same_host) } else { Policy::none() };
        let http = reqwest::Client::builder()
            .user_agent(concat!("nongshi/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect)
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            // its own retries know nothing of ours
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(board.timeout)
            .build();
        let http = http.map_err(|error| {
            let what = format!("no way to a server can be prepared: {}", words(&error));
            Trouble::new(Fault::Settings, what, "look whether this machine has its certificates")
        })?;
        Ok(Client { http, most_bytes: board.page_bytes })
    }

    /// The whole answer; `now` tells how long a date in the answer is to come.
    pub async fn ask(&self, request: Request, now: DateTime<Utc>) -> Result<Answer, Failed> {
        let asked = request.url().clone();
        let mut response = self.http.execute(request).await.map_err(|error| on_the_way(&error))?;
        if response.status() != StatusCode::OK {
            return Err(not_ok(&response, &asked, now));
        }
        let links = response.headers().get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let link = links.filter_map(next_link).next();
        // what it says of its length is believed only when it is too much
        if response.content_length().is_some_and(|length| length > self.most_bytes as u64) {
            return Err(self.too_long().into());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| on_the_way(&error))? {
            if bytes.len() + chunk.len() > self.most_bytes {
                return Err(self.too_long().into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Answer { bytes: bytes.into(), link })
    }

    fn too_long(&self) -> Trouble {
        let what = format!("its answer is longer than {} MiB", self.most_bytes >> 20);
        Trouble::new(Fault::Refused, what, "ask for fewer rows in a page, or raise `page_mib`")
    }
}

/// An answer that is none. Source: RFC 9110, section 15; RFC 6585 for 429.
fn not_ok(response: &Response, asked: &reqwest::Url, now: DateTime<Utc>) -> Failed {
    let status = response.status();
    let says = format!("the server answers {status}");
    if status.is_redirection() {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let to = location.and_then(|location| response.url().join(location).ok());
        let what = match to {
            Some(to) if to.origin() != asked.origin() => format!("it redirects to another host, `{}`", to.origin().ascii_serialization()),
            Some(_) => format!("it redirects too often, or a POST ({status})"),
            None => says,
        };
        return Trouble::new(Fault::Settings, what, "write the address where it ends under `url`, if you trust that").into();
    }
    let hint = match status.as_u16() {
        408 | 425 | 429 | 500..=599 => {
            let trouble = Trouble::new(Fault::Unreachable, says, "run again later: what has landed stays");
            let told = response.headers().get(RETRY_AFTER).and_then(|value| patience(value.to_str().ok()?, now));
            let broken = status.is_server_error() && told.is_none();
            return Failed { trouble, again: if broken { Again::Broken } else { Again::Later(told) } };
        }
        401 | 403 => "look at the secrets of the contract, and whether the board lets programs in",
        404 | 410 => "look at `url`",
        _ => ANSWERED,
    };
    Trouble::new(Fault::Settings, says, hint).into()
}

/// How long `Retry-After` wants us to wait: seconds, or one of the three forms of a date. Source: RFC 9110, 5.6.7, 10.2.3.
fn patience(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let at = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some((at.and_utc() - now).to_std().unwrap_or_default())
}

/// What went wrong where there is no answer, without the address.
fn on_the_way(error: &reqwest::Error) -> Failed {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    let io = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).last().map(innermost);
    let what = match io {
        _ if error.is_timeout() => "the server does not answer in time".to_string(),
        // rustls says so what it has against a certificate
        Some(io) if io.kind() == std::io::ErrorKind::InvalidData && error.is_connect() => {
            let what = format!("no safe way to the server: {io}");
            return Trouble::new(Fault::Settings, what, "this machine must know who signed the server's certificate").into();
        }
        Some(io) if error.is_connect() => format!("the server cannot be reached: {}", io.kind()),
        None if error.is_connect() => "the server cannot be reached".to_string(),
        _ => "the answer broke off".to_string(),
    };
    Trouble::new(Fault::Unreachable, what, "look whether the board is there and `url` is right; then run again").into()
}

/// The error that others were wrapped round: `source` passes it over.
fn innermost(io: &std::io::Error) -> &std::io::Error {
    io.get_ref().and_then(|inner| inner.downcast_ref::<std::io::Error>()).map_or(io, innermost)
}

/// An error's innermost words: the outer ones may hold an address.
fn words(error: &reqwest::Error) -> String {
    std::iter::successors(std::error::Error::source(error), |error| error.source()).last().map_or(String::new(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_seconds_or_a_date_in_three_forms() {
        let now: DateTime<Utc> = "1994-11-06T08:49:07Z".parse().expect("a time");
        for (text, seconds) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun Nov  6 08:49:37 1994", Some(30)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(patience(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
