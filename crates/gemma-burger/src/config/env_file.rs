//! Reads a `.env` file: `NAME=value` lines, with comments, quotes and an optional `export`.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::ConfigError;

/// The file's assignments; no file means none.
pub fn read(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(ConfigError::FileUnreadable(error)),
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut values = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |problem| ConfigError::FileLine { line: index + 1, problem };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("there is no = sign"))?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(wrong("the name holds other signs than letters, digits and _"));
        }
        let value = unquote(value.trim()).ok_or_else(|| wrong("a quote is not closed"))?;
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

/// A quoted value as it stands between its quotes; an unquoted one up to a comment.
fn unquote(value: &str) -> Option<String> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            let (inside, after) = rest.split_once(quote)?;
            let after = after.trim_start();
            return (after.is_empty() || after.starts_with('#')).then(|| inside.to_owned());
        }
    }
    Some(value.split_once(" #").map_or(value, |(before, _)| before.trim_end()).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn lines_are_read_as_shells_read_them() {
        let values =
            parse("# a comment\n\nPORT=80\n export HOST = 0.0.0.0 # all\nMODEL=\"a # b\"\nLOG='x=y' # z\nEMPTY=\n")
                .unwrap();
        let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(values, [("EMPTY", ""), ("HOST", "0.0.0.0"), ("LOG", "x=y"), ("MODEL", "a # b"), ("PORT", "80")]);
    }

    #[test]
    fn a_wrong_line_is_named_without_its_value() {
        for (text, line) in
            [("PORT=1\nsecret words", 2), ("A B=1", 1), ("A=\"open secret", 1), ("=secret", 1), ("A='x'y", 1)]
        {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}")), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
