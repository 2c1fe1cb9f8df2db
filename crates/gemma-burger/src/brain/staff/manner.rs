//! Which adapter the staff speak with: seen and changed while the restaurant is open.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use concierge::intent::AgentName;
use serde::{Deserialize, Deserializer};

use super::{Colleague, ask};
use crate::{
    brain::{
        Brain,
        concierge::manner::{AdapterName, MannerError},
    },
    http::{ApiError, ErrorCode, routes::Routes},
};

const SHAPE: &str = "{\"agent\"?: \"rosy\" or \"gordon\", \"adapter\": \"a name\" or null}";

pub(super) fn routes() -> Routes<Arc<Brain>> {
    Routes::new()
        .get("/admin/adapters", get_adapters)
        .post("/admin/adapters", post_adapters)
        .post("/admin/adapters/rollback", post_rollback)
}

async fn get_adapters(State(brain): State<Arc<Brain>>, _: Colleague) -> Result<Response, ApiError> {
    Ok(Json(ask(&brain, |staff| staff.manner()).await?).into_response())
}

/// The body of `POST /admin/adapters`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Whose; both, where it is left out.
    agent: Option<AgentName>,
    /// The adapter's name; null is the model as it is.
    #[serde(deserialize_with = "given")]
    adapter: Option<String>,
}

/// A key that may be null and must be there: to leave it out by mistake is not to ask for none.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

async fn post_adapters(
    State(brain): State<Arc<Brain>>,
    colleague: Colleague,
    request: Request,
) -> Result<Response, ApiError> {
    let Change { agent, adapter } = brain.read(request, SHAPE).await?;
    let name: Option<AdapterName> = adapter
        .map(|name| name.parse().map_err(|()| refusal(&MannerError::Unknown(name.chars().take(80).collect()))))
        .transpose()?;
    let told = name.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    let view = ask(&brain, move |staff| staff.change_manner(agent, name.as_ref())).await?;
    tracing::info!(tier = "brain", staff = colleague.name, adapter = told, "manner changed");
    Ok(Json(view).into_response())
}

/// The body of `POST /admin/adapters/rollback`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    agent: Option<AgentName>,
}

async fn post_rollback(
    State(brain): State<Arc<Brain>>,
    colleague: Colleague,
    request: Request,
) -> Result<Response, ApiError> {
    let Back { agent } = brain.read(request, "{\"agent\"?: \"rosy\" or \"gordon\"}").await?;
    let view = ask(&brain, move |staff| staff.roll_manner_back(agent)).await?;
    tracing::info!(tier = "brain", staff = colleague.name, "manner rolled back");
    Ok(Json(view).into_response())
}

/// What is wrong with a change, for whoever asked for it.
pub fn refusal(error: &MannerError) -> ApiError {
    let code = match error {
        MannerError::Unknown(_) => ErrorCode::NotFound,
        MannerError::Refused(_) | MannerError::Useless(_) => ErrorCode::Invalid,
        MannerError::NothingBefore => ErrorCode::Conflict,
    };
    ApiError::new(code, error.to_string())
}
