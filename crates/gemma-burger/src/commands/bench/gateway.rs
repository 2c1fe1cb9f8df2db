//! `gemma-burger bench gateway`: what the gateway costs between a guest and a brain that answers at once.

use std::{
    convert::Infallible,
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response, StatusCode, header},
    routing::post,
};
use futures::{StreamExt, future::join_all, stream};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    report::{Figure, Limit, Machine, Times, ms_since, peak_memory_mb},
    tier::Tier,
};
use crate::{
    brain::GUEST_LABEL,
    cli::{Failure, print, tell},
    commands::{block_on, configure_quietly, listen, url},
    config::{Flags, GATEWAY},
    gateway::upstream::Upstream,
    http::{access::RequestId, server},
};

/// Words of the stub's reply: each is an event of its own, as from a model.
const WORDS: usize = 24;
/// Messages of one guest; then another comes, from another address. It stays within the limits that guests have.
const MESSAGES: usize = 100;
/// Replies, one after another, by which one guest's wait is measured.
const ALONE: usize = 300;
/// Connections that the stub holds.
const CONNECTIONS: usize = 4_096;
/// How long one reply may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures the relay: replies a second and the time that it adds, over a stub in place of the brain.
///
/// The stub, the gateway and the guests share this machine. Another relay can be measured in the same run: have it pass
/// `POST /chat` on to the stub and give its address.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger bench gateway\n  \
        gemma-burger bench gateway --stub-port 8099 --peer http://127.0.0.1:3100   (a relay to http://127.0.0.1:8099)")]
pub struct Args {
    /// Guests who talk at the same time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    guests: u16,
    /// How long each is measured, in turns.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// How often all are gone through; the median is printed.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,
    /// Another relay before the same stub.
    #[arg(long, value_name = "URL", requires = "stub_port")]
    peer: Option<String>,
    /// Port of the stub; any free one without a peer.
    #[arg(long, value_name = "PORT")]
    stub_port: Option<u16>,
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<GATEWAY>,
}

/// Somebody that guests talk to.
struct Target {
    name: &'static str,
    client: Upstream,
    /// Milliseconds of a reply to a guest who is alone.
    alone: Times,
    /// Replies a second to all guests.
    rates: Times,
    /// Milliseconds of a reply among all guests.
    together: Times,
    failed: usize,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    guests: u16,
    targets: Vec<Measured>,
    figures: Vec<Figure>,
}

#[derive(Serialize)]
struct Measured {
    name: &'static str,
    alone_p50_ms: Option<f64>,
    replies_per_second: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    failed: usize,
}

impl Args {
    /// Measures and prints.
    pub fn run(self) -> Result<(), Failure> {
        configure_quietly(self.flags.clone())?;
        let machine = Machine::this(None, Path::new("none: a stub answers"));
        let (targets, memory) = block_on(async {
            tokio::select! {
                measured = self.measure() => measured,
                () = server::stop_requested() => Err(Failure::new("the benchmark was stopped")),
            }
        })?;
        let targets: Vec<Measured> = targets.into_iter().map(Target::measured).collect();
        let figures = figures(&targets, memory);
        if self.json {
            let report = Report { machine, guests: self.guests, targets, figures };
            return print(&(serde_json::to_string_pretty(&report).map_err(Failure::new)? + "\n"));
        }
        print(&format!("{}\n{}\n{}", machine.text(), rows(&targets, self.guests), super::table(&figures)))
    }

