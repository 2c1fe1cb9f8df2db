//! The brain, wherever it is. This is the one place that knows.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, Uri, uri::Authority, uri::PathAndQuery, uri::Scheme},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::timeout;
use tower::ServiceExt;
use tracing::warn;

use crate::http::{ApiError, ErrorCode};

const CONNECT_PATIENCE: Duration = Duration::from_millis(1_500);

/// Where requests are relayed to. Bodies stream through in both directions; dropping an answer's body ends the work
/// behind it.
#[derive(Clone)]
pub enum Upstream {
    /// The brain in this process, called as a service without a socket.
    Local(Router),
    /// A brain elsewhere.
    Remote(Arc<Remote>),
}

/// A brain behind a socket.
pub struct Remote {
    client: Client<HttpConnector, Body>,
    authority: Authority,
}

/// The address is not one of a brain.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not the address of a brain; write it like http://127.0.0.1:8000")]
pub struct BadAddress(String);

impl Upstream {
    /// A brain at an address such as `http://127.0.0.1:8000`.
    pub fn remote(url: &str) -> Result<Self, BadAddress> {
        let authority = url.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
        let authority = authority.ok_or_else(|| BadAddress(url.to_owned()))?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Shorter than the time after which the brain closes an idle connection.
            .pool_idle_timeout(Duration::from_secs(5))
            .build(connector);
        Ok(Self::Remote(Arc::new(Remote { client, authority })))
    }

    /// Sends a request and waits up to `patience` for the head of the answer.
    pub async fn send(&self, request: Request<Body>, patience: Duration) -> Result<Response<Body>, ApiError> {
        let answer = async {
            match self {
                Self::Local(router) => {
                    router.clone().oneshot(request).await.map_err(|never: Infallible| match never {})
                }
                Self::Remote(remote) => remote.send(request).await,
            }
        };
        timeout(patience, answer).await.unwrap_or_else(|_| {
            warn!(tier = "gateway", "the brain does not answer");
            Err(ApiError::new(ErrorCode::Timeout, "The kitchen does not answer. Please try again in a moment.")
                .retry_after(3))
        })
    }
}

impl Remote {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, ApiError> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone()).path_and_query(path).build();
        parts.uri = uri.map_err(|_| ApiError::not_found())?;
        match self.client.request(Request::from_parts(parts, body)).await {
            Ok(response) => Ok(response.map(Body::new)),
            Err(error) => {
                warn!(tier = "gateway", connecting = error.is_connect(), "the brain cannot be reached");
                Err(ApiError::new(
                    ErrorCode::BrainUnreachable,
                    "We cannot reach the kitchen. Please try again in a moment.",
                )
                .retry_after(3))
            }
        }
    }
}
