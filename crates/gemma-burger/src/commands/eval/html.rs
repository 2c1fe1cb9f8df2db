//! A report as one page that needs nothing else: no script, no font, no address elsewhere.

use std::{cmp::Ordering, fmt::Write as _};

use connect::judge::Aspect;

use super::{
    judging::Judgement,
    play::Outcome,
    report::{Comparison, Report, percent},
    svg::{self, Bar},
};

const STYLE: &str = include_str!("report.css");

/// Text as it may stand between tags and in attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The page.
pub fn page(report: &Report, comparison: Option<&Comparison>) -> String {
    let how = if report.greedy { "always the likeliest words" } else { "words drawn as for guests" };
    let mut body = format!(
        "<header><p class=eyebrow>Evaluation</p><h1>{}</h1><p class=soft>{} · {how}, seed {} · cases from {}</p></header>",
        escape(&report.model),
        escape(&report.made),
        report.seed,
        escape(&report.sets.join(", "))
    );
    body += &figures(report, comparison);
    for missing in &report.missing {
        let _ = write!(body, "<p class=missing><b>Not said here:</b> {}</p>", escape(missing));
    }
    body += &rules(report);
    if let Some(judge) = &report.judge {
        body += &judged(judge);
    }
    if let Some(comparison) = comparison {
        body += &compared(comparison);
    }
    body += &kinds(report);
    body += &worst(report);
    body += &all(report);
    format!(
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Evaluation of {}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
        escape(&report.model)
    )
}

/// The few numbers that come first.
fn figures(report: &Report, comparison: Option<&Comparison>) -> String {
    let summary = &report.rules;
    let figure = |number: String, what: &str, change: Option<String>| {
        let change = change.map_or_else(String::new, |change| format!("<p class=change>{change}</p>"));
        format!("<div class=figure><p class=number>{number}</p><p>{what}</p>{change}</div>")
    };
    let moved = |then: f64, now: f64, digits: usize| {
        let sign = if now > then {
            "▲"
        } else if now < then {
            "▼"
        } else {
            "="
        };
        format!("{sign} from {then:.digits$}")
    };
    let mut out = String::from("<section class=figures>");
    let change = comparison.map(|comparison| moved(comparison.percent.0, comparison.percent.1, 1));
    out += &figure(format!("{:.1}<small>%</small>", summary.percent()), "of all rules kept", change);
    let clean: usize = summary.kinds.values().map(|kind| kind.clean).sum();
    out += &figure(format!("{clean}<small> of {}</small>", summary.cases), "cases keep all their rules", None);
    match report.mark() {
        Some(mark) => {
            let change = comparison.and_then(|c| c.mark).map(|(then, now)| moved(then, now, 2));
            out += &figure(format!("{mark:.2}<small> of 5</small>"), "mean mark of the judge", change);
        }
        None => out += &figure("–".into(), "no marks of a judge", None),
    }
    out += &figure(format!("{}<small> of {}</small>", summary.asked, summary.cases), "replies are the model's", None);
    out + "</section>"
}

fn rules(report: &Report) -> String {
    let summary = &report.rules;
    let mut bars: Vec<Bar> = summary
        .rules
        .iter()
        .map(|(rule, (kept, of))| Bar::new(rule.told(), percent(*kept, *of), format!("{kept} of {of}")))
        .collect();
    let marked = format!("{} of {}", summary.marked, summary.cases);
    bars.push(
        Bar::new("show a mark of their persona (no rule)", percent(summary.marked, summary.cases), marked).pale(),
    );
    format!("<section><h2>Rules</h2><p class=soft>Replies that …</p>{}</section>", svg::bars("Rules kept", &bars))
}

