//! What a question is about: dishes, diets, allergens, and things that are not sold.

use std::collections::BTreeSet;

use super::{
    World,
    aspect::Aspect,
    extras, headings, ranking, settled,
    wording::{among, find, plain_words, says, singular},
};
use crate::{
    intent::Intent,
    menu::ItemId,
    route::Route,
    understand::{self, Form},
};

/// One thing that a message asks.
pub(super) struct Part<'a> {
    pub text: &'a str,
    pub embedding: Vec<f32>,
    pub intent: Intent,
    /// How sure the router is of it.
    pub confidence: f32,
    pub items: Vec<Vec<ItemId>>,
    pub diets: BTreeSet<String>,
    pub allergens: BTreeSet<String>,
    pub unknown: Option<String>,
    /// Whether it speaks of something named before ("is it spicy?").
    pub refers_back: bool,
    /// The question that it goes on with, where it is but "and the fish?".
    pub goes_on: Option<String>,
}

impl Part<'_> {
    /// Whether no dish, diet or allergen is named, and nothing that is not sold.
    pub fn names_nothing(&self) -> bool {
        self.items.is_empty() && self.diets.is_empty() && self.allergens.is_empty() && self.unknown.is_none()
    }

    /// Whether it asks what tells dishes apart that were named before.
    pub fn compares(&self) -> bool {
        self.refers_back || says(&plain_words(self.text), "which | cheapest | difference | best | kinds | kind | types")
    }
}

/// Reads "and the fish?" as the question before it, asked of the fish.
pub(super) fn part_of<'a>(
    world: &World,
    question: &str,
    text: &'a str,
    embedding: Vec<f32>,
    route: &Route,
) -> Part<'a> {
    let route = Route { intent: Intent::MenuQa, ..*route };
    let before = part(world, question, Vec::new(), &route);
    let (diets, allergens) = (before.diets, before.allergens);
    // "And the second cheapest?" asks anew of the same dishes.
    let ranks = Aspect::of(&plain_words(text)).ranks();
    let goes_on = if ranks { format!("{question} {text}") } else { question.to_owned() };
    Part { diets, allergens, goes_on: Some(goes_on), ..part(world, text, embedding, &route) }
}

