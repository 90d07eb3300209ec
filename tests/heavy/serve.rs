//! The server as its clients see it: real `psql`, and raw messages where psql is too polite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod touch;
mod wire;

use arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_serve::{Secret, ServeError, ServeSettings, Tls};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use wire::{Wire, kinds, text};

/// Whether the program is there; on CI it must be.
fn is_there(program: &str, argument: &str) -> bool {
    let there = Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("CI").is_none(), "`{program}` is missing on CI");
    if !there {
        println!("skipped: `{program}` is not installed");
    }
    there
}

fn session() -> SessionContext {
    let days: Vec<i32> = (0..60).map(|day| 20_454 + day).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("crop", Arc::new(StringArray::from(vec!["番茄"; days.len()]))),
        ("price", Arc::new(Float64Array::from_iter_values(days.iter().map(|day| 3.0 + f64::from(day % 7) / 4.0)))),
        ("day", Arc::new(Date32Array::from(days))),
    ];
    let session = nongshi_functions::session(SessionConfig::new().with_target_partitions(2)).unwrap();
    session.register_batch("prices", RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    session
}

fn settings() -> ServeSettings {
    ServeSettings { address: SocketAddr::from(([127, 0, 0, 1], 0)), ..ServeSettings::default() }
}

fn with_login(user: &str, password: &str) -> ServeSettings {
    ServeSettings { logins: [(user.to_string(), Secret::new(password))].into(), ..settings() }
}

/// Serves while the client (blocking, as psql is) asks, then stops.
async fn served<T: Send + 'static>(session: SessionContext, settings: ServeSettings, client: impl FnOnce(u16) -> T + Send + 'static) -> T {
    let bound = nongshi_serve::bind(&settings).await.unwrap();
    let port = bound.address().port();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(bound.serve(Arc::new(session), async move {
        let _ = stopped.await;
    }));
    let said = tokio::task::spawn_blocking(move || client(port)).await;
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    said.unwrap()
}

