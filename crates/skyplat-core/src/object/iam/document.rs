//! [`PolicyDocument`]: an IAM document, typed, that serialises exactly as IAM writes it.
//!
//! Conditions are a list here and a map of maps on paper, because a condition's key may contain what is only known when
//! a cluster stands (its issuer). One value is written as a text, several as a list; both are read back.
//!
//! ```
//! use skyplat_core::object::iam::{Condition, PolicyDocument, Principal, Statement};
//! use skyplat_core::value::{paper, to_tree};
//!
//! let document = PolicyDocument::new([Statement::allow(["sts:AssumeRole"])
//!     .principal(Principal::service("ec2.amazonaws.com"))
//!     .when(Condition::new("StringEquals", "aws:SourceAccount", ["123456789012"]))]);
//! assert_eq!(
//!     paper::show(&to_tree(&document).unwrap()).to_string(),
//!     concat!(
//!         r#"{"Statement":[{"Action":"sts:AssumeRole","#,
//!         r#""Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}},"#,
//!         r#""Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}"#,
//!     )
//! );
//! ```

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::value::{Key, KeyPart, Map, Tree, Value};

/// The version of IAM's language that every document is written in.
const VERSION: &str = "2012-10-17";

/// An IAM document: a trust policy, an identity policy or the policy of a resource.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    /// The version of the language.
    pub version: String,
    /// The statements.
    #[serde(rename = "Statement")]
    pub statements: Vec<Statement>,
}

impl PolicyDocument {
    /// Makes a document of statements.
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        Self { version: VERSION.into(), statements: statements.into_iter().collect() }
    }
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever others allow.
    Deny,
}

/// One statement of a document.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Its name inside the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Whom it speaks of; only in trust policies and policies of resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// What may be done.
    #[serde(rename = "Action", with = "one_or_many")]
    pub actions: Vec<String>,
    /// What it may be done to; never in trust policies.
    #[serde(rename = "Resource", with = "one_or_many", default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Value<String>>,
    /// When it holds: all of them.
    #[serde(rename = "Condition", with = "conditions", default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

impl Statement {
    /// Starts a statement that allows actions.
    pub fn allow<const N: usize>(actions: [&str; N]) -> Self {
        Self {
            sid: None,
            effect: Effect::Allow,
            principal: None,
            actions: actions.map(str::to_owned).to_vec(),
            resources: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Starts a statement that denies actions.
    pub fn deny<const N: usize>(actions: [&str; N]) -> Self {
        Self { effect: Effect::Deny, ..Self::allow(actions) }
    }

    /// Names the statement.
    #[must_use]
    pub fn sid(mut self, sid: &str) -> Self {
        self.sid = Some(sid.to_owned());
        self
    }

    /// Says whom it speaks of.
    #[must_use]
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Adds what it may be done to.
    #[must_use]
    pub fn on<R: Into<Value<String>>>(mut self, resources: impl IntoIterator<Item = R>) -> Self {
        self.resources.extend(resources.into_iter().map(Into::into));
        self
    }

    /// Lets it speak of everything.
    #[must_use]
    pub fn on_all(self) -> Self {
        self.on(["*"])
    }

    /// Adds a condition.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }
}

/// Whom a statement speaks of.
#[derive(Debug, Clone, PartialEq)]
pub enum Principal {
    /// Anyone.
    Anyone,
    /// Services, such as `ec2.amazonaws.com`.
    Services(Vec<String>),
    /// An identity provider, by its ARN.
    Federated(Value<String>),
    /// Accounts, roles and users, by their ARNs.
    Aws(Vec<Value<String>>),
}

impl Principal {
    /// Names one service.
    pub fn service(name: &str) -> Self {
        Self::Services(vec![name.to_owned()])
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::Anyone {
            return serializer.serialize_str("*");
        }
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Anyone => {}
            Self::Services(names) => map.serialize_entry("Service", &OneOrMany(names))?,
            Self::Federated(provider) => map.serialize_entry("Federated", provider)?,
            Self::Aws(arns) => map.serialize_entry("AWS", &OneOrMany(arns))?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = match OneOrMap::deserialize(deserializer)? {
            OneOrMap::One(text) if text == "*" => return Ok(Self::Anyone),
            OneOrMap::One(text) => return Err(D::Error::custom(format!("{text} is no principal"))),
            OneOrMap::Map(map) => map,
        };
        let mut entries = map.into_iter();
        match (entries.next(), entries.next()) {
            (Some((kind, Texts(values))), None) => match kind.as_str() {
                "Service" => Ok(Self::Services(values)),
                "AWS" => Ok(Self::Aws(values.into_iter().map(Value::Known).collect())),
                "Federated" => match <[String; 1]>::try_from(values) {
                    Ok([provider]) => Ok(Self::Federated(provider.into())),
                    Err(_) => Err(D::Error::custom("a statement has one identity provider")),
                },
                other => Err(D::Error::custom(format!("{other} is no kind of principal"))),
            },
            _ => Err(D::Error::custom("a statement has one kind of principal")),
        }
    }
}

/// A principal as it may be written.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMap {
    One(String),
    Map(BTreeMap<String, Texts>),
}

/// One condition of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// How the values are compared, such as `StringEquals`.
    pub operator: String,
    /// What is compared, such as `aws:RequestedRegion` or `<issuer>:sub`.
    pub key: Value<String>,
    /// What it is compared with: one of them must fit.
    pub values: Vec<Value<String>>,
}

