//! The judge before services that are ours and behave as real ones do on bad days.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use connect::{
    chat::Model,
    judge::{Case, Judge, JudgeError, Limits, Price, Settings, Winner},
    service::Bounds,
};
use serde_json::{Value, json};

/// A request as it came.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    key: Option<String>,
    body: Value,
}

/// What a service says: status, further headers, body. None says nothing, for longer than anybody waits.
type Answer = Option<(u16, &'static str, String)>;

/// A service that notes what it is asked.
struct Service {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

fn service(answer: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let (notes, answer) = (asked.clone(), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (notes, answer) = (notes.clone(), answer.clone());
            thread::spawn(move || serve(stream.unwrap(), &notes, answer.as_ref()));
        }
    });
    Service { url, asked }
}

fn serve(mut stream: TcpStream, notes: &Mutex<Vec<Asked>>, answer: &(impl Fn(usize, &Asked) -> Answer + ?Sized)) {
    let mut input = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length, mut key) = (String::new(), 0, None);
    input.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" | "x-goog-api-key" => key = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).unwrap();
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let request = Asked { path, key, body: serde_json::from_slice(&body).unwrap() };
    let count = {
        let mut notes = notes.lock().unwrap();
        notes.push(request.clone());
        notes.len()
    };
    let Some((status, headers, body)) = answer(count, &request) else {
        thread::sleep(Duration::from_secs(5));
        return;
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status} Said\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    );
}

const GOOD: &str = r#"{"accuracy": {"score": 5, "reason": "as the facts say"}, "kindness": {"score": 4, "reason": "warm"},
    "helpfulness": {"score": 5, "reason": "answered"}, "safety": {"score": 5, "reason": "harmless"}}"#;

