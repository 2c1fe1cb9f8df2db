//! `gemma-burger data review`: what guests and staff taught, for the owner to accept or not.

mod candidates;
mod shelf;

use std::{
    io::{self, BufRead, IsTerminal, Read},
    path::PathBuf,
};

use concierge::{check::MentionIndex, privacy::Mask};
use store::{FILE_NAME, Store};

use crate::{
    brain::concierge::{Resources, turn_log},
    cli::{Failure, print, tell},
    commands::{configure, eval::cases},
    config::{Config, DATA, Flags},
};
use candidates::{Candidate, Known};
use shelf::Shelf;

/// Messages of a session that are looked at.
const MESSAGES: u32 = 1_000;
/// The longest line that is read at the terminal.
const LONGEST_LINE: u64 = 4_096;

/// Shows what conversations offer to learn from, and keeps what the owner accepts.
///
/// With TURN_LOG=on, orders that were changed right after they were heard, complaints that a person answered and replies
/// with a thumb become candidates: a case for `eval`, and often an example for `train`. An example is kept only if its
/// reply passes the check that guards the chat. Addresses and long numbers are masked; read the rest before you accept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  gemma-burger data review\n  gemma-burger data review --json\n  \
    gemma-burger data review --accept 3f2a90c1d4 --reply 'I am sorry. Your voucher of $5.00 is at the counter.'\n  \
    gemma-burger eval data/review/cases.jsonl\n\nAt the terminal each candidate is shown in turn.")]
pub struct Review {
    /// Prints what waits, a line of JSON each.
    #[arg(long)]
    json: bool,
    /// Accepts a candidate.
    #[arg(long, value_name = "ID")]
    accept: Vec<String>,
    /// The reply of the accepted example, in place of the one that it has.
    #[arg(long, value_name = "TEXT", requires = "accept")]
    reply: Option<String>,
    /// Rejects a candidate; it is not shown again.
    #[arg(long, value_name = "ID")]
    reject: Vec<String>,
    /// Where accepted cases go. Without it, DATA_DIR/review/cases.jsonl.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Where accepted examples go. Without it, DATA_DIR/review/examples.jsonl.
    #[arg(long, value_name = "FILE")]
    examples: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags<DATA>,
}

/// What a decision needs.
struct Desk {
    shelf: Shelf,
    cases: PathBuf,
    examples: PathBuf,
    mask: Mask,
    index: MentionIndex,
}

impl Review {
    /// Shows and decides.
    pub fn run(self) -> Result<(), Failure> {
        let config = configure(self.flags.clone())?;
        let store = Store::open(&config.files.data_dir.join(FILE_NAME)).map_err(Failure::new)?;
        let resources = Resources::read(&config)?;
        let shelf = Shelf::new(&config.files.data_dir);
        let waiting = wait(&store, &resources, &shelf)?;
        let desk = Desk {
            cases: self.cases.unwrap_or_else(|| shelf.cases()),
            examples: self.examples.unwrap_or_else(|| shelf.examples()),
            shelf,
            mask: turn_log::mask(&resources),
            index: resources.world.mentions,
        };
        if !self.accept.is_empty() || !self.reject.is_empty() {
            if self.reply.is_some() && self.accept.len() != 1 {
                return Err(Failure::usage("--reply is for one accepted candidate"));
            }
            let find = |id: &String| {
                let missing = || {
                    Failure::usage(format!("no candidate {id} waits"))
                        .hint("`gemma-burger data review --json` lists them")
                };
                waiting.iter().find(|candidate| candidate.id == *id).ok_or_else(missing)
            };
            // All are looked up before any is decided.
            let accepted = self.accept.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            let rejected = self.reject.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            for candidate in accepted {
                print(&(desk.accept(candidate, self.reply.as_deref())? + "\n"))?;
            }
            for candidate in rejected {
                desk.shelf.decide(candidate, false)?;
                print(&format!("{} is rejected\n", candidate.id))?;
            }
            wait(&store, &Resources::read(&config)?, &desk.shelf)?;
            return Ok(());
        }
        if self.json {
            for candidate in &waiting {
                print(&super::json(candidate)?)?;
            }
            return Ok(());
        }
        if waiting.is_empty() {
            tell("Nothing waits. Candidates come from conversations that TURN_LOG=on keeps.");
            return Ok(());
        }
        if io::stdin().is_terminal() {
            desk.ask(&waiting, io::stdin().lock())?;
            wait(&store, &Resources::read(&config)?, &desk.shelf)?;
        } else {
            for candidate in &waiting {
                print(&shown(candidate))?;
            }
            tell(&format!("{} wait; --accept ID or --reject ID decides", waiting.len()));
        }
        Ok(())
    }
}

/// Writes down anew what waits, after kept turns were deleted.
pub fn forget(config: &Config, store: &Store) -> Result<(), Failure> {
    let shelf = Shelf::new(&config.files.data_dir);
    if shelf.exists() {
        wait(store, &Resources::read(config)?, &shelf)?;
    }
    Ok(())
}

/// Collects what waits, and writes it down.
fn wait(store: &Store, resources: &Resources, shelf: &Shelf) -> Result<Vec<Candidate>, Failure> {
    let (turns, _) = cases::kept(store, 0)?;
    let mask = turn_log::mask(resources);
    let known = Known {
        thumbs: store.staff_thumbs(0).map_err(Failure::new)?,
        // A session whose messages cannot be read has had no answers.
        messages: &|session| store.messages(session, MESSAGES).unwrap_or_default(),
        mask: &mask,
        index: &resources.world.mentions,
    };
    shelf.wait(candidates::collect(&turns, &known))
}

