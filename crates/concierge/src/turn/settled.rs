//! What plain words settle, whatever the router made of them: a question orders nothing, a number of dishes is no sum
//! of money, and one odd word is no complaint.

use super::{
    Scene, World, chat, grievances, phrases,
    wording::{among, find, plain_words, says},
};
use crate::{
    intent::Intent,
    order::Edit,
    route::Route,
    understand::{self, Form, Move},
};

/// Below this, a complaint needs words that complain.
const COMPLAINS: f32 = 0.7;

/// Words that speak of what has come. Without them, and with nothing placed, "a firewall burger, not spicy" says how it
/// is to be.
const SERVED: &str = "was | were | is | are | isn't | aren't | wasn't | got | came | had | found | my | our | this | that | it | your | \
    gave | never | wrong | not good | not fresh | not right | not ok | not okay | not what | not warm | not enough | not cooked | \
    not done | not nice | not edible | not tasty";

/// Below this, the router may have taken a question for small talk.
const SURE_SMALL_TALK: f32 = 0.9;

/// Below this, a number that no order can have is an order all the same.
const SURE_OFF_TOPIC: f32 = 0.6;

/// A sum from here on, in hundredths, is meant for a meal and not for a dish.
const MEAL: i64 = 500;

/// What a message, or a part of it, is about.
pub(super) fn intent(world: &World, scene: &Scene<'_, '_>, text: &str, route: &Route) -> Intent {
    let words = plain_words(text);
    let says = |phrases: &str| says(&words, phrases);
    let complaining = scene.input.memory.complaint.is_some();
    // Whoever wants to speak to somebody of the house does not want to talk to the clerk about it.
    if grievances::asks_for(&words).is_some() {
        return Intent::Complaint;
    }
    if chat::asks_who(&words) {
        return Intent::Greeting;
    }
    if reports_allergen(world, text, &words) {
        return Intent::Complaint;
    }
    if is_displeased(scene, &words) {
        return Intent::Complaint;
    }
    let mut intent = route.intent;
    if intent == Intent::Complaint && !complaining {
        // "Something salty" is sought, and was not served.
        if seeks(&words) {
            return Intent::MenuQa;
        }
        if objects_to_prices(&words) {
            return if names_dishes(world, text) { Intent::MenuQa } else { Intent::Budget };
        }
        let served = !scene.input.cart.orders().is_empty() || says(SERVED);
        let orders_so = !served && says("not") && names_dishes(world, text);
        if orders_so || !complains(world, text, &words, route.confidence) {
            intent = next_best(route);
        }
    }
    if !complaining && let Some(plain) = phrases::intent(world, scene, text, &words, route) {
        return plain;
    }
    let form = understand::slots(&world.lexicon, text).form;
    if !complaining && chat::takes_leave(&words) && !text.contains('?') && !orders(world, text) {
        intent = Intent::Greeting;
    }
    let price = says("how much | how many dollars | how many bucks | price | prices | priced | cost | costs");
    let extreme = says("cheapest | most expensive") || (says("cheaper") && names_dishes(world, text));
    // A question with price words orders nothing.
    if price && !complaining && !matches!(intent, Intent::Complaint | Intent::Budget) && names_dishes(world, text) {
        return Intent::MenuQa;
    }
    if intent == Intent::Budget {
        return budget(world, scene, text, &words, price || extreme);
    }
    if !complaining && asks_to_be_told(world, scene, text, &words, intent) {
        return Intent::MenuQa;
    }
    if asks_hours(&words) && matches!(intent, Intent::OffTopic | Intent::Greeting | Intent::Order | Intent::MenuQa) {
        return Intent::StoreInfo;
    }
    if corrects_or_counts(world, scene, text, &words, intent) || finishes(world, scene, text, intent) {
        return Intent::Order;
    }
    match intent {
        Intent::Order if (price || extreme) && scene.need.is_none() => Intent::MenuQa,
        Intent::OffTopic if route.confidence < SURE_SMALL_TALK && (says(EATING) || seeks(&words)) => Intent::MenuQa,
        // "Hi, I want something sweet" greets and asks.
        Intent::Greeting if seeks(&words) => Intent::MenuQa,
        // "Is the hot one very hot?": a question that names a dish is about it.
        Intent::OffTopic
            if route.confidence < SURE_SMALL_TALK
                && form != Form::Statement
                && !world.mentions.items_in(text).is_empty() =>
        {
            Intent::MenuQa
        }
        Intent::OffTopic
            if route.confidence < SURE_OFF_TOPIC && !understand::parse(&world.lexicon, text).problems.is_empty() =>
        {
            Intent::Order
        }
        Intent::Complaint if scene.input.cart.orders().is_empty() && !complaining && asks_for_a_rule(world, text) => {
            Intent::StoreInfo
        }
        // Nothing is placed yet: how long it takes is a question about the kitchen.
        Intent::History if scene.input.cart.orders().is_empty() && says("how long") => Intent::StoreInfo,
        Intent::History if says("last order") && says("time | when | until | late") => Intent::StoreInfo,
        _ => intent,
    }
}

