//! Questions about the place, answered from the store information.

use super::{
    LocalNow, settled,
    wording::{among, find, plain_words, says, singular},
};
use crate::{
    brief::{Act, Source, Step},
    ports::{Hit, RecordType},
    store_info::{InfoRecord, StoreInfo},
};

/// A second record is told of only where it is nearly as near as the first.
const NEARLY: f32 = 0.97;

/// Records told of besides the first.
const MOST_BESIDE: usize = 2;

/// A record of more words is told word for word.
const LONG: usize = 14;

/// A record from this score on speaks of what was asked. Chosen by reading the scores of about 170 questions, not by
/// a count.
pub(super) const NEAR: f32 = 0.5;

/// The same for a record whose subject is named.
const NEAR_NAMED: f32 = 0.3;

/// Topics that by themselves name no subject: a guest who asks how old the place is does not ask how to order there.
const VAGUE: &str = "who you about how where find time today place restaurant number name home long way write call \
    start change store history order chat price total bring work";

/// Answers from the best records of the retriever's hits. Where no vector could be made their scores tell the order only.
pub(super) fn answer(info: &StoreInfo, hits: &[Hit], text: &str, now: LocalNow, measured: bool) -> Step {
    let words = plain_words(text);
    if let Some(step) = open_now(info, &words, now) {
        return step;
    }
    if let Some(record) = info.record("hours").filter(|_| settled::asks_hours(&words)) {
        return tell(Step::new(Act::TellStore), record);
    }
    let records: Vec<(&InfoRecord, f32)> = hits
        .iter()
        .filter(|hit| hit.record_type == RecordType::Info)
        .filter_map(|hit| Some((info.record(&hit.id)?, hit.score)))
        .collect();
    let only = info.records.iter().find(|record| says_nothing_else(record, &words)).map(|record| (record, 0.0));
    let near = |found: &&(&InfoRecord, f32)| {
        !measured || found.1 >= NEAR || (found.1 >= NEAR_NAMED && subjects(found.0, &words).next().is_some())
    };
    let named = |found: &&(&InfoRecord, f32)| topics(found.0, &words).next().is_some();
    let first = records.iter().filter(near).find(named).or_else(|| records.first().filter(near)).or(only.as_ref());
    let Some((first, score)) = first else { return unknown() };
    let step = tell(Step::new(Act::TellStore), first);
    // What has a second subject is answered twice: "open on Christmas", "parking and a toilet".
    let said: Vec<&str> = topics(first, &words).collect();
    let second = records.iter().filter(|(record, other)| {
        record.id != first.id
            && (*other >= score * NEARLY || (measured && *other >= NEAR))
            && subjects(record, &words).any(|topic| !said.iter().any(|said| says(&plain_words(said), topic)))
    });
    second.take(MOST_BESIDE).fold(step, |step, (record, _)| tell(step, record))
}

/// The answer to a guest who writes in another language.
pub(super) fn english_only(info: &StoreInfo, house: &str) -> Step {
    let sorry = "I'm sorry, I understand English only.";
    let languages = info.records.iter().find(|record| record.topics.iter().any(|topic| topic == "language"));
    match languages {
        Some(record) => tell(Step::new(Act::TellStore).or_plain(sorry), record),
        None => {
            Step::new(Act::Steer).fact(format!("Restaurant: {house}")).or_plain(format!("{sorry} What can I get you?"))
        }
    }
}

/// What the record that was told of last says to "is it free?", if it speaks of that.
pub(super) fn goes_on(info: &StoreInfo, told: &str, text: &str) -> Option<Step> {
    const MOST: usize = 6;
    const ASKING: &str = "is are it they that this the a an do does i we you can to for there any and so how what when where \
        please in on at of me my your";
    let (words, record) = (plain_words(text), info.record(told)?);
    let said = plain_words(&record.text);
    let mut asked = words.iter().filter(|word| !among(word, ASKING));
    (words.len() <= MOST && asked.any(|word| said.iter().any(|said| singular(said) == singular(word))))
        .then(|| tell(Step::new(Act::TellStore), record))
}

/// Topics of a record that are said, in one number or the other.
fn topics<'a>(record: &'a InfoRecord, words: &[String]) -> impl Iterator<Item = &'a str> {
    let words: Vec<String> = words.iter().map(|word| singular(word).to_owned()).collect();
    record.topics.iter().map(String::as_str).filter(move |topic| {
        let topic = plain_words(topic);
        let is_topic = |window: &[String]| window.iter().eq(topic.iter().map(|word| singular(word)));
        !topic.is_empty() && words.windows(topic.len()).any(is_topic)
    })
}

/// Those of them that name a subject.
fn subjects<'a>(record: &'a InfoRecord, words: &[String]) -> impl Iterator<Item = &'a str> {
    topics(record, words).filter(|topic| !among(topic, VAGUE))
}

