//! Whether a request and its answer are as the vendor's description of the API says.

use std::{env, fs, path::Path};

use serde_json::{Map, Value};

use crate::server::{Reply, Request};

/// The description: the notes beside this file, or the vendor's own documents.
pub struct Spec(Vec<Value>);

impl Spec {
    pub fn read() -> Self {
        let parse = |text: &str| serde_yaml_ng::from_str::<Value>(text).unwrap();
        let Some(folder) = env::var_os("PINECONE_OPENAPI") else {
            return Self(vec![parse(include_str!("facts.yaml"))]);
        };
        let names = ["db_control_2026-04.oas.yaml", "db_data_2026-04.oas.yaml"];
        Self(names.map(|name| parse(&fs::read_to_string(Path::new(&folder).join(name)).unwrap())).to_vec())
    }

    /// What is wrong with an exchange.
    pub fn faults(&self, request: &Request, reply: &Reply) -> Vec<String> {
        let mut faults = Vec::new();
        let method = request.method.as_str().to_lowercase();
        let name = format!("{method} /{}", request.path.join("/"));
        let operation = self.0.iter().find_map(|document| {
            let paths = document["paths"].as_object()?;
            let path = paths.iter().find(|(path, _)| fits(path, &request.path))?.1;
            Some((document, path.get(&method)?))
        });
        let Some((document, operation)) = operation else { return vec![format!("{name} is no operation")] };
        let checker = Checker { document };
        if request.header("x-pinecone-api-version") != Some("2026-04") {
            faults.push(format!("{name} has no header for the version"));
        }
        let wanted = &operation["requestBody"]["content"]["application/json"]["schema"];
        if wanted.is_object() {
            if request.header("content-type") != Some("application/json") {
                faults.push(format!("{name} is no JSON"));
            }
            checker.check(&request.json(), wanted, &format!("{name} request"), true, &mut faults);
        } else if !request.body.is_empty() {
            faults.push(format!("{name} has a body"));
        }
        // The service answers a wrong key in plain text, whatever its description says.
        if reply.status == 401 {
            return faults;
        }
        let responses = &operation["responses"];
        let class = format!("{}XX", reply.status / 100);
        let response = responses.get(reply.status.to_string()).or_else(|| responses.get(class));
        let Some(response) = response else {
            faults.push(format!("{name} is not answered with {}", reply.status));
            return faults;
        };
        let schema = &response["content"]["application/json"]["schema"];
        match serde_json::from_slice(&reply.body) {
            Ok(value) => checker.check(&value, schema, &format!("{name} answer"), false, &mut faults),
            Err(error) => faults.push(format!("{name} is answered with no JSON: {error}")),
        }
        faults
    }
}

fn fits(path: &str, parts: &[String]) -> bool {
    let wanted: Vec<&str> = path.trim_matches('/').split('/').collect();
    wanted.len() == parts.len()
        && wanted.iter().zip(parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
}

struct Checker<'a> {
    document: &'a Value,
}

impl Checker<'_> {
    /// `strict` refuses fields that are not described, which a request of ours has by mistake only.
    fn check(&self, value: &Value, schema: &Value, at: &str, strict: bool, faults: &mut Vec<String>) {
        if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
            let schema = self.document.pointer(pointer.trim_start_matches('#')).expect("the reference leads somewhere");
            return self.check(value, schema, at, strict, faults);
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            let fits = |choice: &&Value| {
                let mut wrong = Vec::new();
                self.check(value, choice, at, strict, &mut wrong);
                wrong.is_empty()
            };
            if choices.iter().filter(fits).count() != 1 {
                faults.push(format!("{at} is none, or several, of its forms"));
            }
            return;
        }
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or("any");
        let right = match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            _ => true,
        };
        if !right {
            faults.push(format!("{at} is no {kind}: {value:.80}"));
            return;
        }
        let number = |name: &str| schema.get(name).and_then(Value::as_f64);
        if let Some(found) = value.as_f64() {
            let low = number("minimum").is_some_and(|least| found < least);
            if low || number("maximum").is_some_and(|most| found > most) {
                faults.push(format!("{at} is out of bounds: {found}"));
            }
        }
        let length = value.as_str().map(|text| text.chars().count()).or_else(|| value.as_array().map(Vec::len));
        if let Some(length) = length.map(|length| length as f64) {
            let short = number("minLength").is_some_and(|least| length < least);
            if short || number("maxLength").is_some_and(|most| length > most) {
                faults.push(format!("{at} has {length} letters or values"));
            }
        }
        if let Some(words) = schema.get("x-enum").and_then(Value::as_array)
            && !words.contains(value)
        {
            faults.push(format!("{at} is {value}"));
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for (place, value) in values.iter().enumerate() {
                self.check(value, items, &format!("{at}[{place}]"), strict, faults);
            }
        }
        if let Some(fields) = value.as_object() {
            self.fields(fields, schema, at, strict, faults);
        }
    }

    fn fields(&self, fields: &Map<String, Value>, schema: &Value, at: &str, strict: bool, faults: &mut Vec<String>) {
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                faults.push(format!("{at} lacks {name}"));
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        for (name, value) in fields {
            let described = known.and_then(|known| known.get(name));
            match described.or_else(|| schema.get("additionalProperties").filter(|rest| rest.is_object())) {
                Some(schema) => self.check(value, schema, &format!("{at}.{name}"), strict, faults),
                None if (strict && known.is_some())
                    || schema.get("additionalProperties") == Some(&Value::Bool(false)) =>
                {
                    faults.push(format!("{at} has {name}, which is not described"));
                }
                None => {}
            }
        }
    }
}
