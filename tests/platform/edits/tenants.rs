//! Edits of tenants.

use super::*;

#[test]
fn a_tenant_in_the_hub() {
    both_ways(
        "a tenant in the hub",
        README,
        &edited(README, TENANT, "- name: team-b-prod\n        - name: team-c\n"),
        &[
            "create hub/data-plane/team-c/*",
            "create hub/role/team-c/*",
            "update hub/api-server/{config,kube-credentials}",
        ],
    );
}

#[test]
fn the_first_tenant_of_a_spoke() {
    both_ways(
        "the first tenant of a spoke",
        README,
        &edited(README, "data_planes: []", "data_planes: [{name: team-c}]"),
        &[
            "create eu-west-1/data-plane/team-c/*",
            "create eu-west-1/data-plane/skypilot-system/{namespace,role}",
            "create eu-west-1/role/team-c/*",
            "update hub/api-server/{config,kube-credentials}",
        ],
    );
}

#[test]
fn settings_of_a_tenant() {
    let with = |settings: &str| edited(README, TENANT, &format!("{TENANT}          {settings}\n"));
    let attachment = "hub/role/team-b-prod/role-attachment-";
    for (what, settings, changes) in [
        ("its users", "allowed_users: [bo@example.com]", vec!["update hub/api-server/config".to_owned()]),
        (
            "a role of its own",
            "user_role_arn: arn:aws:iam::123456789012:role/TeamB",
            vec![
                "update hub/data-plane/team-b-prod/sky-user-sa".to_owned(),
                "delete hub/role/team-b-prod/role".to_owned(),
                format!("delete {attachment}{{AmazonEC2ContainerRegistryReadOnly,AmazonS3FullAccess}}"),
            ],
        ),
        (
            "its policies",
            "policies: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess, arn:aws:iam::aws:policy/AmazonS3FullAccess]",
            vec![
                format!("create {attachment}AmazonS3ReadOnlyAccess"),
                format!("delete {attachment}AmazonEC2ContainerRegistryReadOnly"),
            ],
        ),
        (
            "a quota",
            "quota: {requests.cpu: \"64\"}",
            vec!["create hub/data-plane/team-b-prod/quota".to_owned()],
        ),
    ] {
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        both_ways(what, README, &with(settings), &changes);
    }
    both_ways(
        "another quota",
        &with("quota: {requests.cpu: \"64\"}"),
        &with("quota: {requests.cpu: \"32\", pods: \"10\"}"),
        &["update hub/data-plane/team-b-prod/quota"],
    );
}

/// What a tenant has is changed before what it had is gone.
#[test]
fn a_role_goes_when_nobody_takes_it_any_more() {
    let own = format!("{TENANT}          user_role_arn: arn:aws:iam::123456789012:role/TeamB\n");
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.plan(&edited(README, TENANT, &own)).await.plan;
        let waits = Waits::new(&plan);
        waits.assert_before("update hub/data-plane/team-b-prod/sky-user-sa", "delete hub/role/team-b-prod/*");
        assert!(addresses(&plan, Action::Drain).is_empty());
    });
}

/// A tenant that moves to another region is another tenant there.
#[test]
fn a_tenant_that_moves() {
    let without = edited(README, "        - name: team-b-prod\n", "");
    both_ways(
        "a tenant moves",
        README,
        &edited(&without, "data_planes: []", "data_planes: [{name: team-b-prod}]"),
        &[
            "delete hub/data-plane/team-b-prod/*",
            "delete hub/role/team-b-prod/*",
            "create eu-west-1/data-plane/team-b-prod/*",
            "create eu-west-1/data-plane/skypilot-system/{namespace,role}",
            "create eu-west-1/role/team-b-prod/*",
            "update hub/api-server/{config,kube-credentials}",
        ],
    );
}

#[test]
fn a_tenant_comes_before_its_workspace_and_goes_after_it() {
    let with = edited(README, TENANT, "- name: team-b-prod\n        - name: team-c\n");
    simulate(|| async {
        let stand = Stand::standing(README).await;
        let plan = stand.up(&with).await.plan;
        let waits = Waits::new(&plan);
        waits.assert_before("create hub/data-plane/team-c/*", "update hub/api-server/config");
        waits.assert_before(
            "create hub/data-plane/team-c/sky-sa-token",
            "update hub/api-server/kube-credentials",
        );
        waits.assert_before("update hub/api-server/kube-credentials", "update hub/api-server/config");

        let plan = stand.plan(README).await.plan;
        let waits = Waits::new(&plan);
        let tenant = "delete hub/data-plane/team-c";
        for update in ["config", "kube-credentials"] {
            waits
                .assert_before(&format!("update hub/api-server/{update}"), &format!("{tenant}/sky-sa-token"));
        }
        waits.assert_before(&format!("{tenant}/sky-sa-token"), &format!("{tenant}/sky-sa"));
        waits.assert_before("update hub/api-server/config", &format!("{tenant}/*"));
        waits.assert_before("drain hub/data-plane/team-c/workloads", &format!("{tenant}/*"));
        waits.assert_before(&format!("{tenant}/sky-sa"), &format!("{tenant}/namespace"));
        waits.assert_before(&format!("{tenant}/sky-sa-role-binding"), &format!("{tenant}/sky-sa-role"));
        waits.assert_before(&format!("{tenant}/sky-user-sa"), "delete hub/role/team-c/role");
    });
}
