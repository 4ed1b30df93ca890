// What the doctor found at a host: what needs somebody first, with cause, evidence, cure and command.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, call, may } from '../api';
import type { DoctorCheck, DoctorReport } from '../generated/api';
import { useAction, useResource } from '../resource';
import { forgetQuery, href } from '../router';
import { text } from '../text';
import { Command } from './command';
import { Badge, IfMay, ProblemBox, Section, type Tone, When } from './basics';

type Result = DoctorCheck['result'];

const kTones: Record<Result, Tone> = { ok: 'good', warning: 'warning', failed: 'bad', unproven: 'quiet', skipped: 'quiet' };
const kUrgent: Result[] = ['failed', 'warning', 'unproven'];

type SectionProperties = {
  host: string;
  startsAtOnce?: boolean;
  /// With the report of a job that was started here.
  onExamined?: (report: DoctorReport) => void;
};

/// The last report of a host, and the button for a new one.
export function DoctorSection({ host, startsAtOnce = false, onExamined }: SectionProperties) {
  const report = useResource((signal) => lastReport(host, signal), [host], 'live');
  const [job, setJob] = useState('');
  const start = useAction(async () => {
    setJob((await call('startDoctor', { path: { name: host }, body: {} })).job.id);
  });
  const isWaiting = job !== '' && report.data?.job !== job;
  useEffect(() => {
    if (!startsAtOnce || !may('startDoctor')) return;
    forgetQuery(href('hosts', host));
    void start.run();
  }, [host, startsAtOnce]);
  const isNew = report.data !== null && job !== '' && report.data.job === job;
  useEffect(() => {
    if (isNew) onExamined?.(report.data!);
  }, [isNew]);
  return (
    <Section
      title={text.doctor.title}
      note={text.doctor.note}
      actions={
        <IfMay to="startDoctor">
          <button type="button" disabled={start.busy || isWaiting} onClick={() => void start.run()}>
            {report.data ? text.doctor.again : text.doctor.start}
          </button>
        </IfMay>
      }
    >
      <ProblemBox problem={start.problem ?? report.problem} />
      {isWaiting && (
        <p role="status">
          {text.doctor.running} <a href={href('jobs', job)}>{text.overview.openJob}</a>
        </p>
      )}
      {report.data && !isWaiting && <DoctorFindings report={report.data} />}
    </Section>
  );
}

/// Null for a host that was never examined.
async function lastReport(host: string, signal: AbortSignal): Promise<DoctorReport | null> {
  try {
    return await call('getDoctorReport', { path: { name: host }, signal });
  } catch (error) {
    if (error instanceof ApiError && error.problem.status === 404) return null;
    throw error;
  }
}

export function DoctorFindings({ report }: { report: DoctorReport }) {
  const urgent = kUrgent.flatMap((result) => report.checks.filter((check) => check.result === result));
  const rest = report.checks.filter((check) => !kUrgent.includes(check.result));
  return (
    <>
      <p class="summary">
        <span>{text.doctor.summary(report.failed, report.warnings, report.unproven)}</span>
        <span class="muted">
          <When time={report.time} relative />
        </span>
      </p>
      {urgent.map((check) => (
        <Finding key={`${check.id} ${check.evidence}`} check={check} />
      ))}
      {rest.length > 0 && (
        <details>
          <summary>{text.doctor.rest(rest.length)}</summary>
          <ul class="plain checks">
            {rest.map((check) => (
              <li key={`${check.id} ${check.evidence}`}>
                <Badge tone={kTones[check.result]}>{text.doctor.results[check.result]}</Badge>
                <div>
                  {check.cause} <span class="muted">{check.evidence || check.cure}</span>
                </div>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Finding({ check }: { check: DoctorCheck }) {
  return (
    <div class={`notice ${check.result === 'failed' ? 'bad' : check.result === 'warning' ? 'warning' : 'plain'}`}>
      <p>
        <Badge tone={kTones[check.result]}>{text.doctor.results[check.result]}</Badge> <strong>{check.cause}</strong>{' '}
        <code>{check.id}</code>
      </p>
      {check.evidence && (
        <p>
          {text.doctor.evidence}: {check.evidence}
        </p>
      )}
      {check.cure && <p>{check.cure}</p>}
      {check.command && <Command command={check.command} />}
    </div>
  );
}