/// Whether a question may be about the place, though the router took it for something else: "can I take it away?" takes
/// nothing off the order, and "where do I pick up my order?" does not ask what is in it.
pub(super) fn may_be_about_the_place(text: &str, route: &Route) -> bool {
    /// Surer than this, the router is right about what has no part of the order in it.
    const SURE: f32 = 0.95;
    /// Surer than this, a question is about dishes.
    const SURE_OF_DISHES: f32 = 0.7;
    let words = plain_words(text);
    let first = words.iter().find(|word| !matches!(word.as_str(), "and" | "so" | "ok" | "but" | "hi" | "hello"));
    let asks = || {
        matches!(
            first.map(String::as_str),
            Some(
                "where"
                    | "where's"
                    | "how"
                    | "when"
                    | "what"
                    | "what's"
                    | "why"
                    | "is"
                    | "are"
                    | "do"
                    | "does"
                    | "will"
            )
        ) || says(&words, "can i | can we | could i | could we | may i | may we | is it possible | is that possible")
    };
    // "Where is my food?" asks how far an order is.
    let own =
        || says(&words, "my | mine | our | cart | basket") && !says(&words, "do i | do we | can i | can we | must i");
    match route.intent {
        Intent::OffTopic => route.confidence < SURE,
        Intent::History => route.confidence < SURE && asks() && !own(),
        Intent::Greeting | Intent::Remove | Intent::Cancel => route.confidence < SURE && asks(),
        Intent::MenuQa | Intent::Order => route.confidence < SURE_OF_DISHES && asks(),
        // "Can I come with a group of twenty?" speaks of people, and of no money.
        Intent::Budget => asks() && !words.iter().any(|word| among(word, MONEY)) && !text.contains(['$', '€', '£']),
        Intent::StoreInfo | Intent::Complaint => false,
    }
}

/// Whether a guest who has ordered dislikes what came, or tells what was paid: "I hate it", "I paid 30 dollars".
fn is_displeased(scene: &Scene<'_, '_>, words: &[String]) -> bool {
    const DISLIKES: &str = "i hate it | i hate this | hate the food | hated it | don't like it | dont like it | do not like it | \
        didn't like it | did not like it | don't like the food";
    const PAID: &str = "i paid | we paid | i have paid | i've paid";
    const MOST: usize = 8;
    let served = !scene.input.cart.orders().is_empty() && scene.input.cart.is_empty();
    let told = scene.input.memory.handed_over || scene.input.memory.complaint.is_some();
    words.len() <= MOST && ((served && says(words, DISLIKES)) || (told && says(words, PAID)))
}

/// Words of eating and drinking: what is said of them is a restaurant's business.
const EATING: &str = "eat | eating | drink | food | hungry | thirsty | meal | snack | dish | dishes | menu | tasty";

