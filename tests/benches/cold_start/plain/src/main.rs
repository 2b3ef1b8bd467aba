//! Puts each message of a batch as an item, with every default.

use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let table = std::env::var("STEVEDORE_TABLE")?;
    run(service_fn(|event: LambdaEvent<SqsEvent>| {
        let (client, table) = (client.clone(), table.clone());
        async move {
            for record in event.payload.records {
                let id = record.message_id.unwrap_or_default();
                let put = client.put_item().table_name(&table).item("pk", AttributeValue::S(format!("PLAIN#{id}")));
                let put = put.item("sk", AttributeValue::S("HEAD".into())).item("body", AttributeValue::S(record.body.unwrap_or_default()));
                put.send().await?;
            }
            Ok::<_, Error>(())
        }
    }))
    .await
}
