#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::{features::BUCKETS, *};

/// The head that is shipped. Its accuracy is tested where an encoder is at hand.
const HEAD: &[u8] = include_bytes!("../../../../resources/routing/head.bin");

fn shipped() -> Router {
    Router::new(Head::from_bytes(HEAD).unwrap())
}

/// Two batches of made-up messages, with an embedding that tells half of the intents apart.
fn examples() -> Vec<Example> {
    let make = |at: usize| {
        let intent = Intent::ALL[at % CLASSES];
        let embedding = vec![(at % 5) as f32, (at % 7) as f32 * 0.1, 1.0];
        let text = format!("{} number {at}", intent.as_str().to_lowercase().replace('_', " "));
        Example { text, embedding, intent, batch: (at % 2).to_string() + &(at / 20 % 2).to_string() }
    };
    (0..80).map(make).collect()
}

fn small() -> TrainConfig {
    TrainConfig { max_rounds: 6, folds: 3, seed: 5 }
}

#[test]
fn training_is_repeatable_and_learns() {
    let first = train(&examples(), &small()).unwrap();
    let second = train(&examples(), &small()).unwrap();
    assert_eq!(first.head.to_bytes(), second.head.to_bytes());
    assert_eq!(first.held_out, second.held_out);
    assert!(first.held_out.accuracy() > 0.9, "{}", first.held_out.accuracy());

    let other = train(&examples(), &TrainConfig { seed: 6, ..small() }).unwrap();
    assert_ne!(other.head.fingerprint(), first.head.fingerprint());
}

#[test]
fn training_refuses_what_it_cannot_learn_from() {
    let check = |change: fn(&mut Vec<Example>), expected: TrainError| {
        let mut examples = examples();
        change(&mut examples);
        assert_eq!(train(&examples, &small()).unwrap_err(), expected);
    };
    check(|all| all.retain(|one| one.intent != Intent::Budget), TrainError::Unseen(Intent::Budget));
    check(|all| all.iter_mut().for_each(|one| one.batch.clear()), TrainError::OneBatch);
    check(|all| all[3].embedding[0] = f32::NAN, TrainError::Embedding("history number 3".to_owned()));
    check(|all| all[3].embedding.push(0.0), TrainError::Embedding("history number 3".to_owned()));
    check(Vec::clear, TrainError::Unseen(Intent::Order));
    assert_eq!(train(&examples(), &TrainConfig { folds: 1, ..small() }).unwrap_err(), TrainError::Config);
}

#[test]
fn a_head_survives_its_file_and_damage_is_named() {
    let head = train(&examples(), &small()).unwrap().head;
    let bytes = head.to_bytes();
    assert_eq!(Head::from_bytes(&bytes), Ok(head));
    assert_eq!(Head::from_bytes(b"{}"), Err(HeadError::NotAHead));
    assert_eq!(Head::from_bytes(&[]), Err(HeadError::NotAHead));
    for cut in [12, 40, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(matches!(Head::from_bytes(&bytes[..cut]), Err(HeadError::Damaged(_))), "cut at {cut}");
    }
    let mut changed = bytes;
    changed[200] ^= 1;
    assert_eq!(Head::from_bytes(&changed), Err(HeadError::Damaged("its checksum is wrong")));
}

#[test]
fn the_shipped_head_is_small_and_works_by_words_alone() {
    assert!(HEAD.len() <= 6 << 20, "{} bytes", HEAD.len());
    let check = |text: &str, expected: Intent| {
        assert_eq!(shipped().route(text, &[], RouteHints::default()).intent, expected, "{text}")
    };
    check("please cancel my order", Intent::Cancel);
    check("where is my order", Intent::History);
    check("I want to talk to the manager, this was cold", Intent::Complaint);
    check("thank you, bye", Intent::Greeting);
    check("what can we eat for 30 dollars", Intent::Budget);
}

#[test]
fn the_conversation_has_its_say() {
    let router = shipped();
    let route = |text: &str, hints| router.route(text, &[], hints);
    let plain = RouteHints::default();
    let named = route("what is that", RouteHints { menu_terms: 1, ..plain });
    let unnamed = route("what is that", plain);
    assert!(named.scores[Intent::OffTopic.index()] < unnamed.scores[Intent::OffTopic.index()]);
    let answered = route("the large one", RouteHints { order_question_open: true, ..plain });
    assert_eq!(answered.intent, Intent::Order);

    assert_eq!(route("this soup was cold", plain).agent, AgentName::Gordon);
    assert_eq!(route("thank you, bye", plain).agent, AgentName::Rosy);
    assert_eq!(route("thank you, bye", RouteHints { complaint_open: true, ..plain }).agent, AgentName::Gordon);
}

#[test]
fn features_see_form_and_not_which_number() {
    let same = |one: &str, other: &str| assert_eq!(features::sparse(one), features::sparse(other));
    same("I don't want 12", "i dont want 37");
    same("under $20.50", "under $9");
    same("take it off!", "Take it off.");
    assert_ne!(features::sparse("take it off"), features::sparse("take it off?"));
    assert_eq!(features::sparse(""), features::sparse("  ,.! "));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_message_gets_a_route(text in any::<String>(), times in 1_usize..2_000, embedding in prop::collection::vec(any::<f32>(), 0..8)) {
        static ROUTER: std::sync::LazyLock<Router> = std::sync::LazyLock::new(shipped);
        let text = text.repeat(times);
        let features = features::sparse(&text);
        prop_assert!(features.len() < 12_000);
        prop_assert!(features.iter().all(|&(place, weight)| (place as usize) < BUCKETS && (0.0..=1.0001).contains(&weight)));
        prop_assert!(features.windows(2).all(|pair| pair[0].0 < pair[1].0));

        let full: Vec<f32> = embedding.iter().copied().cycle().take(if embedding.is_empty() { 0 } else { ROUTER.dimensions() }).collect();
        for embedding in [&embedding, &full] {
            let route = ROUTER.route(&text, embedding, RouteHints::default());
            let sum: f32 = route.scores.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-3 && route.scores.iter().all(|score| score.is_finite()), "{:?}", route);
            prop_assert_eq!(route.confidence, route.scores[route.intent.index()]);
        }
    }
}
