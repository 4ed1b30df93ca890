// How far a job is: stage, bytes, rate and what is left.
import * as format from '../format';
import type { Job } from '../generated/api';
import { withRate } from '../live';
import { text } from '../text';

export function JobProgress({ job }: { job: Job }) {
  const { rate, remainingSeconds } = withRate(job);
  if (job.waiting_for) return <span class="muted">{text.jobs.waitsFor(job.waiting_for)}</span>;
  if (job.state === 'queued') return <span class="muted">{text.jobs.waiting}</span>;
  const known = job.total_bytes > 0;
  const words = [
    stageName(job.stage),
    known
      ? text.jobs.bytesOf(format.bytes(job.done_bytes), format.bytes(job.total_bytes))
      : job.done_bytes > 0
        ? format.bytes(job.done_bytes)
        : '',
    rate !== null ? text.jobs.rate(format.bytes(rate)) : '',
    remainingSeconds !== null ? text.jobs.remaining(format.duration(remainingSeconds)) : '',
  ].filter((word) => word !== '');
  return (
    <div class="job-progress">
      {known ? (
        <progress
          max={job.total_bytes}
          value={Math.min(job.done_bytes, job.total_bytes)}
          aria-label={`${job.subject}: ${stageName(job.stage)}`}
        />
      ) : (
        <progress aria-label={`${job.subject}: ${stageName(job.stage)}`} />
      )}
      <span class="muted">{words.join(' · ')}</span>
    </div>
  );
}

export function stageName(stage: string): string {
  return text.stages[stage] ?? stage;
}

export function kindName(kind: string): string {
  return text.jobs.kinds[kind] ?? kind;
}
