//! The English that every guest speaks, whatever the restaurant: the words that order, join, refuse and correct.
//!
//! A phrase stands for a [`Mark`]; what a mark does is decided by the search. Nothing here names a dish.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::tokens::Token;
use crate::order::Amount;

/// What a phrase of plain English does in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// "a", "an".
    Article,
    /// "the", "some", "any".
    Some,
    /// "and", "plus".
    And,
    /// "or", "nor".
    Or,
    /// "with", "topped with".
    With,
    /// "add", "put": more of what is being ordered, or something new.
    Put,
    /// "no", "without", "hold the".
    No,
    /// "remove", "cancel": as "no", and for things already ordered too.
    Remove,
    /// "everything but".
    Except,
    /// "instead of".
    InsteadOf,
    /// "plain", "with nothing on it".
    Plain,
    /// "extra", "light".
    Amount(Amount),
    /// "double": more of an option, or two of a counted one.
    Times(u32),
    /// "i'd like", "can i get": an order, or a part of it, begins.
    Verb,
    /// "on it", "for the toppings": options are meant.
    OnIt,
    /// "to drink", "on the side".
    Aside,
    /// "bag of", "side of": a thing by itself is meant.
    Serving,
    /// "shots of", "slices of": a part of a thing is meant.
    Part,
    /// "both", "each", "all of them".
    Each,
    /// "the other one", "the rest".
    Other,
    /// "the same".
    Same,
    /// "no wait", "i mean": what follows takes the place of what was said.
    Fix,
    /// "make it": the last thing changes.
    MakeIt,
    /// A size in plain English, for things whose sizes are not called so.
    Size,
    /// "please", "for my friend": nothing.
    Filler,
    /// "for": whom or what it is for, not what is ordered.
    For,
    /// "of": binds a number to what it counts.
    Of,
}

