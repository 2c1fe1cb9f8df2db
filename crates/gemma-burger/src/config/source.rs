//! Where values come from, in the order in which they win.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::Path};

use clap::{Arg, ArgMatches, Command};

use super::{ALL, SETTINGS, allowed::Allowed, env_file};

/// The flags given on the command line, for the variables whose scope meets `SCOPE`.
#[derive(Clone, Debug, Default)]
pub struct Flags<const SCOPE: u8 = ALL>(BTreeMap<&'static str, String>);

impl<const SCOPE: u8> Flags<SCOPE> {
    /// Gives a variable a value, in place of any other.
    pub fn set(&mut self, variable: &'static str, value: &str) {
        self.0.insert(variable, value.to_owned());
    }

    /// The same flags for another process of this program.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let given = SETTINGS.iter().filter_map(|setting| Some((setting.flag, self.0.get(setting.env)?)));
        given.map(|(flag, value)| format!("--{flag}={value}")).collect()
    }
}

impl<const SCOPE: u8> clap::Args for Flags<SCOPE> {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().filter(|setting| setting.scope & SCOPE != 0).fold(command, |command, setting| {
            let default =
                if setting.default.is_empty() { String::new() } else { format!(", default {}", setting.default) };
            command.arg(
                Arg::new(setting.env)
                    .long(setting.flag)
                    .value_name("VALUE")
                    .help(format!("{} [{}{default}]", setting.help, setting.env))
                    .help_heading("Configuration"),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<const SCOPE: u8> clap::FromArgMatches for Flags<SCOPE> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in SETTINGS.iter().filter(|setting| setting.scope & SCOPE != 0) {
            if let Some(value) = matches.get_one::<String>(setting.env) {
                self.0.insert(setting.env, value.clone());
            }
        }
        Ok(())
    }
}

/// Finds a variable of an environment.
type Lookup = Box<dyn Fn(&str) -> Option<OsString>>;

/// Flags, environment and `.env` file.
pub struct Sources {
    flags: BTreeMap<&'static str, String>,
    environment: Lookup,
    file: BTreeMap<String, String>,
}

impl Sources {
    /// The sources of this process: the flags given, its environment and `.env` in the working folder.
    pub fn of_process<const SCOPE: u8>(flags: Flags<SCOPE>) -> Result<Self, ConfigError> {
        let file = env_file::read(Path::new(".env"))?;
        Ok(Self { flags: flags.0, environment: Box::new(|name| std::env::var_os(name)), file })
    }

    /// Sources made of given values, for programs and tests that start the product within themselves.
    #[must_use]
    pub fn of_values(values: &[(&'static str, &str)]) -> Self {
        let flags = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { flags, environment: Box::new(|_| None), file: BTreeMap::new() }
    }

    /// The value of a variable. An empty one counts as not given, as it does for most tools that pass environments on.
    pub(super) fn read<A: Allowed>(
        &self,
        name: &'static str,
        default: &str,
        allowed: &A,
    ) -> Result<A::Value, ConfigError> {
        let Some((text, origin)) = self.find(name)? else {
            let value = if default.is_empty() { allowed.absent() } else { allowed.parse(default) };
            return value.ok_or_else(|| refused(name, default, Origin::Default, allowed));
        };
        allowed.parse(&text).ok_or_else(|| refused(name, &text, origin, allowed))
    }

    /// Whether a variable was given at all.
    pub fn gives(&self, name: &'static str) -> Result<bool, ConfigError> {
        Ok(self.find(name)?.is_some())
    }

    fn find(&self, name: &'static str) -> Result<Option<(String, Origin)>, ConfigError> {
        if let Some(text) = self.flags.get(name) {
            return Ok(Some((text.clone(), Origin::Flag)));
        }
        if let Some(text) = (self.environment)(name) {
            let text = text.into_string().map_err(|_| ConfigError::NotUnicode { name })?;
            if !text.is_empty() {
                return Ok(Some((text, Origin::Environment)));
            }
        }
        Ok(self.file.get(name).filter(|text| !text.is_empty()).map(|text| (text.clone(), Origin::File)))
    }
}

fn refused<A: Allowed>(name: &'static str, text: &str, origin: Origin, allowed: &A) -> ConfigError {
    let value =
        if A::SECRET { "(a secret)".into() } else { format!("\"{}\"", text.chars().take(80).collect::<String>()) };
    ConfigError::NotAllowed { name, value, origin, allowed: allowed.describe() }
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The process's environment.
    Environment,
    /// The `.env` file.
    File,
    /// The declaration.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "on the command line",
            Self::Environment => "in the environment",
            Self::File => "in the .env file",
            Self::Default => "by default",
        })
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that a variable may not have.
    #[error("{name} is {value} {origin}; allowed: {allowed}")]
    NotAllowed {
        /// The variable.
        name: &'static str,
        /// What was given, quoted.
        value: String,
        /// Where.
        origin: Origin,
        /// What would do.
        allowed: String,
    },
    /// A value that is not text.
    #[error("{name} in the environment is not valid UTF-8")]
    NotUnicode {
        /// The variable.
        name: &'static str,
    },
    /// The `.env` file cannot be read.
    #[error("the .env file cannot be read: {0}")]
    FileUnreadable(std::io::Error),
    /// A line of the `.env` file is not an assignment.
    #[error(".env line {line}: {problem}; write NAME=value")]
    FileLine {
        /// Counted from 1.
        line: usize,
        /// What is wrong, without the value.
        problem: &'static str,
    },
}
