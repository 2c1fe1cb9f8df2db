use std::collections::BTreeSet;

use axum::http::Method;
use gemma_burger::{brain, gateway::assets::Assets};
use serde_json::Value;

use crate::{
    client::{ask, get, say},
    scripted::app,
};

#[tokio::test]
async fn every_file_of_the_pages_is_served_once_and_then_known() {
    let app = app().await;
    let assets = Assets::embedded();
    for path in assets.paths() {
        let answer = get(path).send(&app.gateway).await;
        assert_eq!(answer.status, 200, "{path}");
        let kind = answer.header("content-type").to_owned();
        let wanted = match path.rsplit_once('.').map_or("html", |(_, ending)| ending) {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "html" => "text/html; charset=utf-8",
            _ => kind.as_str(),
        };
        assert_eq!(kind, wanted, "{path}");
        let etag = answer.header("etag").to_owned();
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert!(!answer.text().await.is_empty());
        let again = get(path).header("if-none-match", &etag).send(&app.gateway).await;
        assert_eq!(again.status, 304, "{path}");
        assert!(again.text().await.is_empty());
        let head = ask(Method::HEAD, path).send(&app.gateway).await;
        assert_eq!((head.status.as_u16(), head.text().await.as_str()), (200, ""), "{path}");
    }
    let page = get("/").send(&app.gateway).await.text().await;
    assert!(page.contains("<html"), "the guest's page is at /");
    for name in ["tests", "README.md", ".gitkeep"] {
        assert!(!assets.paths().any(|path| path.contains(name)), "{name} is no page");
    }
}

#[tokio::test]
async fn all_answers_carry_the_security_headers_and_an_id() {
    let app = app().await;
    for answer in [
        get("/").send(&app.gateway).await,
        get("/nothing").send(&app.gateway).await,
        get("/health/live").send(&app.gateway).await,
        say("").send(&app.gateway).await,
        say("hi").send(&app.gateway).await,
    ] {
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("x-request-id").len(), 16);
    }
}

#[tokio::test]
async fn the_description_of_the_interface_is_true_of_its_routes() {
    let app = app().await;
    let document = get("/openapi.json").send(&app.gateway).await.value().await;
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        let url = path.replace("{turn_id}", &"0".repeat(32)).replace("{order_id}", "1").replace("{ticket_id}", "1");
        let url = url.replace("{receipt}", "receipt.txt").replace("{step}", "take");
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = ask(method.clone(), &url).send(&app.gateway).await;
            let status = answer.status.as_u16();
            assert!(![404, 405].contains(&status), "{method} {path} is not there");
            assert!(operation["responses"].get(status.to_string()).is_some(), "{method} {path} answers {status}");
        }
    }
    // And the other way round: what the tiers answer is in the document, and nothing else is.
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        described.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let routes = brain::interface().into_iter().map(|(method, path)| (method.to_string(), path.to_owned()));
    let own = [("GET".to_owned(), "/openapi.json".to_owned())];
    assert_eq!(described, routes.chain(own).collect());
    resolve_references(&document, &document);
}

fn resolve_references(document: &Value, part: &Value) {
    match part {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            map.values().for_each(|value| resolve_references(document, value));
        }
        Value::Array(list) => list.iter().for_each(|value| resolve_references(document, value)),
        _ => {}
    }
}

#[tokio::test]
async fn the_figures_of_both_tiers_are_on_one_page() {
    let app = app().await;
    say("hi").send(&app.gateway).await.all_events().await;
    let page = get("/metrics").send(&app.gateway).await.text().await;
    for line in [
        "gemma_burger_gateway_requests_total{status=\"2xx\"} 1",
        "gemma_burger_brain_requests_total{status=\"2xx\"} 1",
        "gemma_burger_turns_total{outcome=\"stop\"} 1",
        "gemma_burger_turns_running 0",
        "scripted_one 1",
    ] {
        assert!(page.lines().any(|other| other == line), "{line} is not in\n{page}");
    }
    let types: Vec<_> = page.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let mut once = types.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(types.len(), once.len(), "each metric is described once");
}
