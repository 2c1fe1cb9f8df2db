//! `gemma-burger plan`: the best meal within a sum.

use std::{collections::BTreeSet, path::PathBuf};

use concierge::{
    menu::Menu,
    money::Cents,
    planner::{self, Diner, Must, Objective, Plan, Request, wish},
    tools::{Call, ToolName, Tools},
    understand::Lexicon,
};

use super::parse::read_menu;
use crate::cli::{Failure, print};

/// Plans the best meal within a sum, exactly.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  gemma-burger plan --limit 50 --party 3 --diet vegan --json\n  gemma-burger plan \"two vegans and a meat eater, 45 dollars\"\n  gemma-burger plan --arguments '{\"limit\": \"45\", \"party\": 3, \"diners\": [{\"diets\": [\"vegan\"]}]}'"
)]
pub struct Args {
    /// The wish in words, heard as in the chat; the options below count for nothing then.
    #[arg(value_name = "WORDS", conflicts_with = "arguments")]
    words: Option<String>,
    /// The wish as the tool recommend_menu_by_budget takes it; the options below count for nothing then.
    #[arg(long, value_name = "JSON")]
    arguments: Option<String>,
    /// The restaurant's menu.
    #[arg(long, value_name = "FILE", default_value = "resources/menu.json")]
    menu: PathBuf,
    /// The most to be paid, tax included, such as 50 or 49.99.
    #[arg(long, value_name = "SUM", allow_hyphen_values = true)]
    limit: Option<String>,
    /// The limit is meant before tax.
    #[arg(long)]
    before_tax: bool,
    /// How many people; each gets a main.
    #[arg(long, default_value_t = 1)]
    party: u32,
    /// Sides for each.
    #[arg(long, default_value_t = 0)]
    sides: u32,
    /// Drinks for each.
    #[arg(long, default_value_t = 0)]
    drinks: u32,
    /// Desserts for each.
    #[arg(long, default_value_t = 0)]
    desserts: u32,
    /// A diet that everybody keeps to; may be given several times.
    #[arg(long)]
    diet: Vec<String>,
    /// An allergen that nobody may have; may be given several times.
    #[arg(long)]
    without_allergen: Vec<String>,
    /// An item that must be in it; may be given several times.
    #[arg(long, value_name = "ITEM")]
    must: Vec<String>,
    /// An item that must not be in it; may be given several times.
    #[arg(long, value_name = "ITEM")]
    must_not: Vec<String>,
    /// The most of one item.
    #[arg(long, value_name = "N")]
    max_same: Option<u32>,
    /// What is best.
    #[arg(long, value_enum, default_value_t = Goal::Fill)]
    objective: Goal,
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Goal {
    /// Comes as near to the sum as the menu allows.
    Fill,
    /// Costs least.
    Cheapest,
    /// The dishes that guests like best.
    Best,
    /// Feeds as many as the sum allows.
    Feed,
}

impl Args {
    /// Plans and prints.
    pub fn run(self) -> Result<(), Failure> {
        let menu = read_menu(&self.menu)?;
        let (json, request) = (self.json, self.wish(&menu)?);
        let plan = planner::plan(&menu, &request).map_err(Failure::new)?;
        if json {
            return print(&(serde_json::to_string(&plan).map_err(Failure::new)? + "\n"));
        }
        print(&text(&menu.currency, &plan))
    }

    /// What to plan: from words, from a tool's arguments, or from the options.
    fn wish(self, menu: &Menu) -> Result<Request, Failure> {
        if let Some(words) = &self.words {
            let wish = wish::read(&Lexicon::new(menu), menu, words);
            return match wish.other_currency {
                Some(code) => {
                    let own = menu.currency.code();
                    Err(Failure::new(format!("prices are in {own}, and {code} is not changed here"))
                        .hint(format!("name the sum in {own}")))
                }
                None => Ok(wish.request),
            };
        }
        if let Some(arguments) = &self.arguments {
            let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("--arguments: {error}"));
            let value = serde_json::from_str(arguments).map_err(|error| wrong(&error))?;
            let call = Tools::new(menu).parse(ToolName::RecommendMenuByBudget.as_str(), &value);
            return match call.map_err(|error| wrong(&error))? {
                Call::RecommendMenuByBudget(request) => Ok(request),
                _ => Err(wrong(&"this is another tool's")),
            };
        }
        self.request()
    }

    fn request(self) -> Result<Request, Failure> {
        let limit = self
            .limit
            .as_deref()
            .map(Cents::parse)
            .transpose()
            .map_err(|error| Failure::usage(format!("--limit: {error}")))?;
        let keeps =
            Diner { diets: self.diet.into_iter().collect(), allergens: self.without_allergen.into_iter().collect() };
        let diners = if keeps == Diner::default() {
            Vec::new()
        } else {
            vec![keeps; self.party.min(planner::MAX_PARTY) as usize]
        };
        let objective = match self.objective {
            Goal::Fill => Objective::Fill,
            Goal::Cheapest => Objective::Cheapest,
            Goal::Best => Objective::Best,
            Goal::Feed => Objective::Feed,
        };
        Ok(Request {
            limit,
            before_tax: self.before_tax,
            party: self.party,
            diners,
            sides: self.sides,
            drinks: self.drinks,
            desserts: self.desserts,
            must: self.must.iter().map(|id| Must { item: id.as_str().into(), count: 1 }).collect(),
            must_not: self.must_not.iter().map(|id| id.as_str().into()).collect::<BTreeSet<_>>(),
            max_same: self.max_same,
            objective,
            ..Request::default()
        })
    }
}

fn text(currency: &concierge::money::Currency, plan: &Plan) -> String {
    let mut text = String::new();
    for line in &plan.lines {
        text.push_str(&format!("{:>3} × {:<40} {:>9}\n", line.order.quantity, line.name, currency.show(line.price)));
    }
    text.push_str(&format!("{:<46} {:>9}\n", "total", currency.show(plan.total)));
    if let Some(left) = plan.left {
        text.push_str(&format!("{:<46} {:>9}\n", "left", currency.show(left)));
    }
    text.push_str(&format!("{}\n", plan.why));
    if let Some(next) = &plan.next_dollar {
        text.push_str(&format!("{next}\n"));
    }
    for other in &plan.alternatives {
        let lines: Vec<String> =
            other.lines.iter().map(|line| format!("{} × {}", line.order.quantity, line.name)).collect();
        text.push_str(&format!("or, for {}: {}\n", currency.show(other.total), lines.join(", ")));
    }
    text
}