/// Whether a message holds nothing but topics: "where are you?" of an address, "to go, please" of taking food away.
fn says_nothing_else(record: &InfoRecord, words: &[String]) -> bool {
    const ASKING: &str = "is are am do does did you your it this that the a an i we me can could please \
        and so what what's exactly here there have got any for my be will would like order also";
    let mut rest = words.to_vec();
    for topic in &record.topics {
        while let Some(at) = find(&rest, &topic.to_lowercase()) {
            rest.drain(at);
        }
    }
    rest.len() < words.len() && rest.iter().all(|word| among(word, ASKING))
}

/// Whether words name what some record is about.
pub(super) fn names_subject(info: &StoreInfo, words: &[String]) -> bool {
    info.records.iter().any(|record| subjects(record, words).next().is_some())
}

/// Whether a thing asked for is the subject of some record: all of its words stand in the record's topics.
pub(super) fn knows(info: &StoreInfo, thing: &str) -> bool {
    let words = plain_words(thing);
    info.records.iter().any(|record| {
        let topics = record.topics.iter().chain([&record.title]).flat_map(|topic| plain_words(topic));
        let topics: Vec<String> = topics.map(|word| singular(&word).to_owned()).collect();
        words.iter().all(|word| among(word, "a an") || topics.iter().any(|topic| topic == singular(word)))
    })
}

/// Whether the place is open at this moment, where that was asked.
fn open_now(info: &StoreInfo, words: &[String], now: LocalNow) -> Option<Step> {
    let asks = says(
        words,
        "open now | open right now | still open | closed now | open at the moment | open already | \
        open yet | already closed | currently open",
    );
    if !asks {
        return None;
    }
    let record = info.record("hours");
    let step = Step::new(Act::TellStore);
    let step = match info.hours.get(&now.weekday) {
        None => step.fact("Today: closed").point("We are closed today.", ["closed"]),
        Some((from, to)) => {
            let (from, to) = (minutes(from)?, minutes(to)?);
            let hours = format!("from {} to {}", clock(from), clock(to));
            if (from..to).contains(&now.minutes) {
                let plain = format!("Yes, we are open now, today {hours}.");
                step.fact(format!("Now: open; today {hours}")).point(plain, ["open", clock(to).as_str()])
            } else {
                let plain = format!("We are closed at this moment; today we are open {hours}.");
                step.fact(format!("Now: closed; today open {hours}")).point(plain, ["closed", clock(from).as_str()])
            }
        }
    };
    Some(match record {
        Some(record) => step.source(source(record)),
        None => step,
    })
}

fn tell(mut step: Step, record: &InfoRecord) -> Step {
    let facts: Vec<String> = record.facts.iter().map(|fact| format!("{}: {}", fact.key, fact.value)).collect();
    step = step.fact(if facts.is_empty() {
        record.text.clone()
    } else {
        format!("{}: {}", record.title, facts.join("; "))
    });
    // Short values (a time, a name, a number) must come through to the letter; where there are none the reply must
    // hold the sentence's own weightiest words.
    let short: Vec<String> = record
        .facts
        .iter()
        .map(|fact| fact.value.clone())
        .filter(|value| value.split_whitespace().count() <= 3)
        .collect();
    let all_short = short.len() == record.facts.len() && !short.is_empty();
    let mut needs = if all_short { short } else { weighty(&record.text) };
    // Nobody can be asked to say what the facts do not hold.
    let told = step.facts.last().map_or_else(String::new, |fact| fact.text.to_lowercase());
    needs.retain(|need| told.contains(&need.to_lowercase()));
    if needs.is_empty() {
        needs = record.facts.iter().flat_map(|fact| weighty(&fact.value)).take(2).collect();
    }
    // Several times of day are easily mixed up, and a long rule is easily bent: those are told as they stand.
    let times = record.facts.iter().filter(|fact| fact.value.contains(" AM") || fact.value.contains(" PM")).count();
    let long = record.text.split_whitespace().count() > LONG;
    step.point(record.text.clone(), needs).source(source(record)).verbatim(times > 1 || long)
}

/// The three longest words of a sentence, and every word of it that holds a digit.
fn weighty(text: &str) -> Vec<String> {
    let mut words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    let mut needs: Vec<String> =
        words.iter().filter(|word| word.bytes().any(|b| b.is_ascii_digit())).map(|word| (*word).to_owned()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    words.dedup();
    needs.extend(words.into_iter().take(3).map(str::to_owned));
    needs
}

/// The answer where no record tells.
pub(super) fn unknown() -> Step {
    Step::new(Act::AdmitUnknown)
        .or_plain("I'm sorry, I don't know that. Let me ask a colleague for you, or please ask at the counter.")
}

fn source(record: &InfoRecord) -> Source {
    Source { id: record.id.clone(), record_type: RecordType::Info, title: record.title.clone() }
}

fn minutes(time: &str) -> Option<u16> {
    let (hour, minute) = time.split_once(':')?;
    Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
}

/// `10:00 AM`.
fn clock(minutes: u16) -> String {
    let (hour, half) = match minutes / 60 % 24 {
        0 => (12, "AM"),
        hour @ 1..=11 => (hour, "AM"),
        12 => (12, "PM"),
        hour => (hour - 12, "PM"),
    };
    format!("{hour}:{:02} {half}", minutes % 60)
}
