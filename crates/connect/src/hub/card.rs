//! The model card: what a run's figures say of an adapter, with the notice that Gemma's terms ask for.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

/// What Gemma's terms ask everybody to put beside what was made of it.
pub const GEMMA_NOTICE: &str =
    "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms";

/// What a card is made of.
#[derive(Clone, Debug)]
pub struct Card<'a> {
    /// The repository's name.
    pub title: &'a str,
    /// The base model's name on the Hub, where it is known.
    pub base_model: Option<&'a str>,
    /// The base model as the adapter names it.
    pub base: &'a str,
    /// The layouts that are published: name and what reads it.
    pub layouts: &'a [(&'a str, &'a str)],
    /// The run's report.
    pub run: Option<Run>,
}

/// The figures of `run.json` that a reader wants; an older file may lack some.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Run {
    config: Settings,
    train_sha256: Option<String>,
    valid_sha256: Option<String>,
    examples: Option<u64>,
    steps: Option<u64>,
    adapter_step: Option<u64>,
    parameters: Option<u64>,
    tokens: Option<u64>,
    seconds: Option<f64>,
    curve: Curve,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    lora: Lora,
    batch_size: Option<u64>,
    accumulation: Option<u64>,
    learning_rate: Option<f64>,
    seed: Option<u64>,
    processor: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Lora {
    rank: Option<u64>,
    alpha: Option<f64>,
    targets: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Curve {
    train: Vec<(u64, f64)>,
    valid: Vec<(u64, f64)>,
}

impl Card<'_> {
    /// Whether Gemma's terms bind what is published.
    #[must_use]
    pub fn is_gemma(&self) -> bool {
        [Some(self.base), self.base_model].into_iter().flatten().any(|name| name.to_lowercase().contains("gemma"))
    }

    /// The card as Markdown with its head in YAML.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::from("---\n");
        if self.is_gemma() {
            text += "license: gemma\n";
        }
        if let Some(base) = self.base_model {
            let _ = writeln!(text, "base_model: {}", quoted(base));
        }
        text += "library_name: peft\npipeline_tag: text-generation\nlanguage: en\ntags:\n- lora\n- mlx\n- gemma-burger\n---\n\n";
        let _ = writeln!(text, "# {}\n", line(self.title));
        let _ = writeln!(
            text,
            "A LoRA adapter for {}: the manner in which a restaurant's staff speaks. It was trained by Gemma Burger, whose \
             ledger decides prices, items and promises; the adapter only finds words, and was never meant to know facts.\n",
            line(self.base)
        );
        text += "## Files\n";
        for (name, reader) in self.layouts {
            let _ = writeln!(text, "- `{name}`: {reader}");
        }
        text.push('\n');
        match &self.run {
            Some(run) => run.write(&mut text),
            None => text += "The run's figures were not kept.\n",
        }
        if self.is_gemma() {
            let _ = write!(
                text,
                "\n## Terms\n{GEMMA_NOTICE}.\nThe adapter is a model derivative of Gemma: using it is subject to the same \
                 terms, the Gemma Prohibited Use Policy (ai.google.dev/gemma/prohibited_use_policy) included. The base \
                 model's weights are not part of this repository.\n"
            );
        }
        text
    }
}

impl Run {
    fn write(&self, text: &mut String) {
        let Settings { lora, batch_size, accumulation, learning_rate, seed, processor } = &self.config;
        text.push_str("## Training\n| figure | value |\n|---|---|\n");
        let mut row = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = writeln!(text, "| {name} | {} |", line(&value));
            }
        };
        let number = |value: &Option<u64>| value.map(|value| value.to_string());
        row("rank", number(&lora.rank));
        row("alpha", lora.alpha.map(|alpha| alpha.to_string()));
        row("matrices", Some(lora.targets.join(", ")).filter(|targets| !targets.is_empty()));
        row("numbers trained", number(&self.parameters));
        row("learning rate", learning_rate.map(|rate| rate.to_string()));
        let batch = batch_size.map(|size| size * accumulation.unwrap_or(1));
        row("examples a step", number(&batch));
        row("seed", number(seed));
        row("examples", number(&self.examples));
        row("steps", number(&self.steps));
        row("step of this adapter", number(&self.adapter_step));
        row("tokens", number(&self.tokens));
        row("seconds of training", self.seconds.map(|seconds| format!("{seconds:.0}")));
        row("processor", processor.clone());
        let loss = |points: &[(u64, f64)], at: u64| {
            points.iter().find(|(step, _)| *step == at).map(|(_, loss)| format!("{loss:.4}"))
        };
        row("validation loss before", loss(&self.curve.valid, 0));
        row("validation loss of this adapter", self.adapter_step.and_then(|step| loss(&self.curve.valid, step)));
        row("training loss at its step", self.adapter_step.and_then(|step| loss(&self.curve.train, step)));
        row("training data, sha256", self.train_sha256.clone());
        row("validation data, sha256", self.valid_sha256.clone());
    }
}

/// Text that stays on its line and in its cell.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '|' { ' ' } else { c }).take(200).collect()
}

/// Text as YAML reads it whatever it holds: JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    Value::String(line(text)).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const RUN: &str = include_str!("../../../../resources/adapters/gemma-3-270m/run.json");

    fn card(base: &str, run: Option<Run>) -> String {
        let layouts = [("adapter_model.safetensors", "PEFT")];
        Card { title: "rosy", base_model: Some("google/gemma-3-270m: x"), base, layouts: &layouts, run }.markdown()
    }

    #[test]
    fn the_shipped_run_tells_its_figures() {
        let run: Run = serde_json::from_str(RUN).unwrap();
        let known: Value = serde_json::from_str(RUN).unwrap();
        let card = card("Gemma 3 270m", Some(run));
        for (row, value) in [
            ("rank", known["config"]["lora"]["rank"].to_string()),
            ("examples", known["examples"].to_string()),
            ("steps", known["steps"].to_string()),
            ("step of this adapter", known["adapter_step"].to_string()),
            ("numbers trained", known["parameters"].to_string()),
            ("training data, sha256", known["train_sha256"].as_str().unwrap().to_owned()),
            ("validation loss before", format!("{:.4}", known["curve"]["valid"][0][1].as_f64().unwrap())),
        ] {
            assert!(card.contains(&format!("| {row} | {value} |\n")), "{row}: {value}\n{card}");
        }
        assert!(card.starts_with("---\nlicense: gemma\nbase_model: \"google/gemma-3-270m: x\"\n"), "{card}");
        assert!(card.contains(GEMMA_NOTICE));
    }

    #[test]
    fn what_a_file_lacks_is_left_out_and_what_it_holds_stays_in_its_place() {
        let empty: Run = serde_json::from_str("{}").unwrap();
        assert!(!card("x", Some(empty)).contains("| rank"));
        let odd: Run = serde_json::from_str("{\"train_sha256\": \"a|b\\n# c\"}").unwrap();
        assert!(card("SmolLM2", Some(odd)).contains("| training data, sha256 | a b # c |\n"));
        let other = Card { title: "t", base_model: None, base: "SmolLM2", layouts: &[], run: None };
        assert!(!other.markdown().contains("Gemma Terms") && !other.markdown().contains("license:"));
    }
}
