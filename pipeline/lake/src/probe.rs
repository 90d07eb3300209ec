//! Finds out at the start whether a store keeps two writers apart. In: a lake. Out: yes, or a refusal.
//! Never: believes the documentation, or one put after another alone: a store may look first and write afterwards.

use crate::content::digest;
use crate::error::LakeError;
use crate::store::Lake;
use futures::future::join_all;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, PutMode, PutPayload, PutResult};
use serde::{Deserialize, Serialize};

/// Puts that are under way at the same time.
const RACERS: u8 = 3;
/// Races that must all have one winner.
const RACES: usize = 3;
/// What each of them puts: a store that looks before it reads the body has let all of them in by then.
const RACE_BYTES: usize = 256 << 10;
/// The mark of the store that has kept racers apart.
const MARK: &str = "store";

/// Which store has kept racers apart.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Raced {
    store: String,
}

impl Lake {
    /// Puts one object twice, create-only: the second put must fail and the first bytes must stand. On a store that has not
    /// been seen here yet several puts race then, and one of them must win. (A race is waited for: some stores answer a
    /// contested put after a second.) `name` tells this probe from others that run at the same time.
    pub async fn probe(&self, name: &str) -> Result<(), LakeError> {
        self.put_twice(name).await?;
        let raced = Raced { store: self.identity() };
        if self.mark::<Raced>(MARK).await?.as_ref() == Some(&raced) {
            return Ok(());
        }
        let (mut told, mut fault) = (0, None);
        for race in 0..RACES {
            match self.race(&format!("{name}-{race}")).await? {
                // two that were answered are a race, whatever became of the others
                Told { answered: 2.., .. } => told += 1,
                untold => fault = untold.fault,
            }
        }
        match fault {
            Some(fault) if told == 0 => Err(self.unreachable(fault)),
            // enough for this time
            Some(_) => Ok(()),
            None => self.set_mark(MARK, &raced).await,
        }
    }

    async fn put_twice(&self, name: &str) -> Result<(), LakeError> {
        let path = self.probe_path(name);
        match self.create(&path, PutPayload::from_static(b"first")).await {
            Ok(_) | Err(Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(self.unreachable(error)),
        }
        let second = self.create(&path, PutPayload::from_static(b"second")).await;
        let kept = self.object_store().get(&path).await?.bytes().await?;
        self.object_store().delete(&path).await?;
        match second {
            Err(Error::AlreadyExists { .. }) if kept == "first" => Ok(()),
            Ok(_) | Err(Error::AlreadyExists { .. }) => Err(self.not_atomic()),
            // a full disk or a lost answer says nothing about writers
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// One race; refuses when two have won, or when the winner's bytes do not stand.
    async fn race(&self, name: &str) -> Result<Told, LakeError> {
        let path = self.probe_path(name);
        let answers = join_all((0..RACERS).map(|racer| self.create(&path, vec![racer; RACE_BYTES].into()))).await;
        let winners: Vec<u8> = (0..RACERS).filter(|racer| answers[usize::from(*racer)].is_ok()).collect();
        let stands = match winners[..] {
            [] => true,
            [winner] => self.object_store().get(&path).await?.bytes().await? == vec![winner; RACE_BYTES],
            _ => false,
        };
        match self.object_store().delete(&path).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(self.unreachable(error)),
        }
        if !stands {
            return Err(self.not_atomic());
        }
        let mut told = Told { answered: winners.len(), fault: None };
        for answer in answers {
            match answer {
                Err(Error::AlreadyExists { .. }) => told.answered += 1,
                Err(error) => told.fault = Some(error),
                Ok(_) => {}
            }
        }
        Ok(told)
    }

    async fn create(&self, path: &Path, body: PutPayload) -> Result<PutResult, Error> {
        self.object_store().put_opts(path, body, PutMode::Create.into()).await
    }

    fn probe_path(&self, name: &str) -> Path {
        self.path(&format!("probe/{name}"))
    }

    fn not_atomic(&self) -> LakeError {
        LakeError::NotAtomic(self.url().to_string())
    }

    /// The lake's address and its server's: a lake that was copied elsewhere is probed there.
    fn identity(&self) -> String {
        let servers = self.options().iter().filter(|(key, _)| key.contains("endpoint")).map(|(_, value)| value.as_str());
        let mut servers: Vec<&str> = servers.collect();
        servers.sort_unstable();
        digest([self.url().as_str()].into_iter().chain(servers).map(str::as_bytes))
    }
}

/// What a race told.
struct Told {
    /// Racers that won or were told that another had.
    answered: usize,
    /// Why one of the others was not answered.
    fault: Option<Error>,
}
