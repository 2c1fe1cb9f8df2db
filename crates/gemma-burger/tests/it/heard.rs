//! What the product decides for a guest's words, with its own vectors and no model: a table of messages, and the replies
//! that are written for the scenarios of the training data.

use std::process::Stdio;

use concierge::brief::Act;
use gemma_burger::brain::concierge::{
    Resources,
    rehearsal::Rehearsal,
    restaurant::{self, Knowledge},
};
use serde_json::json;

use crate::{cli::program, scripted::config};

/// A conversation a line: `what is said > and then | acts of the last reply | the order after it`.
const TABLE: &str = include_str!("heard.txt");

const RESOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources");

fn name(act: Act) -> String {
    json!(act).as_str().unwrap().to_owned()
}

#[test]
fn words_are_heard_alike_in_the_middle_of_a_conversation_and_at_its_start() {
    let data = tempfile::tempdir().unwrap();
    let config = config(data.path(), &[("RESOURCES_DIR", RESOURCES)]);
    let resources = Resources::read(&config).unwrap();
    let Knowledge { embedder, index } = restaurant::knowledge(&config, &resources).unwrap();
    let mut wrong = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [said, acts, order] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line}: three columns are needed")
        };
        let mut rehearsal = Rehearsal::new(&resources.world, &embedder, &index);
        let mut told = (String::new(), String::new());
        for text in said.split(" > ") {
            let heard = rehearsal.hear(text);
            let mut acts: Vec<String> = heard.brief.steps.iter().map(|step| name(step.act)).collect();
            acts.dedup();
            told = (acts.join(", "), heard.brief.plain());
            let plain = told.1.clone();
            rehearsal.answered(heard, plain);
        }
        let cart = rehearsal.order().join(", ");
        if told.0 != acts || cart != order {
            wrong.push(format!("{said}\n  {} | {cart}\n  and not {acts} | {order}\n  {}", told.0, told.1));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn replies_that_were_written_fit_what_is_decided() {
    let data = tempfile::tempdir().unwrap();
    let scenarios = format!("{RESOURCES}/fine_tuning/scenarios.jsonl");
    let mut command = program(&["data", "decide", &scenarios]);
    command.env("RESOURCES_DIR", RESOURCES).env("DATA_DIR", data.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let end = told.lines().last().unwrap_or_default();
    let refused = end.split(", ").find_map(|part| part.strip_suffix(" refused")?.parse::<usize>().ok());
    let refused = refused.unwrap_or_else(|| panic!("no count at the end of:\n{told}"));
    assert_eq!(refused, 0, "written replies do not fit what is decided:\n{told}");
}
