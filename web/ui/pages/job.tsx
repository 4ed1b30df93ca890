// One job: what it does now, or why it failed and what to do about it; its log.
import { useEffect, useState } from 'preact/hooks';
import { call, may, mayCancel, mayStart } from '../api';
import * as format from '../format';
import type { Job } from '../generated/api';
import { isActive, newestJobState, useLive } from '../live';
import { JobBadge, Loaded, PageHead, ProblemBox, Section, When } from '../parts/basics';
import { Confirm } from '../parts/forms';
import { kindName, stageName } from '../parts/job_progress';
import { JobResult } from '../parts/job_result';
import { JobStages, stagesOf } from '../parts/job_stages';
import { RunChart } from '../parts/run_chart';
import { useAction, useResource } from '../resource';
import { go, href } from '../router';
import { text } from '../text';

const kLogRefreshMs = 2_000;

export function JobPage({ id }: { id: string }) {
  useLive();
  const job = useResource((signal) => call('getJob', { path: { id }, signal }), [id], 'live');
  const current = job.data ? newestJobState(job.data) : null;
  const active = current !== null && isActive(current.state);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(job.reload, kLogRefreshMs); // The stream carries no log lines.
    return () => clearInterval(timer);
  }, [active]);
  return <Loaded resource={job}>{(read) => <JobDetail job={newestJobState(read)} />}</Loaded>;
}

function JobDetail({ job }: { job: Job }) {
  const [asking, setAsking] = useState(false);
  const cancel = useAction(async () => {
    await call('cancelJob', { path: { id: job.id } });
    setAsking(false);
  });
  const retry = useAction(async () => {
    const answer = await call('retryJob', { path: { id: job.id } });
    go('jobs', answer.job.id);
  });
  const ended = !isActive(job.state);
  const canRetry = job.state === 'failed' || job.state === 'partly' || job.state === 'cancelled' || job.state === 'interrupted';
  return (
    <>
      <PageHead title={`${kindName(job.kind)}: ${job.subject}`} above={<a href={href('jobs')}>{text.jobs.title}</a>}>
        {!ended && mayCancel(job.kind) && (
          <button type="button" onClick={() => setAsking(true)}>
            {text.jobs.cancel}
          </button>
        )}
        {canRetry && mayStart(job.kind) && (
          <button type="button" class="primary" disabled={retry.busy} onClick={() => void retry.run()}>
            {text.jobs.retry}
          </button>
        )}
      </PageHead>
      <ProblemBox problem={retry.problem} />
      <p class="summary">
        <JobBadge state={job.state} />
        <span>
          {text.jobs.started} <When time={job.started ?? job.created} />
        </span>
        {job.started && job.ended && (
          <span>
            {text.jobs.took} {format.between(job.started, job.ended)}
          </span>
        )}
        <span class="muted">
          {text.jobs.by} {job.requested_by}
        </span>
      </p>
      <Failure job={job} />
      {(!ended || job.events.length > 0) && (
        <Section title={text.jobs.steps}>
          <JobStages job={job} />
        </Section>
      )}
      {job.result && ended && (
        <Section title={text.jobs.result}>
          <JobResult job={job} result={job.result} />
        </Section>
      )}
      <Runs job={job} />
      <Log job={job} />
      <details class="raw">
        <summary>{text.jobs.parameters}</summary>
        <pre tabIndex={0}>{JSON.stringify(job.parameters, null, 2)}</pre>
      </details>
      {asking && (
        <Confirm
          title={text.jobs.cancelTitle}
          note={text.jobs.cancelNote}
          action={text.jobs.cancel}
          danger
          busy={cancel.busy}
          problem={cancel.problem}
          onSubmit={() => void cancel.run()}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

function Failure({ job }: { job: Job }) {
  if (job.state === 'interrupted' && !job.error)
    return (
      <div class="notice warning">
        <p>{text.jobs.interrupted}</p>
      </div>
    );
  if (!job.error) return null;
  return (
    <div class="notice bad" role="alert">
      <h2>{job.stage ? text.jobs.failedIn(stageName(job.stage)) : text.jobs.failedPlain}</h2>
      <p>
        <strong>{job.error.message}</strong>
      </p>
      {job.error.context.length > 0 && (
        <p class="muted">
          {text.common.context}: {job.error.context.join(', ')}
        </p>
      )}
      <AlreadyDone job={job} />
      {job.error.hint && (
        <p>
          {text.common.hint}: {job.error.hint}
        </p>
      )}
      {job.state === 'interrupted' && <p>{text.jobs.interrupted}</p>}
      <HostLink job={job} />
    </div>
  );
}

function AlreadyDone({ job }: { job: Job }) {
  const done = stagesOf(job).filter((stage) => stage.outcome === 'done');
  return (
    <p>
      {text.jobs.alreadyDone}: {done.length > 0 ? done.map((stage) => stageName(stage.name)).join(', ') : text.jobs.nothingDone}
    </p>
  );
}

/// To the doctor of the host that the job spoke to.
function HostLink({ job }: { job: Job }) {
  const { host } = job.parameters;
  if (typeof host !== 'string' || host === '' || !may('startDoctor')) return null;
  return (
    <p>
      <a class="button" href={href('hosts', host)}>
        {text.jobs.examineHost}
      </a>
    </p>
  );
}

/// Of a backup: whether this run is like those before it.
function Runs({ job }: { job: Job }) {
  const { vm, host } = job.parameters;
  if (job.kind !== 'backup' || typeof vm !== 'string' || typeof host !== 'string') return null;
  return (
    <Section title={text.runs.title}>
      <RunChart vm={{ id: vm, host }} current={job.id} />
    </Section>
  );
}

function Log({ job }: { job: Job }) {
  return (
    <details class="raw">
      <summary>{text.jobs.log}</summary>
      {job.events.length === 0 ? (
        <p class="muted">{text.jobs.noLog}</p>
      ) : (
        <ol class="log">
          {job.events.map((event, index) => (
            <li key={index} class={event.level}>
              <time dateTime={event.time} title={text.time.utc(event.time)}>
                {format.clock(event.time)}
              </time>
              <span class="level">{text.jobs.levels[event.level]}</span>
              <span>{event.text}</span>
            </li>
          ))}
        </ol>
      )}
    </details>
  );
}
