//! What controllers make of a platform: nodes, load balancers, records, volumes. They come in time, and a destroy leaves
//! none of them but the server's volume.

use std::collections::BTreeMap;

use skyplat::mock::{World, inspect};
use tokio::time::Instant;

use crate::harness::{README, Stand, TOP, edited, simulate};

/// How much longer than its longest chain of steps a run may take.
const SLACK: f64 = 1.02;

#[test]
fn the_platform_is_up_and_gone_when_the_plan_says() {
    simulate(|| async {
        let stand = Stand::new().await;
        for (what, text) in [("up", Some(README)), ("down", None)] {
            let prepared = stand.try_plan(text).await.unwrap();
            let start = Instant::now();
            stand.apply(&prepared).await;
            let (took, forecast) = (start.elapsed().as_secs_f64(), prepared.plan.forecast.duration_s);
            assert!(took <= SLACK * forecast, "{what}: {took} s of {forecast} s");
        }
    });
}

#[test]
fn every_controller_has_made_what_it_is_for() {
    simulate(|| async {
        let world = Stand::standing(README).await.cloud.world();
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for child in world.children() {
            *kinds.entry(child.kind.as_str()).or_default() += 1;
        }
        let expected = [
            // A node in each region, and one for the server.
            ("ec2.instance", 4),
            ("ec2.launch_template", 4),
            // Two of each node, three of the load balancer.
            ("ec2.network_interface", 11),
            ("ec2.security_group", 1),
            ("ec2.volume", 1),
            ("elbv2.load_balancer", 1),
            ("elbv2.target_group", 1),
            // One for each node class: three in the hub, two and one in the spokes.
            ("iam.instance_profile", 6),
            // Four NodeClaims; the server's Ingress, claim and attachment.
            ("k8s.object", 7),
            ("route53.record_set", 2),
            ("tailscale.device", 1),
        ];
        assert_eq!(kinds, expected.into());
    });
}

#[test]
fn a_destroy_leaves_only_the_servers_volume() {
    simulate(|| async {
        for parallelism in [1, 64] {
            let stand = Stand::standing(README).await.parallelism(parallelism);
            stand.down().await;
            let world = stand.cloud.world();
            let left: Vec<&str> = world.children().map(|child| child.kind.as_str()).collect();
            assert_eq!(left, ["ec2.volume"], "{}", inspect::dump(&world));
        }
    });
}

#[test]
fn what_external_dns_left_behind_when_it_was_switched_off_goes_with_the_zone() {
    simulate(|| async {
        let stand = Stand::standing(README).await;
        stand.up(&README.replacen(TOP, &format!("{TOP}  sp:addons: {{external_dns: false}}\n"), 1)).await;
        let records = |world: &World| world.of_kind("route53.record_set").count();
        assert_eq!(records(&stand.cloud.world()), 2, "nobody takes away what the host still means");
        stand.down().await;
        assert_eq!(records(&stand.cloud.world()), 0);
    });
}

#[test]
fn a_destroy_one_by_one_that_was_killed_is_finished_by_the_next() {
    simulate(|| async {
        let whole = Stand::standing(README).await.parallelism(1);
        let retained = whole.retained().await;
        let mut killed = 0;
        for entries in (100..).step_by(190) {
            let stand = whole.fork().await;
            if stand.killed_after(None, entries).await {
                break;
            }
            stand.down_to(&retained).await;
            killed += 1;
        }
        assert!(killed > 3, "{killed}");
    });
}

/// What is launched for a pool goes with it, and the pods move to another.
#[test]
fn the_nodes_of_a_pool_go_with_it() {
    let system = "      - name: system\n        capacity_type: on-demand\n        instance_type: [t3.medium]\n        ebs_size: \"50Gi\"\n";
    let other = system.replace("name: system", "name: other");
    simulate(|| async {
        let stand = Stand::standing(README).await;
        stand.up(&edited(README, system, &other)).await;
        let world = stand.cloud.world();
        let pools = |pool: &str| {
            let of = |tags: &BTreeMap<String, String>| {
                tags.get("karpenter.sh/nodepool").is_some_and(|name| name == pool)
            };
            let hub = |region: &str| region == "us-west-2";
            let nodes = world.of_kind("ec2.instance").filter(|node| of(&node.tags));
            nodes
                .filter(|node| node.placement.region.as_ref().is_some_and(|region| hub(region.as_str())))
                .count()
        };
        assert_eq!((pools("system"), pools("other")), (0, 1));
        stand.down().await;
    });
}
