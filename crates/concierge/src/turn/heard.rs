//! What was heard: the guest's words, read by the router and the parser, before anything is decided.

use std::collections::BTreeSet;

use super::{
    Answer, Pending, Ports, Scene, World,
    asking::{Part, part, part_of},
    calls,
    clauses::clauses,
    place, settled,
    wording::{plain_words, says},
};
use crate::{
    intent::Intent,
    ledger::Question as Open,
    menu::ItemId,
    order::{Edit, OrderLine, Pick},
    ports::{Hit, Query, RecordType},
    route::{Route, RouteHints},
    understand::{self, DialogContext, Form, Move, Problem, Question},
};

/// A message as understood.
pub(super) struct Heard<'a> {
    pub text: &'a str,
    /// Its words, in lower case and without punctuation.
    pub words: Vec<String>,
    /// What the message is about most of all.
    pub intent: Intent,
    pub confidence: f32,
    /// How it is asked.
    pub form: Form,
    /// The things it asks, each by itself; at least one.
    pub parts: Vec<Part<'a>>,
    /// A yes or a no to what was asked.
    pub reply: Option<Answer>,
    /// What is to be done to the cart.
    pub edits: Vec<Edit>,
    pub shows_order: bool,
    /// Things asked for that the menu does not have.
    pub unknown: Vec<Unknown>,
    /// Numbers that cannot be.
    pub problems: Vec<String>,
    /// A question back: which line is meant.
    pub which: Option<String>,
    /// Allergies that the guest states.
    pub allergies: BTreeSet<String>,
    /// Diets that the guest names.
    pub diets: BTreeSet<String>,
    /// Whether a diet is stated of the guest, not only asked about.
    pub states_diet: bool,
}

/// Something that is not on the menu.
pub(super) struct Unknown {
    pub words: String,
    pub near: Vec<Hit>,
}

/// Below this, a part of a message does not get an intent of its own.
const SURE: f32 = 0.5;

