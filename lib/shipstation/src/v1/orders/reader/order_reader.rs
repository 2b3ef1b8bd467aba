//! Reading the orders of a window **by key**.
//!
//! An order that is edited while the pages are read leaves its place, and everything behind it moves up by one: reading by page number would miss an order at
//! the next page's start. So every page is asked for as page 1 of the window that begins a second before the last key that was read. Two things need page numbers all
//! the same, and are read as a *pass* over a small closed window, whose `total` and whose orders are counted and which is read again when they moved:
//!
//! * more than a page of orders that share one second (a bulk edit), or the hour that repeats each November;
//! * the surroundings of an order that no page can be read with (a *poison* order): ShipStation answers 500, or something that is no whole JSON.

use jiff::Timestamp;
use stevedore_domain::pacific::PacificTime;

use super::super::page::{self, PAGE_SIZE, Page};
use super::super::page_sizes::sizes;
use super::super::raw::RawOrder;
use super::page_pass::PagePass;
use super::poison::{Neighbour, Poison, PoisonRun};
use super::seen::Seen;
use super::window::{Ask, Field, end_after, end_of, repeated_hour, start_after, start_before};
use crate::http::{Answer, Broken, Call, Client, Error, Fault};

/// Number of single orders in a row that may be answered by an error before it is ShipStation that is broken and not the orders.
const POISON_IN_A_ROW: u32 = 3;
/// The same for answers that show the order, whose text is no JSON: ShipStation is at work then.
const UNREADABLE_IN_A_ROW: u32 = 100;

/// A reader of a window. It can be asked again after an error, and goes on where it was.
#[derive(Debug)]
pub struct OrderReader {
    field: Field,
    from: PacificTime,
    until: Option<PacificTime>,
    page_size: u32,
    /// Beginning of the next question. Every order before it was returned.
    start: PacificTime,
    mode: Mode,
    seen: Seen,
    /// The order behind which reading goes on.
    last: Option<Neighbour>,
    /// A window that would not stand still began here.
    unsettled: Option<PacificTime>,
    reported: Vec<PoisonRun>,
    finished: bool,
    requests: u32,
}

/// Result of one request.
#[derive(Clone, Debug)]
pub struct OrderBatch {
    /// Orders that this reading has not returned yet in this state.
    pub orders: Vec<RawOrder>,
    /// Orders that ShipStation cannot deliver.
    pub poison: Vec<Poison>,
    /// Every order up to here was returned, or is poison: where a later reading may start (overlapping it, as always).
    /// Never ahead of the client's clock, whatever dates the orders bear.
    pub reached: PacificTime,
    /// The furthest date ahead of the clock that an order of this reading bears.
    pub ahead: Option<PacificTime>,
    /// True if the window was read to its end.
    pub finished: bool,
    /// Requests that this step took.
    pub requests: u32,
}

#[derive(Debug)]
enum Mode {
    /// Page 1 from `start`.
    Forward,
    /// A page answers 500: the first `readable` orders from `start` do not, the first `broken` do. `last` is the last readable one.
    Search { readable: u32, broken: u32, last: Option<PacificTime> },
    /// The order behind `readable` readable ones is poison, and so are `over - 1` behind it: what comes next?
    Skip { readable: u32, over: u32, last: Option<PacificTime> },
    /// By page number through a closed window.
    PagePass(Box<PagePass>),
}

/// Meaning of the answer to one question.
enum Next {
    Return(Vec<RawOrder>, Vec<Poison>),
    Again,
}

impl OrderReader {
    /// Orders by `modifyDate`, from `from` on, to `until` or to the present. The window overlaps an earlier one by more than an hour, or the repeated hour of November can
    /// hide changes.
    #[must_use]
    pub fn changed(from: PacificTime, until: Option<PacificTime>) -> Self {
        Self::new(Field::Modified, from, until)
    }

