//! Greetings, thanks, goodbyes, small talk, and what is not a restaurant's business.

use super::wording::{plain_words, says};
use crate::{
    brief::{Act, Step},
    menu::Menu,
    prompt::Persona,
};

/// Answers a pleasantry.
pub(super) fn greeting(menu: &Menu, persona: &Persona, text: &str, first_turn: bool) -> Step {
    let words = plain_words(text);
    let house = &menu.name;
    if says(
        &words,
        &[
            "bye",
            "goodbye",
            "good bye",
            "see you",
            "see ya",
            "good night",
            "later",
            "farewell",
            "take care",
            "have a good one",
            "have a nice day",
            "have a great day",
        ],
    ) {
        return Step::new(Act::Farewell)
            .fact(format!("Restaurant: {house}"))
            .or_plain(format!("Thank you for visiting {house}. Goodbye, and see you soon!"));
    }
    if says(&words, &["thanks", "thank", "thx", "cheers", "ty", "appreciate", "appreciated", "grateful"]) {
        return Step::new(Act::Welcome)
            .fact(format!("Restaurant: {house}"))
            .or_plain("You're welcome! Is there anything else I can do for you?");
    }
    if asks_what(&words) {
        // Whether a person speaks is no matter of style.
        return Step::new(Act::Introduce)
            .fact(format!("{}, {} of {house}, is a computer program and no person", persona.name, persona.role))
            .or_plain(format!(
                "I'm {}, the {} of {house}: a computer program, not a person. I can tell you about our dishes and the place, take your order, or fetch a colleague for a complaint.",
                persona.name, persona.role
            ))
            .verbatim(true);
    }
    if asks_who(&words) {
        return Step::new(Act::Introduce)
            .fact(format!("{}, {} of {house}", persona.name, persona.role))
            .fact("Can tell about dishes, prices and the place, take an order, plan a meal within a sum")
            .or_plain(format!(
                "I'm {}, the {} of {house}. I can tell you about our dishes and the place, take your order, or plan a meal within a sum.",
                persona.name, persona.role
            ));
    }
    let plain = if first_turn {
        persona.greeting.clone()
    } else if says(
        &words,
        &[
            "how are you",
            "how's it going",
            "how are things",
            "how do you do",
            "what's up",
            "how is it going",
            "how you doing",
            "how are you doing",
        ],
    ) {
        "I'm doing well, thank you! What can I get you?".to_owned()
    } else {
        "Nice to have you here! What can I get you?".to_owned()
    };
    Step::new(Act::Greet).fact(format!("Restaurant: {house}")).or_plain(plain)
}

/// Whether the guest asks who or what speaks.
pub(super) fn asks_who(words: &[String]) -> bool {
    let who = ["who are you", "your name", "what can you do", "how can you help", "what do you do"];
    asks_what(words) || says(words, &who)
}

/// Whether the guest asks if a person speaks.
fn asks_what(words: &[String]) -> bool {
    const KINDS: [&str; 16] = [
        "robot",
        "bot",
        "chatbot",
        "human",
        "person",
        "machine",
        "computer",
        "program",
        "ai",
        "real",
        "people",
        "assistant",
        "language",
        "alive",
        "model",
        "llm",
    ];
    let asked = says(
        words,
        &["are you", "is this", "am i talking to", "am i speaking to", "am i chatting with", "you are", "you're"],
    );
    asked && words.len() <= 10 && words.iter().any(|word| KINDS.contains(&word.as_str()))
}

/// Leads back to the restaurant's business.
pub(super) fn off_topic(menu: &Menu) -> Step {
    Step::new(Act::Steer)
        .fact(format!("Restaurant: {}", menu.name))
        .fact("Can help with: the menu, orders, the place")
        .or_plain(format!(
            "I'm sorry, I can only help with {}: our menu, your order and the place. What can I get you?",
            menu.name
        ))
}

/// Where the words were not understood.
pub(super) fn ask_again() -> Step {
    Step::new(Act::AskAgain).or_plain("I'm sorry, I didn't quite get that. Could you say it in other words, please?")
}
