//! The utterances that the router learns from, and those it is tested on: one JSON object a line.

use std::collections::HashSet;

use serde::Deserialize;

use crate::intent::Intent;

/// Longest file that is read: far more than anybody writes, little enough to be parsed in a second.
const MAX_UTTERANCES: usize = 200_000;

/// What a guest said and what the guest wants.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Utterance {
    /// The guest's words.
    pub text: String,
    /// What the guest wants.
    pub intent: Intent,
    /// Which sitting it was written at; may be left out where nothing is trained.
    #[serde(default)]
    pub batch: String,
    /// Remarks for people; not read.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Why a file of utterances is refused.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Not JSON of the right shape.
    #[error(
        "line {line}: {source}; a line looks like {{\"text\": \"two shakes\", \"intent\": \"ORDER\", \"batch\": \"mine\"}}"
    )]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An utterance without words.
    #[error("line {line}: the text is empty; write what a guest says or take the line out")]
    Empty {
        /// Which line, from 1.
        line: usize,
    },
    /// The same words twice, perhaps with two labels.
    #[error("line {line}: \"{text}\" is there already; keep one of the two")]
    Twice {
        /// Which line, from 1.
        line: usize,
        /// The words.
        text: String,
    },
    /// More lines than can be meant.
    #[error("there are more than {MAX_UTTERANCES} utterances; is this the right file?")]
    TooMany,
}

/// Reads utterances from JSON lines; empty lines are skipped.
///
/// # Errors
/// Names the first line that is not an utterance, is empty, or says the same as an earlier one.
pub fn parse_utterances(lines: &str) -> Result<Vec<Utterance>, DataError> {
    let mut seen = HashSet::new();
    let mut utterances = Vec::new();
    for (number, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line_number = number + 1;
        let utterance: Utterance =
            serde_json::from_str(line).map_err(|source| DataError::Line { line: line_number, source })?;
        if utterance.text.trim().is_empty() {
            return Err(DataError::Empty { line: line_number });
        }
        if !seen.insert(same(&utterance.text)) {
            return Err(DataError::Twice { line: line_number, text: utterance.text });
        }
        if utterances.len() == MAX_UTTERANCES {
            return Err(DataError::TooMany);
        }
        utterances.push(utterance);
    }
    Ok(utterances)
}

/// What two utterances share that differ in capitals, spaces and marks at most.
fn same(text: &str) -> String {
    let kept: String = text.chars().filter(|letter| !matches!(letter, '.' | ',' | '!' | '\'' | '’')).collect();
    kept.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const TRAIN: &str = include_str!("../../../../resources/routing/train.jsonl");
    const TEST: &str = include_str!("../../../../resources/routing/test.jsonl");
    const SITTINGS: &str = include_str!("../../../../resources/routing/test-2.jsonl");

    #[test]
    fn the_data_is_whole_and_the_test_is_kept_apart() {
        let train = parse_utterances(TRAIN).unwrap();
        let test = parse_utterances(TEST).unwrap();
        for intent in Intent::ALL {
            let count = |set: &[Utterance]| set.iter().filter(|one| one.intent == intent).count();
            assert!(count(&train) >= 250, "{intent}: {}", count(&train));
            assert_eq!(count(&test), 20, "{intent}");
        }
        assert!(train.iter().all(|one| !one.batch.is_empty()));
        let learned: HashSet<String> = train.iter().map(|one| same(&one.text)).collect();
        let sittings = parse_utterances(SITTINGS).unwrap();
        assert!(sittings.len() >= 350, "{}", sittings.len());
        let copied: Vec<&Utterance> =
            test.iter().chain(&sittings).filter(|one| learned.contains(&same(&one.text))).collect();
        assert_eq!(copied, Vec::<&Utterance>::new());
    }

    #[test]
    fn refuses_bad_lines_and_names_them() {
        let check = |lines: &str, message: &str| {
            let error = parse_utterances(lines).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        };
        check(
            "{\"text\":\"hi\",\"intent\":\"GREETING\"}\n\n{\"text\":\"Hi!\",\"intent\":\"ORDER\"}",
            "line 3: \"Hi!\" is there",
        );
        check("{\"text\":\"hi\",\"intent\":\"HELLO\"}", "line 1: unknown variant `HELLO`");
        check("{\"text\":\" \",\"intent\":\"ORDER\"}", "line 1: the text is empty");
        check("hello", "line 1");
        check("{\"text\":\"hi\",\"intent\":\"ORDER\",\"label\":1}", "unknown field `label`");
    }
}