fn judged(judge: &Judgement) -> String {
    let unjudged: usize = judge.unjudged.values().sum();
    let cents = judge.cents.map_or_else(String::new, |cents| format!(" · {cents} cents"));
    let mut out = format!(
        "<section><h2>Judge</h2><p class=soft>{} · {} cases with marks, {unjudged} without · {} questions sent, {} \
         answered from earlier runs · {} tokens read, {} written{cents}</p>",
        escape(&judge.model),
        judge.judged,
        judge.asked,
        judge.cached,
        judge.tokens.0,
        judge.tokens.1
    );
    if let Some(trouble) = &judge.trouble {
        let _ = write!(out, "<p class=missing><b>{unjudged} cases have no marks.</b> {}</p>", escape(trouble));
    }
    if judge.judged > 0 {
        let rows: Vec<(&str, [usize; 5], f64)> = Aspect::ALL
            .iter()
            .map(|aspect| {
                let counts = judge.counts.get(aspect).copied().unwrap_or_default();
                (aspect.as_str(), counts, judge.means.get(aspect).copied().unwrap_or_default())
            })
            .collect();
        out += &svg::marks("Marks of the judge", &rows);
    }
    let _ = write!(
        out,
        "<h3>Agreement with people</h3><p class=soft>Over {} of {} labelled replies. Kappa is weighted by the square of \
         the distance: 1 is agreement in all, 0 what chance would give.</p>",
        judge.labelled.1, judge.labelled.0
    );
    if !judge.agreement.is_empty() {
        out += "<table><thead><tr><th>aspect<th class=n>equal<th class=n>within one<th class=n>kappa</thead><tbody>";
        for aspect in Aspect::ALL {
            if let Some(agreement) = judge.agreement.get(&aspect) {
                let kappa = agreement.kappa.map_or_else(|| "–".to_owned(), |kappa| format!("{kappa:.2}"));
                let _ = write!(
                    out,
                    "<tr><td>{}<td class=n>{:.0}%<td class=n>{:.0}%<td class=n>{kappa}",
                    aspect.as_str(),
                    percent(agreement.exact, agreement.pairs),
                    percent(agreement.adjacent, agreement.pairs)
                );
            }
        }
        out += "</tbody></table>";
    }
    if !judge.apart.is_empty() {
        out += "<p class=soft>Furthest apart:</p><table><thead><tr><th>reply<th>aspect<th class=n>people<th class=n>judge\
                <th>people say<th>judge says</thead><tbody>";
        for apart in &judge.apart {
            let _ = write!(
                out,
                "<tr><td><code>{}</code><td>{}<td class=n>{}<td class=n>{}<td>{}<td>{}",
                escape(&apart.id),
                apart.aspect.as_str(),
                apart.people,
                apart.judge,
                escape(&apart.note),
                escape(&apart.reason)
            );
        }
        out += "</tbody></table>";
    }
    if let Some(preferences) = &judge.preferences {
        let _ = write!(
            out,
            "<h3>Reply by reply beside the earlier run</h3><p>{} better, {} worse, {} neither ({} of these because the \
             order decided), {} not compared.</p>",
            preferences.better, preferences.worse, preferences.ties, preferences.inconsistent, preferences.unjudged
        );
    }
    out + "</section>"
}

fn compared(comparison: &Comparison) -> String {
    let mut out =
        format!("<section><h2>What changed</h2><p class=soft>Beside the run of {}</p>", escape(&comparison.earlier));
    let changed = comparison.changed();
    if changed.is_empty() {
        out += "<p>No kind of case changed.</p>";
    } else {
        out += "<table><thead><tr><th>kind<th class=n>rules then<th class=n>now<th class=n>judge then<th class=n>now\
                </thead><tbody>";
        for (name, change) in changed {
            let (then, now) = change.percent;
            let class = match now.total_cmp(&then) {
                Ordering::Less => "worse",
                Ordering::Equal => "same",
                Ordering::Greater => "better",
            };
            let marks = change.mark.map_or_else(
                || "<td class=n>–<td class=n>–".to_owned(),
                |(then, now)| format!("<td class=n>{then:.2}<td class=n>{now:.2}"),
            );
            let _ =
                write!(out, "<tr class={class}><td>{}<td class=n>{then:.1}%<td class=n>{now:.1}%{marks}", escape(name));
        }
        out += "</tbody></table>";
    }
    for (what, cases) in [("Newly broken", &comparison.broken), ("Mended", &comparison.mended)] {
        if !cases.is_empty() {
            let links: Vec<String> = cases.iter().map(|id| format!("<code>{}</code>", escape(id))).collect();
            let _ = write!(out, "<p><b>{what}:</b> {}</p>", links.join(" "));
        }
    }
    if comparison.new + comparison.gone > 0 {
        let _ = write!(
            out,
            "<p class=soft>{} cases are new and {} are gone; they are not compared.</p>",
            comparison.new, comparison.gone
        );
    }
    out + "</section>"
}

