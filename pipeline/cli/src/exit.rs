//! How a command ends: the exit codes, and a failure in the reader's words.
//!
//! In: any room's error. Out: one message with its causes, a hint, a code. Never: a type's name, a secret.

use nongshi_domain::Hint;
use nongshi_feeds::{Fault, FeedError};
use nongshi_lake::LakeError;
use nongshi_transforms::TransformError;

/// The exit codes, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Done, with gaps that were named.
    Gaps = 1,
    /// The command line cannot be understood (clap's own).
    Usage = 2,
    /// Settings or the project folder are at fault.
    Settings = 3,
    /// A data gate refused.
    Refused = 4,
    /// A source or the store cannot be reached, or a disk is full: worth a retry.
    Unreachable = 5,
    /// Another run holds the lock.
    Held = 6,
    /// A bug of ours.
    Bug = 70,
    /// Interrupted by the keyboard.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// The one of that number.
    pub fn coded(code: u8) -> Option<Exit> {
        use Exit::{Bug, Done, Gaps, Held, Interrupted, Refused, Settings, Terminated, Unreachable, Usage};
        [Done, Gaps, Usage, Settings, Refused, Unreachable, Held, Bug, Interrupted, Terminated].into_iter().find(|exit| *exit as u8 == code)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub struct Failure {
    /// How it ends.
    pub code: Exit,
    /// What failed.
    pub message: String,
    /// Why, from the outside in.
    pub causes: Vec<String>,
    /// How to mend it.
    pub hint: Option<Hint>,
}

impl Failure {
    /// A failure with its message and no cause.
    pub fn new(code: Exit, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// The same with a hint.
    pub fn hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: Some(Hint(hint.into())), ..self }
    }

    fn of(code: Exit, error: &(dyn std::error::Error + 'static)) -> Failure {
        let causes = std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect();
        Failure { code, message: error.to_string(), causes, hint: None }
    }

    /// A query that failed: with this code, unless the machine lacked something.
    pub fn of_query(code: Exit, error: &datafusion::error::DataFusionError) -> Failure {
        Failure { message: error.strip_backtrace(), ..Failure::of(code, error) }.lacking()
    }

    /// The same, with the code and the cure of what the machine lacked, where that is the cause.
    fn lacking(self) -> Failure {
        let said: Vec<&str> = self.causes.iter().map(String::as_str).chain([self.message.as_str()]).collect();
        match LACKS.iter().find(|(word, ..)| said.iter().any(|text| text.contains(word))) {
            Some((_, code, hint)) => Failure { code: *code, hint: Some(Hint((*hint).into())), ..self },
            None => self,
        }
    }

    /// Prints it on stderr.
    pub fn tell(&self) {
        eprintln!("error: {}", self.message);
        let mut said = self.message.as_str();
        for cause in self.causes.iter().filter(|cause| !cause.is_empty()) {
            // an error often repeats its cause: it is told once
            if !said.contains(cause.as_str()) {
                eprintln!("caused by: {cause}");
            }
            said = cause;
        }
        if let Some(hint) = &self.hint {
            eprintln!("\nhint: {hint}");
        }
    }
}

/// What a machine can lack: how it is told (through several libraries, which keep the words and not always the kind), the exit
/// code, the cure.
const LACKS: &[(&str, Exit, &str)] = &[
    ("No space left on device", Exit::Unreachable, MAKE_ROOM),
    ("Disk quota exceeded", Exit::Unreachable, MAKE_ROOM),
    (
        "Resources exhausted",
        Exit::Settings,
        "raise `[sql] memory_mib` in nongshi.toml (`nongshi config show` tells what it is), or ask for less at a time: fewer columns, a `where`",
    ),
];
const MAKE_ROOM: &str = "make room where the store lies and in the temporary folder (`TMPDIR`), then run again: what was committed stands and is not committed twice";

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Failure {
        let (code, hint) = match &error {
            LakeError::Unreachable { .. } => {
                (Exit::Unreachable, "`nongshi doctor` looks at the store; `[store] url` in nongshi.toml says where it is")
            }
            LakeError::Address { .. } => (Exit::Settings, "`[store] url` is a folder, `file:///...` or `s3://bucket/path`"),
            LakeError::NotAtomic(_) => (
                Exit::Settings,
                "choose a store that honours `If-None-Match`, or let one writer at a time be kept by PostgreSQL: `[store] lock = \"postgres\"` and `lock_url_env`",
            ),
            LakeError::Held { .. } => (Exit::Held, "wait for it to end, then run again"),
            LakeError::Lock { .. } => {
                (Exit::Unreachable, "`[store] lock_url_env` names the variable that holds postgres://USER:PASSWORD@HOST/DATABASE")
            }
            LakeError::Fenced { .. } | LakeError::LockLost | LakeError::Overtaken { .. } => {
                (Exit::Held, "nothing was committed after the lock was lost; run again")
            }
            LakeError::Miscounted { .. } => (Exit::Refused, "nothing of this batch was landed; the raw bytes are kept"),
            LakeError::NotRestorable { .. } => (Exit::Usage, "`nongshi lake history TABLE` lists the versions"),
            LakeError::NotTheSame { .. } => (Exit::Bug, "please report this message; `nongshi lake check` tells what stands"),
            LakeError::TooYoung { .. } => (Exit::Usage, "give a larger `--forget-after`"),
            LakeError::Schema { .. } => (Exit::Settings, "the lake was written by another version; use a new `[store] url`"),
            LakeError::NotReadBack { .. } | LakeError::Delta(_) | LakeError::Object(_) => {
                (Exit::Unreachable, "run again: what was committed is not committed twice")
            }
            LakeError::Arrow(_) | LakeError::Query(_) | LakeError::Record(_) => (Exit::Bug, "please report this message"),
        };
        Failure::of(code, &error).hint(hint).lacking()
    }
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Failure {
        let code = match &error {
            FeedError::Contract { .. } => Exit::Settings,
            FeedError::Place { fault: Fault::Later, .. } | FeedError::Missing { .. } => Exit::Gaps,
            FeedError::Place { fault: Fault::Settings, .. } => Exit::Settings,
            FeedError::Place { fault: Fault::Refused, .. } => Exit::Refused,
            FeedError::Place { fault: Fault::Unreachable, .. } | FeedError::Store { .. } => Exit::Unreachable,
            FeedError::NoColumn { .. } | FeedError::Unreadable { .. } | FeedError::Miscounted { .. } => Exit::Refused,
            FeedError::Shape { .. } => Exit::Bug,
        };
        Failure { hint: error.hint(), ..Failure::of(code, &error) }
    }
}

impl From<TransformError> for Failure {
    fn from(error: TransformError) -> Failure {
        let (code, hint) = match error {
            TransformError::Lake(error) => return error.into(),
            TransformError::Header { ref hint, .. } => (Exit::Settings, hint.0.clone()),
            TransformError::Syntax { .. } | TransformError::Ring(_) | TransformError::Twice(_) => {
                (Exit::Settings, "the files are in `transforms/`".into())
            }
            TransformError::Query { ref name, .. } => (Exit::Settings, format!("try the query of `{name}` with `nongshi sql -f`")),
        };
        Failure::of(code, &error).hint(hint).lacking()
    }
}

impl From<datafusion::error::DataFusionError> for Failure {
    fn from(error: datafusion::error::DataFusionError) -> Failure {
        Failure::of_query(Exit::Bug, &error)
    }
}
