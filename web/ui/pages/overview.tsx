// Is everything protected? What is not stands first; a page that is quiet when all is well.
import { useState } from 'preact/hooks';
import { call, kAll, loadAllVms } from '../api';
import { concernsOf, warningConcern, type Concern } from '../concerns';
import * as format from '../format';
import type { Growth, Host, Info, JobHistory, Point, PointList, Policy, Share, Vm, Warning } from '../generated/api';
import { activeJobs, useLive } from '../live';
import { Facts, JobBadge, Loaded, PageHead, Section, VerifiedBadge, When } from '../parts/basics';
import { DayChart } from '../parts/day_chart';
import { forecastWords } from '../parts/growth_chart';
import { JobProgress, kindName } from '../parts/job_progress';
import { Table } from '../parts/table';
import { proofOf } from '../proof';
import { useResource } from '../resource';
import { href, vmHref } from '../router';
import { text } from '../text';

const kProblemsShown = 6;
const kPointsShown = 8;

type Data = { info: Info; growth: Growth; vms: Vm[]; hosts: Host[]; shares: Share[]; policies: Policy[]; history: JobHistory; points: PointList; warnings: Warning[] };

async function load(signal: AbortSignal): Promise<Data> {
  const [info, growth, vms, hosts, shares, policies, history, points, warnings] = await Promise.all([
    call('getInfo', { signal }),
    call('getGrowth', { signal }),
    loadAllVms(signal),
    call('listHosts', { query: kAll, signal }),
    call('listShares', { query: kAll, signal }),
    call('listPolicies', { query: kAll, signal }),
    call('getJobHistory', { query: { kind: 'backup', days: 7 }, signal }),
    call('listPoints', { query: { limit: kPointsShown }, signal }),
    call('listWarnings', { signal }),
  ]);
  return {
    info,
    growth,
    vms,
    hosts: hosts.hosts,
    shares: shares.shares,
    policies: policies.policies,
    history,
    points,
    warnings: warnings.warnings,
  };
}

export function Overview() {
  const data = useResource(load, [], 'live');
  return (
    <>
      <PageHead title={text.overview.title} />
      <Loaded resource={data}>
        {(all) => (
          <>
            {all.info.points === 0 || all.hosts.length + all.vms.length === 0 ? <Beginning data={all} /> : <Verdict data={all} />}
            <Running />
            {all.info.points > 0 && <Figures data={all} />}
          </>
        )}
      </Loaded>
    </>
  );
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
  return <Concerns concerns={concerns} />;
}

/// Before the first point: what is wrong with the appliance itself, and the steps.
function Beginning({ data }: { data: Data }) {
  return (
    <>
      {data.warnings.length > 0 && <Concerns concerns={data.warnings.map(warningConcern)} />}
      <Setup data={data} />
    </>
  );
}

function Concerns({ concerns }: { concerns: Concern[] }) {
  const [showsAll, setShowsAll] = useState(false);
  const hidden = showsAll ? 0 : concerns.length - kProblemsShown;
  return (
    <div class={`verdict ${concerns.some((concern) => concern.tone === 'bad') ? 'bad' : 'warning'}`}>
      <h2>{text.overview.attention(concerns.length)}</h2>
      <ul class="concerns">
        {concerns.slice(0, showsAll ? concerns.length : kProblemsShown).map((concern) => (
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
          <button type="button" class="link" onClick={() => setShowsAll(true)}>
            {text.overview.moreProblems(hidden)}
          </button>
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
          <DayChart history={data.history} />
        </Section>
        <Section title={text.overview.proof}>
          <Proof vms={data.vms} />
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
          <p class="muted">{forecastWords(data.growth)}</p>
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

/// What is known to come back: the last restore that was done, and how many newest points were read and found sound.
function Proof({ vms }: { vms: Vm[] }) {
  const withPoints = vms.filter((vm) => vm.last_point !== null);
  const proven = withPoints.filter((vm) => proofOf(vm.last_point!) === 'sound').length;
  const restored = vms.filter((vm) => vm.last_restore !== null);
  const last = restored.sort((a, b) => (a.last_restore!.ended < b.last_restore!.ended ? 1 : -1))[0];
  return (
    <Facts
      rows={[
        [
          text.overview.lastRestore,
          last?.last_restore ? (
            <>
              <a href={href('jobs', last.last_restore.job)}>{last.name}</a>, <When time={last.last_restore.ended} relative />
            </>
          ) : (
            text.overview.noRestore
          ),
        ],
        [text.overview.provenPoints, text.common.of(format.count(proven), format.count(withPoints.length))],
        [text.overview.restored, text.common.of(format.count(restored.length), format.count(withPoints.length))],
      ]}
    />
  );
}
