//! The search's filter in Pinecone's words.

use concierge::ports::Filter;
use serde_json::{Value, json};

/// What every vector of ours is marked with, so that a namespace shared with others is left as it is.
pub(super) const KEEPER: &str = "gemma-burger";

/// What is ours.
pub(super) fn ours() -> Value {
    json!({"kept_by": {"$eq": KEEPER}})
}

/// What is ours and fits. Words are lower case, as they are kept.
pub(super) fn translated(filter: &Filter) -> Value {
    let Filter { record_type, category, diet, max_price } = filter;
    let word = |text: &String| text.trim().to_lowercase();
    let mut all = vec![ours()];
    all.extend(record_type.map(|kind| json!({"type": {"$eq": kind.as_str()}})));
    all.extend(category.as_ref().map(|category| json!({"category": {"$eq": word(category)}})));
    all.extend(diet.as_ref().map(|diet| json!({"diets": {"$in": [word(diet)]}})));
    all.extend(max_price.map(|price| json!({"price_cents": {"$lte": price.0}})));
    json!({"$and": all})
}

#[cfg(test)]
mod tests {
    use concierge::{money::Cents, ports::RecordType};

    use super::*;

    #[test]
    fn each_condition_has_its_operator() {
        assert_eq!(translated(&Filter::default()), json!({"$and": [{"kept_by": {"$eq": "gemma-burger"}}]}));
        let filter = Filter {
            record_type: Some(RecordType::Menu),
            category: Some(" Side".to_owned()),
            diet: Some("Vegan".to_owned()),
            max_price: Some(Cents(350)),
        };
        let expected = json!({"$and": [
            {"kept_by": {"$eq": "gemma-burger"}}, {"type": {"$eq": "menu"}}, {"category": {"$eq": "side"}},
            {"diets": {"$in": ["vegan"]}}, {"price_cents": {"$lte": 350}}]});
        assert_eq!(translated(&filter), expected);
    }
}
