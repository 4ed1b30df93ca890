// Which points can be searched by name, what is not in their indexes, and the indexes that somebody wants now, as they are made.
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api';
import * as format from '../format';
import type { FileIndexList, Job, Problem } from '../generated/api';
import { isActive, newestJobState, useJobsEnded, useLive } from '../live';
import { useAction, usePages } from '../resource';
import { filesHref, href, type SearchPlace } from '../router';
import { text } from '../text';
import { Badge, Empty, ProblemBox, When } from './basics';
import { SelectField } from './forms';
import { JobProgress } from './job_progress';
import { Rest } from './rest';
import { Table } from './table';

type Index = FileIndexList['indexes'][number];
type Shown = 'missing' | 'all';
type Jobs = Record<string, Job>;

const kIndexesAtOnce = 100;
/// Points that have an index are read over while others are looked for.
const kPagesMax = 20;

type Properties = { place: SearchPlace; onIndexed: () => void };

/// `missing`: how many points a search did not look through.
export function FileIndexes({ place, missing = 0, onIndexed }: Properties & { missing?: number }) {
  const [isOpen, setOpen] = useState(false);
  const button = (
    <p class="actions">
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? text.indexes.hide : missing > 0 ? text.indexes.showMissing : text.indexes.show}
      </button>
    </p>
  );
  return (
    <section>
      {missing > 0 ? (
        <div class="notice warning" role="status">
          <p>
            <strong>{text.search.unindexed(missing)}</strong>
          </p>
          <p>{text.search.unindexedHint}</p>
          {button}
        </div>
      ) : (
        button
      )}
      {isOpen && <IndexList place={place} onIndexed={onIndexed} />}
    </section>
  );
}

async function loadIndexes({ vm, host, point }: SearchPlace, shown: Shown, cursor: string | undefined, signal: AbortSignal) {
  for (let page = 1; ; ++page) {
    const query = { vm: vm ?? undefined, host: host ?? undefined, limit: kIndexesAtOnce, cursor };
    const answer = await call('listFileIndexes', { query, signal });
    const rows = answer.indexes.filter((index) => (point == null || index.point.id === point) && (shown === 'all' || !index.is_indexed));
    if (rows.length > 0 || answer.next_cursor === null || page >= kPagesMax) return { rows, next: answer.next_cursor };
    cursor = answer.next_cursor;
  }
}

function IndexList({ place, onIndexed }: Properties) {
  const [shown, setShown] = useState<Shown>('missing');
  const pages = usePages((cursor, signal) => loadIndexes(place, shown, cursor, signal), [place.vm, place.host, place.point, shown]);
  const { jobs, start, problem } = useIndexJobs(onIndexed);
  const rows = pages.rows ?? [];
  const missing = rows.filter((index) => !index.is_indexed && !jobs[index.point.id]).map((index) => index.point.id);
  return (
    <>
      <div class="filters">
        <SelectField<Shown>
          label={text.indexes.filter}
          value={shown}
          onChange={setShown}
          choices={[
            { value: 'missing', label: text.indexes.missing },
            { value: 'all', label: text.indexes.all },
          ]}
        />
        {missing.length > 1 && (
          <button type="button" disabled={start.busy} onClick={() => void start.run(missing)}>
            {text.indexes.allShown(missing.length)}
          </button>
        )}
      </div>
      <ProblemBox problem={problem} />
      {pages.rows === null && !pages.problem && (
        <p class="muted loading" role="status">
          {text.common.loading}
        </p>
      )}
      {pages.rows !== null && rows.length === 0 && !pages.problem && pages.more === null && (
        <Empty title={shown === 'missing' ? text.indexes.none : text.indexes.noPoints} />
      )}
      {rows.length > 0 && <IndexTable rows={rows} jobs={jobs} onStart={(id) => void start.run([id])} />}
      <ProblemBox problem={pages.problem} onRetry={pages.retry} />
      {pages.rows !== null && !pages.problem && (rows.length > 0 || pages.more !== null) && (
        <Rest words={text.indexes.shown(format.count(rows.length), pages.more === null)} more={pages.more} isBusy={pages.isBusy} />
      )}
    </>
  );
}