impl<'a> Heard<'a> {
    /// Reads a message. Where no vector can be made, words alone decide, and `degraded` says so.
    pub fn listen(world: &World, ports: &Ports<'_>, scene: &Scene<'a, '_>, degraded: &mut bool) -> Self {
        let text = scene.input.text;
        let split = clauses(text);
        let texts: Vec<&str> = std::iter::once(text).chain(split.iter().copied().filter(|_| split.len() > 1)).collect();
        let vectors = ports.embedder.embed_deep(&texts).unwrap_or_else(|_| {
            *degraded = true;
            vec![Vec::new(); texts.len()]
        });
        let routed = texts.into_iter().zip(vectors).map(|(text, mut vector)| {
            let hints = RouteHints {
                menu_terms: world.items_named(text).len(),
                order_question_open: asks_about_order(scene),
                complaint_open: scene.input.memory.complaint.is_some(),
            };
            let mut route = world.router.route(text, &vector, hints);
            // The sentence's own vector, which the index knows, is the end of the deep one.
            let sentence = vector.split_off(vector.len().saturating_sub(ports.embedder.dimensions()));
            let settled = settled::intent(world, scene, text, &route);
            let doubted = settled == route.intent && settled::may_be_about_the_place(text, &route);
            route.intent = if doubted && answers(ports, text, &sentence, &route) { Intent::StoreInfo } else { settled };
            (text, sentence, route)
        });
        let mut parts: Vec<(&'a str, Vec<f32>, Route)> = routed.collect();
        let mut whole = parts.remove(0);
        for (_, _, route) in &mut parts {
            if route.confidence < SURE {
                *route = whole.2;
            }
        }
        let grieves = |(_, _, route): &(&str, Vec<f32>, Route)| route.intent == Intent::Complaint;
        let calm = |(text, _, route): &(&str, Vec<f32>, Route)| {
            matches!(route.intent, Intent::MenuQa | Intent::StoreInfo) || settled::names_dishes(world, text)
        };
        if parts.iter().any(grieves) && !parts.iter().filter(|part| !grieves(part)).any(calm) {
            whole.2.intent = Intent::Complaint;
        }
        let (intent, confidence) = (whole.2.intent, whole.2.confidence);
        // A complaint told in several sentences is one complaint, and so is whatever is all of one kind.
        let one_kind = parts.windows(2).all(|pair| pair[0].2.intent == pair[1].2.intent);
        let questions = parts.iter().all(|(_, _, route)| matches!(route.intent, Intent::MenuQa | Intent::StoreInfo));
        if parts.len() < 2 || intent == Intent::Complaint || (one_kind && !questions) {
            parts = vec![whole];
        }
        let slots = understand::slots(&world.lexicon, text);
        let words = plain_words(text);
        let question = scene.input.memory.question.as_deref().filter(|_| settled::goes_on(world, text, &words));
        let parts = parts.into_iter().map(|(text, vector, route)| match question {
            Some(question) => part_of(world, question, text, vector, &route),
            None => part(world, text, vector, &route),
        });
        let states_diet = !slots.diets.is_empty()
            && says(
                &words,
                "i'm | i am | im | we're | we are | i don't eat | i dont eat | i do not eat | \
                    i can't eat | we don't eat | my diet | i eat",
            );
        let mut heard = Self {
            text,
            words,
            intent: if question.is_some() { Intent::MenuQa } else { intent },
            confidence,
            form: slots.form,
            parts: parts.collect(),
            reply: None,
            edits: Vec::new(),
            shows_order: false,
            unknown: Vec::new(),
            problems: Vec::new(),
            which: None,
            states_diet,
            allergies: slots.allergies,
            diets: slots.diets,
        };
        heard.read_moves(world, scene);
        heard
    }

    /// Whether the message goes on with a complaint that is open, rather than asking something else.
    pub fn continues_complaint(&self, complaint: &super::Complaint) -> bool {
        let asked = complaint.open.is_some();
        // What the manager asked is answered by a dish's name or a sum; to order, one must say so.
        let adds = self.intent == Intent::Order && self.edits.iter().any(|edit| matches!(edit, Edit::Add { .. }));
        let orders = if asked { self.wants() } else { self.confidence >= 0.8 };
        if adds && orders && self.reply.is_none() {
            return false;
        }
        // Thanks and "who are you?" are no answer, however unsure the router is.
        let pleasant = super::chat::is_thanks_or_bye(self.text) || super::chat::asks_who(&self.words);
        if self.intent == Intent::Greeting && pleasant && self.reply.is_none() {
            return false;
        }
        if self.intent == Intent::OffTopic && !asked && self.confidence >= 0.8 {
            return false;
        }
        self.reply.is_some()
            || (asked && self.form == Form::Statement)
            || !matches!(self.intent, Intent::MenuQa | Intent::StoreInfo | Intent::Budget | Intent::Greeting)
            || self.confidence < 0.8
    }

    /// The question about dishes that a next message may go on with.
    pub fn question(&self) -> Option<String> {
        /// Longer questions, in bytes, are not gone on with.
        const MOST: usize = 200;
        let part = self.parts.last().filter(|part| part.intent == Intent::MenuQa)?;
        let question = part.goes_on.as_deref().unwrap_or(part.text);
        (question.len() <= MOST).then(|| question.to_owned())
    }

    /// Whether nothing is named or asked for.
    pub fn says_nothing_new(&self) -> bool {
        self.edits.is_empty() && self.unknown.is_empty() && !self.wants()
    }

    /// Whether the words ask for something, rather than name it.
    pub fn wants(&self) -> bool {
        const WANTING: &str = "want | i'd | like | can i | could i | may i | i'll | add | order | get me | give me | \
            bring me | need | let me";
        says(&self.words, WANTING)
    }

    /// Lets the parser read what concerns the order. A question that names a dish orders nothing.
    fn read_moves(&mut self, world: &World, scene: &Scene<'_, '_>) {
        let input = scene.input;
        let context = context(scene);
        let ordering =
            |intent: Intent| matches!(intent, Intent::Order | Intent::Remove | Intent::Cancel | Intent::History);
        let orders: Vec<&str> = self.parts.iter().filter(|part| ordering(part.intent)).map(|part| part.text).collect();
        let answers = context.pending.is_some() || input.memory.pending.is_some();
        let text = if orders.is_empty() && answers { self.text.to_owned() } else { orders.join(". ") };
        if text.is_empty() {
            return;
        }
        let answered_only = orders.is_empty();
        // "Is it spicy?" asks, and chooses nothing.
        let asks = (matches!(self.form, Form::YesNo | Form::Open) && !self.wants())
            || super::phrases::asks_of_offered(&self.words);
        if answered_only && asks && self.intent == Intent::MenuQa && self.confidence >= SURE {
            return;
        }
        let moves = understand::converse(&world.lexicon, &text, &context);
        let waits_for = |item: &ItemId| {
            scene
                .needs_behind
                .iter()
                .any(|need| matches!(&need.question, Open::Item { any_of } if any_of.contains(item)))
        };
        let answered = moves.iter().any(|found| match found {
            // "Straight ones" names the fries that wait, and no more of them.
            Move::Edit(Edit::Add { line }) => !answered_only && !line.item.one().is_some_and(waits_for),
            Move::Edit(_) => !answered_only,
            found => matches!(found, Move::Choose(_)),
        });
        // What does not answer the first question may answer one that waits behind it.
        let behind = scene.needs_behind.iter().filter(|_| !answered).find_map(|need| {
            let scene = Scene { input, need: Some(need.clone()), needs_behind: Vec::new() };
            let moves = understand::converse(&world.lexicon, &text, &self::context(&scene));
            moves.iter().any(|found| matches!(found, Move::Choose(_))).then_some((moves, scene))
        });
        let other;
        let (moves, scene) = match behind {
            Some((moves, found)) => {
                other = found;
                (moves, &other)
            }
            None => (moves, scene),
        };
        for found in moves {
            match found {
                Move::Affirm => self.reply = Some(Answer::Yes),
                Move::Deny => self.reply = Some(Answer::No),
                Move::Choose(choice) => self.choose(world, scene, choice),
                _ if answered_only => {}
                Move::Edit(edit) => self.edits.push(edit),
                Move::ShowOrder => self.shows_order = true,
                Move::Ambiguous { lines, .. } => {
                    let names: Vec<String> =
                        lines.iter().filter_map(|id| input.cart.line(*id)).map(crate::ledger::describe_line).collect();
                    self.which = Some(format!("Which one do you mean: {}?", super::wording::listing(&names, "or")));
                }
                Move::NotOrdered { words } => {
                    self.which = Some(format!("I don't see {words} on your order. What shall I take off?"))
                }
                // Words that stand where nothing was due are small talk, not a wish, unless there is nothing else.
                Move::Unknown(unknown)
                    if !unknown.asked && !self.is_bare(&unknown.words) && !is_ordered(&text, &unknown.words) => {}
                Move::Unknown(unknown) => self.unknown.push(Unknown {
                    near: unknown.nearest.iter().map(|id| near(world, id)).collect(),
                    words: unknown.words,
                }),
                Move::Problem(Problem::QuantityOutOfRange { words }) => self.problems.push(words),
                Move::Problem(Problem::Uneven { item, .. }) => {
                    self.which = world.menu.item(&item).map(|item| {
                        let sizes: Vec<&str> = item.sizes.iter().map(|size| size.name.as_str()).collect();
                        let sizes = crate::ledger::or_words(&sizes);
                        format!("{} comes as {sizes}. Which would you like?", item.name)
                    });
                }
            }
        }
    }

    /// Whether a message that orders is nothing but these words: "oysters".
    fn is_bare(&self, words: &str) -> bool {
        const MOST: usize = 3;
        let mut all = plain_words(self.text);
        all.retain(|word| !matches!(word.as_str(), "please" | "pls" | "plz" | "thanks"));
        self.intent == Intent::Order && self.confidence >= SURE && all.len() <= MOST && all == plain_words(words)
    }
}

/// A line of one item and nothing else said.
pub(super) const fn plain_line(item: ItemId, quantity: u32) -> OrderLine {
    OrderLine { item: Pick::One(item), quantity, size: None, options: Vec::new(), without: Vec::new() }
}

/// Whether words that fit nothing stand where a thing is ordered: "tacos and a coke", "a classic with sushi".
fn is_ordered(text: &str, thing: &str) -> bool {
    let (words, thing) = (plain_words(text), plain_words(thing).join(" "));
    let Some(at) = super::wording::find(&words, &thing) else { return false };
    let before = at.start.checked_sub(1).map(|before| words[before].as_str());
    let ends = words.get(at.end).is_none_or(|next| matches!(next.as_str(), "and" | "please" | "with"));
    ends && match before {
        Some(before) => before == "with" || (before == "and" && at.start == 1),
        None => words.get(at.end).is_some_and(|next| next == "and") && thing.ends_with('s'),
    }
}

/// What words alone do to a cart.
pub(super) fn edits(world: &World, scene: &Scene<'_, '_>) -> Vec<Edit> {
    let moves = understand::converse(&world.lexicon, scene.input.text, &context(scene));
    moves.into_iter().filter_map(|found| if let Move::Edit(edit) = found { Some(edit) } else { None }).collect()
}

/// Whether a record of the place answers the words, and no dish does so better.
fn answers(ports: &Ports<'_>, text: &str, embedding: &[f32], route: &Route) -> bool {
    let best = |record_type| {
        let query = Query { text, embedding, filter: calls::of_type(record_type), limit: 1 };
        let hits = ports.retriever.search(&query).unwrap_or_default();
        hits.first().map_or(0.0, |hit| hit.score)
    };
    let dishes = || route.intent == Intent::MenuQa || route.intent == Intent::Order;
    let near = if embedding.is_empty() { 0.0 } else { best(RecordType::Info) };
    near >= place::NEAR && (!dishes() || near > best(RecordType::Menu))
}

fn near(world: &World, id: &ItemId) -> Hit {
    let title = world.menu.item(id).map(|item| item.name.clone()).unwrap_or_default();
    Hit { id: id.to_string(), record_type: RecordType::Menu, title, score: 1.0 }
}

fn asks_about_order(scene: &Scene<'_, '_>) -> bool {
    scene.need.is_some()
        || matches!(
            scene.input.memory.pending,
            Some(
                Pending::Place
                    | Pending::Conflict { .. }
                    | Pending::Offered { .. }
                    | Pending::Plan
                    | Pending::Clear
                    | Pending::Call { .. }
            )
        )
}

/// What the conversation has come to, as the parser wants to know it.
pub(super) fn context(scene: &Scene<'_, '_>) -> DialogContext {
    let (input, need) = (scene.input, scene.need.as_ref());
    let item_of = |line| input.cart.line(line).map(|line| line.item.clone());
    let pending = match (need.map(|need| (&need.question, need.line)), &input.memory.pending) {
        (
            _,
            Some(
                Pending::Place
                | Pending::Conflict { .. }
                | Pending::Plan
                | Pending::Clear
                | Pending::Call { .. }
                | Pending::Remedy { .. },
            ),
        ) => Some(Question::Place),
        (_, Some(Pending::Offered { items })) => items.first().cloned().map(Question::Offer),
        (Some((Open::Item { any_of }, _)), None) => Some(Question::WhichItem(any_of.clone())),
        (Some((Open::Size { .. }, line)), None) => item_of(line).map(Question::WhichSize),
        (Some((Open::Choice { group, any_of, .. } | Open::Without { group, any_of }, _)), None) => {
            Some(Question::WhichChoice { group: group.clone(), choices: any_of.clone() })
        }
        (None, None) => None,
    };
    DialogContext {
        cart: input
            .cart
            .lines()
            .iter()
            .map(|line| (line.id, line.as_order()))
            .chain(input.cart.pending_lines().iter().map(|line| (line.id, line.wanted.clone())))
            .collect(),
        touched: input.memory.last_line.filter(|id| input.cart.line(*id).is_some() && need.is_none()),
        changed: input.memory.changed.clone(),
        pending,
        offered: input.memory.offered.clone(),
        suggested: input.memory.suggested,
    }
}
