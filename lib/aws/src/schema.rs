//! The table's keys and indexes: the same here and in the infrastructure template (a test compares them).

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
};

use crate::{Clients, Error};

/// An index: its name, partition key and sort key. All project keys alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// Its partition key's attribute.
    pub partition: &'static str,
    /// Its sort key's attribute.
    pub sort: &'static str,
}

pub(crate) const BY_TIME: Index = Index { name: "by_time", partition: "t_pk", sort: "t_sk" };
pub(crate) const BY_NUMBER: Index = Index { name: "by_number", partition: "order_number", sort: "t_sk" };
pub(crate) const BY_STATE: Index = Index { name: "by_state", partition: "s_pk", sort: "s_sk" };

/// Every index. All are sparse: an item is in one only while it has both of its attributes.
///
/// `by_time` lists records of a kind, `by_number` finds log entries by the buyer's number, `by_state` holds what waits for something
/// (so that a plainly booked order costs nothing there).
pub const TABLE_INDEXES: [Index; 3] = [BY_TIME, BY_NUMBER, BY_STATE];

/// Creates the table on an engine that has none. Deployed tables come from the template.
///
/// # Errors
/// [`Error`] for anything but the table being there already.
pub async fn create_table(clients: &Clients, name: &str) -> Result<(), Error> {
    const OPERATION: &str = "create table";
    let encode = |error: aws_sdk_dynamodb::error::BuildError| Error::Encoding { operation: OPERATION, source: error.into() };
    let key = |attribute: &str, kind| KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build().map_err(encode);
    let mut request = clients
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?);
    let mut attributes = vec!["pk", "sk"];
    for index in TABLE_INDEXES {
        attributes.extend([index.partition, index.sort]);
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .key_schema(key(index.partition, KeyType::Hash)?)
            .key_schema(key(index.sort, KeyType::Range)?)
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
            .build()
            .map_err(encode)?;
        request = request.global_secondary_indexes(index);
    }
    attributes.sort_unstable();
    attributes.dedup();
    for attribute in attributes {
        let attribute =
            AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S).build().map_err(encode)?;
        request = request.attribute_definitions(attribute);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(aws_sdk_dynamodb::operation::create_table::CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(Error::call(OPERATION)(error)),
    }
}
