//! Faults: what each does to a call, what the schedule promises, and what an engine makes of them; and how world and
//! state are held against each other.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod support;
