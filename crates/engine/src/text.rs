//! Tokens carry bytes, and a character may be split over several of them.

/// Joins bytes to whole characters.
#[derive(Debug, Default)]
pub(crate) struct Utf8Joiner {
    /// The beginning of a character, at most three bytes.
    pending: Vec<u8>,
}

impl Utf8Joiner {
    /// Takes bytes and gives what is whole by now; bytes that can begin no character become U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = self.pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(whole) => {
                    text.push_str(whole);
                    rest = &[];
                }
                Err(error) => {
                    let (whole, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(whole));
                    if let Some(wrong) = error.error_len() {
                        text.push(char::REPLACEMENT_CHARACTER);
                        rest = after.get(wrong..).unwrap_or_default();
                        continue;
                    }
                    rest = after;
                }
            }
            break;
        }
        self.pending = rest.to_vec();
        text
    }

    /// What is left at the end.
    pub fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_split_anywhere_come_out_whole() {
        let text = "Crème brûlée, 김치 & 🍔!";
        for size in 1..6 {
            let mut joiner = Utf8Joiner::default();
            let mut joined: String = text.as_bytes().chunks(size).map(|piece| joiner.push(piece)).collect();
            joined.push_str(&joiner.finish());
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn wrong_bytes_become_replacement_characters() {
        let mut joiner = Utf8Joiner::default();
        assert_eq!(joiner.push(b"a\xffb\xf0\x9f"), "a\u{fffd}b");
        assert_eq!(joiner.push(b"x"), "\u{fffd}x");
        assert_eq!(joiner.push(b"\xe2\x82"), "");
        assert_eq!(joiner.finish(), "\u{fffd}");
    }
}
