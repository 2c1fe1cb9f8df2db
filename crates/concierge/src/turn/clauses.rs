//! Cutting a message into the things it asks, so that each can be answered.

use super::wording::among;

/// More parts than this are read as one message.
const MOST: usize = 4;

/// Words that join a question to what is said before it.
const JOINING: &str = "and also but plus oh";

/// Words that begin a question of its own behind "and" or a comma.
const QUESTION_OPENERS: &str = "do does did is are can could what what's whats when where where's who \
    how how's which why will would any have may";

/// The clauses of a message, each with its own end mark and without the "and" that joins it. One clause means that there
/// is nothing to split.
pub(super) fn clauses(text: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let rest = &text[end..];
        let ends_sentence = matches!(c, '.' | '?' | '!' | ';') && rest.starts_with(char::is_whitespace);
        if ends_sentence || c == '\n' {
            push(&mut clauses, &text[start..end]);
            start = end;
        } else if (c.is_whitespace() || c == ',')
            && opens_question(rest, c == ',')
            && text[start..at].split_whitespace().count() >= 2
        {
            push(&mut clauses, &text[start..at]);
            start = end;
        }
    }
    push(&mut clauses, &text[start..]);
    for clause in clauses.iter_mut().skip(1) {
        while let Some((word, rest)) = clause.split_once(char::is_whitespace)
            && among(&word.trim_matches(',').to_lowercase(), JOINING)
            && opens_question(clause, false)
        {
            *clause = rest.trim_start();
        }
    }
    if clauses.len() > MOST { vec![text.trim()] } else { clauses }
}

/// Whether the text goes on with a question behind "and" or "also", such as "and when do you close", or behind a comma with a
/// word that only asks. "And can I have" and "and a shake" go on with an order, which the order's reader wants whole.
fn opens_question(rest: &str, comma: bool) -> bool {
    const ORDERING: &str = "have get order add take also please just grab try make give swap switch change do put bring \
        like remove cancel keep leave hold";
    let mut words =
        rest.split_whitespace().map(|word| word.trim_matches([',', '?', '.', '!']).to_lowercase()).peekable();
    let mut joined = false;
    while words.next_if(|word| among(word, JOINING)).is_some() {
        joined = true;
    }
    let (Some(opener), Some(next)) = (words.next(), words.next()) else { return false };
    if !joined {
        // "And the shake, how much?" asks one thing.
        let whole = words.next().is_some();
        return comma && whole && (among(&opener, "where where's when how") || (opener == "is" && next == "there"));
    }
    let wants = match opener.as_str() {
        "any" | "have" => among(&next, "i we you a an the one two"),
        "can" | "could" | "may" | "would" | "will" => {
            among(&next, "a an the one two")
                || (among(&next, "i we you") && words.next().is_none_or(|verb| among(&verb, ORDERING)))
        }
        _ => false,
    };
    among(&opener, QUESTION_OPENERS) && !wants
}

fn push<'a>(clauses: &mut Vec<&'a str>, clause: &'a str) {
    let clause = clause.trim().trim_matches(',').trim();
    if clause.chars().any(char::is_alphanumeric) {
        clauses.push(clause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_parted_and_orders_kept_whole() {
        for (text, want) in [
            ("two burgers and a shake and fries", vec!["two burgers and a shake and fries"]),
            ("How much are the fries and do you have Wi-Fi?", vec!["How much are the fries", "do you have Wi-Fi?"]),
            ("Hi! Two burgers please. When do you close?", vec!["Hi!", "Two burgers please.", "When do you close?"]),
            ("a burger and can i have a shake", vec!["a burger and can i have a shake"]),
            ("what's in the soup, and when do you close", vec!["what's in the soup", "when do you close"]),
            ("it is $3.50, right?", vec!["it is $3.50, right?"]),
            ("two classics and when do you close?", vec!["two classics", "when do you close?"]),
            ("do you have wifi and can I pay by card?", vec!["do you have wifi", "can I pay by card?"]),
            ("a classic please, also where is the toilet", vec!["a classic please", "where is the toilet"]),
            ("I want two, how much is that?", vec!["I want two", "how much is that?"]),
            ("I'm vegan, what can I eat?", vec!["I'm vegan, what can I eat?"]),
            ("...", vec![]),
        ] {
            assert_eq!(clauses(text), want, "{text}");
        }
    }
}
