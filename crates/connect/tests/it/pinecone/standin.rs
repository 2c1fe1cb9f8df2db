//! A service that behaves as Pinecone does: one index, its namespaces, filters, pages, and its ways to fail.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::spec::Spec;
use crate::server::{Reply, Request, serve};

pub const KEY: &str = "pc-a-key-of-a-project";

/// What goes wrong with a request to a path, so many times.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A status in the form of its plane, with `Retry-After` where there is a number.
    Status(u16, Option<u32>),
    /// Good status, no JSON.
    Garbage,
    /// The connection breaks within the answer.
    Cut,
    /// It answers after so long.
    Late(Duration),
    /// Half of what is sent is kept, and then it fails.
    Half,
    /// One vector less is kept than was sent.
    OneLess,
}

#[derive(Clone)]
struct Record {
    values: Vec<f64>,
    metadata: Map<String, Value>,
}

#[derive(Default)]
pub struct World {
    address: String,
    /// Its name, with what it was made with.
    pub index: Option<(String, Value)>,
    /// Times that it is said not to be ready.
    pub unready: u32,
    namespaces: BTreeMap<String, BTreeMap<String, Record>>,
    /// By the end of the path: what goes wrong, and how often.
    pub faults: Vec<(&'static str, Fault, usize)>,
    /// Method and path of each request.
    pub seen: Vec<String>,
    /// What was sent or answered against the description of the API.
    pub wrong: Vec<String>,
    /// For the vendor's client, which speaks another version of the API.
    pub any_version: bool,
}

#[derive(Clone)]
pub struct Standin {
    pub url: String,
    world: Arc<Mutex<World>>,
}

impl Standin {
    pub fn start() -> Self {
        let world: Arc<Mutex<World>> = Arc::default();
        let (theirs, spec) = (Arc::clone(&world), Spec::read());
        let address = serve(move |request| {
            let mut world = theirs.lock().unwrap();
            world.seen.push(format!("{} /{}", request.method, request.path.join("/")));
            let (reply, broken) = world.respond(request);
            if !broken && !world.any_version {
                let faults = spec.faults(request, &reply);
                world.wrong.extend(faults);
            }
            reply
        });
        world.lock().unwrap().address.clone_from(&address);
        Self { url: format!("http://{address}"), world }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Makes an index as somebody else would have.
    pub fn with_index(self, name: &str, dimension: usize, metric: &str) -> Self {
        let made = json!({"name": name, "dimension": dimension, "metric": metric, "vector_type": "dense",
            "spec": {"serverless": {"cloud": "gcp", "region": "europe-west4"}}});
        self.world().index = Some((name.to_owned(), made));
        self
    }

    pub fn fail(&self, path: &'static str, fault: Fault, times: usize) {
        self.world().faults.push((path, fault, times));
    }

    /// Ids of a namespace, in order.
    pub fn ids(&self, namespace: &str) -> Vec<String> {
        let world = self.world();
        world.namespaces.get(namespace).into_iter().flat_map(|space| space.keys().cloned()).collect()
    }

    /// Puts a vector there that is somebody else's.
    pub fn add_foreign(&self, namespace: &str, id: &str, values: Vec<f64>) {
        let metadata = json!({"type": "menu"}).as_object().unwrap().clone();
        let mut world = self.world();
        world.namespaces.entry(namespace.to_owned()).or_default().insert(id.to_owned(), Record { values, metadata });
    }

    /// Requests to paths that end so, since the start.
    pub fn asked(&self, end: &str) -> usize {
        self.world().seen.iter().filter(|seen| seen.ends_with(end)).count()
    }

    /// Everything sent and answered was as the vendor describes it.
    pub fn was_spoken_to_rightly(&self) {
        assert_eq!(self.world().wrong, Vec::<String>::new());
    }
}

impl World {
    /// The answer, and whether it is broken on purpose.
    fn respond(&mut self, request: &Request) -> (Reply, bool) {
        if request.header("api-key") != Some(KEY) {
            return (Reply::text(401, "Invalid API Key"), false);
        }
        let path = request.path.join("/");
        let due = self.faults.iter_mut().find(|(end, _, times)| path.ends_with(end) && *times > 0);
        let fault = due.map(|(_, fault, times)| {
            *times -= 1;
            fault.clone()
        });
        match fault {
            None => (self.answer(request), false),
            Some(Fault::Status(status, wait)) => {
                let reply = failure(&path, status, "told to fail");
                (wait.map_or(reply.clone(), |wait| reply.with("retry-after", wait.to_string())), false)
            }
            Some(Fault::Garbage) => (Reply::bytes(200, "application/json", "<html>busy"), true),
            Some(Fault::Cut) => (Reply { cut: Some(3), ..self.answer(request) }, true),
            Some(Fault::Late(late)) => (Reply { late, ..self.answer(request) }, false),
            Some(Fault::Half) => {
                let vectors = request.json()["vectors"].as_array().cloned().unwrap_or_default();
                self.keep(request, &vectors[..vectors.len() / 2]);
                (failure(&path, 503, "half of it"), false)
            }
            Some(Fault::OneLess) => {
                let vectors = request.json()["vectors"].as_array().cloned().unwrap_or_default();
                let kept = vectors.len().saturating_sub(1);
                self.keep(request, &vectors[..kept]);
                (Reply::json(200, &json!({"upsertedCount": kept})), false)
            }
        }
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let parts: Vec<&str> = request.path.iter().map(String::as_str).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["indexes"]) => {
                let all: Vec<Value> = self.index.is_some().then(|| self.described()).into_iter().collect();
                Reply::json(200, &json!({"indexes": all}))
            }
            ("POST", ["indexes"]) => self.create(&request.json()),
            ("GET", ["indexes", name]) if self.is(name) => {
                let described = self.described();
                self.unready = self.unready.saturating_sub(1);
                Reply::json(200, &described)
            }
            ("DELETE", ["indexes", name]) if self.is(name) => {
                self.index = None;
                self.namespaces.clear();
                Reply::text(202, "")
            }
            (_, ["indexes", name]) => failure("indexes", 404, &format!("Resource {name} not found")),
            _ if self.index.is_none() || self.unready > 0 => failure("data", 404, "no such index"),
            ("POST", ["describe_index_stats"]) => self.stats(),
            ("POST", ["vectors", "upsert"]) => self.upsert(request),
            ("POST", ["vectors", "delete"]) => self.delete(request),
            ("POST", ["vectors", "fetch_by_metadata"]) => self.fetch_by_metadata(request),
            ("GET", ["vectors", "fetch"]) => self.fetch(request),
            ("GET", ["vectors", "list"]) => self.list(request),
            ("POST", ["query"]) => self.query(request),
            _ => failure("data", 404, "no such operation"),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.index.as_ref().is_some_and(|(known, _)| known == name)
    }

