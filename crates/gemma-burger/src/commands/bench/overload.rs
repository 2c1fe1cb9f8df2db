//! `gemma-burger bench overload`: more guests at once than the house can serve, each on a connection of its own that
//! stays open. What is measured is what the others notice: how soon they are told, and whether the house still stands.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde::Serialize;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::{sleep_until, timeout},
};

use super::{
    GUESTS_FILE,
    guest::House,
    model_file,
    report::{Figure, Limit, Machine, Times, ms_since, table},
    script,
};
use crate::{
    cli::{Failure, print, tell},
    commands::{block_on, configure_quietly},
    config::{ALL, Flags},
    http::server,
};

/// How long a guest waits for a reply's end.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of a reply.
const REPLY_AT_MOST: usize = 256 * 1024;

/// Lets far more guests speak at once than can be served, and measures how soon those who cannot be are told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gemma-burger bench overload\n  gemma-burger bench overload --guests 2000 --seconds 1"
)]
pub struct Args {
    /// Guests, each with a connection of its own that stays open until all have their answers.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=30_000))]
    guests: u32,
    /// Time within which they come, one after the other.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    seconds: f64,
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<ALL>,
}

/// What one guest got.
#[derive(Default)]
struct Answer {
    status: u16,
    /// Whether it said when to come again.
    retry_after: Option<u32>,
    /// Milliseconds from the first knock to the answer's head.
    head_ms: f64,
    /// To the first words.
    words_ms: Option<f64>,
    /// To the end.
    end_ms: Option<f64>,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    figures: Vec<Figure>,
}

impl Args {
    /// Measures and prints.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure_quietly(self.flags.clone())?;
        let said: Vec<String> =
            script(&config.files.resources_dir.join(GUESTS_FILE))?.into_iter().map(|line| line.say).collect();
        let machine = Machine::this(config.model.threads, &model_file(&config)?);
        let wanted = u64::from(self.guests) + 256;
        let files = rlimit::increase_nofile_limit(wanted).unwrap_or(1024);
        if files < wanted {
            let failure = Failure::new(format!("the system allows {files} open files, and {wanted} are needed"));
            return Err(failure.hint("ask fewer guests, or see `ulimit -n`"));
        }
        let figures = block_on(async {
            tokio::select! {
                measured = self.measure(&said) => measured,
                () = server::stop_requested() => Err(Failure::new("the benchmark was stopped")),
            }
        })?;
        if self.json {
            let report = Report { machine, figures };
            return print(&(serde_json::to_string_pretty(&report).map_err(Failure::new)? + "\n"));
        }
        print(&format!("{}\n{}", machine.text(), table(&figures)))
    }

    async fn measure(&self, said: &[String]) -> Result<Vec<Figure>, Failure> {
        tell("opening …");
        let folder = tempfile::tempdir().map_err(|error| Failure::new(format!("a temporary folder: {error}")))?;
        let mut flags = self.flags.clone();
        // Guests come from addresses of their own, as through a proxy.
        flags.set("TRUSTED_PROXIES", "127.0.0.1");
        let house = House::open(&flags, &folder.path().join("data")).await?;
        let address = house.address().to_owned();
        tell(&format!("{} guests within {} s …", self.guests, self.seconds));
        let (all_answered, stay) = watch::channel(());
        let started = Instant::now();
        let guests = (0..self.guests).map(|number| {
            let comes = started + Duration::from_secs_f64(self.seconds * f64::from(number) / f64::from(self.guests));
            let words = said.get(number as usize % said.len()).cloned().unwrap_or_default();
            let (address, stay) = (address.clone(), stay.clone());
            tokio::spawn(async move {
                sleep_until(comes.into()).await;
                timeout(PATIENCE, guest(&address, number, &words, stay)).await
            })
        });
        let mut answers = Vec::new();
        let mut failed = 0;
        for answer in join_all(guests).await {
            match answer.map_err(Failure::new)? {
                Ok(Ok(answer)) => answers.push(answer),
                Ok(Err(_)) | Err(_) => failed += 1,
            }
        }
        drop(all_answered);
        let peak = house.peak_memory_mb();
        let after = house.say(None, said.first().map_or("hello", String::as_str)).await?;
        house.close().await;
        let of = |status: u16| answers.iter().filter(move |answer| answer.status == status);
        let times = |status: u16, time: fn(&Answer) -> Option<f64>| of(status).filter_map(time).collect::<Times>();
        let refusals = times(503, |answer| Some(answer.head_ms));
        let begun = times(200, |answer| Some(answer.head_ms));
        let waits: Times = of(503).filter_map(|answer| answer.retry_after.map(f64::from)).collect();
        let speechless = of(503).filter(|answer| answer.retry_after.is_none()).count();
        let other = answers.len() - of(200).count() - of(503).count();
        Ok(vec![
            Figure::new("served", of(200).count() as f64, "guests"),
            Figure::new("refused with 503", of(503).count() as f64, "guests"),
            Figure::new("refused without Retry-After", speechless as f64, "guests").limit(Limit::AtMost(0.0)),
            Figure::new("answered otherwise", other as f64, "guests").limit(Limit::AtMost(0.0)),
            Figure::new("left without an answer", f64::from(failed), "guests").limit(Limit::AtMost(0.0)),
            Figure::new("refusal, p50", refusals.at(50), "ms").limit(Limit::AtMost(100.0)),
            Figure::new("refusal, p99", refusals.at(99), "ms").limit(Limit::AtMost(100.0)),
            Figure::new("refusal, slowest", refusals.at(100), "ms"),
            Figure::new("told to come again after, p50", waits.at(50), "s"),
            Figure::new("told to come again after, longest", waits.at(100), "s"),
            Figure::new("served: answer begins, p99", begun.at(99), "ms"),
            Figure::new("served: first words, p50", times(200, |answer| answer.words_ms).at(50), "ms"),
            Figure::new("served: first words, p99", times(200, |answer| answer.words_ms).at(99), "ms"),
            Figure::new("served: whole reply, p99", times(200, |answer| answer.end_ms).at(99), "ms"),
            Figure::new("memory of serve, peak", peak, "MB").limit(Limit::AtMost(900.0)),
            Figure::new("first words to the next guest", after.first_ms, "ms").limit(Limit::AtMost(1_000.0)),
        ])
    }
}