    /// Orders by `createDate`: those that entered ShipStation from `from` to `until`, both included.
    #[must_use]
    pub fn created(from: PacificTime, until: Option<PacificTime>) -> Self {
        Self::new(Field::Created, from, until)
    }

    fn new(field: Field, from: PacificTime, until: Option<PacificTime>) -> Self {
        let mut reading = Self {
            field,
            from,
            until,
            page_size: PAGE_SIZE,
            start: start_before(from),
            mode: Mode::Forward,
            seen: Seen::new(),
            last: None,
            unsettled: None,
            reported: Vec::new(),
            finished: false,
            requests: 0,
        };
        reading.advance(reading.start);
        reading
    }

    /// The same reading with smaller pages, 1 to 500 orders.
    #[must_use]
    pub fn with_page_size(mut self, orders: u32) -> Self {
        self.page_size = orders.clamp(1, PAGE_SIZE);
        self.advance(self.start);
        self
    }

    /// Requests that this reading took, those of failed steps included.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Every order up to here was returned: see [`OrderBatch::reached`].
    #[must_use]
    pub fn reached(&self) -> PacificTime {
        let newest = self.seen.newest_behind_the_clock().unwrap_or(self.from);
        let read = if self.finished { newest } else { newest.min(self.start) };
        self.unsettled.map_or(read, |start| read.min(start)).max(self.from)
    }

    /// True if every order up to `now` was returned, and only those that bear later dates may be left.
    #[must_use]
    pub fn has_passed(&self, now: Timestamp) -> bool {
        self.unsettled.is_none() && self.start.is_ahead_of(now)
    }

    /// Asks for the next page, or the next part of one.
    ///
    /// # Errors
    /// [`Error`]. Nothing that was returned is lost, and asking again goes on: after [`Error::Throttled`] from its instant on.
    pub async fn next(&mut self, client: &Client, call: &Call<'_>) -> Result<OrderBatch, Error> {
        let before = self.requests;
        let (mut orders, mut poison) = (Vec::new(), Vec::new());
        while !self.finished {
            self.seen.set_clock(client.now());
            let ask = self.ask();
            let answer = if self.is_worth_repeating(&ask) {
                client.read(call, "/orders", &ask.query(), &mut self.requests, page::parse).await?
            } else {
                client.read_once(call, "/orders", &ask.query(), &mut self.requests, page::parse).await?
            };
            let next = match answer {
                Answer::Value(page) => self.take(&ask, page),
                Answer::Broken(broken) => {
                    if broken.is_gateway() {
                        self.requests = self.requests.saturating_add(1);
                        if !client.answers(call).await {
                            return Err(broken.error());
                        }
                    }
                    self.take_broken(&ask, broken)?
                }
                Answer::Missing => return Err(Error::NotFound),
            };
            if let Next::Return(new, bad) = next {
                (orders, poison) = (new, bad);
                break;
            }
        }
        let requests = self.requests.saturating_sub(before);
        if !poison.is_empty() {
            tracing::warn!(orders = poison.len(), "ShipStation cannot deliver some orders");
        }
        tracing::debug!(orders = orders.len(), requests, finished = self.finished, "read a page");
        Ok(OrderBatch { orders, poison, reached: self.reached(), ahead: self.seen.ahead(), finished: self.finished, requests })
    }

    /// The next question.
    fn ask(&self) -> Ask {
        let (start, end, page, size) = match &self.mode {
            Mode::Forward => (self.start, self.end(), 1, self.page_size),
            Mode::Search { readable, broken, .. } => (self.start, self.end(), 1, (readable + broken) / 2),
            Mode::Skip { readable, over, .. } => (self.start, self.end(), readable + over + 1, 1),
            Mode::PagePass(pass) => (pass.start, pass.end.or(self.end()), pass.page(), pass.size()),
        };
        Ask { field: self.field, start, end, page, size }
    }

