//! The simulated cloud as a [`FactSource`].

use async_trait::async_trait;

use skyplat_core::facts::{FactError, FactSource, Facts, Question, Questions};

use crate::catalogue::{ACCOUNT, Catalogue};
use crate::cloud::MockCloud;

#[async_trait]
impl FactSource for MockCloud {
    async fn answer(&self, questions: &Questions) -> Result<Facts, FactError> {
        let mut facts = Facts::default();
        for question in questions.iter() {
            answer_one(self.catalogue(), question, &mut facts)?;
        }
        Ok(facts)
    }
}

fn answer_one(catalogue: &Catalogue, question: &Question, facts: &mut Facts) -> Result<(), FactError> {
    let refuse = |problem: String| Err(FactError { question: question.clone(), problem });
    let about = question.about();
    match question.topic() {
        "account" => facts.insert(question.clone(), ACCOUNT),
        "zones" => {
            let zones = catalogue.zones(about);
            if zones.is_empty() {
                return refuse(format!("has no answer: there is no region {about}"));
            }
            facts.insert(question.clone(), zones)
        }
        "ami_release" => match about.split_once('/') {
            Some((_, version)) if catalogue.kubernetes_versions.contains(version) => {
                facts.insert(question.clone(), &catalogue.ami_release)
            }
            _ => refuse(format!("has no answer: there is no AMI for {about}")),
        },
        _ => refuse("is not known to the simulated cloud".into()),
    }
}
