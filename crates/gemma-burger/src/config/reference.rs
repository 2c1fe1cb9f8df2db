//! The reference of the variables, made from their declarations.

use super::SETTINGS;

/// The table as the README has it, in Markdown.
#[must_use]
pub fn table() -> String {
    let mut table = String::from("| Variable | Flag | Default | Allowed | What it is for |\n|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "none".into() } else { format!("`{}`", setting.default) };
        table.push_str(&format!(
            "| `{}` | `--{}` | {default} | {} | {} |\n",
            setting.env,
            setting.flag,
            (setting.allowed)(),
            setting.help
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;
    use crate::config::{Config, ConfigError, Sources};

    #[test]
    fn every_default_is_allowed_and_every_name_is_declared_once() {
        Config::resolve(&Sources::of_values(&[])).unwrap();
        for (i, setting) in SETTINGS.iter().enumerate() {
            assert!(
                SETTINGS[..i].iter().all(|other| other.env != setting.env && other.flag != setting.flag),
                "{}",
                setting.env
            );
            assert!(setting.help.ends_with('.') && !setting.help.contains('|'), "{}", setting.env);
        }
    }

    #[test]
    fn a_bad_value_is_named_with_what_is_allowed() {
        let error = Config::resolve(&Sources::of_values(&[("PORT", "70000")])).unwrap_err().to_string();
        assert_eq!(error, "PORT is \"70000\" on the command line; allowed: a whole number from 0 to 65535");
    }

    #[test]
    fn a_bad_secret_is_not_shown() {
        let error = Config::resolve(&Sources::of_values(&[("BRAIN_TOKEN", "hush hush")])).unwrap_err();
        assert!(matches!(error, ConfigError::NotAllowed { .. }));
        assert!(!error.to_string().contains("hush"), "{error}");
        let config = Config::resolve(&Sources::of_values(&[("BRAIN_TOKEN", "0123456789abcdef")])).unwrap();
        assert!(!format!("{config:?}").contains("0123456789"));
    }
}
