//! `gemma-burger staff`: who may sign in at the kitchen and the desk.

use std::{
    io::{self, BufRead, IsTerminal, Read, Write},
    process::{Command, Stdio},
};

use clap::Subcommand;
use jiff::Timestamp;
use store::{FILE_NAME, Speaker, Store, StoreError};

use crate::{
    cli::{Failure, print, tell},
    commands::configure,
    config::{DATA, Flags},
};

/// The longest line that is read as a password.
const LONGEST_LINE: u64 = 1_024;

/// Says who may sign in at the kitchen's board and the desk.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Adds a member of staff; asks for the password, or reads it from the first line of standard input.
    #[command(after_help = "Example:\n  gemma-burger staff add Ana\n  gemma-burger staff add Ana < password.txt")]
    Add {
        /// The name to sign in with.
        name: String,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
    /// Lists the staff.
    #[command(after_help = "Example:\n  gemma-burger staff list --json")]
    List {
        /// Prints JSON for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
    /// Removes a member of staff and signs them out everywhere.
    #[command(after_help = "Example:\n  gemma-burger staff remove Ana")]
    Remove {
        /// The name, as `staff list` writes it.
        name: String,
        #[command(flatten)]
        flags: Flags<DATA>,
    },
}

impl Args {
    /// Adds, lists or removes. A restaurant that is open meanwhile knows of it at once.
    pub fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Add { name, flags } => {
                let store = open(flags)?;
                // In a conversation these names stand for others.
                let speakers = [Speaker::Guest, Speaker::Rosy, Speaker::Gordon, Speaker::Staff];
                if speakers.into_iter().any(|speaker| speaker.as_str().eq_ignore_ascii_case(&name)) {
                    return Err(Failure::usage(format!("\"{name}\" is already the name of a part in the chat"))
                        .hint("choose another name, such as the person's own"));
                }
                let password = password(&name)?;
                store.add_staff(&name, &password, Timestamp::now().as_second()).map_err(failure)?;
                print(&format!("{name} can sign in at /kitchen and /desk.\n"))
            }
            Action::List { json, flags } => {
                let names = open(flags)?.staff().map_err(failure)?;
                if json {
                    return print(&(serde_json::to_string(&names).map_err(Failure::new)? + "\n"));
                }
                print(&names.iter().map(|name| format!("{name}\n")).collect::<String>())
            }
            Action::Remove { name, flags } => {
                open(flags)?.remove_staff(&name).map_err(failure)?;
                print(&format!("{name} is removed and signed out everywhere.\n"))
            }
        }
    }
}

fn open(flags: Flags<DATA>) -> Result<Store, Failure> {
    let config = configure(flags)?;
    Store::open(&config.files.data_dir.join(FILE_NAME)).map_err(failure)
}

fn failure(error: StoreError) -> Failure {
    match &error {
        StoreError::Invalid(_) => Failure::usage(error),
        StoreError::NameTaken(_) => {
            Failure::new(error).hint("for a new password, remove the name first: `gemma-burger staff remove NAME`")
        }
        StoreError::NotFound(_) => Failure::new(error).hint("`gemma-burger staff list` shows all names"),
        _ => Failure::new(error),
    }
}

/// Asks for a password twice at a terminal; otherwise takes the first line of standard input.
fn password(name: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return line();
    }
    let hidden = Hidden::begin()?;
    let first = asked(&format!("Password for {name}: "))?;
    let second = asked("The same again: ")?;
    drop(hidden);
    if first == second { Ok(first) } else { Err(Failure::new("the two passwords differ; nothing was stored")) }
}

fn asked(question: &str) -> Result<String, Failure> {
    let mut error = io::stderr();
    let _ = write!(error, "{question}").and_then(|()| error.flush());
    let answer = line();
    tell("");
    answer
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST_LINE).read_line(&mut line).map_err(|error| {
        Failure::new(format!("the password cannot be read: {error}")).hint("it is one line of UTF-8 text")
    })?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// While it lives, the terminal shows nothing of what is typed.
struct Hidden;

impl Hidden {
    fn begin() -> Result<Self, Failure> {
        if stty("-echo") {
            return Ok(Self);
        }
        Err(Failure::new("this terminal would show the password")
            .hint("give it on standard input: `gemma-burger staff add NAME < file`"))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        stty("echo");
    }
}

/// `stty` changes the terminal that it has as standard input, which is ours.
fn stty(mode: &str) -> bool {
    let status = Command::new("stty").arg(mode).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