fn kinds(report: &Report) -> String {
    let mut kinds: Vec<_> = report.rules.kinds.iter().collect();
    kinds.sort_by(|a, b| a.1.percent().total_cmp(&b.1.percent()));
    let bars: Vec<Bar> = kinds
        .into_iter()
        .map(|(name, kind)| {
            let mark = kind.mark().map_or_else(String::new, |mark| format!(" · judge {mark:.1}"));
            Bar::new(&name.replace('_', " "), kind.percent(), format!("{} of {} clean{mark}", kind.clean, kind.cases))
        })
        .collect();
    format!(
        "<section><h2>Kinds of case</h2><p class=soft>Share of rules kept; clean cases keep all.</p>{}</section>",
        svg::bars("Rules kept by kind of case", &bars)
    )
}

fn worst(report: &Report) -> String {
    let worst = report.worst();
    if worst.is_empty() {
        return "<section><h2>The worst cases</h2><p>Nothing is wrong with any case.</p></section>".to_owned();
    }
    let mut out = String::from("<section><h2>The worst cases</h2>");
    for outcome in worst {
        out += &card(outcome);
    }
    out + "</section>"
}

fn card(outcome: &Outcome) -> String {
    let mut out = format!(
        "<article class=case><h3><code>{}</code> <span class=soft>{}</span></h3><div class=talk>",
        escape(&outcome.id),
        escape(&outcome.kind.replace('_', " "))
    );
    for said in &outcome.exchange.said_before {
        let class = if said.by == "guest" { "guest" } else { "staff" };
        let _ = write!(out, "<p class=\"say {class} before\">{}</p>", escape(&said.words));
    }
    let _ = write!(out, "<p class=\"say guest\">{}</p>", escape(&outcome.exchange.guest));
    let _ = write!(out, "<p class=\"say staff\">{}</p></div>", escape(&outcome.exchange.reply));
    out += "<dl>";
    let broken: Vec<String> = outcome
        .rules
        .iter()
        .filter(|(_, kept)| !**kept)
        .map(|(rule, _)| format!("<span class=flag>{}</span>", rule.broken()))
        .collect();
    if !broken.is_empty() {
        let _ = write!(out, "<dt>Rules<dd>{}", broken.join(" "));
    }
    if let Some(raw) = &outcome.raw {
        let _ = write!(out, "<dt>Model wrote<dd>{}", escape(raw));
    }
    if let Some((fault, sentence)) = &outcome.fault {
        let _ = write!(out, "<dt>Refused<dd>{} <span class=soft>({fault:?})</span>", escape(sentence));
    }
    if let Some(wanted) = &outcome.order_wanted {
        let order = if outcome.order.is_empty() { "nothing".to_owned() } else { outcome.order.join("; ") };
        let _ = write!(out, "<dt>Order<dd>{}; wanted: {}", escape(&order), escape(&wanted.join("; ")));
    }
    if let Some(marks) = &outcome.judged {
        for aspect in Aspect::ALL {
            let mark = marks.of(aspect);
            let _ = write!(
                out,
                "<dt>{}<dd><b class=\"mark m{}\">{}</b> {}",
                aspect.as_str(),
                mark.score,
                mark.score,
                escape(&mark.reason)
            );
        }
    }
    out + "</dl></article>"
}

fn all(report: &Report) -> String {
    let judged = report.outcomes.iter().any(|outcome| outcome.judged.is_some());
    let mut out = format!(
        "<section><details><summary>All {} cases</summary><div class=wide><table><thead><tr><th>case<th>guest<th>reply\
         <th>broken rules{}</thead><tbody>",
        report.outcomes.len(),
        if judged { "<th class=n>judge" } else { "" }
    );
    for outcome in &report.outcomes {
        let broken: Vec<&str> =
            outcome.rules.iter().filter(|(_, kept)| !**kept).map(|(rule, _)| rule.broken()).collect();
        let _ = write!(
            out,
            "<tr><td><code>{}</code><td>{}<td>{}<td>{}",
            escape(&outcome.id),
            escape(&outcome.exchange.guest),
            escape(&outcome.exchange.reply),
            escape(&broken.join("; "))
        );
        if judged {
            let mark = outcome.judged.as_ref().map_or_else(|| "–".to_owned(), |marks| format!("{:.2}", marks.mean()));
            let _ = write!(out, "<td class=n>{mark}");
        }
    }
    out + "</tbody></table></div></details></section>"
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_of_others_are_no_markup() {
        assert_eq!(super::escape("<b onclick='x'>&\"</b>"), "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;&lt;/b&gt;");
    }
}
