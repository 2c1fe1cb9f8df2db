use std::time::Duration;

use crate::{
    client::{get, say},
    scripted::{App, app_with},
};

async fn limited(guest: &str, address: &str, proxies: &str) -> App {
    let mut values = vec![("RATE_PER_GUEST_PER_MINUTE", guest), ("RATE_PER_ADDRESS_PER_MINUTE", address)];
    values.extend((!proxies.is_empty()).then_some(("TRUSTED_PROXIES", proxies)));
    app_with(Duration::ZERO, &values).await
}

#[tokio::test]
async fn a_guest_may_say_so_much_in_a_minute_from_wherever() {
    let app = limited("5", "1000", "").await;
    let first = say("hi").send(&app.gateway).await.all_events().await;
    let token = first[0].data["session_id"].as_str().unwrap().to_owned();
    let mut admitted = 1;
    for n in 0..20 {
        let answer = say("hi").from(&format!("192.0.2.{n}:80")).token(&token).send(&app.gateway).await;
        if answer.status == 200 {
            admitted += 1;
            answer.all_events().await;
        } else {
            let wait: u32 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            assert_eq!(answer.refusal().await, (429, "rate_limited".into()));
        }
    }
    assert_eq!(admitted, 5);
}

#[tokio::test]
async fn an_address_may_say_so_much_with_however_many_sessions() {
    let app = limited("1000", "7", "").await;
    let mut admitted = 0;
    for n in 0..30 {
        let spoofed = format!("10.0.0.{n}");
        let answer = say("hi").from("203.0.113.9:1").header("x-forwarded-for", &spoofed).send(&app.gateway).await;
        admitted += usize::from(answer.status == 200);
    }
    assert_eq!(admitted, 7, "new sessions and made-up addresses do not help");
    assert_eq!(say("hi").from("203.0.113.10:1").send(&app.gateway).await.status, 200, "others are not touched");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_guest_has_an_address() {
    let app = limited("1000", "2", "10.0.0.0/8").await;
    let ask = |guest: &str| say("hi").from("10.0.0.1:1").header("x-forwarded-for", guest).send(&app.gateway);
    for (guest, status) in
        [("1.1.1.1", 200), ("1.1.1.1", 200), ("1.1.1.1", 429), ("2.2.2.2", 200), ("9.9.9.9, 1.1.1.1", 429)]
    {
        assert_eq!(ask(guest).await.status, status, "{guest}");
    }
}

#[tokio::test]
async fn a_burst_at_once_is_admitted_exactly_to_the_limit() {
    let app = limited("1000", "25", "").await;
    let asks = (0..100).map(|_| say("hi").send(&app.gateway));
    let answers = futures::future::join_all(asks).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 25);
    let metrics = get("/metrics").send(&app.gateway).await.text().await;
    assert!(metrics.contains("gemma_burger_rate_limited_total 75"), "{metrics}");
}

#[tokio::test]
async fn other_requests_are_limited_too() {
    let app = limited("1000", "1", "").await;
    let token =
        say("hi").wants_json().send(&app.gateway).await.value().await["session_id"].as_str().unwrap().to_owned();
    let mut admitted = 0;
    for _ in 0..20 {
        admitted += usize::from(get("/chat/history").token(&token).send(&app.gateway).await.status == 200);
    }
    assert_eq!(admitted, 9, "ten for each message, of which the message was one");
}