    /// A 500 is asked for once more where it decides something: on a whole page, and on a single order.
    fn is_worth_repeating(&self, ask: &Ask) -> bool {
        match &self.mode {
            Mode::Forward => true,
            Mode::Search { .. } | Mode::Skip { .. } => false,
            Mode::PagePass(pass) => !pass.is_confirming() && (ask.size == self.page_size || ask.size == 1),
        }
    }

    fn end(&self) -> Option<PacificTime> {
        self.until.map(end_of)
    }

    fn key(&self, order: &RawOrder) -> Option<PacificTime> {
        match self.field {
            Field::Modified => order.modified_at(),
            Field::Created => order.created_at(),
        }
    }

    /// The orders that were not returned yet, out of an answer.
    fn new_ones(&mut self, orders: Vec<RawOrder>) -> Vec<RawOrder> {
        let (field, from, until) = (self.field, self.from, self.until);
        let mut new = Vec::with_capacity(orders.len());
        for order in orders {
            let key = self.key(&order);
            let is_new = self.seen.add(&order, key);
            // `created` means the window exactly, although it is asked for a little wider; in the repeated hour wall times do not tell.
            let outside = |key: PacificTime| (key < from || until.is_some_and(|until| key > until)) && repeated_hour(key).is_none();
            if is_new && !(field == Field::Created && key.is_some_and(outside)) {
                new.push(order);
            }
        }
        new
    }

    fn take(&mut self, ask: &Ask, page: Page) -> Next {
        let rows = u32::try_from(page.orders.len()).unwrap_or(u32::MAX);
        let keys: Vec<PacificTime> = page.orders.iter().filter_map(|order| self.key(order)).collect();
        let (last, full) = (keys.last().copied(), rows >= ask.size);
        let neighbour = |order: &RawOrder| Neighbour { order_id: order.order_id(), at: self.key(order) };
        let (first, last_order) = (page.orders.first().map(neighbour), page.orders.last().map(neighbour));
        if matches!(self.mode, Mode::Forward | Mode::Search { .. }) {
            self.last = last_order.clone().or(self.last.take());
        }
        let mut poison = Vec::new();
        match &mut self.mode {
            Mode::Forward | Mode::Search { .. } if !full => self.finished = true,
            Mode::Forward => self.go_on(&keys),
            Mode::Search { readable, last: last_readable, .. } => {
                *readable = ask.size;
                *last_readable = last.or(*last_readable);
                self.narrow();
            }
            Mode::Skip { last: last_readable, .. } => {
                let start = last_readable.map_or(self.start, start_before).max(self.start);
                // Behind the poison comes the end of the list, or an order: the window up to that one holds the poison.
                let end = last.map(end_after).filter(|end| *end > start && Some(*end) > last);
                self.mode = self.pass(start, end, true);
            }
            Mode::PagePass(pass) if pass.is_confirming() => {
                pass.confirm(false);
                poison = self.end_pass();
            }
            Mode::PagePass(pass) => {
                pass.take(&page, (first, last_order.clone()));
                if !full {
                    poison = self.end_pass();
                }
            }
        }
        if self.finished {
            self.mode = Mode::Forward;
        }
        let orders = self.new_ones(page.orders);
        if !matches!(self.mode, Mode::PagePass(_) | Mode::Search { .. } | Mode::Skip { .. }) {
            self.seen.forget_before(self.start);
        }
        Next::Return(orders, poison)
    }

    /// Moves the start behind a full page with these keys.
    fn go_on(&mut self, keys: &[PacificTime]) {
        let next = keys.last().copied().map(start_before);
        match next {
            // A page that does not rise was not sorted by wall time; only page numbers lead through it.
            _ if !keys.is_sorted() => {
                self.mode = self.pass(self.start, None, false);
            }
            Some(next) if next > self.start => self.advance(next),
            // A page of orders that share a second.
            _ => {
                // At the end of time there is no later end.
                let end = keys.last().copied().map(end_after).filter(|end| *end > self.start && Some(end) > keys.last());
                self.mode = self.pass(self.start, end, false);
            }
        }
    }

