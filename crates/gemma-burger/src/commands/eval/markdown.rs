//! A report as Markdown: for a pull request or a terminal.

use connect::judge::Aspect;

use super::{
    judging::Judgement,
    play::Outcome,
    report::{Comparison, Report, percent},
};

/// Words of others in Markdown: on one line, and nothing in them is a mark of the format.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if "\\`*_{}[]<>#|~!".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The report.
pub fn text(report: &Report, comparison: Option<&Comparison>) -> String {
    let summary = &report.rules;
    let how = if report.greedy { "always the likeliest words" } else { "words drawn as for guests" };
    let mut text = format!(
        "# Evaluation of {}\n\n{}; {how}, seed {}. Cases from {}.\n\n**{:.1}%** of all rules kept",
        quote(&report.model),
        report.made,
        report.seed,
        report.sets.iter().map(|set| quote(set)).collect::<Vec<_>>().join(", "),
        summary.percent()
    );
    if let Some(mark) = report.mark() {
        text += &format!(", mean mark of the judge **{mark:.2}** of 5");
    }
    text += &format!(", {} cases, {} said by rule.\n", summary.cases, summary.cases - summary.asked);
    for missing in &report.missing {
        text += &format!("\n> Not said here: {}\n", quote(missing));
    }
    text += "\n## Rules\n\n| kept | of | | replies that … |\n|---:|---:|---:|---|\n";
    for (rule, (kept, of)) in &summary.rules {
        text += &format!("| {kept} | {of} | {:.1}% | {} |\n", percent(*kept, *of), rule.told());
    }
    text += &format!(
        "| {} | {} | {:.1}% | show a mark of their persona (counted, no rule) |\n",
        summary.marked,
        summary.cases,
        percent(summary.marked, summary.cases)
    );
    if let Some(judge) = &report.judge {
        text += &judged(judge);
    }
    if let Some(comparison) = comparison {
        text += &compared(comparison);
    }
    text += "\n## Kinds\n\n| kind | cases | keep all rules | rules kept | judge |\n|---|---:|---:|---:|---:|\n";
    for (name, kind) in &summary.kinds {
        let mark = kind.mark().map_or_else(|| "–".to_owned(), |mark| format!("{mark:.2}"));
        text += &format!("| {} | {} | {} | {:.1}% | {mark} |\n", quote(name), kind.cases, kind.clean, kind.percent());
    }
    let worst = report.worst();
    if !worst.is_empty() {
        text += "\n## The worst cases\n";
        for outcome in worst {
            text += &case(outcome);
        }
    }
    text
}

fn judged(judge: &Judgement) -> String {
    let mut text = format!(
        "\n## Judge\n\n{} gave marks to {} cases; {} have none.",
        quote(&judge.model),
        judge.judged,
        judge.unjudged.values().sum::<usize>()
    );
    if let Some(trouble) = &judge.trouble {
        text += &format!(" The first reason: {}", quote(trouble));
    }
    let cents = judge.cents.map_or_else(String::new, |cents| format!(", {cents} cents"));
    text += &format!(
        "\n\n{} questions sent, {} answered from earlier runs; {} tokens read, {} written{cents}.\n",
        judge.asked, judge.cached, judge.tokens.0, judge.tokens.1
    );
    text += "\n| | mean | 1 | 2 | 3 | 4 | 5 | equal to people | within one | weighted kappa |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
    for aspect in Aspect::ALL {
        let mean = judge.means.get(&aspect).map_or_else(|| "–".to_owned(), |mean| format!("{mean:.2}"));
        let counts = judge.counts.get(&aspect).copied().unwrap_or_default();
        let counts = counts.map(|count| count.to_string()).join(" | ");
        text += &format!("| {} | {mean} | {counts} | {} |\n", aspect.as_str(), agreement(judge, aspect));
    }
    text += &format!(
        "\nAgreement is over {} of {} replies that people gave marks to.\n",
        judge.labelled.1, judge.labelled.0
    );
    for apart in &judge.apart {
        text += &format!(
            "\n- Furthest apart: {} {}, people {} ({}), judge {} ({})\n",
            quote(&apart.id),
            apart.aspect.as_str(),
            apart.people,
            quote(&apart.note),
            apart.judge,
            quote(&apart.reason)
        );
    }
    if let Some(preferences) = &judge.preferences {
        text += &format!(
            "\nReply by reply beside the earlier run: {} better, {} worse, {} neither ({} of these because the order \
             decided), {} not compared.\n",
            preferences.better, preferences.worse, preferences.ties, preferences.inconsistent, preferences.unjudged
        );
    }
    text
}

