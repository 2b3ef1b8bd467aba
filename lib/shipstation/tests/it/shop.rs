//! A small ShipStation that holds orders in memory: filters by wall time, sorts, pages, and can be changed between requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::civil::DateTime;
use stevedore_domain::pacific::PacificTime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::wall;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: u64,
    pub(crate) modified: DateTime,
    pub(crate) created: DateTime,
    /// Changes with every edit, so that each edit is another revision.
    pub(crate) edit: u64,
    pub(crate) poison: bool,
    pub(crate) malformed: bool,
}

impl Stored {
    pub(crate) fn new(id: u64, modified: &str) -> Self {
        let modified = wall(modified).0;
        Self { id, modified, created: modified, edit: 0, poison: false, malformed: false }
    }

    fn json(&self) -> String {
        let (created, modified) = (self.created.strftime("%FT%T%.f"), self.modified.strftime("%FT%T%.f"));
        let total = if self.malformed { "1e99" } else { "10.50" };
        format!(
            r#"{{"orderId":{},"orderNumber":"N-{}","createDate":"{created}","modifyDate":"{modified}","orderStatus":"awaiting_shipment","orderTotal":{total},"amountPaid":0,"customerNotes":"edit {}"}}"#,
            self.id, self.id, self.edit
        )
    }
}

/// Form of an answer with a poison order in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Break {
    /// 500
    #[default]
    Status,
    /// 503 by a gateway, while everything else is answered.
    Gateway,
    /// A raw control character within the order.
    Control,
    /// `NaN` for the order's total.
    NotANumber,
    /// It ends in the middle of the order.
    CutOff,
    /// A page for people.
    Html,
    /// JSON without orders.
    Shape,
}

type Hook = Box<dyn FnMut(&mut Vec<Stored>, usize) + Send>;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) orders: Vec<Stored>,
    /// The queries that were asked, in order.
    pub(crate) asked: Vec<HashMap<String, String>>,
    /// Runs before each answer, with the number of requests before it.
    pub(crate) before_answer: Option<Hook>,
    /// `modifyDateStart` is taken as "from this time on" and not as "after".
    pub(crate) inclusive_start: bool,
    /// `modifyDateEnd` is taken as "before this time".
    pub(crate) exclusive_end: bool,
    /// Passage of the repeated hour that a filter means: the first, unless this is set. Wall times in the shop are then sorted by instant.
    pub(crate) by_instant: Option<bool>,
    /// Orders of the second passage of the repeated hour.
    pub(crate) second_passage: Vec<u64>,
    pub(crate) no_total: bool,
    /// Nothing is answered.
    pub(crate) down: bool,
    pub(crate) breaks: Break,
    /// Sorts by id, whatever is asked for.
    pub(crate) by_id: bool,
}

#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) uri: String,
    _server: Arc<MockServer>,
}

impl Shop {
    pub(crate) async fn open(orders: Vec<Stored>) -> Self {
        let state = Arc::new(Mutex::new(State { orders, ..State::default() }));
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Answerer(Arc::clone(&state))).mount(&server).await;
        Self { state, uri: server.uri(), _server: Arc::new(server) }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap())
    }

    pub(crate) fn asked(&self) -> usize {
        self.with(|state| state.asked.len())
    }
}

struct Answerer(Arc<Mutex<State>>);

impl Respond for Answerer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let query: HashMap<String, String> = request.url.query_pairs().into_owned().collect();
        let mut state = self.0.lock().unwrap();
        if state.down {
            return ResponseTemplate::new(503);
        }
        if request.url.path().ends_with("/stores") {
            return ResponseTemplate::new(200).set_body_raw("[]", "application/json");
        }
        let State { orders, asked, before_answer, .. } = &mut *state;
        if let Some(hook) = before_answer {
            hook(orders, asked.len());
        }
        asked.push(query.clone());
        state.answer(&query)
    }
}

const CUT: &str = "<cut>";

impl Break {
    fn spoil(self, order: &str) -> String {
        match self {
            Self::Control => order.replacen("edit ", "edit \u{1}", 1),
            Self::NotANumber => order.replacen("10.50", "NaN", 1),
            Self::CutOff => order.replacen("edit ", CUT, 1),
            Self::Status | Self::Gateway | Self::Html | Self::Shape => order.to_owned(),
        }
    }
}

impl State {
    fn answer(&self, query: &HashMap<String, String>) -> ResponseTemplate {
        let field = if query.contains_key("createDateStart") { "createDate" } else { "modifyDate" };
        let key = |order: &Stored| if field == "createDate" { order.created } else { order.modified };
        let time = |name: &str| {
            let text = query.get(&format!("{field}{name}"))?;
            let time = wall(text);
            assert_eq!(text.len(), 19, "a filter is cut to the second: {text}");
            let is_of_the_clock = time.0.year() == 9999 || PacificTime::at(time.instant(None)) == time;
            assert!(is_of_the_clock, "a filter that names no time of ShipStation's clock: {text}");
            Some(time.0)
        };
        let (start, end) = (time("Start").unwrap(), time("End"));
        assert_eq!((query["sortBy"].to_lowercase(), query["sortDir"].as_str()), (field.to_lowercase(), "ASC"));
        // Where the shop keeps instants, a wall time of the repeated hour means its first or its second passage.
        let late = jiff::Timestamp::MAX;
        let place = |time: DateTime, second: bool| match self.by_instant {
            None => (time, jiff::Timestamp::MIN),
            Some(_) => (DateTime::MIN, PacificTime(time).instant(second.then_some(late))),
        };
        let filter = |time: DateTime| place(time, self.by_instant == Some(true));
        let order_place = |order: &Stored| place(key(order), self.second_passage.contains(&order.id));
        let mut found: Vec<&Stored> = self
            .orders
            .iter()
            .filter(|order| {
                let at = order_place(order);
                (if self.inclusive_start { at >= filter(start) } else { at > filter(start) })
                    && end.is_none_or(|end| if self.exclusive_end { at < filter(end) } else { at <= filter(end) })
            })
            .collect();
        found.sort_by_key(|order| ((!self.by_id).then(|| order_place(order)), order.id));
        let (page, size): (usize, usize) = (query["page"].parse().unwrap(), query["pageSize"].parse().unwrap());
        let shown: Vec<&&Stored> = found.iter().skip((page - 1) * size).take(size).collect();
        let poison = shown.iter().any(|order| order.poison);
        match self.breaks {
            Break::Status if poison => return ResponseTemplate::new(500).set_body_string(r#"{"Message":"An error has occurred."}"#),
            Break::Gateway if poison => return ResponseTemplate::new(503),
            Break::Html if poison => return ResponseTemplate::new(200).set_body_raw("<html>Sorry</html>", "text/html"),
            Break::Shape if poison => {
                return ResponseTemplate::new(200).set_body_raw(r#"{"Message":"An error has occurred."}"#, "application/json");
            }
            _ => {}
        }
        let orders: Vec<String> =
            shown.iter().map(|order| if order.poison { self.breaks.spoil(&order.json()) } else { order.json() }).collect();
        let total = if self.no_total { String::new() } else { format!(r#","total":{}"#, found.len()) };
        // `pages` is always 0 here, as some of ShipStation's lists have it.
        let mut body = format!(r#"{{"orders":[{}]{total},"page":{page},"pages":0}}"#, orders.join(","));
        if let Some(end) = body.find(CUT) {
            body.truncate(end);
        }
        ResponseTemplate::new(200).set_body_raw(body, "application/json; charset=utf-8")
    }
}
