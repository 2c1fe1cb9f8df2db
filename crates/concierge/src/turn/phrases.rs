//! Set phrases that mean the same wherever they are said, whatever the router makes of them.

use super::{
    Pending, Scene, World, chat, grievances, place, settled,
    wording::{among, find, says},
};
use crate::{
    intent::Intent,
    money::Cents,
    order::{Edit, OrderLine, Pick},
    planner::wish,
    route::Route,
    understand::{self, Form, Move},
};

/// What a set phrase is about; none where the message is no such phrase.
pub(super) fn intent(
    world: &World,
    scene: &Scene<'_, '_>,
    text: &str,
    words: &[String],
    route: &Route,
) -> Option<Intent> {
    if says(words, EMERGENCY)
        || says(words, STILL_SERVING)
        || (says(words, "where are you") && !says(words, "you from"))
    {
        return Some(Intent::StoreInfo);
    }
    let named = settled::names_dishes(world, text);
    // "Python fries vs straight fries" orders neither.
    if named && says(words, "vs | versus") {
        return Some(Intent::MenuQa);
    }
    if asks_of_offered(words) && !scene.input.memory.offered.is_empty() {
        return Some(Intent::MenuQa);
    }
    if is_only(words, chat::THINKING) {
        return Some(Intent::Greeting);
    }
    if !named && says(words, chat::LITTLE_ENGLISH) {
        return Some(Intent::Greeting);
    }
    let asks_house =
        || OF_THE_HOUSE.iter().any(|(asked, topic)| says(words, asked) && place::knows(&world.info, topic));
    if !named && (asks_house() || (asks_for_tableware(words) && route.intent != Intent::Complaint)) {
        return Some(Intent::StoreInfo);
    }
    if !named && (asks_total(scene, words) || asks_tax(scene, words)) {
        return Some(Intent::History);
    }
    if goes_ahead(scene, words) {
        return Some(Intent::Order);
    }
    if asks_if_safe(words) && !scene.input.cart.allergies().is_empty() {
        return Some(Intent::MenuQa);
    }
    if !named && settled::asks_hours(words) {
        return Some(Intent::StoreInfo);
    }
    // "Hey, what's good here?" greets and asks.
    let pleasantly = || match route.intent {
        Intent::Order => understand::parse(&world.lexicon, text).lines.is_empty(),
        intent => matches!(intent, Intent::Greeting | Intent::OffTopic | Intent::StoreInfo | Intent::History),
    };
    if !named && words.len() <= ASKED_AT_MOST && says(words, WHAT_IS_GOOD) && pleasantly() {
        return Some(Intent::MenuQa);
    }
    // "Twenty" of the nuggets just ordered is no sum of money.
    let number = words.len() <= 2 && words.iter().any(|word| crate::check::number(word).is_some());
    let memory = &scene.input.memory;
    let free = scene.need.is_none() && memory.pending.is_none() && memory.wish.is_none();
    if number && free && !text.contains(['$', '€', '£']) {
        let moves = understand::converse(&world.lexicon, text, &super::heard::context(scene));
        let told = !memory.offered.is_empty();
        let counts = |found: &Move| match found {
            Move::Edit(Edit::SetSize { .. }) => true,
            Move::Edit(Edit::Add { .. }) => told,
            _ => false,
        };
        if moves.iter().any(counts) {
            return Some(Intent::Order);
        }
    }
    let statement = understand::slots(&world.lexicon, text).form == Form::Statement;
    if !named && says(words, LEFT_TO_US) {
        return Some(Intent::MenuQa);
    }
    if price_bound(world, text, words).is_some() {
        return Some(Intent::MenuQa);
    }
    let bare = !named && scene.need.is_none();
    if bare && (is_about_place(words, AWAY) || is_about_place(words, HERE)) {
        return Some(Intent::StoreInfo);
    }
    if bare
        && (says(words, REDUCTIONS) || is_only(words, "deals | deal | coupons"))
        && !text.contains(|c: char| c.is_ascii_digit())
        && place::knows(&world.info, "discount")
    {
        return Some(Intent::StoreInfo);
    }
    let speaks = says(words, "you speak | anyone speak | somebody speak | someone speak | you talk | menu in");
    if speaks && words.iter().any(|word| word != "menu" && place::knows(&world.info, word)) {
        return Some(Intent::StoreInfo);
    }
    if bare && words.iter().any(|word| among(word, FAITHS) && place::knows(&world.info, word)) {
        return Some(Intent::StoreInfo);
    }
    // "Spicy" and "decaf" are on many things or on one; which is wanted must be said.
    let few = words.iter().filter(|word| !among(word, "please the a one an some")).count() <= 2;
    let first = scene.input.cart.is_empty();
    if bare && first && few && route.intent == Intent::Order {
        let offered = &scene.input.memory.offered;
        let lines = understand::parse(&world.lexicon, text).lines;
        let told = |line: &OrderLine| {
            offered.len() > 1
                && match &line.item {
                    Pick::One(item) => offered.contains(item),
                    Pick::AnyOf(any_of) => any_of.iter().any(|item| offered.contains(item)),
                }
        };
        if !lines.is_empty() && (words[0] == "not" || !lines.iter().any(told)) {
            return Some(Intent::MenuQa);
        }
    }
    let calm = grievances::kind_of(words).is_none();
    let mistaken = matches!(route.intent, Intent::Complaint | Intent::OffTopic | Intent::MenuQa | Intent::History);
    let of_dishes = !named || says(words, "was | were | is | are | love | loved");
    if statement && calm && mistaken && of_dishes && chat::praises(words) {
        return Some(Intent::Greeting);
    }
    if calm && !named && chat::asks_help(words) {
        return Some(Intent::Greeting);
    }
    let hungry = says(words, HUNGRY) || says(words, "i'm thirsty | im thirsty | so thirsty");
    (bare && hungry && route.intent != Intent::Budget && calm).then_some(Intent::MenuQa)
}