    async fn measure(&self) -> Result<(Vec<Target>, Option<f64>), Failure> {
        let stub = stub(self.stub_port.unwrap_or(0)).await?;
        let folder = tempfile::tempdir().map_err(|error| Failure::new(format!("a temporary folder: {error}")))?;
        let mut flags = self.flags.clone();
        for (name, value) in [
            ("BRAIN_URL", stub.as_str()),
            ("PORT", "0"),
            ("HOST", "127.0.0.1"),
            ("LOG", "error"),
            // Guests come from addresses of their own, as through a proxy.
            ("TRUSTED_PROXIES", "127.0.0.1"),
            ("RATE_PER_GUEST_PER_MINUTE", "10000"),
            ("RATE_PER_ADDRESS_PER_MINUTE", "10000"),
        ] {
            flags.set(name, value);
        }
        flags.set("DATA_DIR", &folder.path().display().to_string());
        let mut gateway = Tier::start("gateway", flags.arguments())?;
        let mut targets =
            vec![Target::new("the stub alone", &stub)?, Target::new("the gateway", &gateway.url().await?)?];
        if let Some(peer) = &self.peer {
            targets.push(Target::new("the peer", peer)?);
        }
        for round in 1..=self.rounds {
            tell(&format!("round {round} of {} …", self.rounds));
            for target in &mut targets {
                target.alone().await?;
                target.together(self.guests, Duration::from_secs(self.seconds)).await?;
            }
        }
        let memory = gateway.id().and_then(peak_memory_mb);
        gateway.end().await;
        Ok((targets, memory))
    }
}

impl Target {
    fn new(name: &'static str, url: &str) -> Result<Self, Failure> {
        let client = Upstream::remote(url).map_err(Failure::usage)?;
        let times = Times::default;
        Ok(Self { name, client, alone: times(), rates: times(), together: times(), failed: 0 })
    }

    async fn alone(&mut self) -> Result<(), Failure> {
        let mut guest = Guest::new(0);
        // The first opens the connection.
        guest.talk(&self.client).await?;
        for _ in 0..ALONE {
            self.alone.push(guest.talk(&self.client).await?);
        }
        Ok(())
    }

    async fn together(&mut self, guests: u16, lasting: Duration) -> Result<(), Failure> {
        let started = Instant::now();
        let talks = (0..guests).map(|number| {
            let client = self.client.clone();
            tokio::spawn(async move {
                let (mut guest, mut times, mut failed) = (Guest::new(number), Vec::new(), 0);
                while started.elapsed() < lasting {
                    match guest.talk(&client).await {
                        Ok(ms) => times.push(ms),
                        Err(_) => failed += 1,
                    }
                }
                (times, failed)
            })
        });
        let mut replies = 0;
        for talk in join_all(talks).await {
            let (times, failed) = talk.map_err(Failure::new)?;
            replies += times.len();
            times.into_iter().for_each(|ms| self.together.push(ms));
            self.failed += failed;
        }
        self.rates.push(replies as f64 / started.elapsed().as_secs_f64());
        Ok(())
    }

    fn measured(self) -> Measured {
        Measured {
            name: self.name,
            alone_p50_ms: self.alone.at(50),
            replies_per_second: self.rates.at(50),
            p50_ms: self.together.at(50),
            p99_ms: self.together.at(99),
            failed: self.failed,
        }
    }
}

/// One guest after another at one place: each with a session of its own.
struct Guest {
    place: u16,
    said: usize,
    session: Option<String>,
}

impl Guest {
    const fn new(place: u16) -> Self {
        Self { place, said: 0, session: None }
    }

    /// Says something and listens to the end; the milliseconds it took.
    async fn talk(&mut self, client: &Upstream) -> Result<f64, Failure> {
        if self.said.is_multiple_of(MESSAGES) {
            self.session = None;
        }
        let visit = u16::try_from(self.said / MESSAGES % usize::from(u16::MAX)).unwrap_or(0);
        let ([a, b], [c, d]) = (self.place.to_be_bytes(), visit.to_be_bytes());
        let address = IpAddr::from(Ipv4Addr::new(10 + a, b, c, d));
        let mut body = json!({ "message": "two burgers, no pickles on one, and when do you close?" });
        if let Some(session) = &self.session {
            body["session_id"] = session.as_str().into();
        }
        let request = Request::post("/chat")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .header("x-forwarded-for", address.to_string())
            .body(Body::from(body.to_string()))
            .map_err(Failure::new)?;
        let asked = Instant::now();
        let answer = client.send(request, PATIENCE).await.map_err(|error| Failure::new(error.message))?;
        let status = answer.status();
        let reply = axum::body::to_bytes(answer.into_body(), 64 * 1024).await.map_err(Failure::new)?;
        let ms = ms_since(asked);
        let reply = String::from_utf8_lossy(&reply);
        if status != StatusCode::OK || !reply.contains("event: done") {
            return Err(Failure::new(format!("a message was answered with {status}: {reply}")));
        }
        self.said += 1;
        if self.session.is_none() {
            let turn = reply.lines().find_map(|line| line.strip_prefix("data: "));
            let turn: Value = turn.and_then(|turn| serde_json::from_str(turn).ok()).unwrap_or_default();
            self.session = turn["session_id"].as_str().map(str::to_owned);
        }
        Ok(ms)
    }
}

