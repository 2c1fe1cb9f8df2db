//! Complaints: what is asked, what may be offered, what is granted.

use std::collections::BTreeSet;

use super::{
    remedy::{Advice, Ask, Case, HandOver, Next, NotAllowed, PolicyError},
    *,
};
use crate::money::{Cents, Currency};

const POLICY: &str = include_str!("policy.yaml");
const HOUR: i64 = 3_600;

fn policy() -> Policy {
    Policy::from_yaml(POLICY).unwrap()
}

/// A guest with one order of two lines, placed at second 1,000,000: 2 soups of 5.25 and a tea of 2.00, with tax
/// 13.66 (10.50 and its tax of 0.97, 2.00 and 0.19).
fn guest() -> Guest {
    Guest::new().says(add(with("soup", 2, &[option("extras", "cheese")]))).says(add(line("tea", 1))).places(1)
}

/// What the chat knows of a complaint.
#[derive(Clone)]
struct Known {
    guest: Guest,
    kind: ComplaintKind,
    order: bool,
    line: Option<u32>,
    whole: bool,
    answered: BTreeSet<Ask>,
    waited: Option<u32>,
    asked: u32,
    refused: BTreeSet<RemedyKind>,
    now: i64,
}

impl Known {
    /// A complaint about the first line, with everything answered, an hour after the order.
    fn of(kind: ComplaintKind) -> Self {
        Self {
            guest: guest(),
            kind,
            order: true,
            line: Some(1),
            whole: false,
            answered: BTreeSet::from([Ask::Receipt, Ask::Received, Ask::Amount, Ask::Details, Ask::Wait]),
            waited: None,
            asked: 0,
            refused: BTreeSet::new(),
            now: 1_000_000 + HOUR,
        }
    }

