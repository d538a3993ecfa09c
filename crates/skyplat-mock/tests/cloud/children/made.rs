//! Which children there are, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    HOST, chart, children, class, dns_values, new_cloud, objects, passes, pool, pool_manifest, server_values,
    with_karpenter, with_server, with_server_in,
};
use crate::support::lab::{Lab, ask, manifest, small_world};
use crate::support::op;
use skyplat_core::executor::Executor;
use skyplat_core::tree;
use skyplat_core::value::Tree;
use skyplat_mock::world::Phase;
use skyplat_mock::{MockCloud, MockOptions, inspect};
use tokio::time::Instant;

/// Whether a cluster has a node, in a few minutes.
async fn has_node(lab: &Lab) -> bool {
    let gate = ask("gate.first_node", "cluster", tree!({ "cluster": "c" }));
    let desired = Lab::desired("gate", &gate);
    let mut cx = op(&desired.placement, Some(lab.record("cluster").outputs.clone()));
    cx.deadline = Instant::now() + Duration::from_mins(5);
    lab.cloud.create(&cx, &desired).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_node_needs_karpenter_a_class_a_pool_that_fits_and_a_pending_pod() {
    let mut lab = with_karpenter(new_cloud()).await;
    let driver = || chart("kube-system", "aws-ebs-csi-driver", Tree::map());
    assert!(!has_node(&lab).await, "no pool");
    lab.make("system", ask("k8s.object", "cluster", pool_manifest("system", &["m99.large"]))).await;
    lab.make("daemons", chart("kube-system", "aws-for-fluent-bit", Tree::map())).await;
    let mut wrong = lab.fork();
    wrong.make("driver", driver()).await;
    assert!(!has_node(&wrong).await, "no instance fits");
    wrong.update("system", pool_manifest("system", &["m7i.large"])).await.unwrap();
    assert!(has_node(&wrong).await);

    lab.update("system", pool_manifest("system", &["m7i.large"])).await.unwrap();
    assert!(!has_node(&lab).await, "no pod is pending: DaemonSets run where nodes are");
    let mut tainted = pool_manifest("system", &["m7i.large"]);
    let taints = tree!([{ "key": "team", "effect": "NoSchedule" }]);
    let mut spec = tainted.at("spec.template.spec").unwrap().clone();
    spec.set("taints", taints);
    tainted.set("spec", tree!({ "template": { "spec": spec } }));
    lab.update("system", tainted).await.unwrap();
    lab.make("driver", driver()).await;
    assert!(!has_node(&lab).await, "no pool takes the pod");
    lab.make("open", pool("open")).await;
    assert!(has_node(&lab).await);
    let claims = objects(&lab, "NodeClaim").await;
    assert_eq!(claims.len(), 1);
    assert!(claims[0].id.starts_with("NodeClaim//open-"), "{}", claims[0].id);
}

#[tokio::test(start_paused = true)]
async fn karpenter_runs_on_fargate_or_not_at_all() {
    let mut lab = small_world().await;
    super::way_out(&mut lab).await;
    lab.make("crds", chart("team", "karpenter-crd", Tree::map())).await;
    lab.make("controller", chart("team", "karpenter", Tree::map())).await;
    lab.make("nodes", class(&lab, "nodes")).await;
    lab.make("system", pool("system")).await;
    lab.make("driver", chart("kube-system", "aws-ebs-csi-driver", Tree::map())).await;
    assert!(!has_node(&lab).await);
    lab.make("fargate", super::fargate(&lab, "team")).await;
    assert!(has_node(&lab).await);
}

#[tokio::test(start_paused = true)]
async fn an_instance_has_interfaces_a_profile_and_the_tags_of_its_pool() {
    let lab = with_server().await;
    let [instance] = &children(&lab, "ec2.instance").await[..] else { panic!("one node is enough") };
    let subnets = [lab.id("private-a"), lab.id("private-b")];
    assert!(subnets.iter().any(|subnet| instance.text("subnet_id") == Some(subnet)));
    for (tag, value) in [
        ("karpenter.sh/nodepool", "system"),
        ("karpenter.k8s.aws/ec2nodeclass", "nodes"),
        ("kubernetes.io/cluster/c", "owned"),
        ("team", "ml"),
    ] {
        assert_eq!(instance.tags.get(tag).map(String::as_str), Some(value), "{tag}");
    }
    let [profile] = &children(&lab, "iam.instance_profile").await[..] else {
        panic!("one class, one profile")
    };
    assert_eq!(profile.text("role_name"), Some("role"));
    assert_eq!(instance.text("iam_instance_profile"), Some(profile.id.as_str()));
    let mut interfaces = children(&lab, "ec2.network_interface").await;
    interfaces.retain(|one| one.text("attachment.instance_id") == Some(&instance.id));
    assert_eq!(interfaces.len(), 2, "its own, and the network plugin's");
    assert!(
        interfaces.iter().all(|one| one.inputs.get("security_groups") == Some(&tree!([(lab.id("group"))])))
    );
}

#[tokio::test(start_paused = true)]
async fn an_ingress_has_a_load_balancer_and_a_record_when_the_release_is_ready() {
    let mut lab = with_server().await;
    let kinds: BTreeMap<String, usize> =
        lab.cloud.world().children().fold(BTreeMap::new(), |mut kinds, child| {
            *kinds.entry(child.kind.to_string()).or_default() += 1;
            kinds
        });
    let expected = [
        ("ec2.instance", 1),
        ("ec2.launch_template", 1),
        // Two of the node, two of the load balancer.
        ("ec2.network_interface", 4),
        ("ec2.security_group", 1),
        ("ec2.volume", 1),
        ("elbv2.load_balancer", 1),
        ("elbv2.target_group", 1),
        ("iam.instance_profile", 1),
        // NodeClaim, Ingress, PersistentVolumeClaim, VolumeAttachment.
        ("k8s.object", 4),
        ("route53.record_set", 2),
    ];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    assert!(lab.cloud.world().children().all(|child| child.phase == Phase::Ready));

    let lookup = tree!({ "namespace": "skypilot", "name": "skypilot-ingress" });
    lab.make("lookup", ask("lookup.ingress", "cluster", lookup)).await;
    let hostname = lab.output("lookup", "hostname");
    assert_eq!(lab.record("lookup").outputs["ready"], tree!(true));
    let records = children(&lab, "route53.record_set").await;
    let of_host = |kind: &str| records.iter().find(|record| record.text("type") == Some(kind)).unwrap();
    assert_eq!(
        (of_host("A").text("name"), of_host("A").text("value")),
        (Some(HOST), Some(hostname.as_str()))
    );
    assert_eq!(of_host("TXT").text("name"), Some("own-a.sky.example.com"));
}

#[tokio::test(start_paused = true)]
async fn a_record_follows_its_host() {
    let lab = with_server().await;
    let other = server_values(&lab, "other.sky.example.com");
    let mut inputs = lab.record("server").inputs.clone();
    inputs.set("values", other);
    lab.update("server", inputs).await.unwrap();
    passes(5).await;
    let names: Vec<_> = children(&lab, "route53.record_set").await;
    let mut names: Vec<&str> = names.iter().filter_map(|record| record.text("name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["other.sky.example.com", "own-a.other.sky.example.com"]);
    assert_eq!(children(&lab, "elbv2.load_balancer").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_controller_without_rights_does_nothing() {
    let mut lab = with_server().await;
    let inputs = tree!({ "role_name": "role", "policy_arn": (lab.output("policy", "arn")) });
    lab.make("attachment", ask("iam.policy_attachment", "", inputs)).await;
    let mut values = dns_values(&lab, "zone", "sync");
    let notes = tree!({ "eks.amazonaws.com/role-arn": (lab.output("role", "arn")) });
    values.set("serviceAccount", tree!({ "annotations": notes }));
    let mut inputs = lab.record("dns").inputs.clone();
    inputs.set("values", values);
    lab.update("dns", inputs).await.unwrap();
    let denied = lab.fork();
    denied.delete("attachment").await.unwrap();
    for (lab, left) in [(&lab, 0), (&denied, 2)] {
        lab.delete("server").await.unwrap();
        passes(30).await;
        assert_eq!(children(lab, "route53.record_set").await.len(), left);
    }
}

#[tokio::test(start_paused = true)]
async fn an_ingress_of_ones_own_has_a_load_balancer_too() {
    let mut lab = with_server().await;
    let mut ingress = manifest("Ingress", "team", "own");
    ingress.set("apiVersion", tree!("networking.k8s.io/v1"));
    ingress.set("spec", tree!({ "ingressClassName": "alb", "rules": [{ "host": "own.sky.example.com" }] }));
    let annotated = tree!({
        "name": "own", "namespace": "team",
        "annotations": { "alb.ingress.kubernetes.io/subnets": (lab.id("private-a")) },
    });
    ingress.set("metadata", annotated);
    lab.make("own", ask("k8s.object", "cluster", ingress)).await;
    passes(5).await;
    assert_eq!(children(&lab, "elbv2.load_balancer").await.len(), 2);
    assert_eq!(children(&lab, "route53.record_set").await.len(), 4);
    let start = Instant::now();
    lab.delete("own").await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(90), "its finalizer held it: {:?}", start.elapsed());
    assert_eq!(children(&lab, "elbv2.load_balancer").await.len(), 1);
}

/// Whoever looks when: children come and go at their own time.
#[tokio::test(start_paused = true)]
async fn looking_changes_nothing() {
    let lab = with_server().await;
    lab.delete("server").await.unwrap();
    lab.delete("system").await.unwrap();
    let (often, once) = (lab.fork(), lab.fork());
    for minutes in [0, 1, 2, 3, 5] {
        for lab in [&often, &once] {
            lab.read("queue").await.unwrap();
        }
        let end = Instant::now() + Duration::from_mins(minutes);
        while Instant::now() < end {
            often.read("queue").await.unwrap();
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        tokio::time::sleep_until(end).await;
        children(&often, "ec2.instance").await;
        children(&once, "ec2.instance").await;
        let of = |lab: &Lab| lab.cloud.world().things().cloned().collect::<Vec<_>>();
        assert_eq!(of(&often), of(&once), "after {minutes} minutes");
    }
    assert_eq!(children(&once, "ec2.instance").await, []);
}

#[tokio::test(start_paused = true)]
async fn children_are_in_the_world_file_and_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.jsonl");
    let open = || MockCloud::open(&path, MockOptions::default()).unwrap();
    let (built, whole) = (with_server_in(open()).await, with_server().await);
    assert_eq!(inspect::diff(&built.cloud.world(), &whole.cloud.world()), []);
    assert_eq!(open().world(), built.cloud.world(), "what is read is what there was");

    // The process dies while the load balancer goes and nodes are drained; the next one goes on.
    for lab in [&built, &whole] {
        lab.delete("server").await.unwrap();
        lab.delete("system").await.unwrap();
    }
    let next = built.on(open());
    drop(built);
    for lab in [&next, &whole] {
        lab.read("queue").await.unwrap();
        passes(10).await;
        assert_eq!(children(lab, "ec2.instance").await, []);
    }
    assert_eq!(inspect::diff(&next.cloud.world(), &whole.cloud.world()), []);
}
