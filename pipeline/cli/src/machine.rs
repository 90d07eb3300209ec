//! The machine: its clock, its processes, its signals. Nobody else looks at them.

use crate::exit::{Exit, Failure};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use nongshi_domain::{Seed, failpoint};
use nongshi_lake::Holder;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Asia/Shanghai is eight hours ahead all year.
const SHANGHAI: TimeDelta = TimeDelta::hours(8);

/// The time now.
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Another number at every call: for what shall not be the same twice, such as the rests of two runs that wait.
pub fn seed() -> Seed {
    Seed(now().timestamp_subsec_nanos().into()).derive(&std::process::id().to_string())
}

/// Yesterday in Asia/Shanghai: the last day that is over there.
pub fn yesterday() -> NaiveDate {
    (now() + SHANGHAI).date_naive() - Days::new(1)
}

/// Where a test wants this process to end: `NAME` or `NAME:COUNT`, the place and how often it is reached before;
/// with `=stop` behind it is only stopped there.
const FAILPOINT: &str = "NONGSHI_TEST_FAILPOINT";

/// Lets a test end this process without warning; never in a release build.
pub fn listen_for_failpoint() {
    if cfg!(debug_assertions) && std::env::var_os(FAILPOINT).is_some() {
        failpoint::listen(end_at_failpoint);
    }
}

fn end_at_failpoint(name: &'static str) {
    static REACHED: AtomicU32 = AtomicU32::new(0);
    let wanted = std::env::var(FAILPOINT).unwrap_or_default();
    let (wanted, signal) = wanted.strip_suffix("=stop").map_or((wanted.as_str(), "-KILL"), |wanted| (wanted, "-STOP"));
    let (place, before) = wanted.split_once(':').map_or((wanted, 0), |(place, before)| (place, before.parse().unwrap_or(0)));
    if name == place && REACHED.fetch_add(1, Ordering::SeqCst) == before {
        // nothing is flushed, nothing is tidied up
        let _ = std::process::Command::new("kill").args([signal, &std::process::id().to_string()]).status();
        if signal == "-STOP" {
            return;
        }
        loop {
            std::thread::park();
        }
    }
}

/// Set where a test wants to see what a careless store would do to us if nobody asked.
const UNPROBED: &str = "NONGSHI_TEST_UNPROBED";

/// Whether a test wants the store to be believed; never in a release build.
pub fn leaves_out_probe() -> bool {
    cfg!(debug_assertions) && std::env::var_os(UNPROBED).is_some()
}

/// Who we are, for a lease.
pub fn holder(command: &str) -> Holder {
    Holder { host: host(), process: std::process::id(), command: command.into() }
}

/// Whether the holder of a lease was on this machine and has ended: then its lease means nothing.
pub fn is_gone(holder: &Holder) -> bool {
    holder.host == host() && Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{}", holder.process)).exists()
}

/// Threads that really run at the same time.
pub fn threads() -> u32 {
    std::thread::available_parallelism().map_or(1, |threads| threads.get() as u32)
}

/// Memory in MiB that this process may use: the machine's, or less where its control group says so; nothing where the
/// machine does not tell.
pub fn memory_mib() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = limits.iter().filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok()).min();
    Some((kib >> 10).min(limit.map_or(u64::MAX, |bytes| bytes >> 20)))
}

/// Keeps glibc from giving every thread a heap of its own, of which none is ever handed back: batches are parsed on one
/// thread and freed on another, and a full load then held three times the memory (and took a third longer).
/// To be called before the first thread is started.
pub fn share_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let heaps = (threads() / 2).max(1);
        // SAFETY: sets a number of the allocator; no other thread runs yet. A refusal leaves things as they were.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps.min(64) as libc::c_int) };
    }
}

/// Opens a file with whatever the desktop opens it with.
pub fn open(path: &Path) -> Result<(), Failure> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let ended = std::process::Command::new(program).arg(path).status();
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(Exit::Settings, format!("`{program} {}` ended with {status}", path.display()))),
        Err(error) => Err(Failure::new(Exit::Settings, format!("`{program}` cannot be started: {error}"))),
    }
    .map_err(|failure| failure.hint(format!("open {} by hand", path.display())))
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "unknown".into(), |name| name.trim().to_string())
}

/// CPU seconds and peak memory in bytes of this process; nothing where the machine does not tell.
pub fn cost() -> Option<(f64, i64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak_kb: i64 = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").trim().parse().ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // after the name, which may hold blanks, fields 14 and 15 are user and system time in ticks of 10 ms
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some((ticks / 100.0, peak_kb * 1024))
}

/// Waits for a signal that ends us, and tells the exit code it means.
pub async fn signal() -> Exit {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => Exit::Terminated,
        pressed = tokio::signal::ctrl_c() => if pressed.is_ok() { Exit::Interrupted } else { std::future::pending().await },
    }
}
