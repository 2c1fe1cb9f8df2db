//! From a guest's text to words: lower case, accents and apostrophes gone, numbers apart from letters.
//!
//! Menu names go through the same code, so that "Jalapeño", "jalapenos" and "JALAPENO" are one word.

/// Characters of an utterance that are read; what follows is not looked at.
pub(crate) const MAX_CHARS: usize = 4_000;
/// Words of an utterance that are read.
pub(crate) const MAX_TOKENS: usize = 400;
/// A longer run of letters is no word; it is cut here so that nothing below grows with it.
const MAX_WORD: usize = 40;

/// Words that are written short with a point, which ends no sentence.
const SHORTENED: &[&str] = &["dr", "mr", "mrs", "ms", "st", "jr", "vs"];

/// What stands between a word and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// A space.
    None,
    /// A comma or the like.
    Comma,
    /// The end of a sentence.
    Stop,
}

/// One word.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Lower case, without accents or apostrophes.
    pub text: String,
    /// The same for singular and plural, for "two" and "2".
    pub stem: String,
    /// What stands before it.
    pub before: Break,
}

impl Token {
    fn new(text: String, before: Break) -> Self {
        Self { stem: stem(&text), text, before }
    }

    pub(crate) fn is_number(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
    }

    /// Whether the word is a number, in digits or in letters.
    pub(crate) fn is_count(&self) -> bool {
        self.stem.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Whether the word looks like a plural.
    pub(crate) fn is_plural(&self) -> bool {
        self.text.len() > 3 && self.text.ends_with('s') && !self.text.ends_with("ss")
    }
}

/// Whether "of them" stands at a word.
pub(crate) fn says_of_them(tokens: &[Token], at: usize) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    word(at) == "of" && matches!(word(at + 1), "them" | "those" | "these")
}

/// The words of a text, at most [`MAX_TOKENS`].
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    let mut reader = Reader { tokens: Vec::new(), word: String::new(), before: Break::None, glued: false };
    let mut chars = text.chars().take(MAX_CHARS).peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        reader.read(c, last, next);
        last = c;
    }
    reader.flush();
    let mut tokens = reader.tokens;
    tokens.truncate(MAX_TOKENS);
    tokens
}

struct Reader {
    tokens: Vec<Token>,
    word: String,
    before: Break,
    /// The word being read follows a number without a space: "330ml", "two 61s".
    glued: bool,
}

impl Reader {
    fn read(&mut self, c: char, last: char, next: char) {
        let in_number = self.word.ends_with(|c: char| c.is_ascii_digit());
        match c {
            '\'' | '’' | '‘' | '`' | '´' => {}
            // "w/" and "w/o" are how hurried people write "with" and "without".
            '/' if self.word == "w" => {
                self.word.clear();
                if next.eq_ignore_ascii_case(&'o') {
                    self.word.push_str("w/");
                } else {
                    self.push("with");
                }
            }
            '.' | ',' if in_number && next.is_ascii_digit() => {
                if c == '.' {
                    self.word.push('.');
                }
            }
            '-' if next.is_ascii_digit() && last.is_whitespace() => {
                self.flush();
                self.word.push('-');
            }
            '"' | '″' | '”' if in_number => {
                self.flush();
                self.push("inch");
            }
            '%' if in_number => {
                self.flush();
                self.push("percent");
            }
            '½' => {
                self.flush();
                self.push("half");
            }
            '#' if next.is_ascii_digit() => {
                self.flush();
                self.push("number");
            }
            '&' | '+' => {
                self.flush();
                self.push("and");
            }
            ',' | ';' | ':' | '(' | ')' | '\n' | '|' => self.pause(Break::Comma),
            // "Dr. Pepper", "St. Louis ribs".
            '.' if SHORTENED.contains(&self.word.as_str()) => self.flush(),
            '.' | '!' | '?' => self.pause(Break::Stop),
            _ if c.is_alphanumeric() => self.letter(c),
            _ => self.flush(),
        }
    }

    fn letter(&mut self, c: char) {
        let digit = c.is_ascii_digit();
        if self.word.ends_with(|l: char| l.is_alphanumeric() && l.is_ascii_digit() != digit) && self.word != "w/" {
            self.flush();
            self.glued = !digit;
        }
        if self.word.len() >= MAX_WORD {
            return;
        }
        match plain(c) {
            Some(plain) => self.word.push_str(plain),
            None => self.word.extend(c.to_lowercase()),
        }
    }

    fn push(&mut self, word: &str) {
        if self.tokens.len() < MAX_TOKENS {
            self.tokens.push(Token::new(word.to_owned(), self.before));
        }
        self.before = Break::None;
    }

