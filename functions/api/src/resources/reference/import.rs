//! Products from a file: the file is read as a whole and kept; its rows are carried out by a command.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use stevedore_domain::import::{Format, read};
use stevedore_domain::operation::OperationKind;

use super::{Shared, wrong};
use crate::http::auth::Caller;
use crate::http::problem::{Code, Problem};
use crate::http::router::{Routes, routes};
use crate::resources::operations::accepted;
use crate::resources::operations::view::OperationView;

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(import_products))
}

/// The largest file, in bytes. Lambda takes 6 MB with everything around it.
const LARGEST_FILE: usize = 5_500_000;

/// A file of products, as it was sent.
struct File {
    format: Format,
    bytes: Bytes,
}

impl<S: Sync> FromRequest<S> for File {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let unsupported = || Problem::with_detail(Code::UnsupportedMediaType, "Send the file as `text/csv` or `application/x-ndjson`.");
        let format = format(request.headers()).ok_or_else(unsupported)?;
        let too_large =
            |_| Problem::with_detail(Code::BodyTooLarge, format!("The file is larger than {LARGEST_FILE} bytes. Send it in parts."));
        let bytes = axum::body::to_bytes(request.into_body(), LARGEST_FILE).await.map_err(too_large)?;
        Ok(Self { format, bytes })
    }
}

fn format(headers: &HeaderMap) -> Option<Format> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    match value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "text/csv" => Some(Format::Csv),
        "application/x-ndjson" => Some(Format::JsonLines),
        _ => None,
    }
}

/// Import products from a file
#[utoipa::path(post, path = "/v1/products/import", tag = "products", operation_id = "import_products",
    security(("bearer" = ["integration:shipstation:configure"])),
    description = "A product with the row's SKU is updated, else one is made. CSV has a header with `sku` and any of `name`, `kind`, `aliases` (`a;b`), `components` (`SKU-A:2;SKU-B:1`), `supplier`, `revenue_account` (id or name) and `price_1` to `price_10`; a JSON line is an object with `sku` and any of `name`, `kind`, `aliases`, `components` (`[{\"sku\": \"SKU-A\", \"quantity\": 2}]`), `supplier`, `revenue_account` and `prices`. What is left out stays as it is; what is empty or null is taken away, or takes its default. Components may be rows anywhere in the file. A file of 20,000 rows or 5.5 MB at most is read as a whole first: where that fails nothing is imported, and each error's pointer is `/<line>`, or `/<line>/<column>`. Then each row counts for itself: `captured`, `updated`, `unchanged` or `failed`, and the refused ones are the operation's rows. The same file again changes nothing.",
    request_body(content((String = "text/csv"), (String = "application/x-ndjson"))),
    responses((status = 202, description = "Queued.", body = OperationView, headers(("Location" = String, description = "Where it can be watched.")))))]
async fn import_products(State(deps): Shared, caller: Caller, file: File) -> Result<Response, Problem> {
    let File { format, bytes } = file;
    let rows = read(format, &bytes).map_err(wrong)?.len();
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    let kind = OperationKind::ImportProducts { format, rows, chunks: 0, done: 0 };
    let (mut operation, version) = deps.create_operation(kind, &caller.by).await?;
    // The file before the command, for the command may be carried out at once.
    let kept = async {
        let chunks = deps.table.put_import_input(&operation.id, &bytes).await?;
        operation.kind = OperationKind::ImportProducts { format, rows, chunks, done: 0 };
        operation.counts.queued = rows;
        let version = deps.table.put_operation(&operation, version).await?;
        deps.queues.send_run(&operation).await?;
        Ok::<_, stevedore_aws::Error>(version)
    };
    match kept.await {
        Ok(_) => Ok(accepted(operation)),
        Err(error) => {
            let stored = deps.table.operation(&operation.id).await?;
            let version = stored.map_or(version, |stored| stored.version);
            Err(deps.not_queued(operation, version, &error).await?)
        }
    }
}
