//! The words of English by which a complaint is known: what it is about, what is wanted for it, and whom the guest wants
//! to speak to.

use super::{
    phrases,
    wording::{among, find, says},
};
use crate::ledger::{ComplaintKind, RemedyKind};

/// Whom a guest asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The manager, who is one of the agents.
    Manager,
    /// A person of flesh and blood.
    Person,
}

const MANAGERS: &str = "manager | supervisor | boss | owner | in charge | somebody responsible | someone responsible";
/// Words for people that stand for a person of the house wherever somebody is asked for.
const PEOPLE: &str = "person | human | humans | human being | staff | employee | representative | rep | operator | \
    live agent | agent | customer service | customer support | colleague | your team | a waiter | \
    a waitress | real people | real one | real guy";
/// Words that do so only where the guest wants to speak to them: "I need somebody to carry this" does not.
const SOMEBODY: &str = "somebody | someone | people | support";
/// How speaking to somebody is asked for.
const SPEAKING: &str = "speak to | speak with | talk to | talk with | chat with | speaking to | talking to | connect me | \
    transfer me | put me through | pass me | hand me | get me";
/// How anybody or anything is asked for.
const WANTING: &str = "give me | bring me | i want | i need | let me see | let me have | i demand | call me";

/// Whom the guest asks to speak to, if anybody: "can I talk to a human", "no, a real person please", "manager!".
pub(super) fn asks_for(words: &[String]) -> Option<Wanted> {
    /// A longer message tells a story in which somebody is spoken to.
    const MOST_WORDS: usize = 14;
    let not_meant = "are you | am i | is this | is it | you are | you're | don't want | do not want";
    if words.is_empty() || words.len() > MOST_WORDS || says(words, not_meant) {
        return None;
    }
    let fillers = "no a an the real actual live please pls now your with being want \
        i hello";
    let rest: Vec<String> = words.iter().filter(|word| !among(word, fillers)).cloned().collect();
    let alone = |names: &str| rest.len() == 1 && says(&rest, names);
    let there = says(words, "is there") && says(words, "can talk to | can speak to | could talk to");
    let speaks = there || says(words, SPEAKING);
    let asks = speaks || says(words, WANTING);
    if alone(MANAGERS) || (asks && says(words, MANAGERS)) {
        return Some(Wanted::Manager);
    }
    let person = alone(PEOPLE) || (asks && says(words, PEOPLE)) || (speaks && says(words, SOMEBODY));
    person.then_some(Wanted::Person)
}

/// Whether the guest turns an offer down by what is said of it.
pub(super) fn disputes(words: &[String]) -> bool {
    says(words, TURNED_DOWN)
        || says(
            words,
            "ridiculous | not enough | a joke | an insult | insulting | unacceptable | not acceptable | \
        not good enough | that's nothing | not satisfied | not happy with | don't want that | \
        something else | not fair | unfair | is that all | that's it",
        )
}

/// Whether a guest tells what came in place of something else: "I got chicken", but not "I got the wrong burger".
pub(super) fn tells_what_came(words: &[String]) -> bool {
    const CAME: &str = "i got | we got | and got | gave me | gave us | received | was given | sent me | sent us | \
        brought me | brought us";
    const NOTHING_TOLD: &str = "the a an my our us me somebody";
    let told = |phrase: &str| {
        let behind = find(words, phrase).map(|at| &words[at.end..]).unwrap_or_default();
        let thing = behind.iter().find(|word| !among(word, NOTHING_TOLD));
        thing.is_some_and(|thing| !matches!(thing.as_str(), "wrong" | "else" | "else's" | "other" | "different"))
    };
    says(words, "instead") || CAME.split('|').any(told)
}

/// The one of the remedies offered that a guest asks for, by its name or by its place: "the second one".
pub(super) fn wanted_remedy(words: &[String], offers: &[RemedyKind]) -> Option<RemedyKind> {
    let named = named_remedy(words).filter(|remedy| offers.contains(remedy));
    named.or_else(|| offers.get(phrases::place_of(words)?).copied())
}