    fn create(&mut self, wanted: &Value) -> Reply {
        let name = wanted["name"].as_str().unwrap_or_default();
        if self.is(name) {
            return failure("indexes", 409, "Resource already exists");
        }
        if !wanted["dimension"].is_u64() || !wanted["spec"]["serverless"].is_object() {
            return failure("indexes", 400, "the dimension or the spec is missing");
        }
        self.index = Some((name.to_owned(), wanted.clone()));
        Reply::json(201, &self.described())
    }

    fn described(&self) -> Value {
        let (name, made) = self.index.as_ref().unwrap();
        let mut spec = made["spec"].clone();
        spec["serverless"]["read_capacity"] = json!({"mode": "OnDemand", "status": {"state": "Ready"}});
        let ready = self.unready == 0;
        // The vendor's client would make HTTPS of a bare name.
        let host = if self.any_version { format!("http://{}", self.address) } else { self.address.clone() };
        json!({"name": name, "dimension": made["dimension"], "metric": made["metric"].as_str().unwrap_or("cosine"),
            "vector_type": made["vector_type"].as_str().unwrap_or("dense"), "host": host, "spec": spec,
            "deletion_protection": "disabled",
            "status": {"ready": ready, "state": if ready { "Ready" } else { "Initializing" }}})
    }

    fn dimension(&self) -> usize {
        self.index.as_ref().and_then(|(_, made)| made["dimension"].as_u64()).unwrap() as usize
    }

    fn keep(&mut self, request: &Request, vectors: &[Value]) {
        let space = self.namespaces.entry(namespace(request)).or_default();
        for vector in vectors {
            let values = numbers(&vector["values"]);
            let metadata = vector["metadata"].as_object().cloned().unwrap_or_default();
            space.insert(vector["id"].as_str().unwrap_or_default().to_owned(), Record { values, metadata });
        }
    }

