//! Phrases that speak about the order as a whole, or about a line of it, rather than name food.

use super::tokens::Token;

/// What a phrase about the order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cue {
    Affirm,
    Deny,
    Show,
    Clear,
    Place,
    /// The last line once more.
    Again,
}

const CUES: &[(Cue, &[&str])] = &[
    (Cue::Affirm, &[
        "yes", "yeah", "yep", "yup", "yea", "sure", "ok", "okay", "of course", "yes please", "please do", "sounds good", "correct", "right",
        "thats right", "that is right", "thats correct", "that is correct", "absolutely", "definitely", "go ahead", "why not", "alright", "all right", "fine", "thats fine", "that is fine", "perfect", "great",
        "go for it", "do it", "i do", "i would", "id like that", "i would like that", "id love that", "ill take it", "ill take that", "ill have it", "ill have that", "i will take it", "aye", "indeed", "certainly", "yes i do", "yes i would", "yes that is right", "sounds great",
        "ok great", "that works", "works for me", "looks good", "looks right", "all good", "confirm", "confirmed", "that sounds good", "that one", "that one please", "it is", "lets do that", "lets do it",
    ]),
    (Cue::Deny, &[
        "no", "nope", "nah", "no thanks", "no thank you", "not now", "not today", "not really", "im good", "i am good", "im ok", "im fine", "no im good", "no i am good", "not for me", "dont", "do not",
        "please dont", "neither", "none", "none of them", "neither of them", "i dont think so", "id rather not", "not yet", "thats not right", "thats wrong", "that is wrong", "wrong", "no need", "no it isnt", "incorrect",
    ]),
    (Cue::Show, &[
        "what did i order", "what have i ordered", "what did we order", "what have we ordered", "what is in my cart", "whats in my cart", "whats in my basket", "what is in my basket", "show my order", "show me my order",
        "show my cart", "show me my cart", "show the cart", "show me the cart", "show me the order", "show the order", "my order so far", "what is my order", "whats my order", "what do i have", "what do i have so far", "what do we have so far",
        "read it back", "read that back", "read my order back", "read back my order", "repeat my order", "repeat the order", "review my order", "can you repeat my order", "what am i getting", "what are we getting", "what did i get", "whats on my order",
        "what is on my order", "my cart", "my order", "cart", "view cart", "view my order", "what have i got", "what have i got so far", "whats my order so far", "what is my order so far", "order summary", "summary of my order", "summarize my order",
        "what have i ordered so far", "what did i order so far", "tell me my order", "can you read that back", "could you repeat the order", "check my order", "see my order", "list my order",
    ]),
    (Cue::Clear, &[
        "start over", "start again", "start from scratch", "lets start over", "can we start over", "clear my order", "clear the order", "clear my cart", "clear the cart", "clear everything", "clear it all", "clear it", "clear all",
        "cancel my order", "cancel the order", "cancel everything", "cancel it all", "cancel the whole order", "cancel the whole thing", "cancel all of it", "cancel all", "cancel my whole order", "cancel the entire order", "cancel my entire order",
        "remove everything", "delete everything", "delete my order", "delete the order", "empty my cart", "empty the cart", "empty my basket", "forget everything", "forget the whole thing", "forget the order", "forget my order", "scratch everything", "scratch all of that", "scratch the whole thing",
        "drop everything", "reset", "reset my order", "reset the order", "i want to start over", "id like to start over", "begin again", "remove all", "remove it all", "throw everything out", "i dont want anything anymore", "never mind all of it", "take everything off", "new order", "wipe the order", "void the order",
    ]),
    (Cue::Place, &[
        "thats all", "that is all", "thats it", "that is it", "thatll be all", "that will be all", "thatll be it", "that will be it", "thats everything", "that is everything", "thatll do", "that will do", "thats me", "thatll do it", "that does it",
        "checkout", "check out", "check me out", "place the order", "place my order", "place order", "place it", "im done", "i am done", "were done", "we are done", "im finished", "i am finished", "nothing else", "nothing more", "no more", "id like to pay", "i would like to pay",
        "i want to pay", "ready to pay", "im ready to pay", "can i pay", "let me pay", "finish my order", "finish the order", "finish", "complete my order", "complete the order", "submit", "submit my order", "submit the order", "confirm my order", "confirm the order", "confirm order",
        "send it", "send the order", "send it to the kitchen", "order it", "thats my order", "ready to order", "done", "all done", "i think thats all", "i think thats it", "i think that is all", "i guess thats all", "id like to check out", "i want to check out", "ill check out", "lets check out", "proceed to checkout", "go to checkout", "just that", "only that",
        "thats all for me", "thats all for now", "thats it for me", "thats it for now", "thats all i want", "thats all i need", "that completes my order", "thatll be everything", "i dont want anything else", "i dont need anything else", "nothing else for me", "bill please", "the bill", "check please", "can i get the bill", "can i have the bill", "order now", "buy",
    ]),
    (Cue::Again, &[
        "same again", "the same again", "another one", "another", "one more", "one more of those", "one more of them", "one more of that", "another of those", "another one of those", "again", "the same", "same", "the same thing", "same thing again",
        "the same thing again", "another of the same", "one more time", "one more like that", "another one like that", "same for me", "the same for me", "ill have the same", "ill have the same again", "i want the same", "i want another", "i want another one", "ill have another", "ill have another one", "ill take another", "ill take another one",
        "give me another", "give me another one", "can i get another", "can i get another one", "can i have another", "can i have another one", "same please", "and another", "and another one", "add another", "add another one", "add one more", "make that one more", "one extra", "the same one", "the same one again", "repeat that",
    ]),
];

