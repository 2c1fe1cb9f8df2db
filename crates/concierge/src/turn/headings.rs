//! Headings and courses of the menu that a guest names: "desserts", "something to drink".

use super::wording::{plain_words, says, singular};
use crate::menu::{Course, Item, Menu};

/// A heading or a course that the guest named.
pub(super) enum Wanted {
    Category(String),
    Course(Course),
}

impl Wanted {
    pub(super) fn heading(&self) -> Option<&str> {
        match self {
            Self::Category(category) => Some(category),
            Self::Course(_) => None,
        }
    }

    pub(super) fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Category(category) => item.category == *category,
            Self::Course(course) => item.course == *course,
        }
    }
}

pub(super) fn category_named(menu: &Menu, words: &[String]) -> Option<Wanted> {
    for item in &menu.items {
        let name = plain_words(&item.category);
        let is_name =
            |window: &[String]| window.iter().map(|word| singular(word)).eq(name.iter().map(|word| singular(word)));
        if !name.is_empty() && words.windows(name.len()).any(is_name) {
            return Some(Wanted::Category(item.category.clone()));
        }
    }
    let courses = [
        ("drink | drinks | beverage | beverages | thirsty | to drink", Course::Drink),
        ("dessert | desserts | sweet | sweets", Course::Dessert),
        ("side | sides | starter | starters | snack | snacks", Course::Side),
        ("main | mains | main dish | main course", Course::Main),
    ];
    let (_, course) = courses.into_iter().find(|(names, _)| says(words, names))?;
    menu.items.iter().any(|item| item.course == course).then_some(Wanted::Course(course))
}
