//! Functions: their packages, their environment, their routes.

use std::collections::BTreeSet;

use stevedore_lambda::config;

use super::{FUNCTION, events, names, number, resource, resources, root, target, template, text};

#[test]
fn the_environment_is_what_the_configuration_reads() {
    let template = template();
    let written = names(&template["Globals"]["Function"]["Environment"]["Variables"]);
    let mut read: BTreeSet<&str> = config::REQUIRED.into_iter().chain(config::OPTIONAL).collect();
    // A fixed token is for one machine; in AWS the authorizer decides.
    read.remove(config::API_TOKEN);
    assert_eq!(written, read);
    for (name, function) in resources(&template, FUNCTION) {
        assert!(function.get("Environment").is_none(), "{name} has an environment of its own");
    }
}

#[test]
fn each_variable_means_its_own_resource() {
    let template = template();
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    for (variable, resource) in [
        (config::TABLE, "Table"),
        (config::ORDERS_QUEUE_URL, "OrdersQueue"),
        (config::COMMANDS_QUEUE_URL, "CommandsQueue"),
        (config::CONSOLIDATION_QUEUE_URL, "ConsolidationQueue"),
        (config::DEAD_LETTER_QUEUE_URL, "DeadLetterQueue"),
        (config::SECRET_ID, "ShipStationSecret"),
        (config::SHIPSTATION_URL, "ShipStationUrl"),
        (config::PERMISSIONS_CLAIM, "PermissionsClaim"),
        (config::SIGN_IN_URL, "SignInUrl"),
        (config::SIGN_IN_TOKEN_URL, "SignInTokenUrl"),
        (config::SIGN_IN_CLIENT_ID, "SignInClientId"),
        (config::SIGN_IN_SCOPES, "SignInScopes"),
    ] {
        assert_eq!(target(&variables[variable]), resource, "{variable}");
    }
    assert_eq!(text(&template["Parameters"]["ShipStationUrl"]["Default"]), config::SHIPSTATION);
}

/// A panic costs a record and not its batch, in every function and for every way of building it:
/// the one release profile unwinds, and no folder has settings of its own.
#[test]
fn releases_unwind_by_one_profile() {
    assert!(std::fs::read_to_string(root().join("Cargo.toml")).unwrap().contains("\npanic = \"unwind\"\n"));
    let functions = std::fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap().path());
    for folder in [root(), root().join("functions")].into_iter().chain(functions) {
        assert!(!folder.join(".cargo/config.toml").exists(), "{} has settings of its own", folder.display());
    }
}

#[test]
fn every_function_is_a_package_of_that_name() {
    let template = template();
    for (name, function) in resources(&template, FUNCTION) {
        let package = text(&function["FunctionName"]).strip_prefix("${AWS::StackName}-").unwrap();
        assert_eq!(text(&function["CodeUri"]), format!("../functions/{package}"), "{name}");
        let metadata = &resource(&template, name)["Metadata"];
        assert_eq!(text(&metadata["BuildMethod"]), "rust-cargolambda", "{name}");
        assert_eq!(text(&metadata["BuildProperties"]["Binary"]), package, "{name}");
        let manifest = root().join("functions").join(package).join("Cargo.toml");
        let manifest = std::fs::read_to_string(&manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
        assert!(manifest.contains(&format!("name = \"{package}\"")), "{name}");
    }
    assert_eq!(text(&template["Globals"]["Function"]["Handler"]), "bootstrap");
    assert_eq!(text(&template["Globals"]["Function"]["Architectures"][0]), "arm64");
    assert_eq!(text(&template["Globals"]["Function"]["Runtime"]), "provided.al2023");
}

/// Denied by default: routes without an authorizer of their own have the JWT authorizer. Only these
/// are declared open: health, the OpenAPI text, and the panel, which holds no data.
#[test]
fn only_health_the_openapi_text_and_the_panels_files_are_open() {
    let template = template();
    let auth = &template["Resources"]["Http"]["Properties"]["Auth"];
    assert_eq!(names(&auth["Authorizers"]), BTreeSet::from([text(&auth["DefaultAuthorizer"])]));
    let open: BTreeSet<(&str, &str)> = events(&template, "HttpApi")
        .into_iter()
        .filter(|(_, _, route)| route.get("Auth").is_some())
        .map(|(_, _, route)| (text(&route["Method"]), text(&route["Path"])))
        .collect();
    let panel = [("GET", "/"), ("GET", "/panel/{proxy+}"), ("GET", "/v1/panel-configuration")];
    assert_eq!(open, [("GET", "/v1/health"), ("GET", "/v1/openapi.json")].into_iter().chain(panel).collect());
}

/// Open routes have limits of their own, lower than the stage's, which protect the capacity of
/// signed-in callers.
#[test]
fn every_open_route_is_throttled_apart() {
    let template = template();
    let limits = &template["Resources"]["Http"]["Properties"]["RouteSettings"];
    let open: BTreeSet<String> = events(&template, "HttpApi")
        .into_iter()
        .filter(|(_, _, route)| route.get("Auth").is_some())
        .map(|(_, _, route)| format!("{} {}", text(&route["Method"]), text(&route["Path"])))
        .collect();
    assert_eq!(names(limits).into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), open);
    let rate = number(&template["Parameters"]["ApiRate"]["Default"]);
    for route in &open {
        assert!(number(&limits[route.as_str()]["ThrottlingRateLimit"]) < rate, "{route}");
        assert!(limits[route.as_str()]["ThrottlingBurstLimit"].is_u64(), "{route}");
    }
}

/// API Gateway's HTTP APIs wait 30 seconds at most (API Gateway developer guide, "Quotas for HTTP
/// APIs").
#[test]
fn the_api_answers_before_the_gateway_gives_up() {
    let template = template();
    for (name, function, _) in events(&template, "HttpApi") {
        assert!(number(&function["Timeout"]) < 30, "{name}");
    }
}

/// Lambda takes a function that continues by a message to itself for a loop, and would end it after
/// about sixteen invocations.
#[test]
fn what_continues_itself_may() {
    let template = template();
    for function in ["RunOperations", "Consolidate"] {
        assert_eq!(text(&template["Resources"][function]["Properties"]["RecursiveLoop"]), "Allow", "{function}");
    }
    assert!(template["Resources"]["ProcessOrders"]["Properties"].get("RecursiveLoop").is_none(), "it sends nothing");
}