const PHRASES: &[(Mark, &[&str])] = &[
    (Mark::Article, &["a", "an"]),
    (Mark::Some, &[
        "the", "some", "any", "my", "our", "your", "that", "those", "these", "this", "a few", "few", "his", "her", "their",
    ]),
    (Mark::And, &["and", "plus", "also", "as well as", "along with", "and also", "n", "then", "and then", "followed by", "together with"]),
    (Mark::Or, &["or", "nor", "and no", "or any"]),
    (Mark::With, &[
        "with", "wit", "w", "topped with", "topped off with", "top it with", "top it off with", "top with", "filled with", "loaded with",
        "made with", "that has", "has", "having", "including", "containing", "featuring", "with a side order of",
        "served with", "dressed with", "covered in", "covered with", "smothered in", "on it i want", "plus add", "contains",
        "it has", "it should have", "stuffed with", "mixed with", "with added", "flavored with", "sprinkled with", "finished with",
        "garnished with", "that comes with", "which has", "comes with", "come with", "w the",
    ]),
    (Mark::Put, &["add", "put", "and add", "and put", "adding", "include", "throw on", "throw in", "stick", "top it", "toss in", "please add", "added"]),
    (Mark::No, &[
        "no", "without", "without any", "without the", "with no", "with out", "hold", "hold the", "holding the", "skip", "skip the", "minus", "minus the", "less the",
        "leave off", "leave off the", "leave out", "leave out the", "take off the", "dont want", "dont want any",
        "dont put", "dont put any", "dont add", "dont add any", "not", "sans", "zero", "free of", "but no", "but not", "but without",
        "none of", "none of the", "cut the", "lose the", "nix the", "ditch the", "never", "take out the",
        "i dont want", "i dont want any", "no more", "but hold the", "omit", "omit the", "exclude", "excluding", "dont include",
        "avoid", "avoid the", "avoid any", "i hate", "hate", "i dislike", "i cant stand", "not a fan of", "i do not like", "not with", "not with any", "i do not want", "do not want", "do not add", "do not put", "i dont like", "keep off the", "please no", "not any",
    ]),
    (Mark::Remove, &[
        "remove", "remove the", "cancel", "cancel the", "take away", "take away the", "delete", "delete the", "drop", "drop the", "scratch", "scratch the", "get rid of", "get rid of the",
        "forget", "forget the", "forget about", "forget about the", "i no longer want", "i no longer want the", "i dont want the", "i dont want my", "we dont want the", "can you remove", "could you remove",
        "please remove", "can you cancel", "please cancel", "i dont need", "i dont need the", "dont need the", "take off my order", "remove my", "cancel my", "leave the", "never mind the", "nevermind the", "never mind about the", "eliminate", "i changed my mind about the",
        "dont bring the", "dont make the", "dont give me", "strike the", "i want to remove", "i want to cancel", "id like to remove", "id like to cancel", "i would like to remove", "i would like to cancel", "withdraw", "take back",
    ]),
    (Mark::Except, &[
        "everything but", "everything except", "everything except for", "everything on it but", "everything on it except",
        "with everything but", "with everything except", "all but", "all except", "all the toppings but",
        "all the toppings except", "the works but", "the works except", "everything minus", "everything without",
        "except", "except for", "except the", "other than", "everything but the", "everything except the",
        "everything on it but no", "everything but no", "everything on it minus",
    ]),
    (Mark::InsteadOf, &["instead of", "instead of the", "rather than", "in place of", "in place of the", "not the", "in lieu of"]),
    (Mark::Plain, &[
        "plain", "nothing on it", "with nothing on it", "with nothing", "nothing else on it", "no toppings", "without toppings", "with no toppings", "dry",
        "without anything", "with nothing else", "no extras", "without anything on it", "naked", "no topping",
    ]),
    (Mark::Amount(Amount::Extra), &[
        "extra", "lots of", "lot of", "a lot of", "loads of", "plenty of", "tons of", "heaps of", "a ton of", "heavy",
        "heavy on", "heavy on the", "go heavy on", "go heavy on the", "more", "some more", "additional", "some extra", "with extra", "a bunch of",
        "bunch of", "a load of", "generous", "an extra", "much", "a whole lot of", "lots", "a lot more", "an extra helping of", "extra helping of",
        "extra portion of", "a little extra", "easy with extra", "a heap of", "as much", "a good amount of", "load up on", "load up on the",
        "an abundance of", "a generous amount of", "oodles of", "a little more", "a bit more", "a bit extra", "a little bit of extra",
    ]),
    (Mark::Amount(Amount::Light), &[
        "light", "lite", "light on", "light on the", "lightly", "less", "a little", "a little bit of", "a little of", "little", "little bit of", "a bit of", "bit of",
        "easy on", "easy on the", "go easy on", "go easy on the", "a touch of", "touch of", "a hint of", "hint of",
        "just a little", "just a bit of", "a dash of", "dash of", "a splash of", "splash of", "not too much", "not much", "not a lot of", "not so much", "only a little",
        "just a touch of", "just a little bit of", "a small amount of", "small amount of", "a tiny bit of", "a drop of", "go light on", "go light on the", "just a bit",
        "not too many", "not many", "a smidge of", "a pinch of", "pinch of", "a sprinkle of", "sprinkle of", "with light", "lighter on", "easy with the",
        "a thin layer of", "a smidgen of", "a tad of", "a tad", "very little", "only a bit of", "just a dash of", "just a splash of", "a slight", "only a little bit of",
        "barely any", "a drizzle of", "drizzle of", "a light drizzle of", "a light", "a small bit of", "minimal", "reduced",
    ]),
    (Mark::Times(2), &["double", "doubled", "twice the", "dbl", "double the"]),
    (Mark::Times(3), &["triple", "treble"]),
    (Mark::Times(4), &["quadruple", "quad"]),
    (Mark::Verb, &[
        "i want", "i would like", "id like", "i like", "i need", "i will have", "ill have", "i will take", "ill take",
        "can i get", "can i have", "could i get", "could i have", "may i have", "may i get", "let me get", "let me have", "let me order",
        "lemme get", "lemme have", "give me", "gimme", "get me", "i wanna", "i wanna get", "i want to order", "i want to get", "i want to have",
        "i would like to order", "id like to order", "i would like to get", "id like to get", "i would like to have",
        "id like to have", "we want", "we would like", "wed like", "we will have", "well have", "we need", "we will take",
        "can we get", "can we have", "could we get", "could we have", "can you give me", "could you give me", "can you get me",
        "could you get me", "please give me", "bring me", "bring us", "order", "get", "id love", "i would love", "im going to have",
        "im going to get", "im gonna have", "im gonna get", "im having", "im getting", "ill get", "i will get", "ill do", "i will do", "i want to try",
        "ill go with", "ill order", "i will order", "i also want", "i also need", "i would also like", "id also like",
        "ill also have", "ill also take", "ill also get", "also give me", "can i also get", "can i also have", "could i also get", "could i also have", "lets get",
        "lets have", "lets do", "lets go with", "well take", "well get", "i want take", "i take", "i have", "i get", "want", "i order",
        "he wants", "she wants", "they want", "he would like", "she would like", "hed like", "shed like", "hell have",
        "shell have", "he will have", "she will have", "theyll have", "they will have", "my friend wants", "and give me", "and get me", "also get me", "also let me get",
        "also let me have", "and let me get", "and let me have", "and can i get", "and can i have", "and could i get", "and ill have",
        "and ill take", "and i want", "and id like", "and i would like", "and i need", "and also i want", "and also id like", "can i please have", "can i please get",
        "could i please have", "could i please get", "may i please have", "i am going to have", "i am going to get", "i am gonna get", "i am gonna have", "would you get me", "would you bring me",
        "would like", "would love", "i could go for", "i fancy", "do me", "sort me out with", "grab me", "send me", "hook me up with", "i wish",
        "i wish to have", "i wish to order", "i desire", "we order", "we take", "please bring me", "please get me", "please make me",
        "make me", "can you make me", "could you make me", "fix me", "i am ordering", "im ordering", "start me off with", "start with",
        "i am after", "im after", "how about", "what about", "and how about", "can i do", "could i do", "can you do", "ill try", "i will try", "ill grab", "let me grab", "can i grab", "could i grab", "id take", "i would take",
        "would it be possible to get", "would it be possible to have", "is it possible to get", "is it possible to have", "do you have", "have you got", "i am looking for", "im looking for", "put me down for", "can i order", "could i order", "can i try", "let me try",
        "let me also get", "let me also have", "ill just have", "i just want", "just give me", "can i just get", "can i just have", "ill just take", "ill just get",
    ]),
    (Mark::OnIt, &[
        "on it", "on top", "on the top", "on top of it", "on top of that", "in it", "on that", "on them", "in them", "to it", "to that", "inside", "inside it", "for toppings",
        "for the toppings", "for topping", "for my toppings", "for the topping", "as toppings", "as a topping", "as the toppings", "as topping", "for it", "in that",
        "for the filling", "for filling", "for the fillings", "as filling", "as fillings", "on top of them", "toppings", "for my topping", "the toppings", "topping",
        "on top please", "for the inside", "on its top", "to them", "into it", "in there", "on there", "on here",
    ]),
    (Mark::Aside, &[
        "on the side", "to drink", "for a drink", "for my drink", "for the drink", "for drinks", "as a drink", "as a side", "for a side", "for the side", "for sides", "as my side",
        "as my drink", "for dessert", "for starters", "to start", "to go with it", "to go with that", "as sides", "as drinks", "for my side", "at the side",
        "for the main", "as a main", "as a starter", "for a starter", "for a dessert", "for afters", "to go along with it", "to go with", "for side", "for drink", "to share",
    ]),
    (Mark::Serving, &[
        "bag of", "bags of", "bottle of", "bottles of", "can of", "cans of", "cup of", "cups of", "glass of", "glasses of",
        "order of", "orders of", "side of", "sides of", "side order of", "side orders of", "plate of", "bowl of", "basket of", "box of", "pack of", "packet of", "packets of",
        "serving of", "servings of", "portion of", "portions of", "helping of", "mug of", "mugs of", "pint of", "pints of", "carton of", "cartons of", "plates of", "bowls of",
        "boxes of", "baskets of", "side", "bottled", "order of the", "pot of", "pots of", "jug of", "tub of", "bucket of", "tray of", "round of", "bit", "container of",
        "pieces of", "piece of", "kind of", "type of", "rounds of",
    ]),
    (Mark::Part, &[
        "shot of", "shots of", "pump of", "pumps of", "slice of", "slices of", "scoop of", "scoops of", "spoon of", "spoons of", "spoonful of", "spoonfuls of",
        "squirt of", "squirts of", "dollop of", "dollops of", "strip of", "strips of", "layer of", "layers of", "squeeze of", "teaspoons of", "teaspoon of", "sachets of", "sachet of",
        "dashes of", "splashes of", "pumps", "pump", "shots", "shot", "scoops", "slices", "cubes of", "servings", "ladle of",
    ]),
    (Mark::Each, &[
        "both", "each", "both of them", "all of them", "each of them", "apiece", "on both", "on each", "on all", "on all of them", "on both of them",
        "for both", "each one", "both of those", "all of those", "on each one", "in both", "in each", "for each", "for all of them", "on all the", "each of those",
        "both of which", "every one",
    ]),
    (Mark::Other, &[
        "the other", "the other one", "other one", "the second", "the second one", "the rest", "the others", "another one", "one more", "other", "the remaining one",
        "the last one", "the third", "the third one", "the first one", "the first", "one of them", "one of those", "one of which",
    ]),
    (Mark::Same, &[
        "the same", "same", "the same thing", "same thing", "same again", "the same again", "the same for", "ditto",
        "exactly the same", "same order", "the same order", "the exact same", "the exact same thing", "same as me", "likewise",
    ]),
    (Mark::Fix, &[
        "no wait", "wait no", "wait", "oh wait", "actually", "actually no", "no actually", "i mean", "i meant", "sorry i mean", "sorry i meant", "no sorry", "sorry no",
        "scratch that", "strike that", "on second thought", "on second thoughts", "no i mean", "rather", "correction", "no no", "oops", "my mistake", "my bad", "change that",
        "change that to", "change it to", "or rather", "hang on", "hold on", "no i meant", "forget that", "never mind", "nevermind", "no make that", "no make it", "wait actually", "hmm no", "hm no",
        "er no", "um no", "uh no", "oh no", "or actually", "no lets make it", "no lets do",
    ]),
    (Mark::MakeIt, &[
        "make it", "make that", "make them", "make those", "actually make it", "actually make that", "no wait make it", "wait make it", "wait make that",
        "make this", "lets make it", "lets make that", "and make it", "and make that", "but make it", "but make that", "can you make it", "can you make that", "could you make it", "could you make that",
        "please make it", "please make that", "no wait make that", "no make it", "no make that", "i want it", "id like it", "i would like it", "and make them", "can i have it", "can i get it", "make mine", "have it", "get it",
        "ill have it", "ill take it", "i need it", "sorry make that", "sorry make it", "and make those", "i want that", "i want them", "id like that", "id like them", "can i get that", "can i have that", "can you make them",
    ]),
    (Mark::Size, &[
        "small", "medium", "large", "regular", "big", "little", "tall", "short", "grande", "venti", "extra large", "jumbo", "mini", "tiny", "huge", "xl", "super size",
        "standard", "normal", "average", "kids", "family size", "full size", "regular sized", "medium sized", "large sized", "small sized", "medium size", "large size", "small size", "regular size",
        "king size", "supersize", "super sized", "personal",
    ]),
    (Mark::For, &["for", "for the", "for my", "for a", "for your", "as for", "as for the", "and for the", "and for"]),
    (Mark::Of, &["of", "of the", "of your", "of those", "of them", "orders", "of these", "of this", "of that"]),
    (Mark::Filler, &[
        "please", "thanks", "thank you", "hi", "hello", "hey", "hey there", "hi there", "um", "uh", "er", "erm", "hmm", "well", "ok", "okay", "yeah", "yes", "yep", "sure", "so", "just", "only", "too", "as well",
        "for me", "for my friend", "for my wife", "for my husband", "for my son", "for my daughter", "for my mom", "for my mum",
        "for my dad", "for my kids", "for my kid", "for him", "for her", "for them", "for us", "for here", "to go", "takeaway", "take away", "for takeaway", "thats it",
        "thats all", "thatll be all", "that will be all", "that will be it", "thatll be it", "that is all", "that is it", "and thats it", "and thats all", "is all", "is it", "no thanks", "no thank you", "no thats it", "no thats all",
        "good morning", "good afternoon", "good evening", "morning", "evening", "like", "maybe", "perhaps", "i think", "i guess", "you know", "if possible", "if you can", "if you could", "today", "right now", "now", "really", "very",
        "cheers", "mate", "kindly", "if you please", "if you dont mind", "my friend", "my wife", "my husband", "my son", "my daughter", "the one", "which", "it", "them", "that is", "there", "here", "in addition",
        "additionally", "with that", "with it", "with this", "with them", "with those", "with my order", "to my order", "to the order", "for my order", "no problem", "no worries", "no rush", "alright", "all right", "great", "cool", "perfect", "oh", "ah", "um yeah",
        "go ahead and", "can you", "could you", "would you", "will you", "i", "me", "we", "us", "you", "to", "on", "in", "at", "is", "be", "will", "can", "could", "would", "do", "does", "am", "im",
        "are", "was", "it is", "its", "from", "by", "as", "but", "if", "going", "gonna", "wanna", "have", "has to be", "should", "should be", "lets", "let", "let me", "need", "try", "take", "what", "when", "how", "who",
        "everything", "with everything", "everything on it", "with everything on it", "all the toppings", "the works", "with the works", "with all the toppings", "all the fixings", "with all the fixings", "all the trimmings", "all",
        "kind", "style", "flavor", "flavors", "flavour", "flavours", "flavored", "flavoured", "sized", "size", "regular amount of", "normal amount of", "right amount of", "amount of", "amount", "sort of", "meal", "meals", "combo", "combos", "delicious", "nice", "fresh", "good", "best", "favorite", "ice cold", "cold",
        "my order", "an order", "order please", "the following", "the usual", "first", "second", "next", "last", "finally", "lastly", "first of all", "person", "people", "friend", "wife", "husband", "son", "daughter", "mother", "father", "kid", "kids", "child", "children", "boyfriend", "girlfriend", "brother", "sister", "mom", "dad", "mum", "colleague", "boss", "partner", "guest",
        "it to be", "that be", "because", "since", "so that", "while", "after", "before", "about", "around", "maam", "sir", "madam", "miss", "buddy", "dude", "man", "guys", "folks", "everyone", "everybody", "somebody", "someone",
        "ready to order", "im ready to order", "place an order", "i want to place an order", "id like to place an order", "make an order", "i am hungry", "im hungry", "starving", "hungry", "delivery", "delivered", "pickup", "pick up", "carry out", "carryout", "for delivery", "for pickup", "for carryout", "ordering", "come", "came", "comes", "came with", "place", "want to",
        "whatever", "anything", "anything else", "something", "else", "thing", "things", "one of your", "ones", "possible", "lunch", "dinner", "breakfast time", "for lunch", "for dinner", "for breakfast", "tonight", "this morning", "this evening", "this afternoon",
    ]),
];

