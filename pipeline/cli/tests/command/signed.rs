//! Requests to an S3 server that no store's client makes: signed by object_store, sent by hand. In: a method, an address.
//! Out: headers; a bucket. Never: other keys than those of the tests.

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use std::io::{Read, Write};
use std::net::TcpStream;

/// The headers that sign a request whose body is not signed.
pub fn signed(method: &str, address: &str) -> Vec<(String, String)> {
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = method.parse().expect("a method");
    *request.uri_mut() = address.parse().expect("an address");
    let keys = AwsCredential { key_id: "testkey".into(), secret_key: "testsecret".into(), token: None };
    AwsAuthorizer::new(&keys, "s3", "us-east-1").with_sign_payload(false).authorize(&mut request, None);
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    request.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}

/// Makes a bucket, unless it is there.
pub fn make_bucket(server: &str, bucket: &str) {
    let host = server.trim_start_matches("http://").trim_end_matches('/');
    let head: String =
        signed("PUT", &format!("http://{host}/{bucket}")).iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut server = TcpStream::connect(host).expect("the server listens");
    write!(server, "PUT /{bucket} HTTP/1.1\r\n{head}content-length: 0\r\nconnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    server.read_to_string(&mut answer).expect("it answers");
    let status = answer.split(' ').nth(1).unwrap_or_default();
    assert!(matches!(status, "200" | "409"), "no bucket `{bucket}`: {answer}");
}