    fn upsert(&mut self, request: &Request) -> Reply {
        let vectors = request.json()["vectors"].as_array().cloned().unwrap_or_default();
        if vectors.is_empty() || vectors.len() > 1_000 {
            return failure("data", 400, "1 to 1000 vectors are taken");
        }
        for vector in &vectors {
            let id = vector["id"].as_str().unwrap_or_default();
            if id.is_empty() || !id.is_ascii() || id.len() > 512 {
                return failure("data", 400, "an id is 1 to 512 letters of ASCII");
            }
            let found = numbers(&vector["values"]).len();
            if found != self.dimension() {
                let wanted = self.dimension();
                let message = format!("Vector dimension {found} does not match the dimension of the index {wanted}");
                return failure("data", 400, &message);
            }
            let plain = |value: &Value| match value {
                Value::Array(items) => items.iter().all(Value::is_string),
                other => other.is_string() || other.is_number() || other.is_boolean(),
            };
            let metadata = vector["metadata"].as_object().cloned().unwrap_or_default();
            if !metadata.values().all(plain) || Value::Object(metadata).to_string().len() > 40 << 10 {
                return failure("data", 400, "metadata is text, numbers, booleans and lists of text, 40 KB at most");
            }
        }
        self.keep(request, &vectors);
        Reply::json(200, &json!({"upsertedCount": vectors.len()}))
    }

    fn delete(&mut self, request: &Request) -> Reply {
        let asked = request.json();
        let Some(space) = self.namespaces.get_mut(&namespace(request)) else {
            return failure("data", 404, "Namespace not found");
        };
        match (asked["ids"].as_array(), asked["deleteAll"] == true, asked["filter"].as_object()) {
            (Some(ids), false, None) if (1..=1_000).contains(&ids.len()) => {
                space.retain(|id, _| !ids.iter().any(|gone| gone == id));
            }
            (None, true, None) => space.clear(),
            (None, false, Some(_)) => space.retain(|_, record| !meets(&asked["filter"], &record.metadata)),
            _ => return failure("data", 400, "delete by ids, by filter, or all"),
        }
        Reply::json(200, &json!({}))
    }

    fn stats(&self) -> Reply {
        let spaces = self.namespaces.iter().filter(|(_, space)| !space.is_empty());
        let spaces: Map<String, Value> =
            spaces.map(|(name, space)| (name.clone(), json!({"vectorCount": space.len()}))).collect();
        let total: usize = self.namespaces.values().map(BTreeMap::len).sum();
        let told = json!({"namespaces": spaces, "dimension": self.dimension(), "indexFullness": 0.0,
            "totalVectorCount": total, "metric": "cosine", "vectorType": "dense"});
        Reply::json(200, &told)
    }

    fn fetch_by_metadata(&self, request: &Request) -> Reply {
        let asked = request.json();
        let limit = asked["limit"].as_u64().unwrap_or(100) as usize;
        let after = asked["paginationToken"].as_str().unwrap_or_default().to_owned();
        let name = namespace(request);
        let all = self.namespaces.get(&name).into_iter().flatten();
        let mut fitting = all.filter(|(id, record)| **id > after && meets(&asked["filter"], &record.metadata));
        let page: Vec<_> = fitting.by_ref().take(limit).collect();
        let mut told = json!({"namespace": name, "usage": {"readUnits": 1}});
        told["vectors"] = page.iter().map(|(id, record)| ((*id).clone(), whole(id, record))).collect();
        if let (Some((last, _)), true) = (page.last(), fitting.next().is_some()) {
            told["pagination"] = json!({"next": last});
        }
        Reply::json(200, &told)
    }

    fn fetch(&self, request: &Request) -> Reply {
        let name = namespace(request);
        let ids = request.query.iter().filter(|(name, _)| name == "ids").map(|(_, id)| id);
        let space = self.namespaces.get(&name);
        let found = ids.filter_map(|id| Some((id.clone(), whole(id, space?.get(id)?))));
        let vectors: Map<String, Value> = found.collect();
        Reply::json(200, &json!({"vectors": vectors, "namespace": name, "usage": {"readUnits": 1}}))
    }

    fn list(&self, request: &Request) -> Reply {
        let name = namespace(request);
        let prefix = request.query("prefix").unwrap_or_default();
        let after = request.query("paginationToken").unwrap_or_default();
        let limit = request.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(100);
        let all = self.namespaces.get(&name).into_iter().flat_map(BTreeMap::keys);
        let mut fitting = all.filter(|id| id.starts_with(prefix) && id.as_str() > after);
        let page: Vec<_> = fitting.by_ref().take(limit).collect();
        let items: Vec<_> = page.iter().map(|id| json!({"id": id})).collect();
        let mut told = json!({"vectors": items, "namespace": name, "usage": {"readUnits": 1}});
        if let (Some(last), true) = (page.last(), fitting.next().is_some()) {
            told["pagination"] = json!({"next": last});
        }
        Reply::json(200, &told)
    }