/// Words that may stand around a cue and change nothing.
const POLITE: &[&str] = &[
    "please", "thanks", "thank", "you", "so", "much", "very", "and", "then", "well", "um", "uh", "oh", "ah", "hey", "hi", "hello", "just", "now", "for", "now", "ok", "okay", "alright",
    "actually", "mate", "cheers", "can", "could", "i", "think", "guess", "lets", "kindly", "sir", "maam", "great", "perfect", "good", "um", "er", "erm", "hmm", "would", "like", "to", "want", "too", "also", "me", "let",
];

pub(crate) fn is_polite(word: &str) -> bool {
    POLITE.contains(&word)
}

/// The cue that the whole of the words is, politeness aside.
pub(crate) fn whole(tokens: &[Token]) -> Option<Cue> {
    if tokens.is_empty() {
        return None;
    }
    let text = |tokens: &[Token]| tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    if let Some(cue) = find(&text(tokens)) {
        return Some(cue);
    }
    // Trim politeness from both ends, one word at a time, as long as words are left.
    let polite = |token: &&Token| is_polite(&token.text);
    let tail = tokens.iter().rev().take_while(polite).count();
    let head = tokens.iter().take_while(polite).count();
    for from in 0..=head.min(tokens.len() - 1) {
        for to in (from + 1..=tokens.len()).rev().take(tail + 1) {
            if let Some(cue) = find(&text(&tokens[from..to])) {
                return Some(cue);
            }
        }
    }
    None
}

fn find(text: &str) -> Option<Cue> {
    CUES.iter().find(|(_, phrases)| phrases.contains(&text)).map(|(cue, _)| *cue)
}

/// A cue that the words begin with, and how many words it takes.
pub(crate) fn head(tokens: &[Token], wanted: &[Cue]) -> Option<(Cue, usize)> {
    (1..=tokens.len().min(6)).rev().find_map(|len| {
        let text = tokens[..len].iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        find(&text).filter(|cue| wanted.contains(cue)).map(|cue| (cue, len))
    })
}

/// A cue that the words end with, and where it starts; politeness after it is allowed.
pub(crate) fn tail(tokens: &[Token], wanted: &[Cue]) -> Option<(Cue, usize)> {
    let end = tokens.len() - tokens.iter().rev().take_while(|token| is_polite(&token.text)).count();
    [tokens.len(), end].into_iter().find_map(|end| {
        (end.saturating_sub(6)..end).find_map(|from| {
            let text = tokens[from..end].iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
            find(&text).filter(|cue| wanted.contains(cue)).map(|cue| (cue, from))
        })
    })
}

/// "first", "second", … "last" as a place in a list; the last one is `usize::MAX`.
pub(crate) fn ordinal(word: &str) -> Option<usize> {
    const WORDS: [&str; 10] = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    match word {
        "last" | "latter" => Some(usize::MAX),
        "former" => Some(0),
        "1st" => Some(0),
        word => WORDS.iter().position(|ordinal| *ordinal == word),
    }
}
