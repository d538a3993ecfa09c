//! The simulated cloud from outside, as an engine sees it.

#[cfg(test)]
mod drift;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod life;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod support;
#[cfg(test)]
mod world_file;
