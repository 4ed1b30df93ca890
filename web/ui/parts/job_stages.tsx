// The steps of a job as it went through them: how long each took, what was noted in it, and where it is or stopped.
import * as format from '../format';
import type { Job, JobEvent } from '../generated/api';
import { isActive } from '../live';
import { text } from '../text';
import { JobProgress, stageName } from './job_progress';

type Outcome = 'done' | 'current' | 'failed';
export type Stage = { name: string; begin: string; end: string | null; outcome: Outcome; remarks: JobEvent[] };

/// From the log: a stage lasts until the next one begins, the last one until the job ended.
export function stagesOf(job: Job): Stage[] {
  const stages: Stage[] = [];
  for (const event of job.events) {
    const last = stages[stages.length - 1];
    if (event.level === 'stage') {
      if (last) last.end = event.time;
      stages.push({ name: event.text, begin: event.time, end: null, outcome: 'done', remarks: [] });
    } else {
      last?.remarks.push(event);
    }
  }
  const last = stages[stages.length - 1];
  if (!last) return stages;
  last.end = job.ended;
  if (isActive(job.state)) last.outcome = 'current';
  // A partly done job went through all its steps.
  else if (job.state !== 'done' && job.state !== 'partly') last.outcome = 'failed';
  return stages;
}

const kMarks: Record<Outcome, string> = { done: '✓', current: '', failed: '✕' };

export function JobStages({ job }: { job: Job }) {
  const stages = stagesOf(job);
  if (stages.length === 0) return isActive(job.state) ? <JobProgress job={job} /> : null;
  return (
    <ol class="stages">
      {stages.map((stage, index) => (
        <li key={index} class={stage.outcome} {...(stage.outcome === 'current' ? { 'aria-current': 'step' as const } : {})}>
          <span class="mark" aria-hidden="true">
            {kMarks[stage.outcome]}
          </span>
          <div>
            <p class="stage-head">
              <strong>{stageName(stage.name)}</strong>
              <span class="visually-hidden">{text.jobs.outcomes[stage.outcome]}</span>
              {stage.end && <span class="muted">{format.between(stage.begin, stage.end)}</span>}
            </p>
            {stage.outcome === 'current' && <JobProgress job={job} />}
            {stage.remarks
              .filter((event) => event.level !== 'error')
              .map((event, at) => (
                <p key={at} class={event.level === 'warning' ? 'row-note warning-text' : 'row-note'}>
                  {event.text}
                </p>
              ))}
          </div>
        </li>
      ))}
    </ol>
  );
}