/// The jobs that were started here, by their points, as the stream tells of them.
function useIndexJobs(onIndexed: () => void): { jobs: Jobs; start: ReturnType<typeof useAction<[string[]]>>; problem: Problem | null } {
  const [started, setStarted] = useState<Jobs>({});
  useLive();
  const jobs: Jobs = Object.fromEntries(Object.entries(started).map(([point, job]) => [point, newestJobState(job)]));
  const ended = Object.values(jobs).filter((job) => !isActive(job.state)).length;
  useEffect(() => {
    if (ended > 0) onIndexed();
  }, [ended]);
  // What ended while the stream was interrupted is not told again.
  useJobsEnded(() => {
    for (const [point, job] of Object.entries(jobs).filter(([, { state }]) => isActive(state)))
      void call('getJob', { path: { id: job.id } }).then(
        (fresh) => setStarted((before) => ({ ...before, [point]: fresh })),
        () => undefined,
      );
  });
  const start = useAction(async (points: string[]) => {
    for (const point of points) {
      const { job } = await call('startFileIndex', { body: { point } });
      setStarted((before) => ({ ...before, [point]: job }));
    }
  });
  return { jobs, start, problem: start.problem };
}

function IndexTable({ rows, jobs, onStart }: { rows: Index[]; jobs: Jobs; onStart: (point: string) => void }) {
  return (
    <Table
      label={text.indexes.title}
      isWhole
      rows={rows}
      rowKey={(index) => index.point.id}
      columns={[
        {
          title: text.indexes.point,
          kind: 'main',
          cell: (index) => (
            <a href={filesHref(index.point.id)}>
              <When time={index.point.time} />
            </a>
          ),
        },
        { title: text.indexes.machine, cell: (index) => <bdi>{index.vm}</bdi> },
        { title: text.indexes.state, cell: (index) => <IndexState index={index} job={jobs[index.point.id]} /> },
        {
          title: text.files.actions,
          kind: 'actions',
          cell: (index) => <IndexButton index={index} job={jobs[index.point.id]} onStart={onStart} />,
        },
      ]}
    />
  );
}

function IndexState({ index, job }: { index: Index; job: Job | undefined }) {
  if (job && isActive(job.state)) return <JobProgress job={job} />;
  if (job && job.state !== 'done' && job.state !== 'partly')
    return (
      <span class="bad-text">
        {text.indexes.failed} {job.error?.message ?? text.jobs.states[job.state]} <a href={href('jobs', job.id)}>{text.indexes.openJob}</a>
      </span>
    );
  if (job) return <Badge tone={job.state === 'done' ? 'good' : 'warning'}>{text.indexes.indexed}</Badge>;
  if (!index.is_indexed) return <Badge tone="quiet">{text.indexes.notYet}</Badge>;
  return (
    <>
      <Badge tone={index.notes.length > 0 ? 'warning' : 'good'}>{text.indexes.indexed}</Badge>
      <span class="row-note">{text.indexes.files(format.count(index.files))}</span>
      {index.notes.length > 0 && (
        <details>
          <summary>{text.indexes.notes}</summary>
          <ul class="plain">
            {index.notes.map((note) => (
              <li key={note} class="row-note">
                {note}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function IndexButton({ index, job, onStart }: { index: Index; job: Job | undefined; onStart: (point: string) => void }) {
  if (job && isActive(job.state)) return null;
  const isThere = index.is_indexed || job?.state === 'done' || job?.state === 'partly';
  const when = format.dateTime(index.point.time);
  return (
    <button
      type="button"
      aria-label={isThere ? text.indexes.againOf(index.vm, when) : text.indexes.nowOf(index.vm, when)}
      onClick={() => onStart(index.point.id)}
    >
      {isThere ? text.indexes.again : text.indexes.now}
    </button>
  );
}
