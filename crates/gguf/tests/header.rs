//! The header reader against headers that were tampered with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use gguf::{GgufError, Header, Value};

/// A small header with a value of every type and two tensors, and room for their data.
fn header() -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut bytes = [&b"GGUF\x03\0\0\0"[..], &2_u64.to_le_bytes(), &6_u64.to_le_bytes()].concat();
    let mut key = |name: &str, kind: u32, value: &[u8]| {
        bytes.extend([&text(name)[..], &kind.to_le_bytes(), value].concat());
    };
    key("general.alignment", 4, &32_u32.to_le_bytes());
    key("general.name", 8, &text("tiny"));
    key("flag", 7, &[1]);
    key("scale", 6, &0.5_f32.to_le_bytes());
    key("words", 9, &[&8_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &text("a"), &text("b")].concat());
    key("numbers", 9, &[&5_u32.to_le_bytes()[..], &3_u64.to_le_bytes(), &[0; 12]].concat());
    for (name, rows, offset) in [("a", 2_u64, 0_u64), ("b", 1, 96)] {
        let dimensions = [2_u32.to_le_bytes().to_vec(), 32_u64.to_le_bytes().to_vec(), rows.to_le_bytes().to_vec()];
        bytes.extend(
            [text(name), dimensions.concat(), 8_u32.to_le_bytes().to_vec(), offset.to_le_bytes().to_vec()].concat(),
        );
    }
    bytes.resize(bytes.len().next_multiple_of(32) + 96 + 34, 0);
    bytes
}

fn read(bytes: &[u8]) -> Result<Header, GgufError> {
    Header::read(bytes, bytes.len() as u64)
}

#[test]
fn a_whole_header_is_read() {
    let header = read(&header()).unwrap();
    assert_eq!(header.text("general.name"), Some("tiny"));
    assert_eq!(header.integer("general.alignment"), Some(32));
    assert_eq!(header.metadata["flag"], Value::Bool(true));
    assert_eq!(header.array("numbers"), Some((5, 3)));
    let tensor = header.tensor("a").unwrap();
    assert_eq!((tensor.shape, tensor.size), ([32, 2, 1, 1], 68));
    assert_eq!(header.data_offset % 32, 0);
}

#[test]
fn every_shorter_file_is_refused() {
    let whole = header();
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length} of {} bytes were enough", whole.len());
    }
}

#[test]
fn tampered_headers_are_answered_quickly_and_without_a_panic() {
    let whole = header();
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let begin = std::time::Instant::now();
    let mut refused = 0;
    // More for whoever wants to be surer: FUZZ_ROUNDS=100000000.
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(200_000_u64);
    for _ in 0..rounds {
        let mut bytes = whole.clone();
        for _ in 0..=random() % 3 {
            let place = usize::try_from(random()).unwrap() % bytes.len();
            // Extremes as often as anything else: lengths and counts break at those.
            bytes[place] = [0, 1, 0x7f, 0x80, 0xff, random() as u8][usize::try_from(random()).unwrap() % 6];
        }
        match read(&bytes) {
            Ok(header) => assert!(
                header
                    .tensors
                    .iter()
                    .all(|tensor| { header.data_offset + tensor.offset + tensor.size <= bytes.len() as u64 })
            ),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > rounds / 10, "only {refused} were refused");
    let each = begin.elapsed() / u32::try_from(rounds).unwrap();
    assert!(each < std::time::Duration::from_micros(300), "{each:?} each");
}

#[test]
fn texts_that_repeat_are_noticed() {
    let whole = header();
    let repeats = |bytes: &[u8]| match read(bytes).unwrap().metadata["words"] {
        Value::Array { repeats, .. } => repeats,
        ref other => panic!("{other:?}"),
    };
    assert!(!repeats(&whole));
    let place = whole.windows(9).position(|window| window == b"\x01\0\0\0\0\0\0\0b").unwrap() + 8;
    let mut same = whole;
    same[place] = b'a';
    assert!(repeats(&same));
}