/// A meal within a sum, or a dish of which the price is asked.
fn budget(world: &World, scene: &Scene<'_, '_>, text: &str, words: &[String], asks_price: bool) -> Intent {
    let wish = crate::planner::wish::read(&world.lexicon, &world.menu, text);
    let sum = wish.request.limit.is_some_and(|limit| limit.0 >= MEAL);
    if asks_price {
        let meal = says(words, "meal | dinner | lunch | combo") && !names_dishes(world, text);
        let plans = sum && !says(words, "how much | price | cost");
        return if plans || meal || wish.request.party > 1 { Intent::Budget } else { Intent::MenuQa };
    }
    let money = sum || speaks_of_money(text, words, &wish);
    if !sum && asks_to_be_told(world, scene, text, words, Intent::Budget) {
        return Intent::MenuQa;
    }
    match money {
        false if orders(world, text) => Intent::Order,
        false if says(words, phrases::WHAT_IS_GOOD) => Intent::MenuQa,
        _ => Intent::Budget,
    }
}

/// Whether words tell of something that went wrong.
fn complains(world: &World, text: &str, words: &[String], confidence: f32) -> bool {
    const COMING: &str =
        "i come | we come | i'll come | i will come | i'm coming | be there | arrive | i forgot | we forgot";
    if says(words, COMING) {
        return false;
    }
    grievances::kind_of(words).is_some() || (confidence >= COMPLAINS && !states_allergy(world, text, words))
}

/// "Why is it so expensive?": no harm was done, and what is dear to one may be helped by a plan.
fn objects_to_prices(words: &[String]) -> bool {
    says(words, "expensive | pricey | overpriced | too much money | so much money | too dear")
        && !says(words, "charged | paid | took | bill | receipt | card | my order")
        && grievances::kind_of(words).is_none()
}

/// Whether a dish or a heading of the menu is named.
pub(super) fn names_dishes(world: &World, text: &str) -> bool {
    let slots = understand::slots(&world.lexicon, text);
    !slots.items.is_empty() || !slots.categories.is_empty() || !world.mentions.items_in(text).is_empty()
}

/// Whether a message goes on with the question before it: "and the fish?", "what about a shake". What is counted or
/// asked for is an order, unless it asks.
pub(super) fn goes_on(world: &World, text: &str, words: &[String]) -> bool {
    const MOST: usize = 8;
    let leads = |phrase: &str| find(words, phrase).is_some_and(|at| at.start == 0);
    let wonders = leads("what about | how about | and what about | and how about | what of");
    let counted = |word: &String| matches!(word.as_str(), "a" | "an") || crate::check::number(word).is_some();
    let asks = text.trim_end().ends_with('?') || !words.iter().any(counted);
    let size = |word: &String| {
        among(
            word,
            "and a an the what how about large small medium regular big one ones cheapest second third most expensive",
        )
    };
    let of = words.len() <= 4 && leads("of | of the");
    (wonders || of || (leads("and") && asks))
        && words.len() <= MOST
        && !says(words, "please | add | i'd | i'll | i want | give me | get me | can i | could i | to go")
        && (names_dishes(world, text) || (asks && words.len() > 1 && words.iter().all(size)))
}

/// "What if my food is cold?": a rule is asked for and nothing has happened.
fn asks_for_a_rule(world: &World, text: &str) -> bool {
    let rule = "can i get | can i have | what if | do you give | what is your | what's your | is there a | \
        if the | if my";
    says(&plain_words(text), rule) && understand::slots(&world.lexicon, text).form != Form::Statement
}