/// A brain that answers at once and always the same; gives its address.
async fn stub(port: u16) -> Result<String, Failure> {
    let listener: TcpListener = listen(Ipv4Addr::LOCALHOST.into(), port, "--stub-port").await?;
    let address = url(&listener).replace("localhost", "127.0.0.1");
    let app = Router::new().route("/chat", post(reply));
    // As the brain serves: with the same care for small frames.
    let forever = CancellationToken::new();
    tokio::spawn(server::serve(listener, app, CONNECTIONS, forever, PATIENCE));
    Ok(address)
}

async fn reply(headers: HeaderMap, _message: Bytes) -> Response<Body> {
    let session = headers.get(GUEST_LABEL).and_then(|label| label.to_str().ok()).unwrap_or_default();
    let mut events = vec![event("turn", &json!({ "turn_id": RequestId::random().to_string(), "session_id": session }))];
    events.push(event("agent", &json!({ "name": "Rosy", "intent": "ORDER" })));
    events.extend((0..WORDS).map(|at| event("token", &json!({ "text": format!("word {at} ") }))));
    events.push(event("done", &json!({ "finish_reason": "stop" })));
    // An event a frame, as they come from a model.
    let body = Body::from_stream(stream::iter(events).map(Ok::<_, Infallible>));
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    response
}

fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

fn figures(targets: &[Measured], memory: Option<f64>) -> Vec<Figure> {
    let [stub, gateway, peer @ ..] = targets else { return Vec::new() };
    let less = |a: Option<f64>, b: Option<f64>| Some(a? - b?);
    let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let mut figures = vec![
        Figure::new("added to a guest alone, p50", less(gateway.alone_p50_ms, stub.alone_p50_ms), "ms"),
        Figure::new("added among all guests, p99", less(gateway.p99_ms, stub.p99_ms), "ms").limit(Limit::AtMost(5.0)),
        Figure::new("failed through the gateway", Some(gateway.failed as f64), "replies").limit(Limit::AtMost(0.0)),
        Figure::new("memory of the gateway, peak", memory, "MB"),
    ];
    if let [peer] = peer {
        let rate = ratio(gateway.replies_per_second, peer.replies_per_second);
        figures.push(Figure::new("replies a second, times the peer's", rate, "x"));
        figures.push(Figure::new(
            "a guest alone, times the peer's",
            ratio(gateway.alone_p50_ms, peer.alone_p50_ms),
            "x",
        ));
    }
    figures
}

fn rows(targets: &[Measured], guests: u16) -> String {
    let mut text = format!(
        "{:<16} {:>14} {:>18} {:>10} {:>10} {:>8}\n",
        "",
        "alone p50 ms",
        format!("{guests} guests, 1/s"),
        "p50 ms",
        "p99 ms",
        "failed"
    );
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    for target in targets {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<16} {:>14} {:>18} {:>10} {:>10} {:>8}",
            target.name,
            shown(target.alone_p50_ms),
            shown(target.replies_per_second),
            shown(target.p50_ms),
            shown(target.p99_ms),
            target.failed
        );
    }
    text
}