/// Marks by their words, longest first.
struct Table {
    phrases: HashMap<String, Mark>,
    words: HashSet<&'static str>,
    longest: usize,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { phrases: HashMap::new(), words: HashSet::new(), longest: 1 };
        for (mark, phrases) in PHRASES {
            for phrase in *phrases {
                table.phrases.entry((*phrase).to_owned()).or_insert(*mark);
                table.words.extend(phrase.split(' '));
                table.longest = table.longest.max(phrase.split(' ').count());
            }
        }
        table.words.extend(WORDS.split_whitespace());
        table
    })
}

/// Every mark that starts at the head of `tokens`, with how many words it takes.
pub(crate) fn marks(tokens: &[Token], mut each: impl FnMut(Mark, usize)) {
    let table = table();
    let mut phrase = String::with_capacity(64);
    for (at, token) in tokens.iter().take(table.longest).enumerate() {
        if at > 0 {
            if token.before == super::tokens::Break::Stop {
                break;
            }
            phrase.push(' ');
        }
        phrase.push_str(&token.text);
        if let Some(mark) = table.phrases.get(&phrase) {
            each(*mark, at + 1);
        }
    }
}

/// Whether a word is plain English that names nothing on a menu, so that it is never taken for a misspelt dish.
pub(crate) fn is_common(word: &str) -> bool {
    table().words.contains(word)
}

