//! The configuration: each variable declared once, here. Flags, the reference table and the checks follow from it.
//!
//! A value is taken from the flag, else the environment, else the `.env` file, else the default.

mod adapters;
mod addresses;
mod allowed;
mod env_file;
mod reference;
mod secrets;
mod source;

use std::{net::IpAddr, path::PathBuf};

use adapters::ByAgent;
pub use adapters::{AdapterChoice, Adapters};
pub use addresses::Network;
use addresses::{Address, Base, Networks, Origin, Urls};
use allowed::{Allowed, Auto, Filter, Name, Number, OneOf, Optional, Path, Slug, Text};
pub use allowed::{LogFormat, RetrieverChoice, SecureCookies, Switch, VocabularyChoice};
pub use reference::table;
pub use secrets::Secret;
use secrets::{Headers, Key, Password};
pub use source::{ConfigError, Flags, Sources};

/// Variables of the gateway's tier.
pub const GATEWAY: u8 = 1;
/// Variables of the brain's tier.
pub const BRAIN: u8 = 2;
/// Variables of every command that works with the restaurant's data or the models.
pub const DATA: u8 = 4;
/// Variables of every command.
pub const ALL: u8 = GATEWAY | BRAIN | DATA;

/// What is known of a variable before any value is read.
pub struct Setting {
    /// The variable's name.
    pub env: &'static str,
    /// The flag's name, without the dashes.
    pub flag: &'static str,
    /// The value where none is given; empty means that there is none.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// Which values there are, for people.
    pub allowed: fn() -> String,
    /// For which commands it matters: a sum of [`GATEWAY`], [`BRAIN`] and [`DATA`].
    pub scope: u8,
}

