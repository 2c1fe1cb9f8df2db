//! What a reply is about: what is asked is told, what is ordered is ordered, and what is not sold is said to be so.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod house;

use concierge::brief::Act;
use house::House;

/// Says each line to one guest and holds the last reply against acts and words. `!word`: it must not be said.
#[track_caller]
fn check(said: &[&str], acts: &[Act], words: &[&str]) {
    let house = House::shipped();
    let mut guest = house.guest();
    let decision = said.iter().map(|text| guest.say(text)).last().unwrap();
    let found: Vec<Act> = decision.brief.steps.iter().map(|step| step.act).collect();
    let plain = decision.brief.plain();
    assert_eq!(found, acts, "{said:?}: {plain}");
    for word in words {
        match word.strip_prefix('!') {
            Some(word) => assert!(!plain.to_lowercase().contains(word), "{said:?} says {word}: {plain}"),
            None => assert!(plain.contains(word), "{said:?} does not say {word}: {plain}"),
        }
    }
}

#[test]
fn what_is_asked_about_is_told_and_not_ordered() {
    check(&["list the desserts please"], &[Act::TellMenu], &["Raspberry Pie", "Session Cookie"]);
    check(&["show me the salads"], &[Act::TellMenu], &["Caesar Cipher Salad", "Garden Node Salad"]);
    check(&["compare the neural shake and the dark mode shake"], &[Act::Compare], &["$5.00", "$5.25"]);
    check(&["what can I put on the garden salad"], &[Act::TellItem], &["dressing", "croutons"]);
    check(&["something chocolatey"], &[Act::Recommend], &[]);
    check(&["burgers"], &[Act::TellMenu], &["Firewall Burger", "Go Fish Burger"]);
    check(&["cheapest dessert"], &[Act::TellPrice], &["Session Cookie", "$2.49"]);
    check(&["vegan desserts?"], &[Act::TellDiet], &["Raspberry Pie", "!cookie"]);
    check(&["gluten free burgers?"], &[Act::TellDiet], &["nothing marked gluten-free"]);
    check(&["we're vegetarian, what can we have?"], &[Act::TellDiet], &["Vegetarian with us", "Silicon Valley Vege"]);
}

#[test]
fn a_category_is_not_one_of_its_dishes() {
    check(&["a burger"], &[Act::AskWhich], &["Firewall Burger", "Root Beet Burger"]);
    check(&["two salads please"], &[Act::AskWhich], &["Caesar Cipher Salad", "Garden Node Salad"]);
}

#[test]
fn what_is_not_sold_is_declined_as_it_was_said() {
    check(&["do you have white wine?"], &[Act::DeclineUnknown], &["white wine"]);
    check(&["rose wine"], &[Act::DeclineUnknown], &["rose wine"]);
    check(&["a lamb burger"], &[Act::DeclineUnknown], &["lamb burger", "!lambda"]);
    check(&["can i get a beer please"], &[Act::DeclineUnknown], &["beer"]);
    check(&["a root beer"], &[Act::DeclineUnknown], &["root beer"]);
    check(&["a lambda lemonaid"], &[Act::ConfirmAdded], &["Lambda Lemonade"]);
    check(&["one chesse burger"], &[Act::AskWhich], &["Gemma Double Stack", "!fish"]);
    check(&["a glas of coke"], &[Act::ConfirmAdded], &["Compiler Cola"]);
    check(&["a cola", "remove the falafel"], &[Act::AskWhich], &["I don't see falafel on"]);
    check(&["a cola", "take the brownie off please"], &[Act::AskWhich], &["I don't see brownie on"]);
}

#[test]
fn fillers_are_not_things() {
    for text in ["a cola plz", "uhh a cola pls", "ok a cola thx", "yo could i get a cola ty", "stop, a cola"] {
        check(&[text], &[Act::ConfirmAdded], &["1 × Compiler Cola"]);
    }
    for text in ["compare", "explain", "list", "stop", "describe"] {
        let house = House::shipped();
        let mut guest = house.guest();
        guest.say("a cola");
        let decision = guest.say(text);
        assert!(!guest.cart.is_empty(), "{text}");
        assert!(decision.brief.steps.iter().all(|step| step.act != Act::DeclineUnknown), "{text}");
        assert!(guest.memory.complaint.is_none(), "{text}");
    }
}

#[test]
fn a_number_of_dishes_is_no_sum_of_money() {
    check(&["150 classics"], &[Act::DeclineRule], &["150"]);
    check(&["15 nuggets"], &[Act::AskWhich], &["6 Pieces, 10 Pieces or 20 Pieces"]);
    check(&["6 nuggets"], &[Act::ConfirmAdded], &["1 × Binary Nuggets (6 pieces)"]);
    check(&["40 nuggets"], &[Act::ConfirmAdded], &["2 × Binary Nuggets (20 pieces)"]);
    check(&["dinner for three under $40"], &[Act::TellPlan], &["$40.00 with tax, to the cent"]);
}

#[test]
fn a_correction_is_about_the_line_that_it_names() {
    let cola = ["two cookies", "a cola", "make it three cookies"];
    check(&cola, &[Act::ConfirmChanged], &["3 × Session Cookie"]);
    check(&["four colas", "only three colas"], &[Act::ConfirmChanged], &["3 × Compiler Cola"]);
    check(&["a double stack", "take the grilled onions off"], &[Act::ConfirmChanged], &["no grilled onions"]);
    let off = ["a double stack and a cola", "take the cheddar off the double stack"];
    check(&off, &[Act::ConfirmChanged], &["no cheddar"]);
}

#[test]
fn yes_means_what_was_asked() {
    let refused = ["one classic, fries and a cola", "python", "that's all", "no", "no"];
    check(&[&refused[..], &["yes"]].concat(), &[Act::AskAgain], &["!added"]);
    let taken = ["one classic and a cola", "done", "yes please", "yes, place it"];
    check(&taken, &[Act::ConfirmPlaced], &["order number"]);
    let more = ["one classic and a cola", "done", "yes and a cookie"];
    check(&more, &[Act::ConfirmAdded, Act::AskPlace], &["Python Fries", "Session Cookie"]);
}

#[test]
fn a_guest_learns_that_no_person_speaks() {
    for text in ["are you a robot?", "am i talking to a human?", "are you real?", "is this a bot"] {
        check(&[text], &[Act::Introduce], &["a computer program, not a person"]);
    }
}

#[test]
fn after_a_hand_over_no_model_speaks() {
    let house = House::shipped();
    let mut guest = house.guest();
    guest.memory.handed_over = true;
    let decision = guest.say("this is terrible, my food was cold");
    assert!(decision.brief.is_verbatim());
    assert_eq!(decision.brief.steps[0].act, Act::Escalate);
    let decision = guest.say("a cola please");
    assert!(decision.brief.is_verbatim());
    assert_eq!(guest.cart.lines().len(), 1);
}

#[test]
fn what_must_be_said_stands_in_the_facts() {
    let house = House::shipped();
    for record in &house.world.info.records {
        let decision = house.guest().say(&format!("what about your {}?", record.title.to_lowercase()));
        for step in decision.brief.steps.iter().filter(|step| step.act == Act::TellStore) {
            let facts: String = step.facts.iter().map(|fact| fact.text.to_lowercase()).collect();
            for need in step.points.iter().flat_map(|point| &point.needs) {
                assert!(facts.contains(&need.to_lowercase()), "{}: {need} is not in {facts}", record.id);
            }
        }
    }
}