/// The one of the remedies offered that a guest turns down: the one named, or else the first.
pub(super) fn refused_remedy(words: &[String], offers: &[RemedyKind]) -> Option<RemedyKind> {
    let named = REMEDIES.into_iter().filter(|(_, phrases)| says(words, phrases)).map(|(remedy, _)| remedy);
    named.into_iter().find(|remedy| offers.contains(remedy)).or(offers.first().copied())
}

/// The remedy that a guest asks for by name; one that is turned down is not asked for.
fn named_remedy(words: &[String]) -> Option<RemedyKind> {
    if says(words, TURNED_DOWN) || says(words, "no need") {
        return None;
    }
    REMEDIES.into_iter().find(|(_, phrases)| says(words, phrases)).map(|(remedy, _)| remedy)
}

/// Remedies by the words that ask for them.
const REMEDIES: [(RemedyKind, &str); 3] = [
    (RemedyKind::RefundLine, "refund | money back | my money | the money"),
    (
        RemedyKind::Replacement,
        "replacement | replace | new one | make it again | another one | remake | again | bring them | bring it",
    ),
    (RemedyKind::Voucher, "voucher | coupon | credit"),
];

/// How something offered is turned down.
const TURNED_DOWN: &str =
    "don't want | dont want | do not want | don't need | dont need | do not need | not want | no voucher";

/// What a complaint is about, by the words of English that people use for it; the gravest first.
pub(super) fn kind_of(words: &[String]) -> Option<ComplaintKind> {
    const KINDS: [(ComplaintKind, &str); 10] = [
        (
            ComplaintKind::Illness,
            "sick | ill | food poisoning | poisoned | vomit | vomited | threw up | throwing up | \
                stomach | allergic | allergy | hospital | rash | diarrhea | i fell | he fell | she fell | slipped | injured | \
                got hurt | bleeding | burned by | burnt by | burned my | burnt my | burned himself | burned herself | burned myself | burnt himself | \
                burnt herself | burnt myself | got burned | got burnt | chipped",
        ),
        (
            ComplaintKind::ForeignObject,
            "hair | plastic | glass | bug | insect | fly | cockroach | metal | stone | worm | \
                fingernail | bone",
        ),
        (
            ComplaintKind::Overcharge,
            "overcharged | overcharge | charged | paid too much | paid twice | took too much | \
                bill is wrong | wrong bill | wrong amount | wrong price | wrong change",
        ),
        (
            ComplaintKind::Rudeness,
            "rude | attitude | yelled | shouted | disrespectful | unfriendly | impolite | ignored | \
                rolled her eyes | rolled his eyes | insulted | mean to",
        ),
        (
            ComplaintKind::MissingItem,
            "missing | forgot | forgotten | didn't get | did not get | never got | never came | \
                left out | wasn't in the bag | not in the bag | without my | there is no | there was no | there's no",
        ),
        (
            ComplaintKind::WrongItem,
            "wrong | not what i ordered | didn't order | did not order | someone else's | \
                instead of what | mixed up | i asked for no | i said no",
        ),
        (ComplaintKind::ColdFood, "cold | lukewarm | ice cold | frozen | not hot | not warm | barely warm"),
        (ComplaintKind::Spilled, "spilled | spilt | spill | leaked | leaking | crushed | smashed | fell apart"),
        (
            ComplaintKind::Delay,
            "waiting | waited | wait | late | slow | forever | ages | taking so long | \
                took so long | so long | delay | delayed | an hour | minutes | min ago | mins ago | still nothing",
        ),
        (
            ComplaintKind::Quality,
            "soggy | burnt | burned | raw | undercooked | overcooked | tasteless | bland | dry | \
                stale | disgusting | gross | awful | terrible | horrible | disappointed | \
                disappointing | greasy | salty | worst | bad | better | tough | chewy | hard",
        ),
    ];
    let known = KINDS.into_iter().find(|(_, phrases)| says(words, phrases)).map(|(kind, _)| kind);
    // "I wanted chicken and you gave me fish."
    let wished = says(words, "i ordered | we ordered | i wanted | we wanted | i asked for | we asked for | instead of");
    known.or((wished && tells_what_came(words)).then_some(ComplaintKind::WrongItem))
}
