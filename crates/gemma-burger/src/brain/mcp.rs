//! The tools for other programs, by the Model Context Protocol.
//!
//! What anybody may know needs no sign-in. All else acts on one guest's session: the one whose signed token was shown,
//! else a new one that belongs to this connection alone. No call names a session, so none reaches another guest's.

use std::sync::{Arc, OnceLock};

use concierge::tools::{Effect, MAX_ARGUMENTS, Tools};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
    },
    service::RequestContext,
};
use serde_json::{Value, json};
use store::SessionId;

use super::{concierge::Parts, wire};
use crate::gateway::session::Sessions;

/// What a host's model is told about the restaurant.
const INSTRUCTIONS: &str = "Tools of a restaurant: its menu, the place, and one guest's own order. Prices, totals, \
     allergens and plans come from these tools only; never work them out yourself. Place an order only after the guest \
     has seen it and said yes.";

/// The version of the protocol from which on requests over HTTP belong to no connection.
const WITHOUT_CONNECTIONS: &str = "2026-07-28";

/// One program's connection.
pub struct Connection {
    parts: Arc<Parts>,
    sessions: Arc<Sessions>,
    /// The guest of this connection, where no token is shown.
    own: OnceLock<wire::SessionId>,
}

impl Connection {
    /// A connection whose guest is known, or a new one.
    #[must_use]
    pub fn new(parts: Arc<Parts>, sessions: Arc<Sessions>, guest: Option<wire::SessionId>) -> Self {
        Self { parts, sessions, own: guest.map_or_else(OnceLock::new, OnceLock::from) }
    }

    /// Whose session a call acts on.
    fn guest(&self, context: &RequestContext<RoleServer>) -> Result<SessionId, ErrorData> {
        let shown = context.extensions.get::<axum::http::request::Parts>();
        let shown = match shown {
            Some(parts) => self
                .sessions
                .identify(&parts.headers, None)
                .map_err(|error| ErrorData::invalid_request(error.message, None))?,
            None => None,
        };
        // Newer hosts speak without a connection: what one request did, the next could not see.
        let apart = context.extensions.get::<axum::http::request::Parts>().is_some()
            && context.protocol_version().is_some_and(|version| version.as_str() >= WITHOUT_CONNECTIONS);
        if apart && shown.is_none() {
            return Err(ErrorData::invalid_request(
                "this tool acts on a guest's session; show the guest's token as `Authorization: Bearer TOKEN`",
                None,
            ));
        }
        let guest = shown.map_or_else(|| self.own.get_or_init(wire::SessionId::random).clone(), |guest| guest.session);
        guest.as_str().parse().map_err(|_| ErrorData::internal_error("the session cannot be read", None))
    }
}

/// The declarations as the protocol writes them.
fn declared(tools: &Tools) -> Vec<Tool> {
    let tool = |tool: &concierge::tools::Declared| {
        let schema = tool.schema.as_object().cloned().unwrap_or_default();
        let reads = tool.effect != Effect::Changes;
        let hints = ToolAnnotations::new().read_only(reads).destructive(false).open_world(false);
        Tool::new(tool.name.as_str(), tool.description, schema).with_annotations(hints)
    };
    tools.all().iter().map(tool).collect()
}

impl ServerHandler for Connection {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info = Implementation::new("gemma-burger", env!("CARGO_PKG_VERSION"));
        info.instructions = Some(INSTRUCTIONS.to_owned());
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(declared(&self.parts.resources.tools)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.to_string();
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        if arguments.to_string().len() > MAX_ARGUMENTS {
            return Err(ErrorData::invalid_params("the arguments are too long", None));
        }
        let public = concierge::tools::ToolName::parse(&name).is_some_and(|tool| tool.effect() == Effect::Public);
        let guest = if public { None } else { Some(self.guest(&context)?) };
        let parts = self.parts.clone();
        let key = wire::TurnId::random().to_string();
        let work = tokio::task::spawn_blocking(move || parts.call(guest.as_ref(), &key, &name, &arguments));
        let answered = match work.await {
            Ok(Ok(answered)) => answered.answer,
            Ok(Err(error)) => {
                tracing::error!(%error, "the store refused a tool");
                return Ok(refused("we can't write things down at the moment; please try again shortly").into());
            }
            Err(_) => return Err(ErrorData::internal_error("a part of the program failed", None)),
        };
        Ok(match answered {
            Ok(value) => CallToolResult::structured(value).into(),
            Err(error) => refused(&error.to_string()).into(),
        })
    }
}

/// An error for the model that called: it may do better next time.
fn refused(why: &str) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(why.to_owned())]);
    result.structured_content = Some(json!({"error": why}));
    result
}
