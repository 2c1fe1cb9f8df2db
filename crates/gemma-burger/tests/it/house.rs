//! A restaurant whose models are all away, as they are when a machine is too small: what is decided needs none.

use std::{path::Path, str::FromStr, sync::Arc};

use axum::Router;
use concierge::{
    intent::AgentName,
    ledger::{Cart, Consent, Event, OrderId},
    menu::Menu,
    order::{Edit, OrderLine, Pick},
    ports::{
        Embedder, Engine, EngineError, EngineInfo, Generation, GenerationRequest, Hit, Query, RetrieveError, Retriever,
    },
};
use engine::AdapterError;
use gemma_burger::{
    brain::{
        self, Brain,
        concierge::{
            Lookup, Parts, Resources, Restaurant, Speech,
            manner::{Manner, Shelf, Tunable},
            turn_log::TurnLog,
        },
        ports::Concierge,
        staff::StaffNews,
    },
    gateway::{self, Gateway, upstream::Upstream},
};
use serde_json::{Value, json};
use store::{Placement, SessionId, Store};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Answer, Ask, Event as Told, get, post, say},
    scripted::config,
};

const MENU: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources/menu.json");
const RESOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../resources");
pub const PASSWORD: &str = "correct horse";
/// A time for everything that only has to have one.
pub const AT: i64 = 1_780_000_000;

/// Models that are not there.
struct Away;

impl Embedder for Away {
    fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>, RetrieveError> {
        Err(RetrieveError::NotReady("away".into()))
    }

    fn dimensions(&self) -> usize {
        384
    }
}

impl Retriever for Away {
    fn search(&self, _: &Query<'_>) -> Result<Vec<Hit>, RetrieveError> {
        Err(RetrieveError::NotReady("away".into()))
    }
}

impl Engine for Away {
    fn start(&self, _: GenerationRequest) -> Result<Generation, EngineError> {
        Err(EngineError::NotReady("away".into()))
    }

    fn info(&self) -> EngineInfo {
        EngineInfo { model: "away".into(), context_tokens: 2_048 }
    }
}

impl Lookup for Away {}

impl Speech for Away {}

pub struct House {
    pub gateway: Router,
    pub store: Store,
    pub menu: Menu,
    data: tempfile::TempDir,
}

impl Tunable for Away {
    fn load_adapter(&self, _: AgentName, _: &Path) -> Result<(), AdapterError> {
        Ok(())
    }

    fn unload_adapter(&self, _: AgentName) -> Result<(), AdapterError> {
        Ok(())
    }
}

/// A restaurant that has just opened.
pub async fn house() -> House {
    house_with(Arc::new(Away)).await
}

/// The same with a language model.
pub async fn house_with<M: Speech + Tunable + 'static>(engine: Arc<M>) -> House {
    house_of(engine, &[]).await
}

/// The same with other values for some variables.
pub async fn house_of<M: Speech + Tunable + 'static>(engine: Arc<M>, values: &[(&'static str, &str)]) -> House {
    let house = open(tempfile::tempdir().unwrap(), Path::new(RESOURCES), engine, values).await;
    house.store.add_staff("Ana", PASSWORD, AT).unwrap();
    house
}