    fn query(&self, request: &Request) -> Reply {
        let asked = request.json();
        let vector = numbers(&asked["vector"]);
        if vector.len() != self.dimension() {
            let message =
                format!("Query vector dimension {} does not match the index's {}", vector.len(), self.dimension());
            return failure("data", 400, &message);
        }
        let Some(limit) = asked["topK"].as_u64().filter(|limit| (1..=10_000).contains(limit)) else {
            return failure("data", 400, "topK is 1 to 10000");
        };
        let name = namespace(request);
        let all = self.namespaces.get(&name).into_iter().flatten();
        let mut near: Vec<(f64, &String, &Record)> = all
            .filter(|(_, record)| meets(&asked["filter"], &record.metadata))
            .map(|(id, record)| (cosine(&vector, &record.values), id, record))
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        let matches = near.into_iter().take(limit as usize).map(|(score, id, record)| {
            let mut told = json!({"id": id, "score": score as f32});
            if asked["includeMetadata"] == true {
                told["metadata"] = Value::Object(record.metadata.clone());
            }
            if asked["includeValues"] == true {
                told["values"] = json!(record.values);
            }
            told
        });
        let matches: Vec<_> = matches.collect();
        Reply::json(200, &json!({"matches": matches, "namespace": name, "usage": {"readUnits": 1}}))
    }
}

/// A refusal in the form of its plane.
fn failure(path: &str, status: u16, message: &str) -> Reply {
    if path.starts_with("indexes") {
        let code = match status {
            400 => "INVALID_ARGUMENT",
            404 => "NOT_FOUND",
            409 => "ALREADY_EXISTS",
            429 => "RESOURCE_EXHAUSTED",
            _ => "UNKNOWN",
        };
        return Reply::json(status, &json!({"status": status, "error": {"code": code, "message": message}}));
    }
    Reply::json(status, &json!({"code": if status == 400 { 3 } else { 13 }, "message": message, "details": []}))
}

fn namespace(request: &Request) -> String {
    let named = request.json()["namespace"].as_str().map(str::to_owned);
    let named = named.or_else(|| request.query("namespace").map(str::to_owned)).unwrap_or_default();
    if named.is_empty() { "__default__".to_owned() } else { named }
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

fn whole(id: &str, record: &Record) -> Value {
    json!({"id": id, "values": record.values, "metadata": record.metadata})
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}

/// Pinecone's filters: fields are joined by and, a bare value means `$eq`, and a list of texts has a text when one of
/// them is it.
fn meets(filter: &Value, metadata: &Map<String, Value>) -> bool {
    let Some(fields) = filter.as_object() else { return true };
    fields.iter().all(|(name, wanted)| match (name.as_str(), wanted) {
        ("$and", Value::Array(all)) => all.iter().all(|one| meets(one, metadata)),
        ("$or", Value::Array(all)) => all.iter().any(|one| meets(one, metadata)),
        (_, Value::Object(operators)) => {
            operators.iter().all(|(operator, value)| holds(operator, value, metadata.get(name)))
        }
        (_, value) => holds("$eq", value, metadata.get(name)),
    })
}

fn holds(operator: &str, wanted: &Value, found: Option<&Value>) -> bool {
    let same = |wanted: &Value| match found {
        Some(Value::Array(items)) => items.contains(wanted),
        Some(Value::Number(number)) => number.as_f64() == wanted.as_f64(),
        other => other == Some(wanted),
    };
    let among = || wanted.as_array().is_some_and(|all| all.iter().any(same));
    let order = || found.and_then(Value::as_f64)?.partial_cmp(&wanted.as_f64()?);
    match operator {
        "$eq" => same(wanted),
        "$ne" => !same(wanted),
        "$in" => among(),
        "$nin" => !among(),
        "$exists" => found.is_some() == (wanted == true),
        "$gt" => order().is_some_and(|order| order.is_gt()),
        "$gte" => order().is_some_and(|order| order.is_ge()),
        "$lt" => order().is_some_and(|order| order.is_lt()),
        "$lte" => order().is_some_and(|order| order.is_le()),
        other => panic!("{other} is no operator"),
    }
}
