//! From the model's scores to the next token.
//!
//! llama.cpp's own chain copies and sorts an entry of twelve bytes for each of Gemma's 262,144 tokens at every step;
//! one pass over the scores is enough for what is needed here.

use llama_cpp_2::{
    model::LlamaModel,
    sampling::LlamaSampler,
    token::{LlamaToken, data::LlamaTokenData, data_array::LlamaTokenDataArray},
};

/// Gemma's recommended cut: the best so many tokens…
const TOP_K: usize = 64;
/// … and of those the best that make up so much of the probability.
const TOP_P: f32 = 0.95;
/// Elements compared side by side, a vector register's worth.
const LANES: usize = 16;

/// Chooses tokens for one reply.
pub(crate) struct Sampler {
    /// 0 is greedy.
    temperature: f32,
    random: SplitMix,
    grammar: Option<LlamaSampler>,
}

/// Why no token can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampleError {
    /// The scores hold a NaN or no finite number.
    NotFinite,
    /// The grammar allows no token of the vocabulary.
    DeadEnd,
}

/// A token and its score.
type Scored = (f32, i32);

impl Sampler {
    pub fn new(temperature: f32, seed: u32) -> Self {
        Self { temperature: temperature.max(0.0), random: SplitMix(u64::from(seed)), grammar: None }
    }

    /// Adds a GBNF grammar that every reply must follow; its error is for the one who asked.
    pub fn with_grammar(mut self, model: &LlamaModel, grammar: &str) -> Result<Self, String> {
        let sampler = LlamaSampler::grammar(model, grammar, "root").map_err(|error| format!("the grammar: {error}"))?;
        self.grammar = Some(sampler);
        Ok(self)
    }

    /// The next token, given a score for each token of the vocabulary.
    pub fn sample(&mut self, scores: &[f32]) -> Result<i32, SampleError> {
        let best = highest(scores).ok_or(SampleError::NotFinite)?;
        let candidates = if self.temperature == 0.0 && self.grammar.is_none() {
            return Ok(best.1);
        } else {
            top(scores, TOP_K)
        };
        let candidates = match &mut self.grammar {
            None => candidates,
            Some(grammar) => allowed(grammar, candidates, scores)?,
        };
        let chosen = self.choose(&candidates).ok_or(SampleError::DeadEnd)?;
        if let Some(grammar) = &mut self.grammar {
            grammar.accept(LlamaToken(chosen));
        }
        Ok(chosen)
    }

    /// One of the candidates, which stand best first.
    fn choose(&mut self, candidates: &[Scored]) -> Option<i32> {
        let (best, first) = *candidates.first()?;
        if self.temperature == 0.0 {
            return Some(first);
        }
        let weights: Vec<f32> =
            candidates.iter().take(TOP_K).map(|(score, _)| ((score - best) / self.temperature).exp()).collect();
        let total: f32 = weights.iter().sum();
        let mut kept = 0.0;
        let nucleus = weights.iter().take_while(|weight| {
            let take = kept < TOP_P * total;
            kept += **weight;
            take
        });
        let nucleus: Vec<f32> = nucleus.copied().collect();
        let mut left = self.random.unit() * nucleus.iter().sum::<f32>();
        for (weight, (_, token)) in nucleus.iter().zip(candidates) {
            left -= weight;
            if left <= 0.0 {
                return Some(*token);
            }
        }
        Some(first)
    }
}

/// The candidates that the grammar allows; all of the vocabulary is tried only if none of the best is.
fn allowed(grammar: &mut LlamaSampler, best: Vec<Scored>, scores: &[f32]) -> Result<Vec<Scored>, SampleError> {
    let mut filter = |candidates: Vec<Scored>| -> Vec<Scored> {
        let data = candidates.iter().map(|(score, token)| LlamaTokenData::new(LlamaToken(*token), *score, 0.0));
        let mut array = LlamaTokenDataArray::new(data.collect(), false);
        grammar.apply(&mut array);
        array.data.iter().map(|data| (data.logit(), data.id().0)).filter(|(score, _)| score.is_finite()).collect()
    };
    let mut left = filter(best);
    if left.is_empty() {
        left = filter(scores.iter().copied().zip(0..).collect());
        left.sort_by(|a, b| b.0.total_cmp(&a.0));
    }
    if left.is_empty() { Err(SampleError::DeadEnd) } else { Ok(left) }
}