/// Speaks and listens to the end; the connection stays open for as long as anybody waits.
async fn guest(
    address: &str,
    number: u32,
    words: &str,
    mut stay: watch::Receiver<()>,
) -> Result<Answer, std::io::Error> {
    let body = json!({ "message": words }).to_string();
    let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + number);
    let request = format!(
        "POST /chat HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n\
         x-forwarded-for: {from}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let asked = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Answer::default();
    let mut seen = Vec::new();
    let mut piece = [0; 8 * 1024];
    loop {
        let length = stream.read(&mut piece).await?;
        seen.extend_from_slice(piece.get(..length).unwrap_or_default());
        let text = String::from_utf8_lossy(&seen);
        if answer.status == 0
            && let Some((head, _)) = text.split_once("\r\n\r\n")
        {
            answer.head_ms = ms_since(asked);
            answer.status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            let field = |line: &str| line.to_ascii_lowercase().strip_prefix("retry-after: ").map(str::to_owned);
            answer.retry_after = head.lines().find_map(field).and_then(|seconds| seconds.parse().ok());
        }
        if answer.words_ms.is_none() && text.contains("event: token") {
            answer.words_ms = Some(ms_since(asked));
        }
        let over = answer.status != 0 && (answer.status != 200 || text.contains("event: done"));
        if over {
            answer.end_ms = Some(ms_since(asked));
            drop(text);
            tokio::spawn(async move {
                // Ends when the last answer is there.
                while stay.changed().await.is_ok() {}
                drop(stream);
            });
            return Ok(answer);
        }
        if length == 0 || seen.len() > REPLY_AT_MOST {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
