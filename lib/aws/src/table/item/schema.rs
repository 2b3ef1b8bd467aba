//! The table's keys and indexes: the same here and in the infrastructure template (a test compares them).

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    StreamSpecification, StreamViewType,
};

use aws_sdk_sqs::types::QueueAttributeName;

use crate::{Clients, Error, QueueUrls};

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

/// The attribute by which DynamoDB removes an item by itself: the second since 1970 after which nobody needs it. Only what can be made again may have one.
pub const TABLE_TTL: &str = "expires_at";

/// Creates the table on an engine that has none. Deployed tables come from the template.
///
/// # Errors
/// [`Error`] for anything but the table being there already.
pub async fn create_table(clients: &Clients, name: &str) -> Result<(), Error> {
    const OPERATION: &str = "create table";
    let encode = |error: aws_sdk_dynamodb::error::BuildError| Error::Encoding { operation: OPERATION, source: error.into() };
    let key = |attribute: &str, kind| KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build().map_err(encode);
    let mut request = clients
        .dynamodb()
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

/// Switches the table's stream on, with both images. A deployed table has it from the template.
///
/// # Errors
/// [`Error`], also where it is on already.
pub async fn enable_stream(clients: &Clients, name: &str) -> Result<(), Error> {
    const OPERATION: &str = "enable the table's stream";
    let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewAndOldImages).build();
    let stream = stream.map_err(|error| Error::Encoding { operation: OPERATION, source: error.into() })?;
    clients.dynamodb().update_table().table_name(name).stream_specification(stream).send().await.map(drop).map_err(Error::call(OPERATION))
}

/// Settings of an engine's queues. Deployed queues come from the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Seconds for which a received order message is hidden from others; at most 43,200.
    pub orders_visibility: u32,
    /// The same of a command, also of consolidation's.
    pub commands_visibility: u32,
    /// Number of times that a message is delivered before it becomes a dead letter.
    pub max_receive_count: u32,
}

impl Default for QueueSettings {
    /// The template's settings.
    fn default() -> Self {
        Self { orders_visibility: 720, commands_visibility: 5_400, max_receive_count: 5 }
    }
}

/// Creates the queues on an engine that has none, and gives those that are there these settings. Deployed queues come from the template.
///
/// # Errors
/// [`Error`]. Calling it again finishes what was left.
pub async fn create_queues(clients: &Clients, settings: &QueueSettings) -> Result<QueueUrls, Error> {
    let dead_letters = create_queue(clients, "stevedore-dead-letters").await?;
    set_attribute(clients, &dead_letters, QueueAttributeName::MessageRetentionPeriod, "1209600").await?;
    let dead_letters_arn = queue_arn(clients, &dead_letters).await?;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{dead_letters_arn}","maxReceiveCount":{}}}"#, settings.max_receive_count);
    let mut urls = Vec::with_capacity(3);
    for (name, visibility) in [
        ("stevedore-orders", settings.orders_visibility),
        ("stevedore-commands", settings.commands_visibility),
        ("stevedore-consolidation", settings.commands_visibility),
    ] {
        let url = create_queue(clients, name).await?;
        set_attribute(clients, &url, QueueAttributeName::VisibilityTimeout, &visibility.to_string()).await?;
        set_attribute(clients, &url, QueueAttributeName::RedrivePolicy, &redrive).await?;
        urls.push(url);
    }
    let mut urls = urls.into_iter();
    let mut next = || urls.next().unwrap_or_default();
    Ok(QueueUrls { orders: next(), commands: next(), consolidation: next(), dead_letters })
}

/// Creates a queue without attributes: so it is found again whatever attributes it has by now.
async fn create_queue(clients: &Clients, name: &str) -> Result<String, Error> {
    let reply = clients.sqs().create_queue().queue_name(name).send().await.map_err(Error::call("create a queue"))?;
    Ok(reply.queue_url.unwrap_or_default())
}

async fn set_attribute(clients: &Clients, url: &str, name: QueueAttributeName, value: &str) -> Result<(), Error> {
    let request = clients.sqs().set_queue_attributes().queue_url(url).attributes(name, value);
    request.send().await.map(drop).map_err(Error::call("set up a queue"))
}

async fn queue_arn(clients: &Clients, url: &str) -> Result<String, Error> {
    let request = clients.sqs().get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
    let reply = request.send().await.map_err(Error::call("read a queue's name"))?;
    Ok(reply.attributes.unwrap_or_default().remove(&QueueAttributeName::QueueArn).unwrap_or_default())
}