fn agreement(judge: &Judgement, aspect: Aspect) -> String {
    judge.agreement.get(&aspect).map_or_else(
        || "– | – | –".to_owned(),
        |agreement| {
            let kappa = agreement.kappa.map_or_else(|| "–".to_owned(), |kappa| format!("{kappa:.2}"));
            format!(
                "{:.0}% | {:.0}% | {kappa}",
                percent(agreement.exact, agreement.pairs),
                percent(agreement.adjacent, agreement.pairs)
            )
        },
    )
}

fn compared(comparison: &Comparison) -> String {
    let mut text = format!(
        "\n## Beside the run of {}\n\nRules kept: {:.1}% → {:.1}%.",
        quote(&comparison.earlier),
        comparison.percent.0,
        comparison.percent.1
    );
    if let Some((then, now)) = comparison.mark {
        text += &format!(" Mean mark: {then:.2} → {now:.2}.");
    }
    text += "\n";
    if !comparison.changed().is_empty() {
        text += "\n| kind | rules then | now | judge then | now |\n|---|---:|---:|---:|---:|\n";
        for (name, change) in comparison.changed() {
            let (then, now) = change
                .mark
                .map_or_else(|| ("–".into(), "–".into()), |(then, now)| (format!("{then:.2}"), format!("{now:.2}")));
            text += &format!(
                "| {} | {:.1}% | {:.1}% | {then} | {now} |\n",
                quote(name),
                change.percent.0,
                change.percent.1
            );
        }
    }
    for (what, cases) in [("Newly broken", &comparison.broken), ("Mended", &comparison.mended)] {
        if !cases.is_empty() {
            text += &format!("\n{what}: {}.\n", cases.iter().map(|id| quote(id)).collect::<Vec<_>>().join(", "));
        }
    }
    text
}

fn case(outcome: &Outcome) -> String {
    let mut text = format!("\n### {} ({})\n\n", quote(&outcome.id), outcome.exchange.agent);
    for said in &outcome.exchange.said_before {
        text += &format!("- {}: {}\n", quote(&said.by), quote(&said.words));
    }
    text +=
        &format!("- **Guest:** {}\n- **Reply:** {}\n", quote(&outcome.exchange.guest), quote(&outcome.exchange.reply));
    if let Some(raw) = &outcome.raw {
        text += &format!("- Model: {}\n", quote(raw));
    }
    if let Some((fault, sentence)) = &outcome.fault {
        text += &format!("- Refused ({fault:?}): {}\n", quote(sentence));
    }
    let broken = outcome.rules.iter().filter(|(_, kept)| !**kept).map(|(rule, _)| rule.broken());
    for rule in broken {
        text += &format!("- {rule}\n");
    }
    if let Some(wanted) = &outcome.order_wanted {
        text += &format!("- Order: {}; wanted: {}\n", quote(&outcome.order.join("; ")), quote(&wanted.join("; ")));
    }
    if let Some(marks) = &outcome.judged {
        for aspect in Aspect::ALL {
            let mark = marks.of(aspect);
            text += &format!("- {} {}: {}\n", aspect.as_str(), mark.score, quote(&mark.reason));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_of_others_are_no_format() {
        assert_eq!(super::quote("a | b\n# *c* <img>"), "a \\| b \\# \\*c\\* \\<img\\>");
    }
}