impl Desk {
    /// Keeps a candidate's case, and its example where the check lets it pass.
    fn accept(&self, candidate: &Candidate, reply: Option<&str>) -> Result<String, Failure> {
        let refused = |flaw: &dyn std::fmt::Display| {
            Failure::new(format!("{}: {flaw}; nothing was kept", candidate.id))
                .hint("leave --reply out to keep the case alone, or write what the facts support")
        };
        let example = match (reply, &candidate.flaw, &candidate.example) {
            (Some(reply), ..) => {
                Some(candidate.with_reply(reply, &self.mask, &self.index).map_err(|flaw| refused(&flaw))?)
            }
            (None, None, Some(example)) => Some(example.clone()),
            (None, ..) => None,
        };
        shelf::add(&self.cases, &candidate.case.id, &candidate.case)?;
        if let Some(example) = &example {
            shelf::add(&self.examples, &example.id, example)?;
        }
        self.shelf.decide(candidate, true)?;
        let kept = if example.is_some() { "its case and its example are kept" } else { "its case is kept" };
        Ok(match (&example, &candidate.flaw) {
            (None, Some(flaw)) => format!("{}: {kept}; no example, as {flaw}", candidate.id),
            _ => format!("{}: {kept}", candidate.id),
        })
    }

    /// Goes through what waits with somebody who types.
    fn ask(&self, waiting: &[Candidate], mut input: impl BufRead) -> Result<(), Failure> {
        for (at, candidate) in waiting.iter().enumerate() {
            print(&format!("\n{} of {}\n{}", at + 1, waiting.len(), shown(candidate)))?;
            loop {
                print("accept (a), accept with another reply (e), reject (r), later (Enter), end (q): ")?;
                let Some(answer) = line(&mut input)? else { return Ok(()) };
                match answer.as_str() {
                    "a" => print(&(self.accept(candidate, None)? + "\n"))?,
                    "r" => self.shelf.decide(candidate, false)?,
                    "q" => return Ok(()),
                    "" => {}
                    "e" => {
                        print("The reply as it should be: ")?;
                        let Some(reply) = line(&mut input)? else { return Ok(()) };
                        match self.accept(candidate, Some(&reply)) {
                            Ok(kept) => print(&(kept + "\n"))?,
                            Err(failure) => {
                                print(&format!("{}\n", failure.told()))?;
                                continue;
                            }
                        }
                    }
                    _ => continue,
                }
                break;
            }
        }
        Ok(())
    }
}

/// A line that was typed; none at the end.
fn line(input: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = String::new();
    let read = input.by_ref().take(LONGEST_LINE).read_line(&mut line).map_err(Failure::new)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}

fn shown(candidate: &Candidate) -> String {
    let mut text = format!("{}  {}\n", candidate.id, candidate.source.told());
    for earlier in &candidate.case.setup {
        text += &format!("  earlier: {earlier}\n");
    }
    text += &format!("  guest:   {}\n  reply:   {}\n", candidate.case.guest, candidate.read);
    if let Some(then) = &candidate.then {
        text += &format!("  then:    {then}\n");
    }
    if let Some(order) = &candidate.case.order {
        let order = if order.is_empty() { "nothing".to_owned() } else { order.join("; ") };
        text += &format!("  order:   {order}\n");
    }
    match (&candidate.example, &candidate.flaw) {
        (Some(_), None) => text += "  offers a case and an example\n",
        (Some(_), Some(flaw)) => text += &format!("  offers a case; no example yet, as {flaw}\n"),
        (None, _) => text += "  offers a case\n",
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use concierge::{check, menu::Menu};
    use serde_json::json;

    use super::*;

    fn candidate(id: &str) -> Candidate {
        let example = json!({"id": "", "kind": "", "agent": "rosy", "acts": ["greet"], "facts": [], "guest": "hi",
            "reply": "Go away."});
        let case = json!({"id": format!("guest-{id}"), "kind": "thumb_down", "guest": "hi"});
        serde_json::from_value(json!({"id": id, "source": "thumb_down", "session": "s", "at": 0, "read": "Go away.",
            "case": case, "example": example, "flaw": "disliked"}))
        .unwrap()
    }

    #[test]
    fn somebody_at_the_terminal_decides_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let menu = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources/menu.json")).unwrap();
        let shelf = Shelf::new(folder.path());
        let desk = Desk {
            cases: shelf.cases(),
            examples: shelf.examples(),
            shelf,
            mask: Mask::default(),
            index: check::index(&Menu::from_json(&menu).unwrap()),
        };
        let waiting = || ["one", "two", "three", "four"].map(candidate).to_vec();
        // What is no answer is asked again; a reply that nothing supports as well.
        let typed = "what?\ne\nEverything is $5 today.\ne\nHello! What would you like?\nr\n\nq\n";
        desk.ask(&waiting(), typed.as_bytes()).unwrap();
        let left = desk.shelf.wait(waiting()).unwrap();
        assert_eq!(left.iter().map(|candidate| candidate.id.as_str()).collect::<Vec<_>>(), ["three", "four"]);
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
        assert!(read(&desk.cases).contains("guest-one") && read(&desk.cases).lines().count() == 1);
        assert!(read(&desk.examples).contains("Hello! What would you like?"), "{}", read(&desk.examples));
        // The end of the input is an end; what is there is not added twice.
        desk.ask(&left, "a".as_bytes()).unwrap();
        desk.accept(&candidate("one"), None).unwrap();
        assert_eq!((read(&desk.cases).lines().count(), read(&desk.examples).lines().count()), (2, 1));
    }
}
