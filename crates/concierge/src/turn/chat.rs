//! Greetings, thanks, goodbyes, small talk, and what is not a restaurant's business.

use super::dishes::by_popularity;
use super::wording::{among, ends_in, find, plain_words, says};
use crate::{
    brief::{Act, Step},
    menu::{Course, Menu},
    prompt::Persona,
};

/// Words that thank, those that travellers keep of their own language included.
const THANKS: &str = "thanks | thank | thx | cheers | ty | appreciate | appreciated | grateful | gracias | merci | danke | \
    grazie | arigato | obrigado";

/// Answers a pleasantry. The manager, whose guest has a complaint open, answers soberly and in fixed words.
pub(super) fn greeting(menu: &Menu, persona: &Persona, manager: bool, text: &str, first_turn: bool) -> Step {
    let step = pleasantry(menu, persona, text, first_turn);
    let sober = match step.act {
        Act::Farewell => "Thank you for telling us. I wish you a good day.",
        Act::Welcome => "You are welcome. Is there anything else that I can do for you?",
        Act::Greet => "Good day. How would you like me to go on with your complaint?",
        _ => return step,
    };
    if manager { Step::new(step.act).or_plain(sober).verbatim(true) } else { step }
}

fn pleasantry(menu: &Menu, persona: &Persona, text: &str, first_turn: bool) -> Step {
    let words = plain_words(text);
    let house = &menu.name;
    if takes_leave(&words) {
        return Step::new(Act::Farewell)
            .fact(format!("Restaurant: {house}"))
            .or_plain(format!("Thank you for visiting {house}. Goodbye, and see you soon!"));
    }
    if says(&words, THANKS) {
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
    if super::phrases::is_only(&words, THINKING) {
        return Step::new(Act::AskAgain).or_plain("Take your time. I'm here when you are ready.").verbatim(true);
    }
    if says(&words, LITTLE_ENGLISH) {
        return Step::new(Act::AskAgain)
            .or_plain("That is no trouble at all. Say it in a few simple words, and I will understand. What would you like to eat or drink?")
            .verbatim(true);
    }
    if asks_help(&words) {
        let best =
            |course| by_popularity(menu, |item| item.course == course).first().map_or("", |item| item.name.as_str());
        let (main, drink) = (best(Course::Main), best(Course::Drink));
        return Step::new(Act::Introduce)
            .or_plain(format!(
                "Just tell me what you would like, for example \"{main} and a {drink}\". You can also ask me about any dish, about allergens or about the place, or tell me how much you want to spend."
            ))
            .verbatim(true);
    }
    if praises(&words) {
        return Step::new(Act::Welcome)
            .fact(format!("Restaurant: {house}"))
            .or_plain("Thank you, that's lovely to hear! Is there anything else I can do for you?")
            .verbatim(true);
    }
    if matches!(words.as_slice(), [only] if among(only, "huh what eh pardon hm hmm sorry")) {
        return ask_again();
    }
    let plain = if says(
        &words,
        "how are you | how's it going | how are things | how do you do | what's up | whats up | \
        how is it going | how you doing | how are you doing | how's your day | how is your day",
    ) {
        "I'm doing well, thank you for asking! What can I get you?".to_owned()
    } else if first_turn {
        persona.greeting.clone()
    } else {
        "Nice to have you here! What can I get you?".to_owned()
    };
    Step::new(Act::Greet).fact(format!("Restaurant: {house}")).or_plain(plain)
}

/// Whether somebody's dislike is told, and no order with it: "my son doesn't like onions".
pub(super) fn dislikes(text: &str) -> bool {
    const DISLIKES: &str = "don't like | dont like | do not like | doesn't like | doesnt like | does not like | not a fan of | \
        i hate | he hates | she hates | can't stand | dislikes | doesn't eat | doesnt eat | does not eat";
    /// What may be disliked that no dish can be made without.
    const OF_THE_HOUSE: &str = "it that this you your them the food service waiting wait place here much";
    let words = plain_words(text);
    let behind = find(&words, DISLIKES).map(|at| &words[at.end..]);
    let thing = behind.and_then(|rest| rest.first()).is_some_and(|word| !among(word, OF_THE_HOUSE));
    thing
        && !text.contains('?')
        && !says(&words, "what | which | recommend | suggest | but | so | something | anything")
}

/// What to do about a dislike, before anything is ordered.
pub(super) fn leave_out() -> Step {
    Step::new(Act::AskAgain)
        .or_plain("All right. Tell me what you would like and what to leave out, and I'll see to it where it can be.")
}

/// Whether the guest says something kind of the house or of whoever speaks.
pub(super) fn praises(words: &[String]) -> bool {
    if words.first().is_some_and(|word| word == "best") && words.last().is_some_and(|word| word == "ever") {
        return true;
    }
    let kind = "compliments | great | delicious | amazing | awesome | loved | love | excellent | tasty | yummy | wonderful | \
        fantastic | perfect | funny | sweet | nice | helpful | good job | very good | so good | \
        really good | well done | the best | lovely";
    let of = "you | you're | your | it | that | food | meal | was | were | chef | kitchen | service | place | \
        everything | job | done";
    let wishes = "day | evening | weekend | night | to meet | see you | to see | morning | talking | to talk | \
        chatting";
    let denied = "not | wasn't | isn't | weren't | no | never | don't | didn't | what | which | would | have";
    says(words, kind) && says(words, of) && !says(words, wishes) && !says(words, denied)
}

/// Whether the guest asks who or what speaks, and nothing else: "what do you do with my data?" asks about the place.
pub(super) fn asks_who(words: &[String]) -> bool {
    const WHO: &str = "who are you | your name | what can you do | how can you help | what do you do | what are you | \
        who made you | who built you | who created you | who programmed you";
    const BEHIND: &str = "here for me us exactly please then today all";
    let mut end = words.len();
    while end > 0 && among(&words[end - 1], BEHIND) {
        end -= 1;
    }
    asks_what(words) || ends_in(&words[..end], WHO)
}

/// Whether the guest asks if a person speaks.
fn asks_what(words: &[String]) -> bool {
    const KINDS: &str = "robot bot chatbot human person machine computer program ai real people \
        assistant language alive model llm gpt chatgpt gemini claude";
    let asked =
        says(words, "are you | is this | am i talking to | am i speaking to | am i chatting with | you are | you're");
    asked && words.len() <= 10 && words.iter().any(|word| among(word, KINDS))
}

/// Whether the guest takes leave: "see you", "my train is coming, I have to go", but not "I have to go to the toilet".
pub(super) fn takes_leave(words: &[String]) -> bool {
    const BYE: &str = "bye | goodbye | good bye | see you | see ya | cya | good night | later | farewell | take care | \
        have a good one | have a nice day | have a great day | adios | ciao | au revoir | sayonara | hasta luego";
    const GOING: &str = "have to go | must go | got to go | gotta go | need to go | have to leave | must leave | \
        need to leave | have to run | gotta run | must run | i'm leaving | we're leaving | i leave now | we leave now";
    says(words, BYE) || find(words, GOING).is_some_and(|at| words.get(at.end).is_none_or(|next| next != "to"))
}

/// Whether the guest is lost: "how does it work?", "I don't understand".
pub(super) fn asks_help(words: &[String]) -> bool {
    const MOST: usize = 8;
    const LOST: &str = "how does it work | how does this work | how do i use this | what should i do | what do i do now | \
        don't understand | dont understand | do not understand | don't get it | no entiendo | what do you mean | \
        can you help me | could you help me | please help me | i need help | help me please";
    words.len() <= MOST && (matches!(words, [only] if only == "help") || ends_in(words, "help me") || says(words, LOST))
}

/// The guest is not ready yet.
pub(super) const THINKING: &str = "wait | wait a moment | one moment | just a moment | a moment | one minute | just a minute | give me a minute | \
    one second | just a second | just looking | i'm just looking | let me think | i'm thinking | let me see | hold on";

/// The guest is ashamed of their English.
pub(super) const LITTLE_ENGLISH: &str = "my english | bad english | little english | not speak english | no speak english | \
    don't speak english | no english | not good english";

/// Whether a message is in another language than English: mostly other letters than ours, or words that only others use.
pub(super) fn is_foreign(text: &str) -> bool {
    /// A dish may have a foreign name; two such words or more make a sentence.
    const LEAST: usize = 2;
    const WORDS: &str = "hola quiero quisiera tienen tiene puedo gracias favor una unos dónde está cuánto cuesta hay bonjour \
        bonsoir je voudrais avez vous merci plaît est où combien avec sans ich möchte mochte haben hätte gerne sie bitte \
        einen eine danke guten hallo wo ist kann deutsch sprechen buongiorno vorrei grazie avete posso dove olá ola \
        obrigado obrigada quero você tem dzień dobry proszę merhaba istiyorum lütfen";
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (ours, others): (Vec<char>, Vec<char>) = letters.partition(|c| u32::from(*c) <= LAST_LATIN);
    if others.len() > ours.len() {
        return true;
    }
    plain_words(text).iter().filter(|word| among(word, WORDS)).count() >= LEAST
}

/// The last letter of the Latin script with its accents.
const LAST_LATIN: u32 = 0x24F;

/// Whether the guest only thanks or takes leave.
pub(super) fn is_thanks_or_bye(text: &str) -> bool {
    let words = plain_words(text);
    takes_leave(&words) || says(&words, THANKS)
}

/// Whether the guest makes a price: "my burger costs $0 now", "give me everything for free".
pub(super) fn makes_prices(text: &str) -> bool {
    let words = plain_words(text);
    let nothing = "costs 0 | cost 0 | costs nothing now | is free now | are free now | for 0 dollars | \
        price is 0 | price to 0 | everything for free | get it for free | get this for free | get that for free | food for free | everything is free | make it free | \
        give it to me for free | 100 off | costs zero | price is zero";
    let makes = "set the price | change the price | change your prices | new price is | price is now | \
        costs only | cost only";
    says(&words, nothing) || says(&words, makes) && words.iter().any(|word| word.bytes().any(|b| b.is_ascii_digit()))
}

/// No guest makes prices.
pub(super) fn fixed_prices() -> Step {
    let plain = "Nice try! Our prices are the ones on our menu, and I can't change them. What can I get you?";
    Step::new(Act::DeclineRule).or_plain(plain).verbatim(true)
}

/// Leads back to the restaurant's business; in other words each time, so that a guest who plays on is not bored.
pub(super) fn off_topic(menu: &Menu, manager: bool, turns: u32) -> Step {
    let house = &menu.name;
    let plain = if manager {
        format!("I am afraid that I can only help with {house}. May we go on with your complaint?")
    } else {
        match turns % 4 {
            0 => format!("I wish I could help with that, but I only know {house}: our menu, your order and the place. What can I get you?"),
            1 => "That one is beyond my counter, I'm afraid! Ask me about our dishes, your order or our hours, and I'm all ears.".to_owned(),
            2 => format!("Sorry, I'd only be guessing! I'm good at one thing: looking after the guests of {house}. What may I bring you?"),
            _ => "You've lost me there, sorry! Ask me what's good here, and I'll gladly tell you.".to_owned(),
        }
    };
    Step::new(Act::Steer)
        .fact(format!("Restaurant: {house}"))
        .fact("Can help with: the menu, orders, the place")
        .or_plain(plain)
}

/// Where the words were not understood.
pub(super) fn ask_again() -> Step {
    Step::new(Act::AskAgain).or_plain("I'm sorry, I didn't quite get that. Could you say it in other words, please?")
}
