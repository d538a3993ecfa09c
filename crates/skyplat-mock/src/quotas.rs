//! [`Quotas`]: how many things of a kind the simulated account may have.
//!
//! The defaults are those of a new account, from the services' own pages:
//!
//! * VPC: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
//! * EKS: <https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html>
//! * IAM: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
//! * EFS: <https://docs.aws.amazon.com/efs/latest/ug/limits.html>
//! * Route 53: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
//! * Cognito: <https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>
//! * EventBridge: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>
//!
//! A real region also holds what others have made in it: most begin with a default VPC, which counts.

/// How many things of a kind the simulated account may have. Whoever has had a quota raised raises it here:
///
/// ```
/// use skyplat_mock::{Catalogue, Quotas};
///
/// let quotas = Quotas { vpcs_per_region: 20, internet_gateways_per_region: 20, ..Quotas::default() };
/// let catalogue = Catalogue { quotas, ..Catalogue::default() };
/// # assert_eq!(catalogue.quotas.eips_per_region, 5);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotas {
    /// VPCs in a region (L-F678F1CE).
    pub vpcs_per_region: usize,
    /// Subnets of a VPC (L-407747CB).
    pub subnets_per_vpc: usize,
    /// Internet gateways in a region (L-A4707A72).
    pub internet_gateways_per_region: usize,
    /// NAT gateways in a zone (L-FE5A380F).
    pub nat_gateways_per_zone: usize,
    /// Elastic IP addresses in a region (L-0263D0A3).
    pub eips_per_region: usize,
    /// Route tables of a VPC (L-589F43AA).
    pub route_tables_per_vpc: usize,
    /// Routes in a route table, without the local one (L-93826ACB).
    pub routes_per_table: usize,
    /// Security groups in a region (L-E79EC296).
    pub security_groups_per_region: usize,
    /// Rules of a security group in one direction (L-0EA8095F).
    pub rules_per_security_group: usize,
    /// Gateway endpoints in a region (L-1B52E74A).
    pub gateway_endpoints_per_region: usize,
    /// Active peering connections of a VPC (L-7E9ECCDB).
    pub peerings_per_vpc: usize,
    /// Roles in the account (L-FE177D64).
    pub roles: usize,
    /// Customer managed policies in the account (L-E95E4862).
    pub policies: usize,
    /// Managed policies attached to a role (L-0DA4ABF3).
    pub policies_per_role: usize,
    /// Characters of a role's trust policy, white space not counted (L-C07B4B0D).
    pub trust_policy_length: usize,
    /// Characters of a managed policy, white space not counted; AWS does not raise it.
    pub managed_policy_length: usize,
    /// OpenID Connect providers in the account (L-858F3967).
    pub oidc_providers: usize,
    /// Clusters in a region (L-1194D53C).
    pub clusters_per_region: usize,
    /// Security groups of a cluster's control plane (L-11FAD48B).
    pub security_groups_per_cluster: usize,
    /// Ranges that reach a cluster's public endpoint (L-8F1AD0E6).
    pub public_cidrs_per_cluster: usize,
    /// Fargate profiles of a cluster (L-33415657).
    pub fargate_profiles_per_cluster: usize,
    /// Selectors of a Fargate profile (L-7EE2D35C).
    pub selectors_per_fargate_profile: usize,
    /// Pairs of labels in a selector (L-F0B2A2E8).
    pub labels_per_fargate_selector: usize,
    /// File systems in a region (L-848C634D).
    pub file_systems_per_region: usize,
    /// Security groups of a mount target.
    pub security_groups_per_mount_target: usize,
    /// Hosted zones in the account (L-4EA4796A).
    pub hosted_zones: usize,
    /// VPCs of a private hosted zone.
    pub vpcs_per_hosted_zone: usize,
    /// User pools in a region (L-BBEA2ECA).
    pub user_pools_per_region: usize,
    /// Clients of a user pool.
    pub clients_per_user_pool: usize,
    /// Rules of an event bus (L-244521F2).
    pub event_rules_per_region: usize,
    /// Targets of a rule.
    pub targets_per_event_rule: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            vpcs_per_region: 5,
            subnets_per_vpc: 200,
            internet_gateways_per_region: 5,
            nat_gateways_per_zone: 5,
            eips_per_region: 5,
            route_tables_per_vpc: 200,
            routes_per_table: 50,
            security_groups_per_region: 2_500,
            rules_per_security_group: 60,
            gateway_endpoints_per_region: 20,
            peerings_per_vpc: 50,
            roles: 1_000,
            policies: 1_500,
            policies_per_role: 10,
            trust_policy_length: 2_048,
            managed_policy_length: 6_144,
            oidc_providers: 100,
            clusters_per_region: 100,
            security_groups_per_cluster: 4,
            public_cidrs_per_cluster: 40,
            fargate_profiles_per_cluster: 10,
            selectors_per_fargate_profile: 5,
            labels_per_fargate_selector: 5,
            file_systems_per_region: 1_000,
            security_groups_per_mount_target: 5,
            hosted_zones: 500,
            vpcs_per_hosted_zone: 300,
            user_pools_per_region: 1_000,
            clients_per_user_pool: 1_000,
            event_rules_per_region: 300,
            targets_per_event_rule: 5,
        }
    }
}
