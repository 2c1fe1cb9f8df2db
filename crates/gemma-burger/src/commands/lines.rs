//! Reading utterances as JSON lines, and answering each with a line.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};

use crate::cli::{Failure, print};

/// A line longer than this is no utterance.
const LONGEST_LINE: u64 = 256 * 1024;

/// `{"id", "text"}`; further keys are ignored.
#[derive(Debug, Deserialize)]
pub struct Utterance {
    /// Given back with the answer; any JSON value.
    pub id: serde_json::Value,
    /// The words.
    pub text: String,
}

/// Reads standard input to its end and prints an answer for each line.
pub fn answer<T: Serialize>(mut answer: impl FnMut(Utterance) -> Result<T, Failure>) -> Result<(), Failure> {
    let mut input = io::stdin().lock();
    let mut number = 0_usize;
    loop {
        number += 1;
        let mut line = Vec::new();
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Failure::new)?;
        if read == 0 {
            return Ok(());
        }
        if read as u64 == LONGEST_LINE {
            return Err(Failure::new(format!("line {number} is longer than {LONGEST_LINE} bytes")));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let utterance: Utterance = serde_json::from_slice(&line).map_err(|error| {
            Failure::new(format!("line {number}: {error}"))
                .hint("a line looks like {\"id\": 1, \"text\": \"two shakes\"}")
        })?;
        let answered = serde_json::to_string(&answer(utterance)?).map_err(Failure::new)?;
        print(&(answered + "\n"))?;
    }
}
