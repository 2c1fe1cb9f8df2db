//! The restaurant as the turns see it.

use crate::{
    check::MentionIndex,
    ledger::{Policy, Upsell},
    menu::{ItemId, Menu},
    prompt::Personas,
    route::Router,
    store_info::StoreInfo,
    understand::Lexicon,
};

/// Everything about the restaurant that a turn may use. Read once, at the start.
pub struct World {
    /// The menu.
    pub menu: Menu,
    /// The place.
    pub info: StoreInfo,
    /// The staff.
    pub personas: Personas,
    /// The menu compiled for the parser.
    pub lexicon: Lexicon,
    /// The intent classifier.
    pub router: Router,
    /// What may be offered after a complaint.
    pub policy: Policy,
    /// What is suggested with what.
    pub upsell: Upsell,
    /// The menu compiled for the check.
    pub mentions: MentionIndex,
}

impl World {
    /// The items that a text names; several in one entry where its word fits several.
    #[must_use]
    pub fn items_named(&self, text: &str) -> Vec<Vec<ItemId>> {
        let named = self.mentions.items_in(text);
        if named.is_empty() {
            // Misspelt names are found by the parser's lexicon.
            return crate::understand::slots(&self.lexicon, text).items.into_iter().map(|item| vec![item]).collect();
        }
        named
    }
}