macro_rules! settings {
    ($(
        $(#[doc = $group_doc:literal])+
        $group:ident: $Group:ident {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty, $env:literal, $flag:literal, $default:literal, $allowed:expr, $scope:expr; )*
        }
    )*) => {
        /// All values, checked.
        #[derive(Clone, Debug)]
        pub struct Config { $( $(#[doc = $group_doc])+ pub $group: $Group, )* }

        $(
            $(#[doc = $group_doc])+
            #[derive(Clone, Debug)]
            pub struct $Group { $( $(#[doc = $doc])+ pub $field: $type, )* }
        )*

        /// All declarations, in the order of the reference.
        pub const SETTINGS: &[Setting] = &[$($(
            Setting {
                env: $env, flag: $flag, default: $default, help: concat!($($doc),+).trim_ascii_start(),
                allowed: || $allowed.describe(), scope: $scope,
            },
        )*)*];

        impl Config {
            /// Reads and checks every variable.
            pub fn resolve(sources: &Sources) -> Result<Self, ConfigError> {
                Ok(Self { $( $group: $Group { $( $field: sources.read($env, $default, &$allowed)?, )* }, )* })
            }
        }
    };
}

settings! {
    /// Where the tiers listen and find each other.
    network: Listen {
        /// Port of the gateway, where guests come in; 0 takes any free one.
        port: u16, "PORT", "port", "3000", Number(0..=65535), GATEWAY;
        /// Port of the brain when it runs apart; 0 takes any free one.
        brain_port: u16, "BRAIN_PORT", "brain-port", "8000", Number(0..=65535), BRAIN;
        /// Address to listen on; 0.0.0.0 opens the door to other machines.
        host: IpAddr, "HOST", "host", "127.0.0.1", Address, GATEWAY | BRAIN;
        /// Where a gateway that runs apart finds the brain.
        brain_url: Option<String>, "BRAIN_URL", "brain", "", Optional(Origin::PLAIN), GATEWAY;
        /// Secret that the gateway shows to the brain; both must have the same.
        brain_token: Option<Secret>, "BRAIN_TOKEN", "brain-token", "", Optional(Key::SHARED), GATEWAY | BRAIN;
        /// Connections held at once; more are told to come again.
        max_connections: usize, "MAX_CONNECTIONS", "max-connections", "4000", Number(1..=100_000), GATEWAY | BRAIN;
        /// Seconds that running replies get to finish when the process is asked to end.
        shutdown_grace_s: u64, "SHUTDOWN_GRACE_S", "shutdown-grace-s", "20", Number(0..=600), GATEWAY | BRAIN;
    }

    /// What is read and written on this machine.
    files: Files {
        /// Folder of everything that is written: conversations, orders, the index, keys.
        data_dir: PathBuf, "DATA_DIR", "data-dir", "./data", Path, ALL;
        /// Folder of the menu, the store's facts, personas and policies.
        resources_dir: PathBuf, "RESOURCES_DIR", "resources-dir", "./resources", Path, BRAIN | DATA;
        /// Folder of the model files, shared between checkouts; none means the user's cache folder.
        cache_dir: Option<PathBuf>, "GEMMA_BURGER_CACHE", "cache-dir", "", Optional(Path), BRAIN | DATA;
        /// The Python whose pip fetches models from the package index that its user has set.
        python: String, "PYTHON", "python", "python3", Text, BRAIN | DATA;
        /// Another address of the Hub, such as a mirror.
        hub_endpoint: Option<String>, "HF_ENDPOINT", "hub-endpoint", "", Optional(Origin::ANY), BRAIN | DATA;
        /// The user's token for the Hub, for repositories that want one.
        hub_token: Option<Secret>, "HF_TOKEN", "hub-token", "", Optional(Key::SHARED), BRAIN | DATA;
    }

    /// The models and how they run.
    model: Models {
        /// The language model: a name of `model list`, a path to a GGUF file, a pip package or a Hub name.
        model: String, "MODEL", "model", "gemma-3-270m", Text, BRAIN | DATA;
        /// Tokens of the language model that are used: `trimmed` keeps those of English and of the menu, which is faster; `auto` trims the default model.
        vocabulary: VocabularyChoice, "VOCABULARY", "vocabulary", "auto", OneOf::<VocabularyChoice>::new(), BRAIN | DATA;
        /// The model that turns sentences into vectors.
        embedder: String, "EMBEDDER", "embedder", "all-minilm-l6-v2", Text, BRAIN | DATA;
        /// The staff's trained manner: an adapter under `DATA_DIR/adapters` or `RESOURCES_DIR/adapters`, a GGUF file, or `mlflow:NAME@ALIAS` of an MLflow server. None takes the one that ships for the model, `off` speaks with the model as it is.
        adapters: Adapters, "ADAPTER", "adapter", "", ByAgent, BRAIN | DATA;
        /// Threads of the computation; auto takes one a core.
        threads: Option<u16>, "THREADS", "threads", "auto", Auto(Number(1..=512)), BRAIN | DATA;
        /// Tokens that a conversation may hold, reply included.
        context_tokens: u32, "CONTEXT_TOKENS", "context-tokens", "2048", Number(512..=131_072), BRAIN | DATA;
        /// Replies written at the same time.
        slots: u16, "SLOTS", "slots", "4", Number(1..=64), BRAIN | DATA;
        /// Replies that may wait for a place.
        queue: u16, "QUEUE", "queue", "32", Number(0..=4096), BRAIN | DATA;
        /// Tokens that a reply may have.
        max_reply_tokens: u32, "MAX_REPLY_TOKENS", "max-reply-tokens", "160", Number(16..=4096), BRAIN | DATA;
        /// Whether the model may choose a tool where nothing was understood. Worth it from a model of some billion parameters on.
        model_tools: Switch, "MODEL_TOOLS", "model-tools", "off", OneOf::<Switch>::new(), BRAIN;
        /// Seconds that a reply may take.
        reply_timeout_s: u64, "REPLY_TIMEOUT_S", "reply-timeout-s", "60", Number(1..=3600), BRAIN | DATA;
    }

    /// Where the restaurant's knowledge is searched.
    knowledge: Lookup {
        /// Who ranks the nearest entries: the embedded file, or Pinecone with that file behind it.
        retriever: RetrieverChoice, "RETRIEVER", "retriever", "sqlite", OneOf::<RetrieverChoice>::new(), BRAIN | DATA;
        /// Key of the Pinecone project.
        pinecone_key: Option<Secret>, "PINECONE_API_KEY", "pinecone-api-key", "", Optional(Key::OF_SERVICE), BRAIN | DATA;
        /// Name of the Pinecone index; it is made where it is missing.
        pinecone_index: String, "PINECONE_INDEX", "pinecone-index", "gemma-burger", Slug(45), BRAIN | DATA;
        /// The part of that index that is this restaurant's alone.
        pinecone_namespace: String, "PINECONE_NAMESPACE", "pinecone-namespace", "restaurant", Slug(64), BRAIN | DATA;
        /// Another address of Pinecone's control plane.
        pinecone_endpoint: String, "PINECONE_ENDPOINT", "pinecone-endpoint", "https://api.pinecone.io", Origin::ANY, BRAIN | DATA;
    }

    /// The language model on other machines.
    engine: Endpoints {
        /// Where the language model is, if not in this process: endpoints of OpenAI's protocol such as vLLM, llama-server, Ollama or another brain of this product. `MODEL` is its name there.
        urls: Vec<remote::Address>, "ENGINE_URLS", "engine-urls", "", Urls, BRAIN | DATA;
        /// Key that the endpoints want.
        key: Option<Secret>, "ENGINE_KEY", "engine-key", "", Optional(Key::OF_SERVICE), BRAIN | DATA;
        /// Seconds that an endpoint may take to its first word, and between words.
        patience_s: u64, "ENGINE_PATIENCE_S", "engine-patience-s", "15", Number(1..=600), BRAIN | DATA;
    }

    /// A large language model that writes more training data, asked by `data synth --provider` only.
    provider: Provider {
        /// Base of an OpenAI-compatible service that writes training data for `data synth --provider`.
        url: Option<String>, "PROVIDER_URL", "provider-url", "", Optional(Base), DATA;
        /// Name of its model, such as gemini-2.5-flash.
        model: Option<String>, "PROVIDER_MODEL", "provider-model", "", Optional(Text), DATA;
        /// Key that it wants.
        key: Option<Secret>, "PROVIDER_KEY", "provider-key", "", Optional(Key::OF_SERVICE), DATA;
    }

    /// A server of MLflow that keeps runs, models, prompts and traces. The names are MLflow's own.
    mlflow: Mlflow {
        /// Address of an MLflow server (http or https): training runs, models, prompts and traces are kept there. None keeps them off.
        uri: Option<String>, "MLFLOW_TRACKING_URI", "mlflow-uri", "", Optional(Base), BRAIN | DATA;
        /// User that it wants, with MLFLOW_TRACKING_PASSWORD.
        username: Option<String>, "MLFLOW_TRACKING_USERNAME", "mlflow-username", "", Optional(Text), BRAIN | DATA;
        /// Password of that user.
        password: Option<Secret>, "MLFLOW_TRACKING_PASSWORD", "mlflow-password", "", Optional(Password), BRAIN | DATA;
        /// Token that it wants, in place of user and password.
        token: Option<Secret>, "MLFLOW_TRACKING_TOKEN", "mlflow-token", "", Optional(Key::OF_SERVICE), BRAIN | DATA;
        /// Experiment under which runs and traces are kept; it is made where it is missing.
        experiment: String, "MLFLOW_EXPERIMENT_NAME", "mlflow-experiment", "gemma-burger", Text, BRAIN | DATA;
        /// Registered model that gets a new version with each training run.
        model: String, "MLFLOW_MODEL_NAME", "mlflow-model", "gemma-burger", Name, BRAIN | DATA;
        /// Seconds between two looks at the alias of `ADAPTER=mlflow:NAME@ALIAS`, whose new version is then taken while guests are served; 0 does not look.
        follow_s: u64, "MLFLOW_FOLLOW_S", "mlflow-follow-s", "0", Number(0..=86_400), BRAIN | DATA;
    }

    /// Where traces of turns go. The names are OpenTelemetry's own.
    traces: Traces {
        /// A collector of OpenTelemetry (OTLP over HTTP); `/v1/traces` is added. None sends none there.
        endpoint: Option<String>, "OTEL_EXPORTER_OTLP_ENDPOINT", "otlp-endpoint", "", Optional(Base), BRAIN | DATA;
        /// The same with its whole path, which goes first.
        traces_endpoint: Option<String>, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "otlp-traces-endpoint", "", Optional(Base), BRAIN | DATA;
        /// Headers that the collector wants, such as its key.
        headers: Vec<(String, Secret)>, "OTEL_EXPORTER_OTLP_HEADERS", "otlp-headers", "", Headers, BRAIN | DATA;
        /// What this restaurant is called among others.
        service: String, "OTEL_SERVICE_NAME", "otel-service-name", "gemma-burger", Text, BRAIN | DATA;
        /// Whether traces hold what guests and staff say; else they hold decisions, entries, counts and times.
        words: Switch, "TRACE_WORDS", "trace-words", "off", OneOf::<Switch>::new(), BRAIN | DATA;
    }

    /// What is kept of conversations for their evaluation.
    turns: TurnLogs {
        /// Whether what is said in the chat is kept for evaluation, personal data masked: words, decision, reply, timings. `logs export` and `logs delete` work on it.
        log: Switch, "TURN_LOG", "turn-log", "off", OneOf::<Switch>::new(), BRAIN;
        /// Days that a record of a turn is kept.
        days: u32, "TURN_LOG_DAYS", "turn-log-days", "30", Number(1..=3650), BRAIN;
    }

    /// A large language model that judges replies, asked by `eval` only.
    judge: JudgeAt {
        /// Base of the service whose model judges replies in `eval`: OpenAI-compatible, or Gemini's own (`…/v1beta`).
        url: Option<String>, "JUDGE_URL", "judge-url", "", Optional(Base), DATA;
        /// Name of its model, such as gemini-2.5-flash.
        model: Option<String>, "JUDGE_MODEL", "judge-model", "", Optional(Text), DATA;
        /// Key that it wants.
        key: Option<Secret>, "JUDGE_KEY", "judge-key", "", Optional(Key::OF_SERVICE), DATA;
        /// Tokens that one evaluation may use, read and written.
        max_tokens: u64, "JUDGE_MAX_TOKENS", "judge-max-tokens", "1000000", Number(0..=1_000_000_000), DATA;
        /// Cents that one evaluation may cost, by JUDGE_CENTS_READ and JUDGE_CENTS_WRITTEN.
        max_cents: Option<u64>, "JUDGE_MAX_CENTS", "judge-max-cents", "", Optional(Number(0..=1_000_000)), DATA;
        /// Cents for a million tokens that the judge reads.
        cents_read: Option<u64>, "JUDGE_CENTS_READ", "judge-cents-read", "", Optional(Number(0..=1_000_000)), DATA;
        /// Cents for a million tokens that it writes.
        cents_written: Option<u64>, "JUDGE_CENTS_WRITTEN", "judge-cents-written", "", Optional(Number(0..=1_000_000)), DATA;
    }

    /// What a guest may send.
    limits: Limits {
        /// Messages of one guest in any sixty seconds.
        rate_per_guest: u32, "RATE_PER_GUEST_PER_MINUTE", "rate-per-guest", "20", Number(1..=10_000), GATEWAY;
        /// Messages from one address (IPv6: one /64) in any sixty seconds; ten times as many other requests.
        rate_per_address: u32, "RATE_PER_ADDRESS_PER_MINUTE", "rate-per-address", "120", Number(1..=10_000), GATEWAY;
        /// Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
        trusted_proxies: Vec<Network>, "TRUSTED_PROXIES", "trusted-proxies", "", Networks, GATEWAY;
        /// Bytes of a request's body.
        max_body_bytes: usize, "MAX_BODY_BYTES", "max-body-bytes", "16384", Number(1024..=1_048_576), GATEWAY | BRAIN;
        /// Characters of a message.
        max_message_chars: usize, "MAX_MESSAGE_CHARS", "max-message-chars", "2000", Number(1..=100_000), GATEWAY | BRAIN;
        /// Key that programs must send to use `/v1`; none opens it to every guest, within the same limits as the chat.
        api_token: Option<Secret>, "API_TOKEN", "api-token", "", Optional(Key::SHARED), GATEWAY;
        /// Days that a guest's session lasts.
        session_days: u32, "SESSION_DAYS", "session-days", "30", Number(1..=365), GATEWAY;
        /// Whether the session's cookie is for HTTPS only; auto follows the request.
        secure_cookies: SecureCookies, "SECURE_COOKIES", "secure-cookies", "auto", OneOf::<SecureCookies>::new(), GATEWAY;
    }

    /// What is told while it runs.
    log: Log {
        /// What is logged: a level, or levels by module such as `info,gemma_burger=debug`.
        filter: String, "LOG", "log", "info", Filter, ALL;
        /// How a line of the log is written.
        format: LogFormat, "LOG_FORMAT", "log-format", "text", OneOf::<LogFormat>::new(), ALL;
    }
}
