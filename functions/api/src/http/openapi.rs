//! The OpenAPI document, made from the routes.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use crate::http::problem::{Code, FieldFault, ProblemView};
use crate::resources;
use crate::resources::settings::view::SettingsView;

const DESCRIPTION: &str = "\
Amounts are decimal texts in the currency of the settings (`\"12.34\"`; unit prices keep their own decimals), quantities and ShipStation's ids are \
integers, times are RFC 3339 in UTC, days `YYYY-MM-DD`. Lists answer `items` and `next_page_token`, and take `limit` (1 to 200, 50 by default) and \
`page_token`. What can be edited has an `ETag`; its write carries it as `If-Match`. Errors are RFC 9457 problems with a stable `code`, and a \
JSON pointer for each member at fault. Every call needs the permission `integration:shipstation`; each route's security names the grade: `read`, \
`operate` or `configure`, where each contains those before it.";

/// The OpenAPI document of every route, made from them. The program serves the file that is made of it, which a test keeps up to date: making it takes more
/// than everything else that the function does at its start.
#[must_use]
pub fn openapi() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("Behind API Gateway a JWT that carries the permissions; on one machine the token that the start-up prints."));
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer.build()))
        .schema(ProblemView::name(), ProblemView::schema())
        .schema(FieldFault::name(), FieldFault::schema());
    let mut info = InfoBuilder::new().title("Stevedore").version(env!("CARGO_PKG_VERSION")).description(Some(DESCRIPTION));
    info = info.license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()));
    let document = OpenApiBuilder::new().info(info.build()).components(Some(components.build())).build();
    let mut document = resources::all(OpenApiRouter::with_openapi(document)).into_openapi();
    if let Some(components) = &mut document.components {
        // Not the body's own type, because the domain's parser reads it; so nothing else brings these in.
        let mut schemas = Vec::new();
        SettingsView::schemas(&mut schemas);
        components.schemas.extend(schemas);
        let mut settings = SettingsView::schema();
        if let RefOr::T(Schema::Object(settings)) = &mut settings {
            // What a write leaves out has its default.
            settings.required.clear();
        }
        components.schemas.insert(SettingsView::name().into_owned(), settings);
    }
    for (path, item) in &mut document.paths.paths {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            add_problems(path, operation);
        }
    }
    document
}

/// Adds the problems that every route of its kind can answer with.
fn add_problems(path: &str, operation: &mut Operation) {
    let open = serde_json::to_value(&operation.security).is_ok_and(|security| security == serde_json::json!([{}]));
    if open {
        return;
    }
    let mut codes = vec![Code::Unauthenticated, Code::Forbidden, Code::Internal, Code::Unavailable];
    if path.contains('{') {
        codes.push(Code::NotFound);
    }
    if operation.parameters.iter().flatten().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == "limit")) {
        codes.push(Code::InvalidQuery);
    }
    if operation.request_body.is_some() {
        codes.extend([Code::MalformedJson, Code::BodyTooLarge, Code::UnsupportedMediaType, Code::ValidationFailed]);
    }
    for code in codes {
        let status = code.status();
        let description = status.canonical_reason().unwrap_or_default();
        let responses = &mut operation.responses.responses;
        let known = responses.entry(status.as_str().to_owned());
        let response = known.or_insert_with(|| RefOr::T(ResponseBuilder::new().description(description).build()));
        if let RefOr::T(response) = response {
            as_problem(response);
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with(['4', '5']), response) {
            as_problem(response);
        }
    }
}

fn as_problem(response: &mut Response) {
    if response.content.is_empty() {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        response.content.insert("application/problem+json".to_owned(), RefOr::T(content));
    }
}
