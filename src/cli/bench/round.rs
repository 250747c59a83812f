//! One run of no-ops or votes, alike in everything but the path.
//!
//! It must not know: what is printed.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use hustings_core::Time;
use tokio::time::Instant;

use crate::load::{Acknowledgements, Api, Job, Mix, Outcome, Pace, Plan, PlanError, Poll, Target, run};

/// How a run is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) connections: usize,
    pub(super) pace: Pace,
    pub(super) run_for: Option<Duration>,
    pub(super) seed: u64,
    pub(super) mix: Mix,
}

const CHOICES: [&str; 3] = ["A", "B", "C"];

/// Sends so many requests to the no-op.
pub(super) async fn noop(api: &Api, requests: u32, shape: &Shape, start: Time) -> anyhow::Result<Outcome> {
    let codes = CHOICES.map(str::to_lowercase).to_vec();
    let plan = plan(codes, requests, shape, start)?;
    Ok(cast(api, plan, Target::Noop, shape, None).await)
}

/// Makes a poll and lets so many voters vote in it.
pub(super) async fn votes(api: &Api, voters: u32, shape: &Shape, start: Time) -> anyhow::Result<(Poll, Outcome)> {
    let poll = poll(api).await?;
    let outcome = cast(api, plan_for(&poll, voters, shape, start)?, Target::votes(&poll), shape, None).await;
    Ok((poll, outcome))
}

/// A poll to vote in.
pub(super) async fn poll(api: &Api) -> anyhow::Result<Poll> {
    Ok(api.create_poll("A bench", &CHOICES).await?)
}

/// Lets so many voters vote in a poll, and notes when each vote was acknowledged.
pub(super) async fn noted(
    api: &Api,
    poll: &Poll,
    voters: u32,
    shape: &Shape,
    start: Time,
) -> anyhow::Result<(Outcome, Vec<(Instant, u64)>)> {
    let noted = Arc::<Acknowledgements>::default();
    let plan = plan_for(poll, voters, shape, start)?;
    let outcome = cast(api, plan, Target::votes(poll), shape, Some(Arc::clone(&noted))).await;
    Ok((outcome, noted.take()))
}

fn plan_for(poll: &Poll, voters: u32, shape: &Shape, start: Time) -> Result<Plan, PlanError> {
    plan(poll.choices().iter().map(|choice| choice.code.clone()).collect(), voters, shape, start)
}

/// Half of the voters for the first choice, three tenths for the second, the rest for the third.
fn plan(codes: Vec<String>, voters: u32, shape: &Shape, start: Time) -> Result<Plan, PlanError> {
    let (half, tenths) = (voters / 2, voters / 10 * 3);
    let counts = codes.into_iter().zip([half, tenths, voters - half - tenths]).collect();
    Plan::new(counts, shape.mix, shape.seed, start)
}

async fn cast(api: &Api, plan: Plan, target: Target, shape: &Shape, noted: Option<Arc<Acknowledgements>>) -> Outcome {
    let mut job = Job::new(api.clone(), Arc::new(plan), target, shape.connections);
    job.pace = shape.pace;
    job.run_for = shape.run_for;
    job.acknowledgements = noted;
    run(job, Arc::default(), pending()).await
}
