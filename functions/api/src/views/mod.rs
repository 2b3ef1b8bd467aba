//! Views of the API. The table's records are never answered as they are: what is kept may change its shape, what is shown may not.

mod configuration;
mod counted;
mod fulfilment;
mod log;
mod operation;
mod overview;
mod reference;
mod sale;
mod unreadable;
mod words;

pub(crate) use words::{account_kind, sync_action, sync_state};

pub(crate) use configuration::{ConnectionView, SettingsChangeView, SettingsView};
pub(crate) use log::{LogEntryView, PendingOrderView, RevisionView, WarningView};
pub(crate) use operation::{OperationView, RowView};
pub(crate) use overview::{CountView, Facts, OverviewView, RequestsView, findings};
pub(crate) use reference::{
    AccountInput, AccountView, AddressView, CustomerInput, CustomerView, LocationInput, LocationView, PriceTierInput, PriceTierView,
    ProductInput, ProductView, TaxRuleInput, TaxRuleView,
};
pub(crate) use sale::{SaleOrderView, SaleView};
pub(crate) use unreadable::UnreadableView;
