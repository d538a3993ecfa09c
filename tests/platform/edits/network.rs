//! Edits of networks: ranges, ways in and out, spokes.

use super::*;

#[test]
fn the_way_to_the_clusters() {
    both_ways(
        "private endpoints",
        README,
        &readme_with("endpoint: private"),
        &["update {hub,us-east-1,eu-west-1}/eks/cluster"],
    );
    both_ways(
        "narrower public endpoints",
        README,
        &readme_with("public_access_cidrs: [203.0.113.0/24]"),
        &["update {hub,us-east-1,eu-west-1}/eks/cluster"],
    );
    both_ways(
        "administrators",
        README,
        &readme_with("cluster_admins: [\"arn:aws:iam::123456789012:role/Admin\"]"),
        &["create {hub,us-east-1,eu-west-1}/eks/access-entry-123456789012-Admin"],
    );
}

#[test]
fn the_topology() {
    both_ways(
        "every pair",
        README,
        &readme_with("topology: full_mesh"),
        &[
            "create peering/eu-west-1--us-east-1/{connection,acceptance,options-us-east-1,options-eu-west-1,route-us-east-1-private,route-eu-west-1-private}",
        ],
    );
}

#[test]
fn a_nat_gateway_in_every_zone() {
    both_ways(
        "a NAT gateway in every zone",
        README,
        &readme_with("nat: per_az"),
        &[
            "create {hub,us-east-1,eu-west-1}/vpc/{public,eip,nat,association-public}-{b,c}",
            "create {hub,us-east-1,eu-west-1}/vpc/route-table-private-{a,b,c}",
            "create {hub,us-east-1,eu-west-1}/vpc/route-private-{a,b,c}-nat",
            "delete {hub,us-east-1,eu-west-1}/vpc/{route-table-private,route-private-nat}",
            "update {hub,us-east-1,eu-west-1}/vpc/{association-private-a,association-private-b,association-private-c,s3-endpoint}",
            "create peering/us-east-1--us-west-2/route-{us-east-1,us-west-2}-private-{a,b,c}",
            "delete peering/us-east-1--us-west-2/route-{us-east-1,us-west-2}-private",
            "create peering/eu-west-1--us-west-2/route-{eu-west-1,us-west-2}-private-{a,b,c}",
            "delete peering/eu-west-1--us-west-2/route-{eu-west-1,us-west-2}-private",
        ],
    );
}

#[test]
fn no_subnet_loses_its_way_out_while_tables_change() {
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.up(&readme_with("nat: per_az")).await.plan;
        let waits = Waits::new(&plan);
        for zone in ["a", "b", "c"] {
            let moves = format!("update hub/vpc/association-private-{zone}");
            waits.assert_before(&format!("create hub/vpc/route-private-{zone}-nat"), &moves);
            waits.assert_before(&moves, "delete hub/vpc/route-private-nat");
        }
    });
}

/// A range is for good, and so is all that stands on the network. A file system stays; it has one mount target in a zone,
/// so those go before the new ones come.
#[test]
fn another_range_makes_the_network_anew_and_keeps_the_file_system() {
    simulate(|| async {
        let stand = Stand::standing(STARTER).await;
        let plan = stand.up(&format!("cidr: 10.77.0.0/16\n{STARTER}")).await.plan;
        assert!(changes(&plan).contains("replace main/vpc/vpc"));
        assert!(!changes(&plan).iter().any(|line| line.ends_with("efs-csi/file-system")));
        stand.down().await;
    });
}

#[test]
fn a_hub_without_a_way_in() {
    let router = "    # Tailscale Subnet Router\n    tailscale:\n      oauth_secret_arn: arn:aws:secretsmanager:us-west-2:123...\n";
    both_ways(
        "no way in",
        README,
        &edited(README, router, ""),
        &["delete hub/subnet-router/{namespace,oauth-secret,operator,connector}"],
    );
}

#[test]
fn a_spoke_in() {
    let spoke = "    - region: eu-central-1\n      node_pools:\n        - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n      skypilot: {data_planes: [{name: team-d}]}\n\n";
    both_ways(
        "a spoke",
        README,
        &edited(README, SPOKES, &format!("{SPOKES}{spoke}")),
        &[
            "create eu-central-1/*",
            "create peering/eu-central-1--us-west-2/*",
            "create hub/service-discovery/association-eu-central-1",
            "update hub/api-server/{config,kube-credentials,release}",
            "update hub/subnet-router/connector",
        ],
    );
}

#[test]
fn a_spoke_out_leaves_the_hub_first() {
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.plan(&without_us_east_1()).await.plan;
        let waits = Waits::new(&plan);
        for update in ["subnet-router/connector", "api-server/config", "api-server/kube-credentials"] {
            waits.assert_before(&format!("update hub/{update}"), "delete us-east-1/eks/cluster");
        }
        let tenant = "delete us-east-1/data-plane/team-a-latency-sensitive";
        waits.assert_before("update hub/api-server/config", &format!("{tenant}/*"));
        waits.assert_before(&format!("{tenant}/*"), "delete us-east-1/eks/cluster");
        waits.assert_before("delete hub/service-discovery/association-us-east-1", "delete us-east-1/vpc/vpc");
        waits.assert_before("delete peering/us-east-1--us-west-2/*", "delete us-east-1/vpc/vpc");
    });
}
