//! Whole exchanges, judged in memory: what leaves of a response, what the application sees of a request, and how it is
//! told with the end.

#[cfg(test)]
mod hardening;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod stage;