/// Whether a word after a number tells how big something is.
pub(crate) fn is_measure(word: &str) -> bool {
    matches!(
        word,
        "liter" | "liters" | "litre" | "litres" | "l" | "ml" | "milliliter" | "milliliters" | "millilitre" | "cl" | "oz" | "ounce"
            | "ounces" | "fluid" | "inch" | "inches" | "in" | "cm" | "centimeter" | "gram" | "grams" | "g" | "kg" | "lb" | "lbs" | "pound"
            | "percent" | "gallon" | "quart" | "pint" | "foot"
    )
}

/// The grammar words that are worth recognising when misspelt.
pub(crate) const CORRECTED: &[&str] = &[
    "with", "without", "extra", "light", "please", "small", "medium", "large", "double", "triple", "instead", "would", "could",
    "everything", "except", "nothing", "three", "seven", "eight", "eleven", "twelve", "dozen", "couple", "another", "thank", "actually", "cancel", "remove", "order",
];

/// Common words that no phrase above holds.
const WORDS: &str = "the be to of and a in that have it for not on with he as you do at this but his by from they we say \
    her she or an will my one all would there their what so up out if about who get which go me when make can like time no \
    just him know take people into year your good some could them see other than then now look only come its over think also \
    back after use two how our work first well way even new want because any these give day most us tell told said says ask asked \
    off been being did done going goes went got getting had were where why here very much many more less few little lot lots \
    again still never always often sometimes maybe please sorry thanks thank hello bye yes nope nah yup okay right left \
    same different another each every both either neither own such too enough need needs needed wants wanted likes liked love \
    feel eat eating drink drinking drinks food menu meal dish dishes table order orders ordered price cost costs pay paid card cash money \
    bring brings put puts leave leaves hold keep keeps change changed swap replace remove cancel delete drop start over done \
    wait minute second moment sec big small large hot cold warm iced sweet fresh new old nice great best better bad fine \
    today tonight tomorrow yesterday morning evening night week hour minutes hours party group friends family kids allergic allergy \
    think thought mean meant guess hope believe sure maybe probably actually really quite pretty rather kind sort type side sides \
    top toppings topping inside outside bottom half whole part piece pieces cut thing things stuff way else something anything nothing everything \
    somebody someone everyone nobody side only just even though although while until unless since before during between under above \
    dont doesnt didnt cant couldnt wouldnt shouldnt wont isnt arent wasnt werent hasnt havent id ill im ive youre youve theyre weve thats whats hows \
    long short high low next last late early ready quick quickly fast slow slowly soon mine yours ours theirs myself yourself \
    give gave given taken took made makes making let lets try tried call called name named phone number address house home car office door \
    recommend recommendation suggest popular vegan vegetarian gluten dairy free without contain contains include includes have has \
    spicy mild salty crispy toasted grilled fried baked roasted melted sliced chopped shredded diced cooked raw steamed soft hard thick thin \
    flavor flavors please hundred thousand million zero couple dozen white black red green yellow brown blue orange pink purple dark golden under budget dollars bucks euros pounds";
