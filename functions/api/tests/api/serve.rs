use crate::world::World;
#[tokio::test(flavor = "multi_thread")]
async fn serve() {
    let world = World::new().await;
    world.connect().await;
    for o in 1..=5 {
        crate::orders::capture(&world, o, if o % 2 == 0 { "pending" } else { "booked" }).await;
    }
    let l = tokio::net::TcpListener::bind("127.0.0.1:8799").await.unwrap();
    let r = world.router.clone();
    let _ = tokio::time::timeout(std::time::Duration::from_secs(150), async { axum::serve(l, r).await }).await;
}
