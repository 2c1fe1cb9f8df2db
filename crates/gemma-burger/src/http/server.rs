//! The loop that accepts connections: bounded in number, impatient with slow peers, and kind at the end.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, response::IntoResponse};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{ServiceExt, service_fn};
use tracing::{debug, warn};

use super::{ApiError, ErrorCode, stalled::StalledWrites};

/// How long a peer may take to send a request's head, or to accept a byte of the answer. An idle connection is
/// closed after the same time.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// Connections beyond the limit that are told so at the same time; more wait in the system's queue.
const TURNED_AWAY_AT_ONCE: usize = 64;
/// How long such a connection may take.
const TURNED_AWAY_PATIENCE: Duration = Duration::from_secs(1);

/// Long enough for any honest header of ours.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The peer's address, put into each request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Serves `app` until `closing` fires, then lets what runs come to its end.
///
/// At most `max_connections` are open; who comes beyond them is told so at once. After `closing`, new connections are still
/// answered (one request each) while the old ones drain, so that nobody is refused in the middle of a restart; after
/// `grace` everything left is dropped.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    max_connections: usize,
    closing: CancellationToken,
    grace: Duration,
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let connections = TaskTracker::new();
    let late = TaskTracker::new();
    let dropped = CancellationToken::new();

    tokio::select! {
        () = accept(&listener, &app, &places, &connections, &closing, &dropped) => {}
        () = closing.cancelled() => {}
    }
    connections.close();
    let drained = async {
        tokio::select! {
            () = accept(&listener, &app, &places, &late, &closing, &dropped) => {}
            () = connections.wait() => {}
        }
    };
    if timeout(grace, drained).await.is_err() {
        warn!(left = connections.len(), "connections were dropped at the end of the grace time");
    }
    drop(listener);
    late.close();
    let _ = timeout(Duration::from_secs(1), late.wait()).await;
    dropped.cancel();
}

async fn accept(
    listener: &TcpListener,
    app: &Router,
    places: &Arc<Semaphore>,
    connections: &TaskTracker,
    closing: &CancellationToken,
    dropped: &CancellationToken,
) {
    let doors = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE));
    loop {
        let Ok(door) = Arc::clone(&doors).acquire_owned().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, mostly: it passes when connections end.
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            connections.spawn(async move {
                // Slow ones are dropped: they have their answer or never will.
                let _ = timeout(TURNED_AWAY_PATIENCE, turn_away(stream)).await;
                drop(door);
            });
            continue;
        };
        drop(door);
        let app = app.clone();
        let (closing, dropped) = (closing.clone(), dropped.clone());
        // Who comes while the doors close gets one answer and not a connection to keep.
        let late = closing.is_cancelled();
        connections.spawn(async move {
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let mut request: Request = request.map(Body::new);
                request.extensions_mut().insert(Peer(address));
                app.clone().oneshot(request)
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(!late)
                .header_read_timeout(PATIENCE)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(
                    TokioIo::new(StalledWrites::new(stream, PATIENCE)),
                    TowerToHyperService::new(service),
                );
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = dropped.cancelled() => Ok(()),
                () = closing.cancelled(), if !late => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection => ended,
                        () = dropped.cancelled() => Ok(()),
                    }
                }
            };
            if let Err(error) = ended {
                debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
}

/// Answers one request with the news that all places are taken, whatever it asks for.
async fn turn_away(stream: TcpStream) {
    let service = hyper::service::service_fn(|_| async {
        let refusal =
            ApiError::new(ErrorCode::Overloaded, "All of our places are taken. Please try again in a moment.");
        Ok::<_, Infallible>(refusal.retry_after(2).into_response())
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        debug!(%error, "a connection ended early");
    }
}

/// Resolves when the process is asked to end: SIGTERM, or Ctrl-C.
pub async fn stop_requested() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { () = interrupt => {}, () = terminate => {} }
}
