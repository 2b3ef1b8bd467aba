//! Lines of the terminal.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret as _;
use stevedore_domain::log::{LogState, Outcome, Trigger};
use stevedore_domain::operation::Operation;
use stevedore_local::{Addresses, OperationLine, OrderLine, Progress};

/// The text of a progress event, in one or more lines.
pub(crate) fn text(progress: &Progress) -> String {
    match progress {
        Progress::Ready(addresses) => ready(addresses),
        Progress::Step(step) => format!("  set up   {step}"),
        Progress::Order(line) => order(line),
        Progress::Operation(line) => operation(line),
        Progress::Trouble(trouble) => format!("  trouble  {trouble}"),
        // More kinds may be added.
        other => format!("  {other:?}"),
    }
}

fn ready(addresses: &Addresses) -> String {
    let Addresses { api, engines, shipstation, sandbox, environment, token, lesser_tokens, .. } = addresses;
    let token = token.expose_secret();
    let shop = sandbox.as_ref().map_or_else(
        || "nothing is connected until POST /v1/connection".to_owned(),
        |sandbox| format!("{sandbox}; faults and arrivals under /_sandbox"),
    );
    let mut lines = vec![
        "Stevedore runs on this machine. Ctrl-C stops it.".to_owned(),
        // Behind the `#`, which browsers do not send, so that no log contains it.
        format!("  Panel        {api}/#token={token}"),
        format!("  API          {api}/v1  (try: curl -H 'Authorization: Bearer {token}' {api}/v1/sales)"),
        format!("  ShipStation  {shipstation}  ({shop})"),
        format!("  AWS          {engines}  (DynamoDB, SQS, Secrets Manager)"),
    ];
    if let [reader, operator] = lesser_tokens.as_slice() {
        let (reader, operator) = (reader.expose_secret(), operator.expose_secret());
        lines.push(format!("  Tokens       configure {token}\n               operate   {operator}\n               read      {reader}"));
    }
    if let Some(environment) = environment {
        lines.push(format!("  Lambda       cargo lambda watch -A 127.0.0.1 -P 9000 --env-file {}", environment.display()));
    }
    lines.join("\n")
}

fn order(line: &OrderLine) -> String {
    let time = local(line.at, &line.time_zone);
    let lines = match line.lines {
        Some(1) => "1 line".to_owned(),
        Some(lines) => format!("{lines} lines"),
        None => "-".to_owned(),
    };
    let total =
        line.total.as_ref().map_or_else(|| "-".to_owned(), |(total, currency)| format!("{} {}", currency.text(*total), currency.code()));
    let state = match (line.state, &line.reason) {
        (LogState::Booked, None) => "sale".to_owned(),
        (LogState::Booked, Some(reason)) => format!("sale ({reason})"),
        (state, None) => state.as_str().to_owned(),
        (state, Some(reason)) => format!("{} ({reason})", state.as_str()),
    };
    format!("{time}  {:<24} {:<26} {lines:>10} {total:>16}  {state}", cut(&line.order_number, 24), cut(&line.store, 26))
}

fn operation(line: &OperationLine) -> String {
    let time = local(line.at, &line.time_zone);
    let operation = &line.operation;
    let counts: Vec<String> = Outcome::ALL
        .iter()
        .map(|outcome| (operation.counts.of(*outcome), outcome))
        .filter(|(count, _)| *count > 0)
        .map(|(count, outcome)| format!("{count} {}", format!("{outcome:?}").to_lowercase()))
        .collect();
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    let total = operation.counts.total();
    let trouble = match (&operation.reason, &operation.message) {
        (Some(reason), Some(message)) => format!("; {reason}: {message}"),
        (Some(reason), None) => format!("; {reason}"),
        _ => String::new(),
    };
    format!(
        "{time}  == {} {}: {total} {}{counts}; {} requests{}{trouble}",
        kind(operation),
        match operation.trigger {
            _ if operation.is_healing() => "by itself".to_owned(),
            Trigger::Schedule => "by the schedule".to_owned(),
            Trigger::Manual => format!("by {}", operation.by),
        },
        operation.kind.spec().counted(),
        operation.requests,
        took(operation),
    )
}

/// The kind's label, with its subject.
fn kind(operation: &Operation) -> String {
    let kind = &operation.kind;
    let label = if operation.is_healing() { "Orders that waited, booked now" } else { kind.spec().label };
    let day = kind.from().or(kind.local_date()).map(|day| day.to_string());
    let about: Vec<String> = day.into_iter().chain(kind.order()).collect();
    if about.is_empty() { label.to_owned() } else { format!("{label}: {}", about.join(", ")) }
}

fn took(operation: &Operation) -> String {
    let ended = operation.finished_at.or(operation.read_at);
    ended.map_or_else(String::new, |ended| {
        let took = ended.duration_since(operation.started_at);
        format!(", {}.{:01} s", took.as_secs(), took.subsec_millis() / 100)
    })
}

fn local(at: Timestamp, time_zone: &str) -> String {
    let zone = TimeZone::get(time_zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%m-%d %H:%M:%S").to_string()
}

fn cut(text: &str, width: usize) -> String {
    // An order number is the channel's text: a control character in it must not reach the terminal.
    let clean = text.chars().map(|c| if c.is_control() { '?' } else { c });
    if text.chars().count() <= width { clean.collect() } else { clean.take(width - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use stevedore_domain::money::{Currency, Minor};

    #[test]
    fn an_order_is_one_line_in_the_merchants_time() {
        let line = OrderLine {
            at: "2026-07-01T16:00:00Z".parse().unwrap(),
            time_zone: "America/New_York".to_owned(),
            order_number: "100\u{1b}[31m45".to_owned(),
            store: "Harbor & Pine Web Shop with a very long name".to_owned(),
            lines: Some(3),
            total: Some((Minor(12_840), Currency::USD)),
            state: LogState::Booked,
            reason: None,
        };
        let text = text(&Progress::Order(line));
        assert!(text.starts_with("07-01 12:00:00  100?[31m45 "), "{text}");
        assert!(text.contains("3 lines") && text.contains("128.40 USD") && text.ends_with("  sale"), "{text}");
        assert!(!text.contains('\n') && !text.contains('\u{1b}'));
    }
}
