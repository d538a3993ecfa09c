//! The conformance suite: the simulated cloud passes it, and every executor that breaks a promise is found out.

#[cfg(test)]
mod broken;
#[cfg(test)]
mod cloud;
#[cfg(test)]
mod thing;
