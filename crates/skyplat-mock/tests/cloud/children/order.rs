//! The order in which a platform goes down matters: without an edge something hangs or is left.

use std::collections::BTreeSet;
use std::time::Duration;

use super::new_cloud;
use crate::platform::{HUB_AND_SPOKE, platform};
use crate::support::{Made, down, up};
use skyplat_mock::MockCloud;

/// Destroys a platform in a cloud of its own, and says whether only the server's volume and what is to be retained is left
/// of it within some hours.
async fn goes_down(cloud: &MockCloud, made: Made) -> bool {
    let cloud = cloud.fork();
    let destroyed = {
        let cloud = cloud.clone();
        tokio::spawn(async move { down(&cloud, made, 64).await })
    };
    // A panic is a step that failed for good.
    let Ok(Ok(retained)) = tokio::time::timeout(Duration::from_hours(2), destroyed).await else {
        return false;
    };
    let world = cloud.world();
    let left: BTreeSet<&str> = world
        .things()
        .filter(|thing| !retained.contains(&thing.uid))
        .map(|thing| thing.kind.as_str())
        .collect();
    left == BTreeSet::from(["ec2.volume"])
}

#[tokio::test(start_paused = true)]
async fn without_the_edges_that_children_need_a_destroy_does_not_end() {
    let cloud = new_cloud();
    let made = up(&cloud, &platform(&cloud, HUB_AND_SPOKE).await, 64).await;
    assert!(goes_down(&cloud, made.clone()).await, "with every edge");
    // What comes after what. Edges that others imply, or that a finalizer stands in for, are not here.
    for (later, earlier) in [
        // The gate of load balancers needs their controller, and that its rights.
        ("aws-load-balancer-controller/load-balancers", "aws-load-balancer-controller/release"),
        ("aws-load-balancer-controller/release", "aws-load-balancer-controller/role-"),
        // Node classes need Karpenter, and that its rights.
        ("/karpenter/node-class-", "/karpenter/controller"),
        ("/karpenter/controller", "/karpenter/controller-role-"),
        // What runs on nodes and Fargate needs a way out.
        ("/", "/vpc/route-private-nat"),
    ] {
        let mut broken = made.clone();
        assert!(broken.drop_edges(later, earlier) > 0, "there is no edge from {later} to {earlier}");
        assert!(
            !goes_down(&cloud, broken).await,
            "without {later} after {earlier} it goes down all the same"
        );
    }
}
