//! The query strings of list requests. Names are matched without regard to case, as in ASP.NET.

use jiff::civil::DateTime;

use crate::pacific;

/// Fault of one parameter, which becomes an ASP.NET `ModelState` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadParameter {
    pub(crate) name: String,
    pub(crate) problem: String,
}

/// A decoded query string.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// A parameter's value; a blank one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The same in lower case, for searches.
    pub(crate) fn search(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_lowercase)
    }

    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>, BadParameter> {
        self.text(name).map(|text| text.parse().map_err(|_| bad(name, text, "is not a whole number"))).transpose()
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<DateTime>, BadParameter> {
        self.text(name).map(|text| pacific::parse(text).ok_or_else(|| bad(name, text, "is not a date"))).transpose()
    }

    pub(crate) fn window(&self, name: &str) -> Result<Window, BadParameter> {
        Ok(Window { start: self.time(&format!("{name}Start"))?, end: self.time(&format!("{name}End"))?, start_exclusive: false })
    }

    /// `page` from 1 and `pageSize` from 1 to 500 (more is cut to 500); 100 by default.
    pub(crate) fn paging(&self) -> Result<Paging, BadParameter> {
        let at_least_one = |name: &str, default: i64| match self.int(name)? {
            Some(number) if number < 1 => Err(bad(name, &number.to_string(), "is below 1")),
            Some(number) => Ok(number),
            None => Ok(default),
        };
        let page = usize::try_from(at_least_one("page", 1)?).unwrap_or(usize::MAX);
        let size = usize::try_from(at_least_one("pageSize", 100)?.min(500)).unwrap_or(500);
        Ok(Paging { page, size })
    }

    /// True for `sortDir=DESC`.
    pub(crate) fn descending(&self) -> Result<bool, BadParameter> {
        match self.search("sortDir").as_deref() {
            None | Some("asc") => Ok(false),
            Some("desc") => Ok(true),
            Some(other) => Err(bad("sortDir", other, "is neither ASC nor DESC")),
        }
    }
}

pub(crate) fn bad(name: &str, value: &str, problem: &str) -> BadParameter {
    BadParameter { name: name.to_owned(), problem: format!("The value '{value}' {problem}.") }
}

/// A window of wall time. The end is included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: Option<DateTime>,
    pub(crate) end: Option<DateTime>,
    pub(crate) start_exclusive: bool,
}

impl Window {
    /// True if a time is inside. A missing time is inside an open window only.
    pub(crate) fn holds(&self, at: Option<DateTime>) -> bool {
        let Some(at) = at else { return self.start.is_none() && self.end.is_none() };
        let after_start = self.start.is_none_or(|start| if self.start_exclusive { at > start } else { at >= start });
        after_start && self.end.is_none_or(|end| at <= end)
    }
}

/// The requested page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) page: usize,
    pub(crate) size: usize,
}

impl Paging {
    /// Number of results before this page.
    pub(crate) fn skip(self) -> usize {
        (self.page - 1).saturating_mul(self.size)
    }

    /// Number of pages that so many results fill.
    pub(crate) fn pages(self, total: usize) -> usize {
        total.div_ceil(self.size)
    }
}

/// The fields by which orders can be sorted. The default is `orderId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderSort {
    Id,
    OrderDate,
    ModifyDate,
    CreateDate,
}

/// A `GET /orders` request.
#[derive(Debug, Clone)]
pub(crate) struct OrderQuery {
    pub(crate) created: Window,
    pub(crate) modified: Window,
    pub(crate) ordered: Window,
    pub(crate) paid: Window,
    pub(crate) number_prefix: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) store: Option<i64>,
    pub(crate) customer: Option<String>,
    pub(crate) keyword: Option<String>,
    pub(crate) sort: OrderSort,
    pub(crate) descending: bool,
    pub(crate) paging: Paging,
}

impl OrderQuery {
    /// Reads the parameters. `orderDateStart` is documented as exclusive; `modifyDateStart` follows
    /// the argument.
    pub(crate) fn read(params: &Params, modify_start_inclusive: bool) -> Result<Self, BadParameter> {
        let sort = match params.search("sortBy").as_deref() {
            None => OrderSort::Id,
            Some("orderdate") => OrderSort::OrderDate,
            Some("modifydate") => OrderSort::ModifyDate,
            Some("createdate") => OrderSort::CreateDate,
            Some(other) => return Err(bad("sortBy", other, "is not one of OrderDate, ModifyDate, CreateDate")),
        };
        Ok(Self {
            created: params.window("createDate")?,
            modified: Window { start_exclusive: !modify_start_inclusive, ..params.window("modifyDate")? },
            ordered: Window { start_exclusive: true, ..params.window("orderDate")? },
            paid: params.window("paymentDate")?,
            number_prefix: params.search("orderNumber"),
            status: params.search("orderStatus"),
            store: params.int("storeId")?,
            customer: params.search("customerName"),
            keyword: params.search("itemKeyword"),
            sort,
            descending: params.descending()?,
            paging: params.paging()?,
        })
    }
}