impl Condition {
    /// Makes a condition.
    pub fn new<V: Into<Value<String>>>(
        operator: &str,
        key: impl Into<Value<String>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self {
            operator: operator.to_owned(),
            key: key.into(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }
}

/// Lists that IAM writes as a text when there is only one item.
mod one_or_many {
    use super::{Deserialize, Deserializer, OneOrMany, Serialize, Serializer, Texts};

    pub(super) fn serialize<S: Serializer, T: Serialize>(
        items: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        OneOrMany(items).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, T: From<String>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        Texts::deserialize(deserializer).map(|Texts(texts)| texts.into_iter().map(T::from).collect())
    }
}

/// Writes one item as itself, several as a list.
struct OneOrMany<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for OneOrMany<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [one] => one.serialize(serializer),
            many => {
                let mut list = serializer.serialize_seq(Some(many.len()))?;
                for item in many {
                    list.serialize_element(item)?;
                }
                list.end()
            }
        }
    }
}

/// One text or several, as read.
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::One(text) => vec![text],
            Written::Many(texts) => texts,
        }))
    }
}

/// Conditions as a map of operators to maps of keys to values.
mod conditions {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        conditions: &[Condition],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut operators: BTreeMap<&str, Map> = BTreeMap::new();
        for condition in conditions {
            let key = key(&condition.key).map_err(S::Error::custom)?;
            let values = crate::value::to_tree(&OneOrMany(&condition.values)).map_err(S::Error::custom)?;
            if operators.entry(&condition.operator).or_default().insert(key, values).is_some() {
                return Err(S::Error::custom(format!(
                    "two conditions are {} on {:?}: give one condition both values",
                    condition.operator, condition.key
                )));
            }
        }
        let mut map = serializer.serialize_map(Some(operators.len()))?;
        for (operator, keys) in operators {
            map.serialize_entry(operator, &Tree::Map(keys))?;
        }
        map.end()
    }

    /// Returns a condition's key as the key of a tree.
    fn key(key: &Value<String>) -> Result<Key, &'static str> {
        let part = |part: &Tree| match part {
            Tree::String(text) => Ok(KeyPart::Literal(text.clone())),
            Tree::Ref(reference) => Ok(KeyPart::Ref(reference.clone())),
            _ => Err("a condition's key is made of texts and references"),
        };
        match key {
            Value::Known(text) => Ok(text.as_str().into()),
            Value::Ref(reference) => Ok(Key::Text(vec![KeyPart::Ref(reference.clone())])),
            Value::Text(parts) => parts.iter().map(part).collect::<Result<_, _>>().map(Key::Text),
            Value::Json(_) => Err("a condition's key is a text"),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Condition>, D::Error> {
        let operators = BTreeMap::<String, BTreeMap<String, Texts>>::deserialize(deserializer)?;
        Ok(operators
            .into_iter()
            .flat_map(|(operator, keys)| {
                keys.into_iter().map(move |(key, Texts(values))| Condition {
                    operator: operator.clone(),
                    key: key.into(),
                    values: values.into_iter().map(Value::Known).collect(),
                })
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use crate::value::{Address, Reference, TreeError, from_tree, paper, to_tree};

    fn written(document: &PolicyDocument) -> serde_json::Value {
        paper::show(&to_tree(document).unwrap())
    }

    fn with(conditions: Vec<Condition>) -> PolicyDocument {
        let mut statement = Statement::allow(["sqs:SendMessage", "sqs:ReceiveMessage"]).on_all();
        statement.conditions = conditions;
        PolicyDocument::new([statement])
    }

    #[test]
    fn one_is_a_text_and_several_are_a_list() {
        let statement = &written(&with(Vec::new()))["Statement"][0];
        assert_eq!(statement["Action"], serde_json::json!(["sqs:SendMessage", "sqs:ReceiveMessage"]));
        assert_eq!(statement["Resource"], "*");
        assert_eq!(statement.get("Condition"), None);
        assert_eq!(statement.get("Principal"), None);
    }

    #[test]
    fn conditions_are_grouped_by_operator_and_keys_may_hold_a_reference() {
        let host = Reference { object: Address::new("hub/eks/cluster"), field: "issuer_host".into() };
        let key: Value<String> = Value::format([(&Value::<String>::Ref(host)).into(), ":sub".into()]);
        let document = with(vec![
            Condition::new("StringEquals", key, ["system:serviceaccount:a:b"]),
            Condition::new("Bool", "aws:SecureTransport", ["false"]),
            Condition::new("StringEquals", "aws:RequestedRegion", ["us-west-2", "us-east-1"]),
        ]);
        assert_eq!(
            written(&document)["Statement"][0]["Condition"],
            serde_json::json!({
                "Bool": { "aws:SecureTransport": "false" },
                "StringEquals": {
                    "${hub/eks/cluster.issuer_host}:sub": "system:serviceaccount:a:b",
                    "aws:RequestedRegion": ["us-west-2", "us-east-1"],
                },
            })
        );
    }

    #[test]
    fn two_conditions_of_one_operator_and_key_are_refused() {
        let condition = || Condition::new("StringEquals", "aws:RequestedRegion", ["us-west-2"]);
        let error: TreeError = to_tree(&with(vec![condition(), condition()])).unwrap_err();
        assert!(error.message.contains("aws:RequestedRegion"), "{error}");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for principal in [
            Principal::Anyone,
            Principal::service("ec2.amazonaws.com"),
            Principal::Services(vec!["a.amazonaws.com".into(), "b.amazonaws.com".into()]),
            Principal::Federated("arn:aws:iam::1:oidc-provider/x".into()),
            Principal::Aws(vec!["arn:aws:iam::1:root".into(), "arn:aws:iam::2:root".into()]),
        ] {
            let mut document = with(vec![Condition::new("StringLike", "aws:RequestTag/a", ["*"])]);
            document.statements[0].principal = Some(principal);
            document.statements.push(Statement::deny(["s3:*"]).sid("Deny").on(["a", "b"]));
            assert_eq!(from_tree::<PolicyDocument>(&to_tree(&document).unwrap()).unwrap(), document);
        }
    }

    #[test]
    fn a_principal_of_an_unknown_kind_is_refused() {
        let read = |principal: Tree| {
            from_tree::<PolicyDocument>(&tree!({
                "Version": VERSION,
                "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal }]
            }))
        };
        assert!(read(tree!("*")).is_ok());
        assert!(read(tree!("everyone")).is_err());
        assert!(read(tree!({ "CanonicalUser": "x" })).is_err());
        assert!(read(tree!({ "Service": "x", "AWS": "y" })).is_err());
    }
}