/// Whether words order plainly, whatever they sound like: a correction ("make it two"), a thing with its number ("10
/// dumplings"), a thing's full name and no question, or a change of what is in the cart.
fn corrects_or_counts(world: &World, scene: &Scene<'_, '_>, text: &str, words: &[String], intent: Intent) -> bool {
    let far = matches!(intent, Intent::OffTopic | Intent::StoreInfo | Intent::Greeting);
    if !(far || intent == Intent::MenuQa) || scene.input.memory.complaint.is_some() {
        return false;
    }
    if understand::slots(&world.lexicon, text).form != Form::Statement || seeks(words) || words.len() > 25 {
        return false;
    }
    let context = super::heard::context(scene);
    let moves = understand::converse(&world.lexicon, text, &context);
    let unsure = |found: &Move| matches!(found, Move::Unknown(_) | Move::NotOrdered { .. } | Move::Ambiguous { .. });
    if moves.is_empty() || moves.iter().any(unsure) {
        return false;
    }
    let named = !world.mentions.items_in(text).is_empty();
    let counted = words.first().is_some_and(|word| {
        matches!(word.as_str(), "a" | "an")
            || word.bytes().all(|b| b.is_ascii_digit())
            || crate::check::number(word).is_some()
    });
    moves.iter().all(|found| match found {
        // "Classic with gluten free bun" orders, though it sounds of a diet.
        Move::Edit(Edit::Add { line }) => {
            (line.item.one().is_some() && (counted || (named && !line.options.is_empty()))) || (far && named)
        }
        Move::Edit(Edit::Clear | Edit::Place) => false,
        Move::Edit(_) => true,
        _ => false,
    })
}

/// "What about Sunday?", "and tomorrow?": a day and nothing else.
fn asks_day(words: &[String]) -> bool {
    const DAYS: &str = "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays \
        fridays saturdays sundays tomorrow weekend weekends weekdays holidays";
    const LEAD: &str = "and what about how on the a at for in then ok also is it but";
    let mut named = 0;
    let only = words.iter().all(|word| {
        let day = among(word, DAYS);
        named += usize::from(day);
        day || among(word, LEAD)
    });
    only && (1..=2).contains(&named)
}

/// A day and nothing else, or the end of the hours just told: "til when?".
pub(super) fn asks_hours(words: &[String]) -> bool {
    const MOST: usize = 5;
    const UNTIL: &str = "til when | till when | until when | from when | since when | how late | what hours | which hours | until what time | \
        till what time";
    asks_day(words) || (words.len() <= MOST && says(words, UNTIL))
}

/// "That's all, thank you" with something on the order: thanks that end it.
fn finishes(world: &World, scene: &Scene<'_, '_>, text: &str, intent: Intent) -> bool {
    matches!(intent, Intent::Greeting | Intent::OffTopic)
        && !scene.input.cart.is_empty()
        && scene.input.memory.complaint.is_none()
        && understand::converse(&world.lexicon, text, &super::heard::context(scene)).contains(&Move::Edit(Edit::Place))
}

/// Verbs that ask for words, not for food.
const TELLING: &str = "list show see compare describe explain recommend suggest tell";

/// Whether a question about dishes is one bare verb.
pub(super) fn says_too_little(text: &str) -> bool {
    const BARE: &str = "compare describe explain tell list show what which";
    const MANY: &str = "dishes ones items things";
    match plain_words(text).as_slice() {
        [only] => among(only, BARE),
        [which, many] => among(which, "what which") && among(many, MANY),
        _ => false,
    }
}

/// How an allergy is taken back.
pub(super) const NOT_ALLERGIC: &str =
    "not allergic | isn't allergic | no allergy | no allergies | don't have an allergy";

/// Whether an allergy is stated, or taken back, and nothing told that went wrong: no complaint, whatever it sounds like.
fn states_allergy(world: &World, text: &str, words: &[String]) -> bool {
    let happened = "had | got | was | were | came | gave | ate | reaction | refund | asked | told | said | \
        ordered | found | there is | there's | there are";
    let stated = || !understand::slots(&world.lexicon, text).allergies.is_empty();
    (says(words, NOT_ALLERGIC) || stated()) && !says(words, happened)
}

