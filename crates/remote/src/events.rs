//! Reading `text/event-stream`: the data of each event, whole, whatever the pieces in which bytes arrive.

/// Bytes of one event; a chunk of a reply has a few hundred.
const EVENT_AT_MOST: usize = 256 * 1024;

/// Collects bytes into events.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
}

/// An event longer than any of this protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Events {
    /// Adds bytes, and the data of each event that they complete to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Vec<u8>>) -> Result<(), TooLong> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + self.data.len() + part.len() > EVENT_AT_MOST {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line(out);
            }
        }
        Ok(())
    }

    /// Nothing follows: an event without its empty line counts all the same.
    pub fn finish(&mut self, out: &mut Vec<Vec<u8>>) {
        self.end_line(out);
        self.end_event(out);
    }

    fn end_line(&mut self, out: &mut Vec<Vec<u8>>) {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            self.end_event(out);
        } else if let Some(data) = line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            self.has_data = true;
        }
        // Comments and fields of other names say nothing here.
    }

    fn end_event(&mut self, out: &mut Vec<Vec<u8>>) {
        if std::mem::take(&mut self.has_data) {
            out.push(std::mem::take(&mut self.data));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn events_are_whole_however_the_bytes_come() {
        let stream = b": hello\n\ndata: {\"a\":1}\n\nevent: x\r\nid: 3\r\ndata:one\r\ndata: two\r\n\r\ndata: [DONE]";
        let expected: Vec<&[u8]> = vec![b"{\"a\":1}", b"one\ntwo", b"[DONE]"];
        for size in 1..=stream.len() {
            let (mut events, mut out) = (Events::default(), Vec::new());
            for piece in stream.chunks(size) {
                events.push(piece, &mut out).unwrap();
            }
            events.finish(&mut out);
            assert_eq!(out, expected, "by {size}");
        }
    }

    #[test]
    fn an_endless_line_is_refused() {
        let (mut events, mut out) = (Events::default(), Vec::new());
        let refused = (0..1_000).find(|_| events.push(&[b'x'; 1_000], &mut out).is_err());
        assert_eq!(refused, Some(EVENT_AT_MOST / 1_000));
    }
}