/// What psql printed, or what it complained about.
fn psql(port: u16, environment: &[(&str, &str)], sql: &str) -> Result<String, String> {
    let mut command = Command::new("psql");
    command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-d", "nongshi", "-p", &port.to_string()]);
    command
        .env("PGUSER", "analyst")
        .env("PGCONNECT_TIMEOUT", "10")
        .env("PGPASSFILE", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("PGPASSWORD");
    // one statement in a line each, so that `\gdesc` works too
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), format!("{sql}\n")).unwrap();
    let output = command.arg("-w").arg("-f").arg(script.path()).envs(environment.iter().copied()).output().unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_string()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_asks_and_is_answered() {
    if !is_there("psql", "--version") {
        return;
    }
    served(session(), settings(), |port| {
        let forecast = "select crop, f['day'], f['q10'] <= f['q90'] from (select crop, unnest(forecast(day, price, 2)) f from prices group by crop) order by 2 desc;";
        for (sql, expected) in [
            ("select crop, count(*), max(day) from prices group by crop;", "番茄|60|2026-03-01"),
            ("select 1; select 2;", "1\n2"),
            (forecast, "番茄|2026-03-03|t\n番茄|2026-03-02|t"),
            ("begin; select 1; commit;", "BEGIN\n1\nCOMMIT"),
            ("set statement_timeout = '5s'; show statement_timeout;", "SET\n5000ms"),
            ("select table_name from information_schema.tables where table_schema = 'public';", "prices"),
            ("select crop, day from prices limit 1 \\gdesc", "crop|text\nday|date"),
        ] {
            assert_eq!(psql(port, &[], sql).as_deref(), Ok(expected), "{sql}");
        }
        assert!(psql(port, &[], "\\d").unwrap().lines().any(|line| line.starts_with("public|prices|table")));
        let columns = psql(port, &[], "\\d prices").unwrap();
        for column in ["crop|text", "price|double precision", "day|date"] {
            assert!(columns.contains(column), "{columns}");
        }
        assert!(psql(port, &[], "select nothing from prices;").unwrap_err().contains("nothing"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_writes_is_refused() {
    if !is_there("psql", "--version") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.parquet");
    let copy = format!("copy (select * from prices) to '{}';", file.display());
    let explained_copy = format!("explain analyze {copy}");
    let external = format!("create external table stolen stored as csv location '{}';", Path::new("/etc/hostname").display());
    served(session(), settings(), move |port| {
        for sql in [
            "insert into prices values ('x', 1, date '2026-01-01');",
            "insert into prices values ('x', 1, date '2026-01-01') \\gdesc",
            "update prices set price = 0;",
            "delete from prices;",
            "truncate table prices;",
            "drop table prices;",
            "create table kept as select * from prices;",
            "create view kept as select * from prices;",
            "select * into kept from prices;",
            "select 1; drop table prices;",
            "set datafusion.execution.batch_size = 1;",
            "set session datafusion.execution.batch_size = 1;",
            "prepare asked as select 1;",
            "declare asked cursor for select * from prices;",
            "vacuum;",
            &copy,
            &explained_copy,
        ] {
            let complaint = psql(port, &[], sql).expect_err(sql);
            assert!(complaint.contains("this server only reads"), "{sql}: {complaint}");
        }
        // not Postgres' SQL: refused by the parser already
        psql(port, &[], &external).unwrap_err();
        assert_eq!(psql(port, &[], "select count(*), min(price) > 0 from prices;").as_deref(), Ok("60|t"));
        let tables = psql(port, &[], "select count(*) from information_schema.tables where table_schema = 'public';");
        assert_eq!(tables.as_deref(), Ok("1"));
    })
    .await;
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_password_opens() {
    if !is_there("psql", "--version") {
        return;
    }
    served(session(), with_login("analyst", "对的 password"), |port| {
        assert_eq!(psql(port, &[("PGPASSWORD", "对的 password")], "select 1;").as_deref(), Ok("1"));
        let wrong = psql(port, &[("PGPASSWORD", "wrong")], "select 1;").unwrap_err();
        assert!(wrong.contains("password authentication failed for user \"analyst\""), "{wrong}");
        assert!(psql(port, &[], "select 1;").unwrap_err().contains("no password supplied"));
        // a user who does not exist is refused in the same words
        let stranger = psql(port, &[("PGPASSWORD", "对的 password"), ("PGUSER", "stranger")], "select 1;").unwrap_err();
        assert!(stranger.contains("password authentication failed for user \"stranger\""), "{stranger}");
        let parallel: Vec<_> =
            (0..6).map(|_| std::thread::spawn(move || psql(port, &[("PGPASSWORD", "对的 password")], "select 1;"))).collect();
        for answer in parallel {
            assert_eq!(answer.join().unwrap().as_deref(), Ok("1"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_door_is_not_opened() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let tls = Some(Tls { certificate_pem: b"not a certificate".to_vec(), key_pem: vec![] });
    for (settings, complaint) in [
        (ServeSettings { address: everywhere, ..settings() }, "neither a password nor TLS is set"),
        (ServeSettings { address: everywhere, ..with_login("analyst", "secret") }, "TLS is not set"),
        (ServeSettings { address: everywhere, tls: tls.clone(), ..settings() }, "no password is set"),
        (ServeSettings { address: everywhere, tls: tls.clone(), ..with_login("analyst", "secret") }, "no certificate was found"),
        (ServeSettings { tls, ..settings() }, "no certificate was found"),
        (with_login("analyst", ""), "empty name or password"),
        (ServeSettings { max_rows: 0, ..settings() }, "`max_rows` is 0"),
    ] {
        let error = nongshi_serve::bind(&settings).await.err().unwrap_or_else(|| panic!("{complaint}: was opened"));
        assert!(error.to_string().contains(complaint), "{error}");
        assert!(!format!("{settings:?}").contains("secret"), "a password is printed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_nothing_else_is_spoken() {
    if !is_there("psql", "--version") || !is_there("openssl", "version") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (certificate, key, other_key) = (path("server.crt"), path("server.key"), path("other.key"));
    for (key, certificate) in [(&other_key, path("other.crt")), (&key, certificate.clone())] {
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", &certificate])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let tls = |key: &str| Some(Tls { certificate_pem: std::fs::read(&certificate).unwrap(), key_pem: std::fs::read(key).unwrap() });

    let taken = nongshi_serve::bind(&settings()).await.unwrap().address(); // free again: the listener is dropped
    for key in [&certificate, &other_key] {
        let refused = ServeSettings { address: taken, tls: tls(key), ..with_login("analyst", "secret") };
        let error = nongshi_serve::bind(&refused).await.err().unwrap();
        assert!(matches!(error, ServeError::Tls { what: "key", .. }), "{error}");
        assert!(TcpStream::connect(taken).is_err(), "it listens without its key");
    }

    let root = certificate.clone();
    served(session(), ServeSettings { tls: tls(&key), ..with_login("analyst", "secret") }, move |port| {
        let ask =
            |mode: &str| psql(port, &[("PGPASSWORD", "secret"), ("PGSSLMODE", mode), ("PGSSLROOTCERT", &root)], "\\conninfo\nselect 1;");
        for mode in ["require", "verify-full"] {
            let answer = ask(mode).unwrap();
            assert!(answer.ends_with("\n1") && answer.contains("TLS"), "{answer}");
        }
        assert!(ask("disable").unwrap_err().contains("this server speaks TLS only"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_limits() {
    if !is_there("psql", "--version") {
        return;
    }
    let limits = ServeSettings { max_rows: 10, timeout: Duration::from_secs(2), ..settings() };
    served(session(), limits, |port| {
        assert_eq!(psql(port, &[], "select count(*) from (select day from prices limit 10);").as_deref(), Ok("10"));
        assert_eq!(psql(port, &[], "select day from prices limit 10;").unwrap().lines().count(), 10);
        let long = psql(port, &[], "select day from prices limit 11;").unwrap_err();
        assert!(long.contains("the answer has more than 10 rows"), "{long}");
        let slow = "select sum(a.value * b.value) from generate_series(1, 80000) a, generate_series(1, 80000) b;";
        for (sql, at_least) in [(slow.to_string(), 1_900), (format!("set statement_timeout = '300ms'; {slow}"), 290)] {
            let begun = Instant::now();
            let complaint = psql(port, &[], &sql).unwrap_err();
            let millis = begun.elapsed().as_millis();
            println!("{millis} ms: {sql}");
            assert!(complaint.contains("statement timeout"), "{complaint}");
            assert!((at_least..at_least + 5_000).contains(&millis), "{millis} ms");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_counted_and_given_back() {
    let mut open = served(session(), ServeSettings { max_connections: 1, ..settings() }, |port| {
        let mut first = Wire::open(port);
        assert!(kinds(&first.start()).ends_with('Z'), "the first is let in");
        let mut second = Wire::open(port);
        let refusal = second.start();
        assert!(text(&refusal).contains("too many clients"), "{}", text(&refusal));
        assert!(kinds(&first.ask("select 1")).contains('D'), "the first still is answered");
        drop(first);
        // the second has not hung up, and yet keeps no place: in the end somebody is let in again
        let until = std::time::Instant::now() + Duration::from_secs(60);
        let third = std::iter::repeat_with(|| {
            let mut wire = Wire::open(port);
            kinds(&wire.start()).ends_with('Z').then_some(wire)
        });
        let third = third.take_while(|_| std::time::Instant::now() < until).flatten().next().expect("the place is free again");
        drop(second);
        third
    })
    .await;
    assert!(open.ask("select 1").is_empty(), "a connection outlived its server");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_runs_nothing() {
    let runs = Arc::new(AtomicUsize::new(0));
    for (settings, expected) in [(settings(), 2), (with_login("analyst", "secret"), 0)] {
        runs.store(0, Ordering::SeqCst);
        let session = session();
        session.register_udf(touch::touch_udf(runs.clone()));
        served(session, settings, |port| {
            let mut wire = Wire::open(port);
            wire.start();
            // a password message that is none: the login fails, and yet more is sent
            wire.send(b'p', b"NONSENSE\0\0\0\0\0");
            wire.ask("select touch()");
            wire.ask_extended("select touch()");
            let _ = wire.0.shutdown(std::net::Shutdown::Write);
            wire.read_until(0);
            // who is refused hears no more: time for what might run unheard
            std::thread::sleep(Duration::from_secs(1));
        })
        .await;
        assert_eq!(runs.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_read_only_too() {
    served(session(), settings(), |port| {
        let mut wire = Wire::open(port);
        wire.start();
        let answer = wire.ask_extended("select crop from prices limit 1");
        assert!(kinds(&answer).contains('D') && text(&answer).contains("番茄"), "{}", text(&answer));
        for sql in ["drop table prices", "copy prices to '/tmp/nongshi-must-not-be'", "set datafusion.execution.batch_size = 1"] {
            let answer = wire.ask_extended(sql);
            assert!(text(&answer).contains("this server only reads"), "{sql}: {}", text(&answer));
        }
        assert!(kinds(&wire.ask("select 1 from prices")).contains('D'), "the connection goes on");
    })
    .await;
}
