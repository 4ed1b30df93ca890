// All jobs, newest first, those that run with live progress.
import { useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { Job, JobState } from '../generated/api';
import { isActive, mergeJobs, useLive } from '../live';
import { Empty, JobBadge, Loaded, PageHead, When } from '../parts/basics';
import { DayChart } from '../parts/day_chart';
import { SelectField } from '../parts/forms';
import { JobProgress, kindName } from '../parts/job_progress';
import { Table } from '../parts/table';
import { useResource } from '../resource';
import { href } from '../router';
import { text } from '../text';

const kJobsAtOnce = 100;
const kJobsMax = 5_000; // Beyond that a filter helps more.

export function Jobs() {
  const [state, setState] = useState<JobState | ''>('');
  const [kind, setKind] = useState('');
  const [limit, setLimit] = useState(kJobsAtOnce);
  useLive();
  const query = { ...(state ? { state } : {}), ...(kind ? { kind } : {}) };
  const jobs = useResource((signal) => loadJobs(query, limit, signal), [query, limit], 'live');
  const accepts = (job: Job) => (state === '' || job.state === state) && (kind === '' || job.kind === kind);
  return (
    <>
      <PageHead title={text.jobs.title} />
      <History kind={kind} />
      <div class="filters" role="search">
        <SelectField<JobState | ''>
          label={text.jobs.stateLabel}
          value={state}
          onChange={setState}
          choices={[
            { value: '', label: text.jobs.allStates },
            ...(Object.keys(text.jobs.states) as JobState[]).map((value) => ({ value, label: text.jobs.states[value] })),
          ]}
        />
        <SelectField
          label={text.jobs.kindLabel}
          value={kind}
          onChange={setKind}
          choices={[
            { value: '', label: text.jobs.allKinds },
            ...Object.entries(text.jobs.kinds).map(([value, label]) => ({ value, label })),
          ]}
        />
      </div>
      <Loaded resource={jobs}>
        {(list) => {
          const rows = mergeJobs(list.jobs, accepts);
          if (rows.length === 0)
            return state || kind ? (
              <Empty title={text.common.noMatch} />
            ) : (
              <Empty title={text.jobs.empty} hint={text.jobs.emptyHint}>
                <a class="button" href={href('vms')}>
                  {text.vms.title}
                </a>
              </Empty>
            );
          return (
            <>
              <JobTable jobs={rows} />
              {list.hasMore && limit < kJobsMax && (
                <p class="actions">
                  <button type="button" onClick={() => setLimit(Math.min(kJobsMax, limit * 3))}>
                    {text.jobs.older}
                  </button>
                </p>
              )}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

/// As many as are wanted, if there are so many; the appliance gives them by pages of its own size.
async function loadJobs(query: { state?: JobState; kind?: string }, wanted: number, signal: AbortSignal) {
  const jobs: Job[] = [];
  let cursor: string | undefined;
  do {
    const page = await call('listJobs', { query: { ...query, limit: Math.min(1000, wanted - jobs.length), cursor }, signal });
    jobs.push(...page.jobs);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && jobs.length < wanted);
  return { jobs, hasMore: cursor !== undefined };
}

/// How the last two weeks went; quiet where nothing ran.
function History({ kind }: { kind: string }) {
  const history = useResource((signal) => call('getJobHistory', { query: { ...(kind ? { kind } : {}) }, signal }), [kind], 'live');
  if (!history.data || history.data.days.every((day) => day.done + day.failed + day.partly + day.interrupted === 0)) return null;
  return (
    <div class="panel history" role="group" aria-label={text.jobs.history}>
      <DayChart history={history.data} />
    </div>
  );
}

export function JobTable({ jobs }: { jobs: Job[] }) {
  return (
    <Table
      label={text.jobs.title}
      rows={jobs}
      rowKey={(job) => job.id}
      columns={[
        {
          title: text.jobs.job,
          kind: 'main',
          cell: (job) => (
            <>
              <a href={href('jobs', job.id)}>
                <strong>{kindName(job.kind)}</strong>
              </a>
              <span class="row-note">{job.subject}</span>
            </>
          ),
        },
        { title: text.jobs.state, kind: 'short', cell: (job) => <JobBadge state={job.state} /> },
        { title: text.jobs.progress, cell: (job) => (isActive(job.state) ? <JobProgress job={job} /> : <Outcome job={job} />) },
        { title: text.jobs.started, kind: 'short', cell: (job) => <When time={job.started ?? job.created} relative /> },
        {
          title: text.jobs.took,
          kind: 'short',
          cell: (job) => (job.started && job.ended ? format.between(job.started, job.ended) : '–'),
        },
        { title: text.jobs.by, kind: 'short', cell: (job) => job.requested_by },
      ]}
    />
  );
}

function Outcome({ job }: { job: Job }) {
  if (job.error) return <span class="bad-text">{job.error.message}</span>;
  return <span class="muted">{job.done_bytes > 0 ? format.bytes(job.done_bytes) : '–'}</span>;
}
