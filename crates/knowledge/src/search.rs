//! One search: nearest vectors and best matching words, joined into one ranking.

use std::collections::{HashMap, HashSet};

use concierge::ports::{Filter, Hit, Query, RecordType};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter, types::Value};

use crate::{elsewhere::Near, vectors::VectorTable};

/// The most entries a search gives.
const MAX_LIMIT: usize = 100;

/// How deep each of the two rankings is read before they are joined.
const MIN_DEPTH: usize = 32;

/// Words of a guest's text that are looked up. A longer text is no question, and each word costs a look-up.
const MAX_WORDS: usize = 16;

/// What a full match of words weighs against the cosine of the meanings.
const WORDS_WEIGHT: f32 = 0.2;

/// Words that say nothing of the subject. In a collection of a few dozen short texts they are rare enough to pass
/// for telling ones.
const FUNCTION_WORDS: &str = " \
    a about all am an and any are as at be been but by can could did do does for from get give good got had has have \
    he her here hey hi him his how i if in into is it its ive just kind know like may me might more much \
    must my need no not of on one or our out please s shall she should so some something t tell than thank \
    thanks that the their them then there these they thing things this those to too two up us want was we were \
    what whats when where wheres which who whos why will with would you your ";

/// Finds entries by this file's own vectors and words.
pub(crate) fn search(connection: &Connection, vectors: &VectorTable, query: &Query<'_>) -> rusqlite::Result<Vec<Hit>> {
    let (among, values) = keys_of(&query.filter);
    let among = among.as_deref();
    let keys = among.map(|keys| listed_keys(connection, keys, &values)).transpose()?;
    let near = vectors.nearest(query.embedding, depth(query.limit), keys.as_ref());
    ranked(connection, query, &near, among, &values)
}