    fn flush(&mut self) {
        let word = std::mem::take(&mut self.word);
        let glued = std::mem::take(&mut self.glued);
        match word.as_str() {
            "" | "-" => {}
            // The plural of a number: "two 61s".
            "s" if glued => {}
            // "12 fl oz" are twelve ounces.
            "fl" | "fluid" if self.tokens.last().is_some_and(Token::is_count) => {}
            "w/o" => self.push("without"),
            word => self.push(word),
        }
    }

    fn pause(&mut self, kind: Break) {
        self.flush();
        if self.before != Break::Stop {
            self.before = kind;
        }
    }
}

/// Latin letters with marks, as they are typed without them.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'À' | 'Á' | 'Â' | 'Ã' | 'Å' => "a",
        'ä' | 'Ä' => "a",
        'ç' | 'ć' | 'č' | 'Ç' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'È' | 'É' | 'Ê' | 'Ë' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'İ' | 'ı' => "i",
        'ñ' | 'ń' | 'Ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'Ö' | 'Ó' => "o",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'Ü' | 'Ú' => "u",
        'ý' | 'ÿ' => "y",
        'š' | 'ś' | 'Š' => "s",
        'ž' | 'ź' | 'ż' => "z",
        'ł' => "l",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        _ => return None,
    })
}

/// A form that singular and plural share. It need not be a word: both sides of every comparison go through it.
pub(crate) fn stem(word: &str) -> String {
    if let Some(value) = super::numbers::small(word) {
        return value.to_string();
    }
    // "Mac 'n' cheese", and units, which menus shorten.
    let whole = match word {
        "n" => "and",
        "zeros" | "zeroes" => "0",
        "l" | "litre" | "litres" | "liters" | "ltr" => "liter",
        "ml" | "milliliter" | "milliliters" | "millilitre" | "millilitres" => "ml",
        "oz" | "ounce" | "ounces" => "oz",
        "pc" | "pcs" | "pce" | "pces" => "piece",
        _ => "",
    };
    if !whole.is_empty() {
        return whole.to_owned();
    }
    let cut = |drop: usize| &word[..word.len() - drop];
    if !word.is_ascii() || word.len() < 3 {
        return word.to_owned();
    }
    if word.ends_with("ie") {
        return format!("{}y", cut(2));
    }
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    let base = if ends(&["ies"]) {
        return format!("{}y", cut(3));
    } else if ends(&["oes", "sses", "ches", "shes", "xes", "zes"]) {
        cut(2)
    } else if word.ends_with('s') && !ends(&["ss", "us", "is"]) {
        cut(1)
    } else {
        word
    };
    let soft = ["che", "she", "sse", "xe", "ze"].iter().any(|end| base.ends_with(end));
    if soft { base[..base.len() - 1].to_owned() } else { base.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokenize(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn text_is_folded_and_split() {
        assert_eq!(
            words("I'd like 2x Jalapeño-Poppers & a 7up!"),
            ["id", "like", "2", "x", "jalapeno", "poppers", "and", "a", "7", "up"]
        );
        assert_eq!(words("burger w/ cheese w/o onions"), ["burger", "with", "cheese", "without", "onions"]);
        assert_eq!(
            words("12\" sub, 2% milk, 1,000 of -1"),
            ["12", "inch", "sub", "2", "percent", "milk", "1000", "of", "-1"]
        );
        assert_eq!(tokenize("a Dr. Pepper. Thanks").iter().filter(|token| token.before == Break::Stop).count(), 1);
        assert_eq!(words("#7 and two 61s, 12 fl oz"), ["number", "7", "and", "two", "61", "12", "oz"]);
    }

    #[test]
    fn singular_and_plural_share_a_stem() {
        for (one, many) in [
            ("cookie", "cookies"),
            ("pie", "pies"),
            ("tomato", "tomatoes"),
            ("sandwich", "sandwiches"),
            ("fry", "fries"),
            ("quiche", "quiches"),
            ("cheese", "cheeses"),
            ("glass", "glasses"),
            ("olive", "olives"),
            ("egg", "eggs"),
        ] {
            assert_eq!(stem(one), stem(many), "{one}");
        }
        assert_eq!(stem("two"), stem("2"));
    }

    #[test]
    fn long_input_is_cut() {
        assert_eq!(tokenize(&"a ".repeat(10_000)).len(), MAX_TOKENS);
        assert!(tokenize(&"x".repeat(10_000))[0].text.len() <= MAX_WORD + 4);
    }
}
