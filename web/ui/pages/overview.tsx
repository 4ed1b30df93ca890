// Is everything protected? What is not stands first; a page that is quiet when all is well.
import { call, loadAllVms } from '../api';
import * as format from '../format';
import type { Host, Info, Job, Point, PointList, Policy, Share, Vm } from '../generated/api';
import { activeJobs, useLive } from '../live';
import { Facts, JobBadge, Loaded, PageHead, Section, VerifiedBadge, When } from '../parts/basics';
import { JobProgress, kindName } from '../parts/job_progress';
import { Table } from '../parts/table';
import { WeekChart } from '../parts/week_chart';
import { useResource } from '../resource';
import { href, vmHref } from '../router';
import { text } from '../text';
import { lacksPolicy } from './vms';

const kProblemsShown = 6;
const kPointsShown = 8;
const kSpaceLowShare = 0.1;

type Data = { info: Info; vms: Vm[]; hosts: Host[]; shares: Share[]; policies: Policy[]; jobs: Job[]; points: PointList };

async function load(signal: AbortSignal): Promise<Data> {
  const [info, vms, hosts, shares, policies, jobs, points] = await Promise.all([
    call('getInfo', { signal }),
    loadAllVms(signal),
    call('listHosts', { signal }),
    call('listShares', { signal }),
    call('listPolicies', { signal }),
    call('listJobs', { query: { kind: 'backup', limit: 1000 }, signal }),
    call('listPoints', { query: { limit: kPointsShown }, signal }),
  ]);
  return { info, vms, hosts: hosts.hosts, shares: shares.shares, policies: policies.policies, jobs: jobs.jobs, points };
}

export function Overview() {
  const data = useResource(load, [], 'live');
  return (
    <>
      <PageHead title={text.overview.title} />
      <Loaded resource={data}>
        {(all) => (
          <>
            {all.info.points === 0 || all.hosts.length + all.vms.length === 0 ? <Setup data={all} /> : <Verdict data={all} />}
            <Running />
            {all.info.points > 0 && <Figures data={all} />}
          </>
        )}
      </Loaded>
    </>
  );
}

type Concern = { key: string; title: string; note: string; link: string; action: string; tone: 'bad' | 'warning' };

function concernsOf({ info, vms }: Data): Concern[] {
  const bad: Concern[] = [];
  const warnings: Concern[] = [];
  if (info.free_bytes != null && info.capacity_bytes != null && info.free_bytes < info.capacity_bytes * kSpaceLowShare) {
    const note = text.overview.spaceNote(format.bytes(info.free_bytes));
    bad.push({ key: 'space', title: text.overview.spaceLow, note, link: href('repository'), action: text.overview.openRepository, tone: 'bad' });
  }
  bad.push(...failuresOf(vms.filter(hasFailed)));
  const unprotected = vms.filter(lacksPolicy);
  if (unprotected.length > 0) {
    const note = `${text.overview.unprotectedNote} ${namesOf(unprotected)}`;
    const link = `${href('vms')}?show=unprotected`;
    const title = text.overview.unprotected(unprotected.length);
    warnings.push({ key: 'unprotected', title, note, link, action: text.overview.showThem, tone: 'warning' });
  }
  for (const vm of vms.filter((candidate) => candidate.problems.length > 0 && !hasFailed(candidate))) {
    const note = vm.problems.join(' ');
    warnings.push({ key: `${vm.host}/${vm.id}`, title: vm.name, note, link: vmHref(vm), action: text.overview.openVm, tone: 'warning' });
  }
  return [...bad, ...warnings];
}

function hasFailed(vm: Vm): boolean {
  return vm.last_job?.state === 'failed' || vm.last_job?.state === 'interrupted';
}

function namesOf(vms: Vm[]): string {
  const names = vms.slice(0, kProblemsShown).map((vm) => vm.name).join(', ');
  return vms.length > kProblemsShown ? `${names} ${text.overview.moreProblems(vms.length - kProblemsShown)}` : names;
}

/// One concern per cause: a share that is full fails every machine with the same words.
function failuresOf(failed: Vm[]): Concern[] {
  const causes = new Map<string, Vm[]>();
  for (const vm of failed) {
    const cause = vm.last_job?.error?.message ?? '';
    causes.set(cause, [...(causes.get(cause) ?? []), vm]);
  }
  return [...causes].map(([cause, vms]): Concern => {
    const first = vms[0]!;
    const job = first.last_job!;
    if (vms.length === 1) {
      const title = text.overview.failed(kindName(job.kind), first.name);
      return { key: `job ${job.id}`, title, note: cause, link: href('jobs', job.id), action: text.overview.openJob, tone: 'bad' };
    }
    const note = `${cause}: ${namesOf(vms)}`;
    const title = text.overview.failedMany(kindName(job.kind), vms.length);
    return { key: `cause ${cause}`, title, note, link: href('jobs', job.id), action: text.overview.openJob, tone: 'bad' };
  });
}