/// Longer messages, in words, that ask what is good say more than that.
const ASKED_AT_MOST: usize = 9;

/// What is best is asked.
pub(super) const WHAT_IS_GOOD: &str = "what's good | whats good | what is good | what do you recommend | \
    what can i get | number one | any recommendation | any recommendations | any suggestions | what should i get | what should i eat | what should i order | what's popular | \
    whats popular | what is popular | what can i eat | what can i have | what can i order | what could i have | \
    what do you have | what have you got | what do you got | best seller | best sellers";

/// Whether it is asked if something can be eaten in spite of an allergy.
pub(super) fn asks_if_safe(words: &[String]) -> bool {
    const MOST: usize = 9;
    words.len() <= MOST
        && says(words, "safe | safely")
        && !says(words, "driver | drive | money | data | parking | wifi")
}

/// Which of several things is meant by its place, counted from none: "the second one".
pub(super) fn place_of(words: &[String]) -> Option<usize> {
    const PLACES: [&str; 4] =
        ["the first | first one", "the second | second one", "the third | third one", "the fourth | fourth one"];
    PLACES.iter().position(|place| says(words, place))
}

/// Whether one of those told of is asked about by its place: "tell me about the second one".
pub(super) fn asks_of_offered(words: &[String]) -> bool {
    place_of(words).is_some()
        && says(words, "tell me | what's | what is | what about | describe | how much | how is | how many | does | is")
}

/// What a guest asks of the house in set phrases, each with a topic of the record that answers it.
const OF_THE_HOUSE: &[(&str, &str)] = &[
    ("catering | cater", "catering"),
    ("i lost | we lost | i've lost | i have lost | i forgot my | i left my | we left our", "lost"),
    ("send it to | deliver it | bring it to my | bring it to our | deliver to", "delivery"),
    ("fastest | quickest | make it quick | make it fast | be quick | in a hurry | how fast", "quick"),
    ("a combo | combos | any combo | meal deal | meal deals | set menu | set menus", "bundles"),
];

/// Words of the tax.
pub(super) const TAX: &str = "tax | taxes | vat";

/// Whether the tax on what is in the cart is asked: "without tax?", "how much is the tax?".
fn asks_tax(scene: &Scene<'_, '_>, words: &[String]) -> bool {
    const MOST: usize = 6;
    !scene.input.cart.lines().is_empty() && words.len() <= MOST && says(words, TAX)
}

/// Whether somebody with an order and no open question says nothing but that it is right: "good", "ok, checkout".
fn goes_ahead(scene: &Scene<'_, '_>, words: &[String]) -> bool {
    let memory = &scene.input.memory;
    let free = scene.need.is_none() && memory.pending.is_none() && memory.complaint.is_none();
    free && !scene.input.cart.is_empty() && is_content(words)
}

/// Whether nothing is said but that all is well.
pub(super) fn is_content(words: &[String]) -> bool {
    const CONTENT: &str = "ok okay perfect great looks good fine that that's thats it alright all right correct nice \
        sounds is lovely excellent cool super everything confirm confirmed do it go ahead sure place order checkout pay \
        now";
    const GOING: &str = "order | checkout | confirm | pay | place";
    const POLITE: &str = "yes please thanks thank you thx";
    let only = |polite: &str| words.iter().all(|word| among(word, CONTENT) || among(word, polite));
    !words.is_empty() && (only("") || (only(POLITE) && says(words, GOING)))
}

/// What lies on tables and is no dish: a question for the house, never a thing that is not sold.
const TABLEWARE: &str = "knife knives fork forks spoon spoons napkin napkins cutlery straw straws plate plates tray trays \
    chair chairs chopsticks";

