//! Charts as pictures within the page, which read as tables to those who do not see them.

use std::fmt::Write as _;

use super::html::escape;

/// A bar from 0 to 100 percent.
pub struct Bar {
    label: String,
    percent: f64,
    note: String,
    pale: bool,
}

impl Bar {
    pub fn new(label: &str, percent: f64, note: String) -> Self {
        Self { label: label.to_owned(), percent: percent.clamp(0.0, 100.0), note, pale: false }
    }

    /// One that is only shown beside the others.
    #[must_use]
    pub fn pale(mut self) -> Self {
        self.pale = true;
        self
    }
}

const WIDTH: u32 = 860;
const ROW: u32 = 30;
/// Where the bars begin, and how long a full one is.
const LEFT: u32 = 290;
const LONG: f64 = 320.0;

/// Horizontal bars, one below the other.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    let mut out = open(title, bars.len());
    for (at, bar) in bars.iter().enumerate() {
        let y = at as u32 * ROW;
        let class = match bar.percent {
            _ if bar.pale => "pale",
            percent if percent < 80.0 => "low",
            percent if percent < 95.0 => "mid",
            _ => "good",
        };
        let _ = write!(
            out,
            "<text class=label x={} y={}>{}</text><rect class=track x={LEFT} y={} width={LONG} height=14 rx=7 />\
             <rect class={class} x={LEFT} y={} width={:.1} height=14 rx=7 />\
             <text class=value x={} y={}>{:.1}%</text><text class=note x={} y={}>{}</text>",
            LEFT - 12,
            y + 19,
            escape(&bar.label),
            y + 8,
            y + 8,
            LONG * bar.percent / 100.0,
            f64::from(LEFT) + LONG + 64.0,
            y + 19,
            bar.percent,
            f64::from(LEFT) + LONG + 78.0,
            y + 19,
            escape(&bar.note)
        );
    }
    out + "</svg>"
}

/// How often each mark was given, as parts of one bar, with the mean beside it.
pub fn marks(title: &str, rows: &[(&str, [usize; 5], f64)]) -> String {
    let mut out = open(title, rows.len());
    for (at, (label, counts, mean)) in rows.iter().enumerate() {
        let y = at as u32 * ROW;
        let _ = write!(out, "<text class=label x={} y={}>{}</text>", LEFT - 12, y + 19, escape(label));
        let all = counts.iter().sum::<usize>().max(1) as f64;
        let mut x = f64::from(LEFT);
        for (mark, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let width = LONG * *count as f64 / all;
            let _ = write!(
                out,
                "<rect class=m{} x={x:.1} y={} width={width:.1} height=18><title>mark {}: {count}</title></rect>",
                mark + 1,
                y + 6,
                mark + 1
            );
            if width > 22.0 {
                let _ = write!(out, "<text class=inside x={:.1} y={}>{}</text>", x + width / 2.0, y + 19, mark + 1);
            }
            x += width;
        }
        let (x, y) = (f64::from(LEFT) + LONG + 64.0, y + 19);
        let _ = write!(out, "<text class=value x={x} y={y}>{mean:.2}</text>");
    }
    out + "</svg>"
}

fn open(title: &str, rows: usize) -> String {
    format!(
        "<svg class=chart role=img aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {}\" width={WIDTH}>",
        escape(title),
        rows as u32 * ROW + 4
    )
}