/// Reads a message, or a part of it, for what it asks about.
pub(super) fn part<'a>(world: &World, text: &'a str, embedding: Vec<f32>, route: &Route) -> Part<'a> {
    let (intent, confidence) = (route.intent, route.confidence);
    let mut slots = understand::slots(&world.lexicon, text);
    let words = plain_words(text);
    let asks_contents = says(
        &words,
        "contain | contains | have | has | allergic | allergy | allergen | allergens | in it | free | \
        without | any | there | with | put | use",
    );
    // "Do you have oat milk?" asks for what goes on dishes, and not for who may not eat it.
    let extra = extras::named(&world.menu, &words).is_some();
    // "What cheese do you use?" asks which, and not for dishes without.
    let which = matches!(words.first().map(String::as_str), Some("what" | "which")) && says(&words, "do you use");
    // "Does it have egg?" asks of a dish, though an egg can be had on others.
    let of_it = says(&words, "it | that | this | they | them | inside");
    let allergens = if intent == Intent::MenuQa && asks_contents && (!extra || of_it) && !which {
        let mut named = understand::allergens_named(&world.lexicon, text);
        // "Gluten-free" is a diet of the menu; asking for it is no question about an allergen.
        named.retain(|allergen| !slots.diets.iter().any(|diet| diet.starts_with(allergen.as_str())));
        // "What flavours of ice cream do you have?" asks for no cream.
        if slots.form == Form::Open && slots.allergies.is_empty() && !world.mentions.items_in(text).is_empty() {
            named.retain(|allergen| words.contains(allergen));
        }
        named
    } else {
        BTreeSet::new()
    };
    // "Nut-free" is no mark of this menu, and yet its allergens tell.
    if !allergens.is_empty() {
        let marked = |diet: &String| world.menu.items.iter().any(|item| item.is_marked(diet));
        slots.diets.retain(|diet| !diet.ends_with("-free") || marked(diet));
    }
    let mut items = world.items_named(text);
    let free = slots.categories.is_empty() && slots.diets.is_empty() && allergens.is_empty();
    // "Do you serve …" must not be heard as a dish whose name sounds like "serve": the thing itself decides.
    let unnamed = world.mentions.items_in(text).is_empty();
    let unknown =
        (free && unnamed).then(|| asked_for(world, text).or_else(|| bare_thing(world, text, intent))).flatten();
    let unknown = unknown.filter(|thing| !extra && understand::slots(&world.lexicon, thing).items.is_empty());
    // "Vegetarian mains" are no dish that goes by "vegetarian", and neither is the mac of which it is asked.
    if unnamed && !slots.diets.is_empty() {
        let by_diet: Vec<Vec<ItemId>> = slots.diets.iter().flat_map(|diet| world.items_named(diet)).collect();
        let others: Vec<Vec<ItemId>> = items.iter().filter(|ids| !by_diet.contains(ids)).cloned().collect();
        let kinds = says(&words, "dishes | food | options | meals | items | things | menu");
        // "I'm vegetarian" names no dish either.
        let of_people =
            says(&words, "i'm | im | i am | we're | we are | she's | he's | she is | he is | they are | my");
        if !others.is_empty() || kinds || of_people || headings::category_named(&world.menu, &words).is_some() {
            items = others;
        }
    }
    // "Is the bread homemade?": what is said of a thing names no dish, as in "homemade lemonade".
    if let [verb, the, subject @ .., said] = words.as_slice()
        && among(verb, "is are was were")
        && among(the, "the your this")
        && unnamed
        && !subject.is_empty()
        && !world.items_named(said).is_empty()
        && world.items_named(&subject.join(" ")).is_empty()
    {
        items.clear();
    }
    if intent == Intent::MenuQa && says(&words, ranking::NOT_EATEN) {
        items.clear();
    }
    // "What oil do you fry in?" asks of the oil, and of no fries.
    if let Some(subject) = asked_of_making(&words)
        && world.items_named(&subject.join(" ")).is_empty()
    {
        items.clear();
    }
    // "What do you serve?"
    if unnamed
        && matches!(words.as_slice(), [.., what, do_, you, verb] if what == "what" && do_ == "do" && you == "you" && among(verb, "serve sell offer"))
    {
        items.clear();
    }
    // Who tells of an allergy and names no dish asks about all of them.
    if unnamed && !slots.allergies.is_empty() {
        items.clear();
    }
    // A word for many dishes names none of them: "burgers", "what can a vegan eat".
    let many = items.len() > 1 && !(slots.categories.is_empty() && slots.diets.is_empty());
    if unknown.is_some() || (unnamed && (many || settled::seeks(&words))) {
        items.clear();
    }
    // "What vegetarian burgers do you have?" asks about all of them, whatever one of them is called.
    let kinds = says(&words, "what | which | any | do you have | are there");
    if kinds && !slots.diets.is_empty() && headings::category_named(&world.menu, &words).is_some() {
        items.clear();
    }
    // "What goes well with it?" asks about other dishes.
    let beside = goes_beside(&words);
    if beside {
        items.clear();
    }
    let beside = beside || says(&words, "recommend | suggest");
    // "What do you have that is warm?" speaks of nothing named before.
    let relative =
        says(&words, "something that | anything that | dishes that | food that | one that | do you have that");
    let refers_back = !beside
        && !relative
        && says(&words, "it | that | that one | this | this one | them | they | those | these | inside");
    Part {
        text,
        embedding,
        intent,
        confidence,
        items,
        diets: slots.diets,
        allergens,
        unknown,
        refers_back,
        goes_on: None,
    }
}

/// "What oil do you fry in?": the thing that is asked about, where something is done with it.
pub(super) fn asked_of_making(words: &[String]) -> Option<&[String]> {
    const GENERAL: &str = "kind kinds sort type of";
    const NOT_MAKING: &str = "have sell serve offer got recommend suggest like want make";
    let (_, rest) = words.split_first().filter(|(first, _)| among(first, "what which"))?;
    let asking = find(rest, "do you | do they")?;
    let subject = &rest[..asking.start];
    let made = rest.get(asking.end).is_some_and(|done| !among(done, NOT_MAKING));
    (made && subject.iter().any(|word| !among(word, GENERAL))).then_some(subject)
}

/// Whether it is asked what to have besides something: "what goes well with the wings?".
pub(super) fn goes_beside(words: &[String]) -> bool {
    says(words, "goes with | go with | goes well | go well | goes best | good with | recommend with | suggest with")
}