/// Whether a message asks for what lies on tables.
pub(super) fn asks_for_tableware(words: &[String]) -> bool {
    words.iter().any(|word| among(word, TABLEWARE))
}

/// What the record of emergencies is for.
const EMERGENCY: &str = "call the police | call an ambulance | call 911 | an emergency | is choking | need a doctor | \
    call a doctor | not breathing | first aid | epipen | epi pen | there is a fire | there's a fire";

/// Whether the kitchen still takes orders.
const STILL_SERVING: &str =
    "can i still order | can we still order | still taking orders | too late to order | still serving";

/// The guest leaves the choice to the house.
pub(super) const LEFT_TO_US: &str =
    "surprise me | you choose | you decide | you pick | up to you | whatever you recommend";

/// The same as an answer to "which one?", where less says it.
pub(super) const ANY_OF_THEM: &str = "your choice | dealer's choice | chef's choice | i don't care | i dont care | \
    doesn't matter | any one | any of them | whatever | anything | any | the best | the best one | the most popular";

/// The guest is hungry, and says no more.
pub(super) const HUNGRY: &str = "i'm hungry | im hungry | so hungry | starving";

/// The cheapest of those to choose from.
pub(super) const CHEAPEST: &str = "the cheapest | cheapest | the cheapest one | cheapest one | whatever is cheapest | the cheaper one | \
    the cheaper";

/// Whether a message is one of some phrases, politeness aside.
pub(super) fn is_only(words: &[String], phrases: &str) -> bool {
    const POLITE: &str = "please just ok okay it's is fine me for i think";
    let rest_is_polite = |at: std::ops::Range<usize>| {
        words.iter().enumerate().all(|(place, word)| at.contains(&place) || among(word, POLITE))
    };
    phrases.split('|').any(|phrase| find(words, phrase).is_some_and(rest_is_polite))
}

/// Taking food away and eating it here, said by themselves.
const AWAY: &str = "to go | take away | takeaway | take out | takeout | to take away | take it away";
const HERE: &str = "for here | eat in | eat here | eat it here | dine in | to stay | sit in";

/// Names of faiths, whose rules for food a record may tell of.
const FAITHS: &str = "muslim jewish islam islamic";

/// Words for paying less.
const REDUCTIONS: &str = "discount | discounts | coupon | coupons | promo | promotion | promotions | any deals | deals today | \
    special offer | special offers";

/// Whether a short message says only that: "to go please", but not "where do I have to go".
fn is_about_place(words: &[String], phrases: &str) -> bool {
    const AROUND: &str = "please pls is it this that's thats for me us can could i we want would like to my order will be i'd \
        i'll have get it a and the food go take away takeaway out takeout here eat in dine stay sit also or";
    says(words, phrases) && words.len() <= 8 && words.iter().all(|word| among(word, AROUND))
}

/// "What does it come to?" and "what is in my cart?" of what is ordered.
fn asks_total(scene: &Scene<'_, '_>, words: &[String]) -> bool {
    const TOTAL: &str = "come to | comes to | in total | the total | my total | total so far | altogether | all together | \
        add up to | adds up to | do i owe | i owe you | the bill so far | my bill so far | for everything";
    const ASKING: &str = "how much | what | what's | whats | is | how";
    const IN_CART: &str = "in cart | in my cart | in the cart | in basket | in my basket | in the basket";
    const SHOWN: &str =
        "show me everything | show everything | show me all | show all | show my order | show me my order";
    let (cart, memory) = (&scene.input.cart, &scene.input.memory);
    // Of several things in the cart, and none told of since, "how much is it?" asks for the sum.
    let several =
        cart.lines().iter().map(|line| line.quantity).sum::<u32>() > 1 || memory.pending == Some(Pending::Place);
    // "How much now?"
    const BARE: &str = "how much now is so far ok and what's the price then";
    let bare = || words.iter().all(|word| among(word, BARE));
    let of_all = memory.offered.is_empty()
        && says(words, "how much | the price")
        && ((several && says(words, "it | that | this | all")) || bare());
    !cart.is_empty()
        && ((says(words, ASKING) && (says(words, TOTAL) || says(words, IN_CART) || of_all)) || says(words, SHOWN))
}

/// "Which burgers are under ten dollars?": the sum, where dishes are asked for by their price and no meal.
pub(super) fn price_bound(world: &World, text: &str, words: &[String]) -> Option<Cents> {
    const BELOW: &str = "under | below | less than | cheaper than | for less than";
    let first = words.first().map_or("", String::as_str);
    let what = among(first, "what which anything any something show list")
        || says(words, "do you have | is there | are there");
    let meal = says(
        words,
        "meal | dinner | lunch | combo | can i get | can we get | can i have | eat | for two | people | persons",
    );
    let bound = || wish::read(&world.lexicon, &world.menu, text).request.limit;
    (what && says(words, BELOW) && !meal).then(bound).flatten()
}