/// Whether somebody was served what they are allergic to: too grave to be taken for a question about dishes.
fn reports_allergen(world: &World, text: &str, words: &[String]) -> bool {
    let served = "there was | there were | i found | we found | was in my | were in my | in my food | gave me | \
        i ate";
    says(words, served) && !understand::slots(&world.lexicon, text).allergies.is_empty()
}

/// The likeliest intent besides a complaint.
fn next_best(route: &Route) -> Intent {
    let others = Intent::ALL.into_iter().filter(|intent| *intent != Intent::Complaint);
    others.max_by(|a, b| route.scores[a.index()].total_cmp(&route.scores[b.index()])).unwrap_or(Intent::OffTopic)
}

/// Whether the guest wants to hear about dishes: "list the desserts", "what can I put on it", "something sweet".
fn asks_to_be_told(world: &World, scene: &Scene<'_, '_>, text: &str, words: &[String], intent: Intent) -> bool {
    let ordering = matches!(intent, Intent::Order | Intent::Remove | Intent::Cancel | Intent::Budget);
    if !(ordering || matches!(intent, Intent::StoreInfo | Intent::OffTopic | Intent::Complaint | Intent::History)) {
        return false;
    }
    // What was ordered is another matter.
    if says(words, "my order | my cart | my basket | my bill | the bill | so far | did i | have i | do i have") {
        return false;
    }
    // Where the house has asked something, a loose word answers it.
    let free = scene.need.is_none();
    if ordering && free && seeks(words) && world.mentions.items_in(text).is_empty() {
        return true;
    }
    let slots = understand::slots(&world.lexicon, text);
    if slots.items.is_empty() && slots.categories.is_empty() {
        return false;
    }
    const LEAD: &str = "please can could you would just hi hello hey ok and so then i we may let me";
    let first = words.iter().find(|word| !among(word, LEAD)).map_or("", String::as_str);
    if among(first, TELLING) {
        return true;
    }
    let wishes = says(words, "how about | what about | how many | how do i | how long");
    let asked = matches!(first, "what" | "what's" | "whats" | "which") && slots.form == Form::Open && !wishes;
    asked && free && (ordering || !world.mentions.items_in(text).is_empty())
}

/// Whether something is sought without being named: "something spicy", "I'd like anything without meat".
pub(super) fn seeks(words: &[String]) -> bool {
    const LEAD: &str = "hi hey hello i we i'd we'd id i'll want need would like give get me us have can could you please to try eat \
        order fancy for just maybe hmm um uh bring take some do is there got recommend suggest looking i'm im am feel in \
        the mood with and also then ok okay my our a kid kids child children son daughter wife husband friend him her them";
    let Some(at) = words.iter().position(|word| !among(word, LEAD)) else { return false };
    // "I'd like something" says nothing of what, "recommend something" leaves it to the house.
    let told = words[at + 1..].iter().any(|word| !matches!(word.as_str(), "please" | "pls" | "plz"));
    matches!(words[at].as_str(), "something" | "anything" | "sth" | "smth")
        && (told || says(words, "recommend | suggest"))
}

/// Words of money.
const MONEY: &str = "budget spend spending money cash cheap cheaply cheaper afford affordable under below within maximum \
    max dollar dollars buck bucks euro euros pounds quid cents broke worth";

/// Whether words speak of a sum, or of feeding people.
fn speaks_of_money(text: &str, words: &[String], wish: &crate::planner::wish::Wish) -> bool {
    text.contains(['$', '€', '£', '¥', '₹', '₩'])
        || words.iter().any(|word| among(word, MONEY))
        || says(words, "at most | no more than | less than | up to")
        || wish.request.party > 1
        || wish.other_currency.is_some()
}

/// Whether the parser finds an order in the words, or a number that none can have.
fn orders(world: &World, text: &str) -> bool {
    let parsed = understand::parse(&world.lexicon, text);
    !parsed.lines.is_empty() || !parsed.problems.is_empty()
}