/// The highest score and its token, the lowest token of equals; none if any is NaN or the highest is infinite.
fn highest(scores: &[f32]) -> Option<Scored> {
    let mut best = [f32::NEG_INFINITY; LANES];
    let mut wrong = [false; LANES];
    let chunks = scores.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            let score = chunk[lane];
            best[lane] = if score > best[lane] { score } else { best[lane] };
            wrong[lane] |= score.is_nan();
        }
    }
    let best = best.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    if wrong.contains(&true) || rest.iter().any(|score| score.is_nan()) || !best.is_finite() {
        return None;
    }
    let token = scores.iter().position(|score| *score == best)?;
    Some((best, i32::try_from(token).ok()?))
}

/// The `count` highest scores, best first.
fn top(scores: &[f32], count: usize) -> Vec<Scored> {
    let by_score = |a: &Scored, b: &Scored| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    let mut kept: Vec<Scored> = Vec::with_capacity(count * 2);
    let mut threshold = f32::NEG_INFINITY;
    for (token, &score) in (0..).zip(scores) {
        if score > threshold {
            kept.push((score, token));
            if kept.len() == count * 2 {
                kept.select_nth_unstable_by(count - 1, by_score);
                kept.truncate(count);
                threshold = kept.iter().map(|(score, _)| *score).fold(f32::INFINITY, f32::min);
            }
        }
    }
    kept.sort_unstable_by(by_score);
    kept.truncate(count);
    kept
}

/// A small random generator: sampling must be repeatable from its seed, and nothing more.
struct SplitMix(u64);

impl SplitMix {
    /// Evenly from 0 up to 1.
    fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The upper 24 bits fill a float's mantissa exactly.
        f32::from(u16::try_from(z >> 48).unwrap_or(0)) / 65_536.0
            + f32::from(u8::try_from((z >> 40) & 0xff).unwrap_or(0)) / 16_777_216.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
    use super::*;

    fn scores() -> Vec<f32> {
        let mut random = SplitMix(7);
        (0..10_007).map(|_| random.unit() * 20.0 - 10.0).collect()
    }

    #[test]
    fn greedy_takes_the_highest_wherever_it_stands() {
        for place in [0, 15, 16, 5000, 10_006] {
            let mut scores = scores();
            scores[place] = 11.0;
            assert_eq!(Sampler::new(0.0, 0).sample(&scores), Ok(i32::try_from(place).unwrap()));
        }
    }

    #[test]
    fn scores_that_are_no_numbers_are_refused() {
        for place in [0, 17, 10_006] {
            for wrong in [f32::NAN, f32::INFINITY] {
                let mut scores = scores();
                scores[place] = wrong;
                assert_eq!(Sampler::new(0.0, 0).sample(&scores), Err(SampleError::NotFinite));
                assert_eq!(Sampler::new(1.0, 0).sample(&scores), Err(SampleError::NotFinite));
            }
        }
        assert_eq!(Sampler::new(0.0, 0).sample(&[f32::NEG_INFINITY; 40]), Err(SampleError::NotFinite));
    }

    #[test]
    fn the_top_is_what_sorting_gives() {
        let scores = scores();
        let mut sorted: Vec<Scored> = scores.iter().copied().zip(0..).collect();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        sorted.truncate(TOP_K);
        assert_eq!(top(&scores, TOP_K), sorted);
    }

    #[test]
    fn sampling_repeats_with_its_seed_and_follows_the_odds() {
        // Two tokens, three to one, and a tail that the nucleus cuts off.
        let scores: Vec<f32> = [3.0_f32.ln(), 0.0, -8.0, -9.0].to_vec();
        let draw = |seed| {
            let mut sampler = Sampler::new(1.0, seed);
            (0..4000).map(|_| sampler.sample(&scores).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let drawn = draw(3);
        assert!(drawn.iter().all(|token| *token < 2));
        let first = drawn.iter().filter(|token| **token == 0).count();
        assert!((2850..3150).contains(&first), "{first} of 4000");
    }
}
