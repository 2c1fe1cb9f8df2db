//! The course of the loss, as numbers, as a picture and as one line of text.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Training and validation losses by step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// `(step, mean loss a reply token)`, steps counted from 1.
    pub train: Vec<(usize, f64)>,
    /// `(steps done, mean loss a reply token)`; the first, at 0, is the untuned model's.
    pub valid: Vec<(usize, f64)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 32.0;
const BOTTOM: f64 = 40.0;
/// Grey, blue, orange: told apart without colour vision too, by lightness and by width.
const TRAIN_COLOUR: &str = "#9ab";
const MEAN_COLOUR: &str = "#1f5fa8";
const VALID_COLOUR: &str = "#d9541e";

impl Curve {
    /// The step of the lowest validation loss, the untuned model's aside.
    #[must_use]
    pub fn best(&self) -> Option<usize> {
        let tuned = self.valid.iter().filter(|(step, _)| *step > 0);
        tuned.min_by(|a, b| a.1.total_cmp(&b.1)).map(|&(step, _)| step)
    }

    /// One line of block characters, at most `width` of them: low is good.
    #[must_use]
    pub fn sparkline(&self, width: usize) -> String {
        const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let losses: Vec<f64> = self.train.iter().map(|&(_, loss)| loss).collect();
        if losses.is_empty() || width == 0 {
            return String::new();
        }
        let buckets = width.min(losses.len());
        let means: Vec<f64> = (0..buckets)
            .map(|i| {
                let part = &losses[i * losses.len() / buckets..(i + 1) * losses.len() / buckets];
                part.iter().sum::<f64>() / part.len() as f64
            })
            .collect();
        let low = means.iter().copied().fold(f64::INFINITY, f64::min);
        let high = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let span = (high - low).max(f64::MIN_POSITIVE);
        means
            .iter()
            .map(|mean| {
                let level = ((mean - low) / span * 7.0).round();
                BLOCKS[(level.max(0.0) as usize).min(7)]
            })
            .collect()
    }

    /// A running mean of the training loss, for a line that the eye can follow.
    fn smooth(&self) -> Vec<(usize, f64)> {
        let mut mean = None;
        self.train
            .iter()
            .map(|&(step, loss)| {
                let next = mean.map_or(loss, |mean: f64| 0.9 * mean + 0.1 * loss);
                mean = Some(next);
                (step, next)
            })
            .collect()
    }

    /// The curve as an SVG picture.
    #[must_use]
    pub fn svg(&self, title: &str) -> String {
        let all = || self.train.iter().chain(&self.valid);
        let last = all().map(|&(step, _)| step).max().unwrap_or(1).max(1);
        let top = all().map(|&(_, loss)| loss).fold(0.1, f64::max) * 1.05;
        let x = |step: usize| LEFT + (WIDTH - LEFT - RIGHT) * step as f64 / last as f64;
        let y = |loss: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * loss / top;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>\n",
            escape(title)
        );
        for i in 0..=5 {
            let (loss, step) = (top * f64::from(i) / 5.0, last * i as usize / 5);
            let (at_y, at_x) = (y(loss), x(step));
            // Writing to a String cannot fail.
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at_y:.1}\" y2=\"{at_y:.1}\" stroke=\"#eee\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{loss:.2}</text>\
                 <text x=\"{at_x:.1}\" y=\"{}\" text-anchor=\"middle\">{step}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at_y + 4.0,
                HEIGHT - BOTTOM + 18.0
            );
        }
        let line = |points: &[(usize, f64)]| -> String {
            points.iter().map(|&(step, loss)| format!("{:.1},{:.1} ", x(step), y(loss))).collect()
        };
        let smooth = self.smooth();
        let lines = [
            (&self.train, TRAIN_COLOUR, 1.0, "training"),
            (&smooth, MEAN_COLOUR, 2.0, "training, smoothed"),
            (&self.valid, VALID_COLOUR, 2.5, "validation"),
        ];
        for (i, (points, colour, width, label)) in lines.into_iter().enumerate() {
            let at = WIDTH - 330.0 + 110.0 * i as f64;
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>\
                 <text x=\"{at}\" y=\"20\" fill=\"{colour}\">{label}</text>",
                line(points).trim_end()
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">step</text>\
             <text x=\"14\" y=\"{}\" transform=\"rotate(-90 14 {})\" text-anchor=\"middle\">loss a token</text>\n</svg>",
            (WIDTH + LEFT) / 2.0,
            HEIGHT - 6.0,
            HEIGHT / 2.0,
            HEIGHT / 2.0
        );
        svg
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn falling() -> Curve {
        Curve { train: (1..=8).map(|step| (step, 9.0 - step as f64)).collect(), valid: vec![(0, 8.5), (8, 1.5)] }
    }

    #[test]
    fn a_falling_loss_falls() {
        assert_eq!(falling().sparkline(8), "█▇▆▅▄▃▂▁");
        assert_eq!(falling().sparkline(2), "█▁");
        assert_eq!(Curve::default().sparkline(8), "");
    }

    #[test]
    fn the_picture_holds_every_point_and_escapes_its_title() {
        let svg = falling().svg("a < b & c");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("a &lt; b &amp; c"));
        let points = svg.split("points=\"").nth(1).and_then(|s| s.split('"').next());
        assert_eq!(points.map(|p| p.split(' ').count()), Some(8));
    }
}
