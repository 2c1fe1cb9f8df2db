//! Taking what was told of or offered without naming it: "you choose", "the bigger one", "ok, that".

use super::{
    Pending, Turn,
    aspect::Aspect,
    dishes, extras,
    heard::{Heard, plain_line},
    orders, phrases,
    wording::{among, says},
};
use crate::{
    brief::Step,
    ledger::Question,
    order::Edit,
    tools::{
        Call,
        args::{AddToCart, Extra},
    },
    understand::Form,
};

impl Turn<'_> {
    /// "You choose" and "the cheapest one", where the guest is to say which dish: the best liked, or the cheapest.
    pub(super) fn left_to_us(&self, heard: &Heard<'_>) -> Option<Vec<Edit>> {
        let menu = &self.world.menu;
        let need = self.cart.needs(menu).into_iter().next()?;
        let Question::Item { any_of } = &need.question else { return None };
        let words = &heard.words;
        let cheapest = phrases::is_only(words, phrases::CHEAPEST);
        let any = || [phrases::LEFT_TO_US, phrases::ANY_OF_THEM].iter().any(|left| phrases::is_only(words, left));
        if !heard.edits.is_empty() || !(cheapest || any()) {
            return None;
        }
        let fits = dishes::by_popularity(menu, |item| any_of.contains(&item.id));
        let pick = if cheapest { fits.iter().min_by_key(|item| item.price_range().0) } else { fits.first() }?;
        Some(vec![self.cart.answer_item(need.line, &pick.id)?])
    }

    /// "I'll go for the bigger one" of the dishes told of last.
    pub(super) fn ranked_offer(&self, heard: &Heard<'_>) -> Option<Edit> {
        const MOST: usize = 9;
        let words = &heard.words;
        let takes = heard.form == Form::Statement || heard.wants();
        let free =
            heard.edits.is_empty() && self.memory.complaint.is_none() && self.cart.needs(&self.world.menu).is_empty();
        if !(takes && free && words.len() <= MOST && says(words, "one | of them | of those")) {
            return None;
        }
        let menu = &self.world.menu;
        let offered = self.memory.offered.iter().filter_map(|id| menu.item(id));
        let pick = match Aspect::of(words) {
            Aspect::Biggest => offered.max_by_key(|item| item.calories),
            Aspect::Smallest => offered.min_by_key(|item| item.calories),
            Aspect::Cheapest => offered.min_by_key(|item| item.price_range().0),
            Aspect::Dearest => offered.max_by_key(|item| item.price_range().0),
            _ => None,
        }?;
        Some(Edit::Add { line: plain_line(pick.id.clone(), 1) })
    }

    /// "Ok, that", "ok, add" of the one dish told of last.
    pub(super) fn taken_offer(&self, heard: &Heard<'_>) -> Option<Edit> {
        const TAKES: &str =
            "ok okay yes sure good fine great then please i i'll i'd we we'll take have want add try that this it one";
        let [only] = self.memory.offered.as_slice() else { return None };
        let words = &heard.words;
        let takes = says(words, "that | this | it | add | take | try") && words.iter().all(|word| among(word, TAKES));
        let free = heard.edits.is_empty()
            && heard.form != Form::Open
            && heard.form != Form::YesNo
            && self.memory.complaint.is_none()
            && self.memory.pending.is_none();
        (takes && free).then(|| Edit::Add { line: plain_line(only.clone(), 1) })
    }

    /// "With cream" of the one dish told of last: whether that is to be ordered.
    pub(super) fn extra_of_told(&mut self, heard: &Heard<'_>) -> Option<Step> {
        let menu = &self.world.menu;
        let [told] = self.memory.offered.as_slice() else { return None };
        let free = heard.edits.is_empty()
            && matches!(heard.form, Form::Statement | Form::Request)
            && self.memory.complaint.is_none()
            && self.cart.needs(menu).is_empty();
        let item = menu.item(told).filter(|item| free && item.available)?;
        let (group, choice) = extras::choice_of(menu, item, &heard.words)?;
        let (name, more) = (choice.name.to_lowercase(), extras::surcharge(menu, choice));
        let question = format!("Would you like {} with {name}{more}?", item.name);
        let option = Extra { group: group.id.clone(), choice: choice.id.clone(), amount: None, count: None };
        let call = Call::AddToCart(AddToCart {
            item: item.id.clone(),
            quantity: 1,
            size: None,
            options: vec![option],
            without: Vec::new(),
            allergy_accepted: false,
        });
        self.memory.pending = Some(Pending::Call { call: Box::new(call) });
        Some(orders::ask(&question).verbatim(true))
    }
}
