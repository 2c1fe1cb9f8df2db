//! Tokenizer and data files.

use super::fixture::{Tiny, vocabulary};
use crate::data::DataSet;
use crate::error::TrainError;

fn names(ids: &[u32]) -> Vec<String> {
    let vocabulary = vocabulary();
    ids.iter().map(|&id| vocabulary[id as usize].0.clone()).collect()
}

#[test]
fn pieces_join_best_score_first_and_the_rest_become_bytes() {
    let tiny = Tiny::new(1);
    let base = tiny.base();
    let encode = |text: &str| names(&base.tokenizer().encode(text).unwrap());
    assert_eq!(encode(" hello world"), ["▁hello", "▁", "wor", "ld"]);
    // "he" is joined before "el", so "el" is never seen.
    assert_eq!(encode("hel"), ["he", "l"]);
    assert_eq!(encode("é"), ["<0xC3>", "<0xA9>"]);
    // Two spaces are a user-defined token; of three, the first two go into it.
    assert_eq!(encode("a   b"), ["a", "  ", "▁", "b"]);
    assert_eq!(
        encode("<start_of_turn>a\n\n\nb<end_of_turn>"),
        ["<start_of_turn>", "a", "\n\n", "\n", "b", "<end_of_turn>"]
    );
    assert_eq!(encode(""), Vec::<String>::new());
}

#[test]
fn long_text_takes_no_long_time() {
    let tiny = Tiny::new(1);
    let text = "hello ".repeat(50_000);
    let ids = tiny.base().tokenizer().encode(&text).unwrap();
    assert!(ids.len() > 50_000);
}

#[test]
fn a_reply_always_ends_its_turn_once() {
    let tiny = Tiny::new(1);
    let lines = "{\"prompt\":\"<bos>hello\",\"reply\":\"world\"}\n\n{\"prompt\":\"hello\",\"reply\":\"world<end_of_turn>\\n\"}\n";
    let path = tiny.file("two.jsonl", lines);
    let base = tiny.base();
    let data = DataSet::read(&path, base.tokenizer(), 64).unwrap();
    let [first, second] = data.examples() else { panic!("two examples") };
    assert_eq!(first.tokens(), second.tokens());
    assert_eq!(names(first.tokens()), ["<bos>", "he", "llo", "wor", "ld", "<end_of_turn>"]);
    assert_eq!(first.reply_len(), 3);
}

#[test]
fn a_bad_line_is_named_by_file_line_and_reason() {
    let tiny = Tiny::new(1);
    let good = "{\"prompt\":\"a\",\"reply\":\"b\"}";
    let base = tiny.base();
    for (bad, part) in [
        ("{\"prompt\":\"a\"", "EOF"),
        ("{\"prompt\":\"a\"}", "missing field `reply`"),
        ("{\"prompt\":\"a\",\"reply\":7}", "expected a string"),
        ("{\"prompt\":\"a\",\"reply\":\"b\",\"note\":1}", "unknown field"),
        ("{\"prompt\":\" \",\"reply\":\"b\"}", "prompt is empty"),
        ("{\"prompt\":\"a\",\"reply\":\"<end_of_turn>\"}", "reply is empty"),
        ("{\"prompt\":\"abcdefgh\",\"reply\":\"abcdefgh\"}", "18 tokens, more than the limit of 12"),
    ] {
        let path = tiny.file("bad.jsonl", &format!("{good}\n\n{bad}\n{good}\n"));
        let error = DataSet::read(&path, base.tokenizer(), 12).unwrap_err();
        assert!(matches!(&error, TrainError::Data { line: 3, file, .. } if *file == path));
        let message = error.to_string();
        assert!(message.contains("line 3") && message.contains(part), "{message}");
    }
    let path = tiny.file("bytes.jsonl", "");
    std::fs::write(&path, [b'{', 0xff, 0xfe, b'}']).unwrap();
    assert!(DataSet::read(&path, base.tokenizer(), 12).is_err());
    let path = tiny.file("none.jsonl", "\n \n");
    let error = DataSet::read(&path, base.tokenizer(), 12).unwrap_err();
    assert!(matches!(error, TrainError::NoData { .. }));
}

#[test]
fn every_pass_shows_every_example_once() {
    let tiny = Tiny::new(1);
    let lines: String = ('a'..='g').map(|c| format!("{{\"prompt\":\"{c}\",\"reply\":\"b\"}}\n")).collect();
    let path = tiny.file("seven.jsonl", &lines);
    let data = DataSet::read(&path, tiny.base().tokenizer(), 64).unwrap();
    // Seven steps of two are two passes over seven examples.
    let mut seen: Vec<u32> = (0..7).flat_map(|step| data.step(3, step, 2)).map(|example| example.tokens()[1]).collect();
    let second = seen.split_off(7);
    assert_ne!(seen, second);
    for mut pass in [seen, second] {
        pass.sort_unstable();
        pass.dedup();
        assert_eq!(pass.len(), 7);
    }
}