/// The thing in "do you have …?": the words behind the verb, where the menu knows none of them.
fn asked_for(world: &World, text: &str) -> Option<String> {
    let form = understand::slots(&world.lexicon, text).form;
    let words = plain_words(text);
    const VERBS: &str = "have got sell serve offer make do get order";
    // "What is the soup of the day?"
    if let Some(at) = find(&words, "of the day").filter(|at| form == Form::Open && at.start > 0) {
        let thing = &words[at.start - 1];
        let general = among(thing, "special dish meal menu");
        return (!general && world.items_named(thing).is_empty() && !names_part(world, thing)).then(|| thing.clone());
    }
    let asks = matches!(form, Form::YesNo | Form::Request)
        || (form == Form::Open && says(&words, "do you have | do you sell | do you serve | do you offer"))
        || says(
            &words,
            "can i get | can i have | could i have | could i get | i want | i'd like | do you have | have you got",
        );
    if !asks {
        return None;
    }
    let there = words.windows(2).position(|pair| matches!(pair[0].as_str(), "is" | "are") && pair[1] == "there");
    let verb = words.iter().rposition(|word| among(word, VERBS)).or(there.map(|at| at + 1))?;
    // "What soups do you have?"
    let what = words.iter().position(|word| matches!(word.as_str(), "what" | "which"));
    let open = what.zip(words.iter().rposition(|word| word == "do")).filter(|(what, end)| what + 1 < *end);
    const SKIP: &str = "a an any some the your you i also maybe please for me us there here";
    const ENDS: &str = "here please today on too as at for in available tonight by or with without and that";
    let behind =
        if form == Form::Open { open.map_or(&[][..], |(what, end)| &words[what + 1..end]) } else { &words[verb + 1..] };
    let mut thing: Vec<&str> = behind
        .iter()
        .map(String::as_str)
        .skip_while(|word| among(word, SKIP))
        .take_while(|word| !among(word, ENDS))
        .take(4)
        .collect();
    const GENERAL: &str = "my money refund discount receipt bill help order food anything something menu items stuff thing \
        things options option specials special recommendations else now later";
    // "It less salty" is no thing, and "a wine list" is wine.
    const POINTING: &str = "it them that this these those i you we they i'm";
    if thing.iter().any(|word| among(word, POINTING)) {
        return None;
    }
    if thing.len() > 1 && thing.last().is_some_and(|word| among(word, "list card menu")) {
        thing.pop();
    }
    // What some dish or option speaks of is a matter for the search, not a thing that is not sold.
    let known = |word: &&str| {
        let free = format!("{word}-free");
        world.menu.items.iter().any(|item| {
            plain_words(&item.name).contains(&(*word).to_owned())
                || (plain_words(&item.description).contains(&(*word).to_owned()) && !item.description.contains(&free))
        }) || world
            .menu
            .option_groups
            .iter()
            .flat_map(|group| &group.choices)
            .any(|choice| plain_words(&choice.name).contains(&(*word).to_owned()))
    };
    // What the last word says is what the thing is: "red wine" is no red onion.
    let told = thing.is_empty() || thing.iter().any(|word| among(word, GENERAL)) || thing.last().is_some_and(known);
    // "We don't have a hot dog" reads better than without the article.
    let article = words.windows(2).find(|pair| among(&pair[0], "a an") && thing.first() == Some(&pair[1].as_str()));
    (!told).then(|| article.iter().map(|pair| pair[0].as_str()).chain(thing).collect::<Vec<_>>().join(" "))
}

/// Whether a word is part of a name or of another name of something on the menu.
fn names_part(world: &World, word: &str) -> bool {
    let groups = &world.menu.option_groups;
    let choices =
        groups.iter().flat_map(|group| &group.choices).flat_map(|choice| choice.aliases.iter().chain([&choice.name]));
    let items = world.menu.items.iter().flat_map(|item| item.aliases.iter().chain([&item.category]));
    items
        .chain(choices)
        .chain(groups.iter().map(|group| &group.name))
        .any(|name| plain_words(name).iter().any(|other| singular(other) == singular(word)))
}

/// "Red wine": a question of few words that end in one that nothing on the menu is called by.
fn bare_thing(world: &World, text: &str, intent: Intent) -> Option<String> {
    let words = plain_words(text);
    // Who says something of themselves asks for no thing.
    const SAYING: &str = "i i'm im i've we we're you you're it's that's don't do not is are was understand with without for \
        before after";
    const ASKED: &str = "expensive cheapest cheap popular best calories size sizes price prices dearest";
    if intent != Intent::MenuQa
        || words.len() > 3
        || settled::seeks(&words)
        || words.iter().any(|word| among(word, ASKED) || among(word, SAYING))
    {
        return None;
    }
    let parsed = understand::parse(&world.lexicon, text);
    let last = words.last()?;
    let ends = |thing: &understand::UnknownThing| thing.words.split(' ').next_back() == Some(last.as_str());
    let thing: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| among(word, "and or but also")).collect();
    (parsed.lines.is_empty() && parsed.unknown.iter().any(ends)).then(|| thing.join(" "))
}
