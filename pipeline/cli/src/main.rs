//! The binary `nongshi`: reads settings, clock and environment, conducts the way, speaks to people.
//!
//! In: the command line, a project folder. Out: an exit code; data on stdout, talk on stderr.
//! Never: a panic that ends as anything but exit 70.

mod args;
mod backfill;
mod columns;
mod demo;
mod doctor;
mod engine;
mod exit;
mod feed;
mod gap;
mod init;
mod lake;
mod machine;
mod panel;
mod project;
mod rows;
mod settings;
mod show;
mod sql;
mod stages;
mod status;
mod talk;
mod way;

use args::{Cli, ClusterCommand, Command, ConfigCommand, FeedCommand, LakeCommand, Stage};
use clap::Parser;
use exit::{Exit, Failure};
use std::process::ExitCode;

/// Plans are trees: deep ones need room on each worker's stack.
const STACK_BYTES: usize = 32 << 20;

fn main() -> ExitCode {
    machine::share_heaps();
    // two providers are compiled in; rustls wants one to be chosen before the first connection
    let _ = rustls::crypto::ring::default_provider().install_default();
    machine::listen_for_failpoint();
    let cli = Cli::parse();
    let ended = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| conduct(cli)).map(std::thread::JoinHandle::join);
    end(match ended {
        Ok(Ok(ended)) => ended,
        Ok(Err(_)) => Err(Failure::new(Exit::Bug, "a bug of nongshi ended the command")
            .hint("what was committed is whole; please report the lines above")),
        Err(error) => Err(Failure::new(Exit::Unreachable, format!("the machine grants no thread: {error}"))),
    })
}

fn conduct(cli: Cli) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Unreachable, format!("the machine grants no threads: {error}")))?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = command(cli) => ended,
            exit = machine::signal() => Err(Failure::new(exit, "interrupted").hint("run again: what was committed is not done twice")),
        }
    });
    // statements that are still running are not waited for
    runtime.shutdown_background();
    ended
}

fn end(ended: Result<Exit, Failure>) -> ExitCode {
    let exit = ended.unwrap_or_else(|failure| {
        failure.tell();
        failure.code
    });
    ExitCode::from(exit as u8)
}

async fn command(cli: Cli) -> Result<Exit, Failure> {
    let folder = &cli.directory;
    match cli.command {
        Command::Init { directory, sample } => init::init(&directory, sample),
        Command::Demo { directory, open } => demo::demo(&directory, open).await,
        Command::Run { when, only, dry_run, json } => {
            let stages = if only.is_empty() { Stage::ALL.to_vec() } else { only };
            way::run(folder, when, &stages, dry_run, json).await
        }
        Command::Backfill { from, to } => backfill::backfill(folder, from, to).await,
        Command::Ingest(when) => way::run(folder, when, &[Stage::Ingest], false, false).await,
        Command::Transform(when) => way::run(folder, when, &[Stage::Transform], false, false).await,
        Command::Forecast { when, panel } => match panel.named() {
            Some(panel) => panel::forecast(panel).await,
            None => way::run(folder, when, &[Stage::Forecast], false, false).await,
        },
        Command::Backtest(args) => panel::backtest(args).await,
        Command::Plan(when) => way::run(folder, when, &[Stage::Plan], false, false).await,
        Command::Report(when) => way::run(folder, when, &[Stage::Report], false, false).await,
        Command::Sql { command, file, format, output, when } => sql::sql(folder, when, command, file, format, output).await,
        Command::Serve { listen, when } => sql::serve(folder, when, listen).await,
        Command::Cluster { command: ClusterCommand::Query { command, when } } => sql::cluster_query(folder, when, &command).await,
        Command::Feed { command: FeedCommand::Check { feed } } => feed::check(folder, &feed).await,
        Command::Feed { command: FeedCommand::New { file, output } } => feed::new(&file, output.as_deref()),
        Command::Feed { command: FeedCommand::Suggest(when) } => feed::suggest(folder, when).await,
        Command::Lake { command: LakeCommand::Check { json } } => lake::check(folder, json).await,
        Command::Lake { command: LakeCommand::History { table } } => lake::history(folder, table.as_deref()).await,
        Command::Lake { command: LakeCommand::Compact { tables, forget_after } } => lake::compact(folder, &tables, forget_after).await,
        Command::Lake { command: LakeCommand::Restore { table, version, dry_run } } => {
            lake::restore(folder, &table, version, dry_run).await
        }
        Command::Doctor => doctor::doctor(folder).await,
        Command::Status(when) => status::status(folder, when).await,
        Command::Config { command: ConfigCommand::Show } => status::config_show(folder),
    }
}