    fn pass(&self, start: PacificTime, end: Option<PacificTime>, around_poison: bool) -> Mode {
        Mode::PagePass(Box::new(PagePass::new(start, end, self.page_size, around_poison, self.last.clone())))
    }

    /// Everything before `start` was returned.
    fn advance(&mut self, start: PacificTime) {
        self.start = start;
        self.mode = match repeated_hour(start) {
            Some((start, end)) => self.pass(start, Some(end), false),
            None => Mode::Forward,
        };
    }

    /// After each part of a search: is it known which order is poison?
    fn narrow(&mut self) {
        if let Mode::Search { readable, broken, last } = self.mode
            && broken.saturating_sub(readable) <= 1
        {
            self.mode = Mode::Skip { readable, over: 1, last };
        }
    }

    fn take_broken(&mut self, ask: &Ask, broken: Broken) -> Result<Next, Error> {
        let shown = matches!(broken.fault, Fault::NotJson(_)) && page::unreadable(&broken).is_some();
        let most = if shown { UNREADABLE_IN_A_ROW } else { POISON_IN_A_ROW };
        let given_up = broken.clone();
        let in_a_row = match &mut self.mode {
            Mode::Forward if broken.is_too_large() && ask.size > 1 => {
                self.page_size = sizes(self.page_size).get(1).copied().unwrap_or(1);
                0
            }
            Mode::Forward => {
                self.mode = Mode::Search { readable: 0, broken: ask.size, last: None };
                self.narrow();
                0
            }
            Mode::Search { broken, .. } => {
                *broken = ask.size;
                self.narrow();
                0
            }
            Mode::Skip { over, .. } => {
                *over += 1;
                *over
            }
            Mode::PagePass(pass) if pass.is_confirming() => {
                pass.confirm(true);
                return Ok(Next::Return(Vec::new(), self.end_pass()));
            }
            Mode::PagePass(pass) => pass.take_broken(broken),
        };
        if in_a_row > most {
            self.advance(self.start);
            return Err(given_up.error());
        }
        Ok(Next::Again)
    }

    /// The pass came to its window's end. If the window stood still, reading goes on behind it; else it is read again.
    fn end_pass(&mut self) -> Vec<Poison> {
        let Mode::PagePass(pass) = &mut self.mode else { return Vec::new() };
        if !pass.is_settled() {
            if pass.restart() {
                return Vec::new();
            }
            tracing::warn!("a window of orders would not stand still; the next run reads it again");
            self.unsettled = Some(self.unsettled.map_or(pass.start, |start| start.min(pass.start)));
        } else if pass.must_confirm() {
            return Vec::new();
        }
        self.last = pass.last().cloned().or(self.last.take());
        let (start, end, runs) = (pass.start, pass.end, pass.runs());
        match end {
            Some(end) if self.end().is_none_or(|last| end < last) => self.advance(start_after(end)),
            _ => self.finished = true,
        }
        runs.into_iter().flat_map(|run| self.report(run, start, end)).collect()
    }

    /// The poison orders of a run that were not reported yet: windows overlap, so a run may be met twice.
    fn report(&mut self, run: PoisonRun, from: PacificTime, until: Option<PacificTime>) -> Vec<Poison> {
        let same = |a: &Option<Neighbour>, b: &Option<Neighbour>| a.is_some() && a == b;
        let known = self.reported.iter().filter(|known| same(&known.before, &run.before) || same(&known.after, &run.after));
        let known = known.map(|known| known.orders.len()).max().unwrap_or(0);
        let key = match self.field {
            Field::Modified => "modifyDate",
            Field::Created => "createDate",
        };
        let poison = run.orders.iter().skip(known).map(|broken| Poison {
            before: run.before.clone(),
            after: run.after.clone(),
            key,
            from,
            until,
            status: broken.status,
            excerpt: broken.excerpt.clone(),
            order: page::unreadable(broken),
        });
        let poison = poison.collect();
        self.reported.push(run);
        poison
    }
}