async fn open<M: Speech + Tunable + 'static>(
    data: tempfile::TempDir,
    resources: &Path,
    engine: Arc<M>,
    values: &[(&'static str, &str)],
) -> House {
    let resources = resources.to_str().unwrap();
    let own = [("RESOURCES_DIR", resources), ("TRUSTED_PROXIES", "10.0.0.1")];
    let config = config(data.path(), &[&own, values].concat());
    let brain = Brain::new(&config, CancellationToken::new());
    let store = Store::open(&data.path().join(store::FILE_NAME)).unwrap();
    let resources = Resources::read(&config).unwrap();
    let menu = resources.world.menu.clone();
    let shelf = Shelf::new(&config.files.data_dir, &config.files.resources_dir);
    let turn_log = TurnLog::new(&config, &resources);
    let restaurant: Arc<dyn Concierge> = Arc::new(Restaurant::new(Parts {
        resources,
        store: store.clone(),
        embedder: Arc::new(Away),
        retriever: Arc::new(Away),
        engine: engine.clone(),
        model_name: "away".into(),
        manner: Manner::open(engine, shelf, &config.model.adapters, "away").unwrap(),
        model_tools: false,
        max_reply_tokens: 100,
        tracing: None,
        turn_log,
        bus: brain.bus(),
        news: StaffNews::new(),
    }));
    assert!(brain.load(Box::pin(async move { Ok(restaurant) })).await);
    let upstream = Upstream::Local(brain::router(brain));
    let gateway = gateway::router(Gateway::new(&config, upstream, CancellationToken::new()).unwrap());
    House { gateway, store, menu, data }
}

/// A guest with a browser.
pub struct Guest {
    pub cookie: String,
    pub session: SessionId,
}

impl House {
    /// The folder of everything that is written.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Closes, and opens again with a menu that was changed in the meantime.
    pub async fn reopen(self, change: impl FnOnce(&mut Value)) -> Self {
        let Self { gateway, store, data, .. } = self;
        drop((gateway, store));
        let resources = data.path().join("resources");
        if !resources.exists() {
            std::fs::create_dir(&resources).unwrap();
            for entry in std::fs::read_dir(RESOURCES).unwrap() {
                let path = entry.unwrap().path().canonicalize().unwrap();
                let name = path.file_name().unwrap();
                if name != "menu.json" {
                    std::os::unix::fs::symlink(&path, resources.join(name)).unwrap();
                }
            }
        }
        let file = resources.join("menu.json");
        let before = std::fs::read_to_string(if file.exists() { &file } else { Path::new(MENU) }).unwrap();
        let mut menu: Value = serde_json::from_str(&before).unwrap();
        change(&mut menu);
        std::fs::write(&file, menu.to_string()).unwrap();
        open(data, &resources, Arc::new(Away), &[]).await
    }

    pub async fn guest(&self) -> Guest {
        let answer = say("hello").header("sec-fetch-site", "same-origin").send(&self.gateway).await;
        let cookie = answer.cookie();
        let events = answer.all_events().await;
        let session = SessionId::from_str(events[0].data["session_id"].as_str().unwrap()).unwrap();
        Guest { cookie, session }
    }

    pub async fn say(&self, guest: &Guest, text: &str) -> Vec<Told> {
        say(text).cookie(&guest.cookie).send(&self.gateway).await.all_events().await
    }

    pub async fn history(&self, guest: &Guest) -> Value {
        get("/chat/history").cookie(&guest.cookie).send(&self.gateway).await.value().await
    }

    pub fn login(name: &str, password: &str) -> Ask {
        post("/staff/login").json(&json!({"name": name, "password": password}))
    }

    /// The cookie of somebody who is signed in.
    pub async fn ana(&self) -> String {
        let answer = Self::login("Ana", PASSWORD).send(&self.gateway).await;
        assert_eq!(answer.status, 200);
        answer.cookie()
    }

    pub async fn advance(&self, ana: &str, order: &str, state: &str) -> Answer {
        let path = format!("/kitchen/orders/{order}/state");
        post(&path).cookie(ana).json(&json!({"state": state})).send(&self.gateway).await
    }

    /// Places an order of two of the menu's first dish for a guest who must not have its first allergen.
    pub fn order(&self, guest: &Guest) -> (OrderId, u32) {
        let item = &self.menu.items[0];
        let allergen = item.allergens.iter().flatten().next().unwrap().clone();
        let mut events = vec![Event::AllergyDeclared { allergen }];
        let item = Pick::One(item.id.clone());
        let line = OrderLine { item, quantity: 2, size: None, options: Vec::new(), without: Vec::new() };
        events.extend(Cart::fold(&events).decide(&self.menu, &Edit::Add { line }, Consent::Given).unwrap());
        let log = self.store.cart(&guest.session).unwrap();
        let expected = self.store.append(&guest.session, log.seq, &events, AT).unwrap();
        let cart = self.store.cart(&guest.session).unwrap().cart();
        let checkout = cart.checkout(&self.menu, Consent::Given).unwrap();
        let placed = self.store.place(&Placement {
            session: &guest.session,
            key: "a test's order",
            body: b"a test's order",
            expected,
            checkout: &checkout,
            day: "2026-05-28",
            at: AT,
        });
        let placed = placed.unwrap();
        (placed.order, placed.number)
    }
}