    fn case<T>(&self, look: impl FnOnce(&Case<'_>) -> T) -> T {
        look(&Case {
            kind: self.kind,
            order: self.order.then(|| self.guest.cart.orders().last().unwrap()),
            line: self.line.map(id),
            whole_order: self.whole,
            answered: &self.answered,
            waited_minutes: self.waited,
            asked: self.asked,
            refused: &self.refused,
            granted: self.guest.cart.remedies(),
            now: self.now,
        })
    }

    fn advice(&self) -> Advice {
        self.case(|case| policy().advise(&Currency::default(), case).unwrap())
    }

    /// The next step in short: `ask line`, `refund_line 11.47, replacement`, `TooLate`.
    fn next(&self) -> String {
        match self.advice().next {
            Next::Ask { ask, .. } => format!("ask {ask}"),
            Next::HandOver { reason, .. } => format!("{reason:?}"),
            Next::Offer { offers } => {
                let show = |offer: &remedy::Offer| match offer.amount {
                    Cents::ZERO => offer.remedy.to_string(),
                    amount => format!("{} {amount}", offer.remedy),
                };
                offers.iter().map(show).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// The guest takes what is offered.
    #[track_caller]
    fn takes(mut self, remedy: RemedyKind) -> Self {
        let event = self.case(|case| policy().grant(&Currency::default(), case, remedy)).unwrap();
        self.guest.take(event.as_slice());
        self
    }

    fn about(self, kind: ComplaintKind, line: u32) -> Self {
        Self { kind, line: Some(line), ..self }
    }

    fn given(&self) -> Vec<(Option<LineId>, RemedyKind, i64)> {
        let granted = self.guest.cart.remedies().iter();
        granted.map(|granted| (granted.line, granted.remedy, granted.amount.0)).collect()
    }
}

#[test]
fn what_is_missing_is_asked_in_order() {
    let mut known = Known { order: false, line: None, answered: BTreeSet::new(), ..Known::of(ComplaintKind::ColdFood) };
    assert_eq!(known.next(), "ask order");
    let Next::Ask { words, .. } = known.advice().next else { panic!() };
    assert_eq!(words, "Which order is it? The order number is on your receipt.");
    known.order = true;
    assert_eq!(known.next(), "ask line");
    known.line = Some(9);
    assert_eq!(known.next(), "ask line");
    known.line = Some(1);
    assert_eq!(known.next(), "ask receipt");
    known.answered.insert(Ask::Receipt);
    assert_eq!(known.next(), "refund_line 11.47, replacement");
    // Three questions are enough.
    let unclear = Known { line: None, asked: 2, ..known.clone() };
    assert_eq!(unclear.next(), "ask line");
    assert_eq!(Known { asked: 3, ..unclear }.next(), "StillUnclear");
    assert_eq!(Known { asked: 3, ..known }.next(), "refund_line 11.47, replacement");
    // The only line of an order needs no question.
    let single = Guest::new().says(add(line("tea", 1))).places(1);
    let known = Known { guest: single, line: None, ..Known::of(ComplaintKind::ColdFood) };
    assert_eq!(known.next(), "refund_line 2.19, replacement");
}

#[test]
fn a_wait_is_known_from_the_guest_or_the_answer() {
    let known = Known { answered: BTreeSet::new(), ..Known::of(ComplaintKind::Delay) };
    assert_eq!(known.next(), "ask wait");
    assert_eq!(Known { waited: Some(40), ..known.clone() }.next(), "apology, voucher 5.00");
    assert_eq!(Known { waited: Some(24), ..known.clone() }.next(), "apology");
    assert_eq!(Known { waited: Some(25), ..known.clone() }.next(), "apology, voucher 5.00");
    // Nobody waits longer than since the order.
    let claimed = Known { waited: Some(500), now: 1_000_000 + 24 * 60 + 59, ..known.clone() };
    assert_eq!(claimed.next(), "apology");
    assert_eq!(Known { now: 1_000_000 + 25 * 60, ..claimed }.next(), "apology, voucher 5.00");
    let answered = Known::of(ComplaintKind::Delay);
    assert_eq!(answered.next(), "apology, voucher 5.00");
    let refused = BTreeSet::from([RemedyKind::Apology]);
    assert_eq!(Known { waited: Some(5), refused, ..answered }.next(), "NothingLeft");
}

#[test]
fn the_words_name_item_and_sum() {
    let Next::Offer { offers } = Known::of(ComplaintKind::ColdFood).advice().next else { panic!() };
    assert_eq!(offers[0].words, "We refund Tomato Soup: $11.47.");
    assert_eq!(offers[1].words, "We make Tomato Soup again for you at once, at no charge.");
    let advice = Known::of(ComplaintKind::ColdFood).advice();
    assert!(advice.full_refund && advice.open_ticket && advice.amounts && advice.first_words.is_none());
    assert_eq!(advice.title, "Food served cold");
    assert!(advice.note.contains("receipt"));
}

#[test]
fn serious_matters_go_to_a_person_at_once() {
    for kind in [ComplaintKind::Illness, ComplaintKind::ForeignObject] {
        let known = Known { order: false, line: None, answered: BTreeSet::new(), ..Known::of(kind) };
        let advice = known.advice();
        assert!(matches!(advice.next, Next::HandOver { reason: HandOver::Kind, .. }), "{kind}");
        assert!(advice.first_words.unwrap().contains("911") && !advice.amounts && advice.open_ticket);
    }
    let overcharge = Known { answered: BTreeSet::new(), ..Known::of(ComplaintKind::Overcharge) };
    assert_eq!(overcharge.next(), "ask amount");
    assert_eq!(Known::of(ComplaintKind::Overcharge).next(), "Kind");
    let Next::HandOver { words, .. } = Known::of(ComplaintKind::Overcharge).advice().next else { panic!() };
    assert_eq!(words, "I am handing this to a member of our staff, who will answer you here.");
}

#[test]
fn late_and_frequent_complaints_go_to_a_person() {
    let known = Known::of(ComplaintKind::Spilled);
    assert_eq!(Known { now: 1_000_000 + 4 * HOUR, ..known.clone() }.next(), "replacement, refund_line 11.47");
    assert_eq!(Known { now: 1_000_001 + 4 * HOUR, ..known.clone() }.next(), "TooLate");
    let mut often = known;
    for order in 2..=4 {
        often.guest = often.guest.says(add(line("tea", 1))).places(order);
        let line = often.guest.cart.orders().last().unwrap().lines[0].id.0;
        often = often.about(ComplaintKind::Spilled, line);
        assert_eq!(often.next(), "replacement, refund_line 2.19", "{order}");
        often = often.takes(RemedyKind::Replacement);
    }
    // The fourth order within 30 days; a further line of one that was put right is no new order.
    let fifth = Known { guest: often.guest.clone().says(add(line("tea", 1))).places(5), line: None, ..often.clone() };
    assert_eq!(fifth.next(), "TooOften");
    let month_later = 30 * 24 * HOUR + HOUR;
    let mut later = fifth;
    later.guest.take(&[]);
    later.now = 1_000_000 + month_later;
    assert_eq!(later.next(), "TooLate");
}

#[test]
fn remedies_of_long_ago_are_not_held_against_a_guest() {
    let known = Known::of(ComplaintKind::ColdFood);
    let before = |age: i64| {
        let granted: Vec<Granted> = (10..13)
            .map(|order| Granted {
                order: OrderId(order),
                line: None,
                remedy: RemedyKind::Voucher,
                amount: Cents(100),
                at: known.now - age,
            })
            .collect();
        known.case(|case| {
            let case = Case { granted: &granted, ..*case };
            matches!(policy().advise(&Currency::default(), &case).unwrap().next, Next::Offer { .. })
        })
    };
    assert_eq!((before(30 * 24 * HOUR), before(30 * 24 * HOUR + 1)), (false, true));
}

#[test]
fn a_line_is_put_right_once() {
    let known = Known::of(ComplaintKind::ColdFood).takes(RemedyKind::RefundLine);
    assert_eq!(known.given(), [(Some(id(1)), RemedyKind::RefundLine, 1147)]);
    assert_eq!(known.next(), "NothingLeft");
    let known = known.about(ComplaintKind::WrongItem, 2);
    assert_eq!(known.next(), "replacement, refund_line 2.19");
    let known = known.takes(RemedyKind::Replacement);
    assert_eq!(known.given()[1], (Some(id(2)), RemedyKind::Replacement, 0));
    assert_eq!(known.next(), "NothingLeft");
    // The whole order is another matter, and is put right once as well.
    let known = known.about(ComplaintKind::Delay, 1);
    assert_eq!(known.next(), "apology, voucher 2.19");
    let known = known.takes(RemedyKind::Voucher);
    assert_eq!(known.given()[2], (None, RemedyKind::Voucher, 219));
    assert_eq!(known.next(), "apology");
}

#[test]
fn what_is_refused_is_not_offered_again() {
    let mut known = Known::of(ComplaintKind::Quality);
    assert_eq!(known.next(), "replacement, voucher 3.00");
    known.refused.insert(RemedyKind::Replacement);
    assert_eq!(known.next(), "voucher 3.00");
    assert_eq!(known.clone().takes(RemedyKind::Voucher).given(), [(Some(id(1)), RemedyKind::Voucher, 300)]);
    known.refused.insert(RemedyKind::Voucher);
    assert_eq!(known.next(), "NothingLeft");
}

#[test]
fn vouchers_of_an_order_have_a_limit() {
    let plenty = Guest::new()
        .says(add(line("stew", 1)))
        .says(add(line("soup", 2)))
        .says(add(line("tea", 1)))
        .says(add(line("juice", 1)))
        .places(1);
    let mut known = Known { guest: plenty, ..Known::of(ComplaintKind::Quality) };
    for line in 1..=3 {
        known = known.about(ComplaintKind::Quality, line);
        assert_eq!(known.next(), "replacement, voucher 3.00");
        known = known.takes(RemedyKind::Voucher);
    }
    assert_eq!(known.clone().about(ComplaintKind::Quality, 4).next(), "replacement, voucher 1.00");
    assert_eq!(known.about(ComplaintKind::Delay, 4).next(), "apology, voucher 1.00");
}

#[test]
fn nothing_of_worth_without_an_order() {
    let known = Known { order: false, line: None, ..Known::of(ComplaintKind::Rudeness) };
    assert_eq!(known.next(), "apology");
    assert_eq!(Known { order: true, ..known.clone() }.next(), "apology, voucher 5.00");
    assert_eq!(known.clone().takes(RemedyKind::Apology).given(), []);
    let refused = known.case(|case| policy().grant(&Currency::default(), case, RemedyKind::Voucher));
    assert_eq!(refused, Err(NotAllowed(RemedyKind::Voucher)));
    assert_eq!(Known::of(ComplaintKind::Other).next(), "apology");
}

#[test]
fn only_what_is_offered_is_granted() {
    let known = Known::of(ComplaintKind::ColdFood);
    let grant = |known: &Known, remedy| known.case(|case| policy().grant(&Currency::default(), case, remedy));
    for remedy in [RemedyKind::Voucher, RemedyKind::RefundOrder, RemedyKind::Apology, RemedyKind::Escalate] {
        assert_eq!(grant(&known, remedy), Err(NotAllowed(remedy)));
    }
    let asked = Known { answered: BTreeSet::new(), ..known.clone() };
    assert!(grant(&asked, RemedyKind::RefundLine).is_err());
    let granted = Granted {
        order: OrderId(1),
        line: Some(id(1)),
        remedy: RemedyKind::RefundLine,
        amount: Cents(1147),
        at: known.now,
    };
    assert_eq!(grant(&known, RemedyKind::RefundLine), Ok(Some(Event::RemedyGranted { granted })));
    assert!(NotAllowed(RemedyKind::Voucher).to_string().contains("a voucher may not be given"));
}

fn changed(from: &str, to: &str) -> Result<Policy, PolicyError> {
    assert!(POLICY.contains(from), "{from}");
    Policy::from_yaml(&POLICY.replacen(from, to, 1))
}

#[test]
fn a_whole_order_is_refunded_once_and_only_where_all_of_it_was_bad() {
    let known = Known { line: None, whole: true, ..Known::of(ComplaintKind::ColdFood) };
    assert_eq!(known.next(), "refund_order 13.66");
    assert_eq!(Known { whole: false, ..known.clone() }.next(), "ask line");
    let Next::Offer { offers } = known.advice().next else { panic!() };
    assert_eq!(offers[0].words, "We refund order 7 in full: $13.66.");
    // No line is put right any more, and the order neither.
    let after = known.clone().takes(RemedyKind::RefundOrder);
    assert_eq!(after.given(), [(None, RemedyKind::RefundOrder, 1366)]);
    assert_eq!(after.next(), "NothingLeft");
    assert_eq!(Known { whole: false, ..after }.about(ComplaintKind::WrongItem, 2).next(), "NothingLeft");
    // After a line was refunded the order as a whole is not.
    let after = Known { whole: false, line: Some(2), ..known }.takes(RemedyKind::RefundLine);
    assert_eq!(Known { line: None, whole: true, ..after }.next(), "NothingLeft");
}

#[test]
fn limits_of_the_file_are_kept() {
    let known = Known::of(ComplaintKind::ColdFood).takes(RemedyKind::Replacement);
    let usd = Currency::default();
    let twice = changed("once_per_line: true", "once_per_line: false").unwrap();
    let next = known.case(|case| twice.advise(&usd, case).unwrap().next);
    assert!(matches!(next, Next::Offer { offers } if offers.len() == 2));
    let loose = changed("requires_order: true", "requires_order: false").unwrap();
    let nobody = Known { order: false, line: None, ..Known::of(ComplaintKind::Rudeness) };
    // Even then nothing can be worth more than was paid, which is nothing.
    let next = nobody.case(|case| loose.advise(&usd, case).unwrap().next);
    assert!(matches!(next, Next::Offer { offers } if offers.len() == 1));
}

#[test]
fn a_kind_without_sums_offers_none() {
    let policy =
        changed("call_staff: on_dispute\n    amounts: true", "call_staff: on_dispute\n    amounts: false").unwrap();
    let next = Known::of(ComplaintKind::ColdFood).case(|case| policy.advise(&Currency::default(), case).unwrap().next);
    let Next::Offer { offers } = next else { panic!() };
    assert_eq!(offers.iter().map(|offer| offer.remedy).collect::<Vec<_>>(), [RemedyKind::Replacement]);
}

#[test]
fn wrong_policies_are_named() {
    let error = |from: &str, to: &str| changed(from, to).map(|_| ()).unwrap_err().to_string();
    assert!(error("version: 1", "version: 2").contains("has version 2"));
    assert!(error("once_per_line: true", "once_per_lime: true").contains("cannot be read"));
    assert!(error("max_value: order_total", "max_value: anything").contains("cannot be read"));
    assert!(
        error("max_voucher_cents_per_order: 1000", "max_voucher_cents_per_order: -1").contains("must not be negative")
    );
    assert!(error("effect: refund_line", "effect: voucher").contains("remedy refund_line, key \"effect\""));
    assert!(error("  delay:\n", "  lateness:\n").contains("cannot be read"));
    assert!(error("ask: [order, line, receipt]", "ask: [order, choices]").contains("cannot be read"));
    assert!(error("  receipt: \"", "  choice2: \"").contains("cannot be read"));
    assert!(
        error("remedies: [refund_line, replacement, refund_order, escalate]", "remedies: [refund_line]")
            .contains("kind cold_food, key \"remedies\"")
    );
    assert!(
        error("remedies: [refund_line, replacement, refund_order, escalate]", "remedies: [escalate, escalate]")
            .contains("must differ")
    );
    assert!(
        error("remedies: [refund_line, replacement, refund_order, escalate]", "remedies: [voucher, escalate]")
            .contains("voucher_cents")
    );
    assert!(error("voucher_cents: 500", "voucher_cents: 0").contains("kind delay, key \"voucher_cents\""));
    assert!(error("voucher_cents: 500", "voucher_cents: 1001").contains("kind delay, key \"voucher_cents\""));
    assert!(changed("voucher_cents: 500", "voucher_cents: 1000").is_ok());
    assert!(error("within_hours: 24", "within_hours: 49").contains("key \"within_hours\""));
    let whole = POLICY.find("  other:\n").unwrap();
    assert!(
        Policy::from_yaml(&POLICY[..whole]).map(|_| ()).unwrap_err().to_string().contains("key \"other\": is missing")
    );
    let wait = "  wait: \"How many minutes have you been waiting?\"\n";
    assert!(error(wait, "").contains("kind delay, key \"ask\": there is no question \"wait\""));
    let voucher =
        "  voucher:\n    effect: voucher\n    words: \"We give you a voucher of {amount} for your next visit.\"\n";
    assert!(error(voucher, "").contains("kind delay, key \"remedies\": there is no remedy \"voucher\""));
}

#[test]
fn the_files_that_come_with_the_program_are_right() {
    assert!(Policy::from_yaml(include_str!("../../../../../resources/policies.yaml")).is_ok());
    let menu = Menu::from_json(include_str!("../../../../../resources/menu.json")).unwrap();
    assert!(Upsell::from_yaml(include_str!("../../../../../resources/upsell.yaml"), &menu).is_ok());
}

#[test]
fn names_are_those_of_the_file() {
    for kind in ComplaintKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(kind.to_string(), kind.as_str());
    }
    for remedy in RemedyKind::ALL {
        assert_eq!(serde_json::to_value(remedy).unwrap(), remedy.as_str());
    }
    for ask in Ask::ALL {
        assert_eq!(serde_json::to_value(ask).unwrap(), ask.as_str());
    }
}

#[test]
fn tax_is_shared_among_the_lines() {
    let guest = guest();
    let order = &guest.cart.orders()[0];
    let paid: Vec<i64> = order.lines.iter().map(|line| order.paid_for(line).0).collect();
    // 12.50 with 1.16 of tax: 0.9744 and 0.1856 of it.
    assert_eq!((order.totals.tax, paid), (Cents(116), vec![1147, 219]));
    let free = PlacedOrder { totals: Totals::default(), ..order.clone() };
    assert_eq!(free.paid_for(&order.lines[0]), Cents::ZERO);
}
