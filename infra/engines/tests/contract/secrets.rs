//! Secrets: written, replaced, and deleted with and without recovery.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;

use crate::Stack;

#[tokio::test]
async fn a_secret_is_written_read_and_replaced() {
    let Some(stack) = Stack::start("a_secret_is_written_read_and_replaced").await else { return };
    let client = &stack.clients.secrets;
    let name = format!("stevedore/{}", stack.name("connection"));
    let missing = client.get_secret_value().secret_id(&name).send().await.unwrap_err().into_service_error();
    assert!(missing.is_resource_not_found_exception(), "{missing:?}");
    let missing = client.put_secret_value().secret_id(&name).secret_string("x").send().await.unwrap_err().into_service_error();
    assert!(missing.is_resource_not_found_exception(), "{missing:?}");

    let made = client.create_secret().name(&name).secret_string("first").description("a key").send().await.unwrap();
    let exists = client.create_secret().name(&name).secret_string("again").send().await.unwrap_err().into_service_error();
    assert!(exists.is_resource_exists_exception(), "{exists:?}");

    let read = client.get_secret_value().secret_id(&name).send().await.unwrap();
    assert_eq!(read.secret_string(), Some("first"));
    assert_eq!(read.version_id(), made.version_id());
    assert_eq!(read.version_stages(), ["AWSCURRENT"]);
    let by_arn = client.get_secret_value().secret_id(made.arn().unwrap()).send().await.unwrap();
    assert_eq!(by_arn.secret_string(), Some("first"));

    client.put_secret_value().secret_id(&name).secret_string("second").send().await.unwrap();
    assert_eq!(client.get_secret_value().secret_id(&name).send().await.unwrap().secret_string(), Some("second"));
    let previous = client.get_secret_value().secret_id(&name).version_stage("AWSPREVIOUS").send().await.unwrap();
    assert_eq!(previous.secret_string(), Some("first"));

    client.update_secret().secret_id(&name).secret_string("third").send().await.unwrap();
    assert_eq!(client.get_secret_value().secret_id(&name).send().await.unwrap().secret_string(), Some("third"));
    let described = client.describe_secret().secret_id(&name).send().await.unwrap();
    assert_eq!((described.name(), described.description()), (Some(name.as_str()), Some("a key")));
    assert!(described.deleted_date().is_none() && described.created_date().is_some());
    assert_eq!(described.version_ids_to_stages().unwrap().len(), 2);
}

#[tokio::test]
async fn a_secret_marked_deleted_can_be_restored_until_it_is_gone() {
    let Some(stack) = Stack::start("a_secret_marked_deleted_can_be_restored_until_it_is_gone").await else { return };
    let client = &stack.clients.secrets;
    let name = stack.name("window");
    client.create_secret().name(&name).secret_string("value").send().await.unwrap();
    let deleted = client.delete_secret().secret_id(&name).recovery_window_in_days(7).send().await.unwrap();
    assert!(deleted.deletion_date().is_some());
    assert!(client.describe_secret().secret_id(&name).send().await.unwrap().deleted_date().is_some());

    let read = client.get_secret_value().secret_id(&name).send().await.unwrap_err().into_service_error();
    assert!(read.is_invalid_request_exception(), "{read:?}");
    let put = client.put_secret_value().secret_id(&name).secret_string("x").send().await.unwrap_err().into_service_error();
    assert!(put.is_invalid_request_exception(), "{put:?}");

    client.restore_secret().secret_id(&name).send().await.unwrap();
    assert_eq!(client.get_secret_value().secret_id(&name).send().await.unwrap().secret_string(), Some("value"));
    client.delete_secret().secret_id(&name).force_delete_without_recovery(true).send().await.unwrap();
    let gone = client.get_secret_value().secret_id(&name).send().await.unwrap_err().into_service_error();
    assert!(gone.is_resource_not_found_exception(), "{gone:?}");
    client.create_secret().name(&name).secret_string("new").send().await.unwrap();
    assert_eq!(client.get_secret_value().secret_id(&name).send().await.unwrap().secret_string(), Some("new"));

    if stack.engines.is_some() {
        client.delete_secret().secret_id(&name).recovery_window_in_days(7).send().await.unwrap();
        stack.pass(7 * 86_400).await;
        let gone = client.describe_secret().secret_id(&name).send().await.unwrap_err().into_service_error();
        assert!(gone.is_resource_not_found_exception(), "{gone:?}");
    }
}

#[tokio::test]
async fn a_secret_marked_deleted_keeps_its_name() {
    let Some(stack) = Stack::start("a_secret_marked_deleted_keeps_its_name").await else { return };
    let client = &stack.clients.secrets;
    let name = stack.name("taken");
    client.create_secret().name(&name).secret_string("value").send().await.unwrap();
    client.delete_secret().secret_id(&name).send().await.unwrap();
    let made = client.create_secret().name(&name).secret_string("x").send().await.unwrap_err().into_service_error();
    assert!(made.is_invalid_request_exception(), "{made:?}");
}

#[tokio::test]
async fn deletions_that_make_no_sense_are_refused() {
    let Some(stack) = Stack::start("deletions_that_make_no_sense_are_refused").await else { return };
    let client = &stack.clients.secrets;
    let name = stack.name("senseless");
    let missing = client.delete_secret().secret_id(&name).send().await.unwrap_err().into_service_error();
    assert!(missing.is_resource_not_found_exception(), "{missing:?}");
    client.create_secret().name(&name).secret_string("value").send().await.unwrap();
    let both = client.delete_secret().secret_id(&name).recovery_window_in_days(7).force_delete_without_recovery(true);
    let both = both.send().await.unwrap_err().into_service_error();
    assert!(both.is_invalid_parameter_exception(), "{:?} {both:?}", both.code());
    assert_eq!(client.get_secret_value().secret_id(&name).send().await.unwrap().secret_string(), Some("value"));
}