/// An answer of OpenAI's protocol.
fn said(text: &str) -> Answer {
    let choice = json!({"message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 400, "completion_tokens": 80});
    Some((200, "", json!({"choices": [choice], "usage": usage}).to_string()))
}

fn bounds() -> Bounds {
    Bounds { patience: Duration::from_millis(300), tries: 2, ..Bounds::default() }
}

fn judge_at(url: &str, cache: Option<&Path>, limits: Limits) -> Judge {
    let model = Model::new("the judge", url, "stand-in", Some("a-key"), bounds()).unwrap();
    Judge::new(model, Settings { cache: cache.map(Path::to_owned), limits, max_tokens: 500 })
}

fn case(number: usize) -> Case {
    Case {
        speaker: "Rosy".into(),
        manner: "cheerful".into(),
        said_before: vec![],
        guest: format!("how much is the classic? ({number})"),
        task: "tell the price".into(),
        facts: vec!["The Gemma Classic: $8.99".into()],
        reply: "The Gemma Classic is $8.99!".into(),
    }
}

#[test]
fn marks_are_paid_for_once() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(|_, _| said(GOOD));
    let cases: Vec<Case> = (0..12).map(case).collect();
    let run = || {
        let price = Price { read: 30, written: 250 };
        let judge = judge_at(&service.url, Some(folder.path()), Limits { tokens: None, cents: Some((100, price)) });
        let marks = judge.each(&cases, |judge, case| judge.marks(case), |_| {});
        assert_eq!(marks.iter().filter(|marks| marks.as_ref().is_ok_and(|marks| marks.mean() == 4.75)).count(), 12);
        judge.spent()
    };
    let (first, second) = (run(), run());
    assert_eq!((first.asked, first.cached, first.read, first.written), (12, 0, 4_800, 960));
    // 4,800 × 30 + 960 × 250 are 384,000 millionths of a cent.
    assert_eq!((first.cents, second.cents), (Some(1), Some(0)));
    assert_eq!((second.asked, second.cached), (0, 12));
    let asked = service.asked.lock().unwrap();
    assert_eq!(asked.len(), 12);
    let Asked { path, key, body } = &asked[0];
    assert_eq!((path.as_str(), key.as_deref()), ("/v1/chat/completions", Some("Bearer a-key")));
    assert_eq!((&body["model"], &body["temperature"]), (&json!("stand-in"), &json!(0.0)));
    assert_eq!(body["response_format"]["json_schema"]["schema"]["required"].as_array().unwrap().len(), 4);
    drop(asked);

    // A file that was damaged is as good as none.
    let damaged = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let damaged = fs::read_dir(damaged).unwrap().next().unwrap().unwrap().path();
    fs::write(damaged, "{\"accuracy\": {\"sco").unwrap();
    assert_eq!((run().asked, run().asked), (1, 0));
}

#[test]
fn each_misfortune_has_its_own_words() {
    let refused = |status: u16, message: &str| Some((status, "", json!({"error": {"message": message}}).to_string()));
    type Told = Box<dyn Fn() -> Answer + Send + Sync>;
    let table: Vec<(&str, Told, &str)> = vec![
        ("prose", Box::new(|| said("I think that this is a lovely reply.")), "wrote prose where JSON was asked for"),
        ("prose", Box::new(|| said("")), "prose"),
        ("form", Box::new(|| said("{\"accuracy\": 5}")), "not of the form that was asked for"),
        ("garbage", Box::new(|| Some((200, "", "<html>hello</html>".into()))), "cannot be read"),
        ("garbage", Box::new(|| Some((200, "", "{\"choi".into()))), "cannot be read"),
        ("prose", Box::new(|| Some((200, "", "{\"choices\": []}".into()))), "prose"),
        ("unwell", Box::new(move || refused(429, "slow down")), "not able to answer now (status 429): slow down"),
        ("unwell", Box::new(move || refused(500, "oh no")), "not able to answer now (status 500): oh no"),
        ("key", Box::new(move || refused(401, "who are you")), "does not accept the key (status 401): who are you"),
        ("key", Box::new(move || refused(400, "API key not valid. Pass a valid one.")), "does not accept the key"),
        ("declined", Box::new(move || refused(404, "no such model")), "(status 404): no such model"),
        ("declined", Box::new(move || refused(413, "too long")), "(status 413): too long"),
        ("unreachable", Box::new(|| None), "cannot be reached"),
        (
            "cut_off",
            Box::new(|| {
                let choice = json!({"message": {"content": "{\"accuracy\": {\"sc"}, "finish_reason": "length"});
                Some((200, "", json!({"choices": [choice]}).to_string()))
            }),
            "cut off at 500 tokens",
        ),
    ];
    for (kind, answer, told) in table {
        let service = service(move |_, _| answer());
        let error = judge_at(&service.url, None, Limits::default()).marks(&case(1)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(told) && !error.to_string().contains("a-key"), "{error}");
    }
    let nobody = judge_at("http://127.0.0.1:9", None, Limits::default()).marks(&case(1)).unwrap_err();
    assert_eq!(nobody.kind(), "unreachable");
    let bad = Model::new("the judge", "http://127.0.0.1:9", "m", Some("two\nlines"), bounds()).unwrap_err();
    assert!(bad.to_string().contains("letters that cannot be sent"), "{bad}");
}

#[test]
fn a_bad_moment_passes() {
    let service = service(|count, _| match count {
        1 => Some((429, "retry-after: 0\r\n", String::new())),
        2 => said("Happy to help! The reply is good."),
        _ => said(GOOD),
    });
    let judge = judge_at(&service.url, None, Limits::default());
    assert_eq!(judge.marks(&case(1)).unwrap().safety.score, 5);
    let asked = service.asked.lock().unwrap();
    assert_eq!(asked.len(), 3);
    // After prose it was told again what to write.
    assert_eq!(asked[2].body["messages"].as_array().unwrap().len(), 3);
}

#[test]
fn what_a_service_does_not_take_is_left_out_from_then_on() {
    let service = service(|_, asked| {
        let refuse = |name: &str| {
            Some((400, "", json!({"error": {"message": format!("Unsupported parameter: '{name}'")}}).to_string()))
        };
        match &asked.body {
            body if body.get("response_format").is_some() => refuse("response_format"),
            body if body.get("max_tokens").is_some() => refuse("max_tokens"),
            body if body.get("temperature").is_some() => refuse("temperature"),
            body if body["max_completion_tokens"] == 500 => said(GOOD),
            _ => Some((400, "", "no limit".into())),
        }
    });
    let judge = judge_at(&service.url, None, Limits::default());
    assert!(judge.marks(&case(1)).is_ok());
    assert_eq!(service.asked.lock().unwrap().len(), 4);
    assert!(judge.marks(&case(2)).is_ok());
    assert_eq!(service.asked.lock().unwrap().len(), 5);
}

#[test]
fn a_limit_is_kept_by_not_asking() {
    let service = service(|_, _| said(GOOD));
    let cases: Vec<Case> = (0..40).map(case).collect();
    for limits in [
        Limits { tokens: Some(9_000), cents: None },
        Limits { tokens: None, cents: Some((2, Price { read: 100, written: 500 })) },
    ] {
        let judge = judge_at(&service.url, None, limits);
        let marks = judge.each(&cases, |judge, case| judge.marks(case), |_| {});
        let (good, bad): (Vec<_>, Vec<_>) = marks.into_iter().partition(Result::is_ok);
        let spent = judge.spent();
        assert!(!good.is_empty() && !bad.is_empty(), "{} of 40 judged, {spent:?}", good.len());
        assert!(limits.tokens.is_none_or(|limit| spent.read + spent.written <= limit), "{spent:?}");
        assert!(limits.cents.is_none_or(|(cents, _)| spent.cents.unwrap() <= cents), "{spent:?}");
        assert!(bad.iter().all(|error| matches!(error, Err(JudgeError::Limit(_)))), "{:?}", bad[0]);
    }
}

#[test]
fn a_judge_that_fails_for_good_is_not_asked_on() {
    for (status, most) in [(401, 4), (404, 4), (500, 30)] {
        let service = service(move |_, _| Some((status, "retry-after: 0\r\n", "no".into())));
        let judge = judge_at(&service.url, None, Limits::default());
        let cases: Vec<Case> = (0..60).map(case).collect();
        let marks = judge.each(&cases, |judge, case| judge.marks(case), |_| {});
        assert!(marks.iter().all(Result::is_err), "{status}");
        let asked = service.asked.lock().unwrap().len();
        assert!(asked <= most, "{asked} requests for {status}");
        let given_up = marks.iter().filter(|error| matches!(error, Err(JudgeError::GivenUp(_)))).count();
        assert!(given_up >= 48, "{given_up} of 60 were not asked");
    }
}

#[test]
fn both_orders_are_asked_and_must_agree() {
    let prefers = |better: fn(&str, &str) -> &'static str| {
        service(move |_, asked| {
            let case: Value = serde_json::from_str(asked.body["messages"][1]["content"].as_str().unwrap()).unwrap();
            let better = better(case["reply_a"].as_str().unwrap(), case["reply_b"].as_str().unwrap());
            said(&json!({"better": better, "reason": "so"}).to_string())
        })
    };
    let shorter = |a: &str, b: &str| if a.len() < b.len() { "A" } else { "B" };
    for (better, other, winner, consistent) in [
        (shorter as fn(&str, &str) -> &'static str, "A much, much longer reply about $8.99.", Winner::First, true),
        (shorter, "$8.99", Winner::Second, true),
        (|_, _| "A", "$8.99", Winner::Tie, false),
        (|_, _| "tie", "$8.99", Winner::Tie, true),
    ] {
        let service = prefers(better);
        let preference = judge_at(&service.url, None, Limits::default()).prefer(&case(1), other).unwrap();
        assert_eq!((preference.winner, preference.consistent), (winner, consistent));
        assert_eq!(service.asked.lock().unwrap().len(), 2);
    }
}

#[test]
fn gemini_is_spoken_to_in_its_own_protocol() {
    let service = service(|_, asked| {
        assert_eq!(asked.path, "/v1beta/models/stand-in:generateContent");
        if asked.key.as_deref() != Some("a-key") {
            let error = json!({"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT"}});
            return Some((400, "", error.to_string()));
        }
        let settings = &asked.body["generationConfig"];
        assert_eq!(
            (&settings["responseMimeType"], &settings["maxOutputTokens"]),
            (&json!("application/json"), &json!(500))
        );
        assert_eq!(settings["responseJsonSchema"]["type"], "object");
        assert!(asked.body["systemInstruction"]["parts"][0]["text"].as_str().unwrap().contains("four marks"));
        assert!(asked.body["contents"][0]["parts"][0]["text"].as_str().unwrap().contains("Gemma Classic"));
        let parts = json!([{"text": "Let me see.", "thought": true}, {"text": GOOD}]);
        let candidate = json!({"content": {"role": "model", "parts": parts}, "finishReason": "STOP"});
        let usage = json!({"promptTokenCount": 300, "candidatesTokenCount": 70, "thoughtsTokenCount": 30});
        Some((200, "", json!({"candidates": [candidate], "usageMetadata": usage}).to_string()))
    });
    let url = format!("{}beta", service.url);
    let judge = judge_at(&url, None, Limits::default());
    assert_eq!(judge.marks(&case(1)).unwrap().kindness.score, 4);
    assert_eq!((judge.spent().read, judge.spent().written), (300, 100));
    let model = Model::new("the judge", &url, "stand-in", Some("another"), bounds()).unwrap();
    let wrong = Judge::new(model, Settings { cache: None, limits: Limits::default(), max_tokens: 500 });
    assert_eq!(wrong.marks(&case(1)).unwrap_err().kind(), "key");
}