function Verdict({ data }: { data: Data }) {
  const concerns = concernsOf(data);
  if (concerns.length === 0) {
    return (
      <div class="verdict good">
        <h2>{text.overview.good(data.vms.length)}</h2>
        <p>{text.overview.goodNote}</p>
      </div>
    );
  }
  const hidden = concerns.length - kProblemsShown;
  return (
    <div class={`verdict ${concerns.some((concern) => concern.tone === 'bad') ? 'bad' : 'warning'}`}>
      <h2>{text.overview.attention(concerns.length)}</h2>
      <ul class="concerns">
        {concerns.slice(0, kProblemsShown).map((concern) => (
          <li key={concern.key}>
            <div>
              <strong>{concern.title}</strong>
              <span class="row-note">{concern.note}</span>
            </div>
            <a class="button" href={concern.link} aria-label={`${concern.action}: ${concern.title}`}>
              {concern.action}
            </a>
          </li>
        ))}
      </ul>
      {hidden > 0 && (
        <p>
          <a href={href('vms')}>{text.overview.moreProblems(hidden)}</a>
        </p>
      )}
    </div>
  );
}

function Setup({ data }: { data: Data }) {
  const steps = [
    { title: text.overview.stepShare, note: text.overview.stepShareNote, done: data.shares.length > 0, link: href('hosts') },
    { title: text.overview.stepHost, note: text.overview.stepHostNote, done: data.hosts.length > 0, link: href('hosts') },
    {
      title: text.overview.stepBackup,
      note: text.overview.stepBackupNote,
      done: data.info.points > 0,
      link: data.hosts[0] ? href('hosts', data.hosts[0].name) : href('hosts'),
    },
    {
      title: text.overview.stepPolicy,
      note: text.overview.stepPolicyNote,
      done: data.policies.length > 0,
      link: href('policies'),
    },
  ];
  const next = steps.findIndex((step) => !step.done);
  return (
    <Section title={text.overview.setup}>
      <ol class="steps">
        {steps.map((step, index) => (
          <li key={step.title} class={step.done ? 'done' : ''}>
            <div>
              <strong>{step.title}</strong>
              <span class="row-note">{step.note}</span>
            </div>
            {step.done ? (
              <span class="badge good">{text.overview.doneStep}</span>
            ) : (
              <a
                class={index === next ? 'button primary' : 'button'}
                href={step.link}
                aria-label={`${text.overview.go}: ${step.title}`}
              >
                {text.overview.go}
              </a>
            )}
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Running() {
  useLive();
  const jobs = activeJobs();
  if (jobs.length === 0) return null;
  return (
    <Section title={text.overview.running}>
      <ul class="running">
        {jobs.slice(0, kProblemsShown).map((job) => (
          <li key={job.id}>
            <a href={href('jobs', job.id)}>
              <strong>{kindName(job.kind)}</strong> {job.subject}
            </a>{' '}
            <JobBadge state={job.state} />
            <JobProgress job={job} />
          </li>
        ))}
      </ul>
      {jobs.length > kProblemsShown && (
        <p>
          <a href={href('jobs')}>{text.overview.moreProblems(jobs.length - kProblemsShown)}</a>
        </p>
      )}
    </Section>
  );
}

function Figures({ data }: { data: Data }) {
  const { info, points } = data;
  return (
    <>
      <div class="columns">
        <Section title={text.overview.week}>
          <WeekChart jobs={data.jobs} />
        </Section>
        <Section title={text.overview.space}>
          <Facts
            rows={[
              [text.overview.stored, format.bytes(info.stored_bytes)],
              [text.overview.protects, format.bytes(info.logical_bytes)],
              [text.overview.saved, format.factor(info.logical_bytes, info.stored_bytes)],
              ...(info.free_bytes != null ? [[text.overview.free, format.bytes(info.free_bytes)] as [string, string]] : []),
            ]}
          />
        </Section>
      </div>
      <Section title={text.overview.newest}>
        <Table<Point>
          label={text.overview.newest}
          rows={points.points}
          rowKey={(point) => point.id}
          columns={[
            {
              title: text.vms.name,
              kind: 'main',
              cell: (point) => (
                <a href={vmHref(point.vm)}>
                  <strong>{point.vm.name}</strong>
                </a>
              ),
            },
            {
              title: text.point.time,
              cell: (point) => (
                <a href={href('points', point.id)}>
                  <When time={point.time} relative />
                </a>
              ),
            },
            { title: text.jobs.kindLabel, cell: (point) => (point.kind === 'full' ? text.point.full : text.point.incremental) },
            { title: text.point.stored, kind: 'number', cell: (point) => format.bytes(point.unique_bytes) },
            { title: text.point.verified, cell: (point) => <VerifiedBadge point={point} /> },
          ]}
        />
      </Section>
    </>
  );
}