/// The same with the nearest vectors as another store ranks them. What this file does not hold, or the filter excludes
/// by what the file says, is left out: the other store may be a little behind.
pub(crate) fn search_near(connection: &Connection, query: &Query<'_>, near: &[Near]) -> rusqlite::Result<Vec<Hit>> {
    let (among, values) = keys_of(&query.filter);
    let among = among.as_deref();
    let condition = among.map(|keys| format!("AND key IN ({keys})")).unwrap_or_default();
    let sql = format!("SELECT key FROM record WHERE record_type = ?1 AND id = ?2 {condition}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut known = Vec::with_capacity(near.len());
    for near in near.iter().filter(|near| near.cosine.is_finite()) {
        let first = [Value::Text(near.record_type.as_str().to_owned()), Value::Text(near.id.clone())];
        let key = statement.query_row(params_from_iter(first.iter().chain(&values)), |row| row.get(0)).optional()?;
        known.extend(key.map(|key: i64| (key, near.cosine)));
    }
    known.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked(connection, query, &known, among, &values)
}

/// How deep each of the two rankings is read for so many entries.
pub(crate) fn depth(limit: usize) -> usize {
    (limit.min(MAX_LIMIT) * 4).max(MIN_DEPTH)
}

/// The one ranking: the nearest vectors, wherever they were found, joined with the best words of this file.
fn ranked(
    connection: &Connection,
    query: &Query<'_>,
    near: &[(i64, f32)],
    among: Option<&str>,
    values: &[Value],
) -> rusqlite::Result<Vec<Hit>> {
    let limit = query.limit.min(MAX_LIMIT);
    let told = match match_expression(query.text) {
        Some(expression) => best_words(connection, expression, depth(limit), among, values)?,
        None => Vec::new(),
    };
    let mut hits = Vec::with_capacity(limit);
    for (key, score) in joined(near, &told).into_iter().take(limit) {
        hits.push(hit(connection, key, score)?);
    }
    Ok(hits)
}

/// Joins the two rankings: cosine plus weighted words. An entry that is too far for the first list counts as the
/// last one of it.
fn joined(near: &[(i64, f32)], told: &[(i64, f32)]) -> Vec<(i64, f32)> {
    let farthest = near.last().map_or(0.0, |&(_, cosine)| cosine);
    let best = told.first().map_or(1.0, |&(_, words)| words);
    let mut scores: HashMap<i64, f32> = near.iter().copied().collect();
    for &(key, words) in told {
        *scores.entry(key).or_insert(farthest) += WORDS_WEIGHT * words / best;
    }
    let mut ranking: Vec<(i64, f32)> = scores.into_iter().collect();
    ranking.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranking
}

/// The keys that a filter lets through.
fn listed_keys(connection: &Connection, sql: &str, values: &[Value]) -> rusqlite::Result<HashSet<i64>> {
    let mut statement = connection.prepare_cached(sql)?;
    // The first two place holders belong to the statements that this one is a part of.
    let values = [Value::Null, Value::Null].into_iter().chain(values.iter().cloned());
    statement.query_map(params_from_iter(values), |row| row.get(0))?.collect()
}

/// Keys and BM25 of the entries that hold the words, the best first. Names count more than descriptions.
fn best_words(
    connection: &Connection,
    expression: String,
    depth: usize,
    among: Option<&str>,
    values: &[Value],
) -> rusqlite::Result<Vec<(i64, f32)>> {
    // The plus sign keeps SQLite from looking up the words once for each key.
    let condition = among.map(|keys| format!("AND +rowid IN ({keys})")).unwrap_or_default();
    let sql = format!(
        "SELECT rowid, -bm25(words, 4, 4, 1) AS score FROM words WHERE words MATCH ?1 {condition} \
         ORDER BY score DESC LIMIT ?2"
    );
    let first = [Value::Text(expression), Value::Integer(i64::try_from(depth).unwrap_or(i64::MAX))];
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params_from_iter(first.iter().chain(values));
    statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn hit(connection: &Connection, key: i64, score: f32) -> rusqlite::Result<Hit> {
    let sql = "SELECT id, record_type = 'menu', title FROM record WHERE key = ?1";
    connection.prepare_cached(sql)?.query_row([key], |row| {
        let record_type = if row.get(1)? { RecordType::Menu } else { RecordType::Info };
        Ok(Hit { id: row.get(0)?, record_type, title: row.get(2)?, score })
    })
}

/// A filter as SQL for the keys that it lets through, with the values of its place holders from `?3` on; no SQL for
/// no filter.
fn keys_of(filter: &Filter) -> (Option<String>, Vec<Value>) {
    let mut sql = String::new();
    let mut values = Vec::new();
    let mut add = |condition: &str, value: Value| {
        let join = if values.is_empty() { "" } else { " AND " };
        values.push(value);
        sql.push_str(join);
        sql.push_str(&condition.replace('?', &format!("?{}", values.len() + 2)));
    };
    if let Some(record_type) = filter.record_type {
        add("record_type = ?", Value::Text(record_type.as_str().to_owned()));
    }
    if let Some(category) = &filter.category {
        add("category = ?", Value::Text(category.trim().to_lowercase()));
    }
    if let Some(diet) = &filter.diet {
        let diet = Value::Text(diet.trim().to_lowercase());
        add("EXISTS (SELECT 1 FROM diet WHERE diet.record = record.key AND diet.name = ?)", diet);
    }
    if let Some(price) = filter.max_price {
        add("price_cents <= ?", Value::Integer(price.0));
    }
    let sql = (!values.is_empty()).then(|| format!("SELECT key FROM record WHERE {sql}"));
    (sql, values)
}

/// A guest's words as an FTS5 query: any of them, each quoted, so that nothing in them is an operator.
fn match_expression(text: &str) -> Option<String> {
    let mut seen = HashSet::new();
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(10 * MAX_WORDS)
        .map(str::to_lowercase)
        .filter(|word| !FUNCTION_WORDS.contains(&format!(" {word} ")) && seen.insert(word.clone()))
        .take(MAX_WORDS)
        .map(|word| format!("\"{word}\""))
        .collect();
    (!words.is_empty()).then(|| words.join(" OR "))
}
