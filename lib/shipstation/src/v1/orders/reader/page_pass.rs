//! By page number through a closed window, and whether the window stood still meanwhile.

use std::collections::HashSet;

use stevedore_domain::pacific::PacificTime;

use super::super::page::Page;
use super::super::page_sizes::sizes;
use super::poison::{Neighbour, PoisonRun};
use super::seen::{Identity, identity};
use super::window::repeated_hour;
use crate::http::Broken;

/// Number of times that a window is read before it is given up that it stands still.
const ATTEMPTS: u32 = 4;
/// The size of the first pages around a poison order: its window rarely holds more.
const SMALL: u32 = 5;

/// One way through a window.
#[derive(Debug)]
pub(super) struct PagePass {
    pub(super) start: PacificTime,
    pub(super) end: Option<PacificTime>,
    sizes: Vec<u32>,
    /// The largest of `sizes` that is asked for now.
    largest: usize,
    attempts: u32,
    /// The last order that was read before the window.
    before: Option<Neighbour>,
    way: Way,
}

/// Progress of this attempt.
#[derive(Debug, Default)]
struct Way {
    /// Orders from the window's start that were read, or are poison.
    position: u32,
    /// Total of the window as the answers state it.
    total: Option<u64>,
    /// An answer said something else than the one before.
    moved: bool,
    orders: HashSet<Identity>,
    last: Option<Neighbour>,
    runs: Vec<PoisonRun>,
    /// Poison orders just before `position`.
    in_a_row: u32,
    /// A poison order's position that was met before any answer named a total, so that the total does not show whether it left since.
    blind: Option<u32>,
    /// That position is being asked for again.
    confirming: bool,
}

impl PagePass {
    /// A window that would begin or end in the hour that repeats is widened to the whole of it.
    pub(super) fn new(
        start: PacificTime,
        end: Option<PacificTime>,
        page_size: u32,
        around_poison: bool,
        before: Option<Neighbour>,
    ) -> Self {
        let start = repeated_hour(start).map_or(start, |(start, _)| start);
        let end = end.map(|end| repeated_hour(end).map_or(end, |(_, end)| end));
        let sizes = sizes(page_size);
        let largest = if around_poison { sizes.iter().position(|size| *size <= SMALL).unwrap_or(0) } else { 0 };
        Self { start, end, sizes, largest, attempts: 1, way: Way { last: before.clone(), ..Way::default() }, before }
    }

    /// Orders that the next page shall hold.
    pub(super) fn size(&self) -> u32 {
        if self.way.confirming {
            return 1;
        }
        let fits = |size: &u32| self.way.position.is_multiple_of(*size);
        self.sizes.iter().skip(self.largest).copied().find(fits).unwrap_or(1)
    }

    /// The number of the next page, in pages of [`Self::size`].
    pub(super) fn page(&self) -> u32 {
        self.way.blind.filter(|_| self.way.confirming).unwrap_or(self.way.position) / self.size() + 1
    }

    /// True if the next question is only asked to see a poison order fail again.
    pub(super) fn is_confirming(&self) -> bool {
        self.way.confirming
    }

    /// At the window's end: whether a poison order must be asked for again. If it has left its place, the orders behind it moved up, one of them
    /// past the reader.
    pub(super) fn must_confirm(&mut self) -> bool {
        self.way.confirming = self.way.blind.is_some();
        self.way.confirming
    }

    /// The answer to that.
    pub(super) fn confirm(&mut self, failed_again: bool) {
        self.way.confirming = false;
        self.way.blind = None;
        self.way.moved |= !failed_again;
    }

    /// A page, and the first and the last order on it.
    pub(super) fn take(&mut self, page: &Page, (first, last): (Option<Neighbour>, Option<Neighbour>)) {
        let size = self.size();
        let way = &mut self.way;
        way.moved |= way.total.is_some() && way.total != page.total;
        way.total = page.total.or(way.total);
        if let Some(run) = way.runs.last_mut()
            && run.after.is_none()
        {
            run.after = first;
        }
        way.orders.extend(page.orders.iter().map(identity));
        if last.is_some() {
            way.last = last;
            way.in_a_row = 0;
        }
        way.position += size;
        self.largest = self.largest.saturating_sub(1);
    }

    /// A page cannot be had: a smaller one, or, if it was of one order, that order is poison. Returns how many are, one beside the other.
    pub(super) fn take_broken(&mut self, broken: Broken) -> u32 {
        let size = self.size();
        if size > 1 {
            self.largest = self.sizes.iter().position(|smaller| *smaller < size).unwrap_or(self.largest);
            return 0;
        }
        let way = &mut self.way;
        if way.total.is_none() {
            way.blind = way.blind.or(Some(way.position));
        }
        match way.runs.last_mut().filter(|run| run.after.is_none()) {
            Some(run) => run.orders.push(broken),
            None => way.runs.push(PoisonRun { before: way.last.clone(), after: None, orders: vec![broken] }),
        }
        way.position += 1;
        way.in_a_row += 1;
        way.in_a_row
    }

    /// True if the window stood still: every answer named the same total, and it is what was read, no order twice. Where no total is named, a second way through must do.
    pub(super) fn is_settled(&self) -> bool {
        let way = &self.way;
        let read = way.orders.len() + way.runs.iter().map(|run| run.orders.len()).sum::<usize>();
        match way.total {
            Some(total) => !way.moved && usize::try_from(total).is_ok_and(|total| total == read),
            None => !way.moved && (self.attempts > 1 || way.position <= self.sizes.first().copied().unwrap_or(1)),
        }
    }

    /// Begins again at the window's start, unless that was done often enough.
    pub(super) fn restart(&mut self) -> bool {
        if self.attempts >= ATTEMPTS {
            return false;
        }
        self.attempts += 1;
        self.way = Way { last: self.before.clone(), ..Way::default() };
        true
    }

    /// The last order that was read.
    pub(super) fn last(&self) -> Option<&Neighbour> {
        self.way.last.as_ref()
    }

    /// The poison that was met.
    pub(super) fn runs(&mut self) -> Vec<PoisonRun> {
        std::mem::take(&mut self.way.runs)
    }
}
