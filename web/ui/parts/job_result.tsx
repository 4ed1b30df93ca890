// What a job answered, in words where its kind is known, else as it came.
import * as format from '../format';
import type { DoctorReport, Job } from '../generated/api';
import { href } from '../router';
import { text } from '../text';
import { Badge, Facts } from './basics';
import { DoctorFindings } from './doctor';
import { comparisonOf, comparisonRows, DisagreementNotice } from './comparison';

type Fields = Record<string, unknown>;

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter((entry): entry is Fields => typeof entry === 'object' && entry !== null) : [];
}

export function JobResult({ job, result }: { job: Job; result: Fields }) {
  return (
    <>
      {words(job, result)}
      <details class="raw">
        <summary>{text.common.details}</summary>
        <pre tabIndex={0}>{JSON.stringify(result, null, 2)}</pre>
      </details>
    </>
  );
}

function words(job: Job, result: Fields) {
  switch (job.kind) {
    case 'backup':
    case 'ingest':
      return <PointMade result={result} />;
    case 'prune':
    case 'gc':
      return <Removed job={job} result={result} />;
    case 'verify':
      return <Verdicts result={result} />;
    case 'restore_vm':
      return <MachineRestored result={result} />;
    case 'restore_disk':
      return <p>{text.jobs.restored(String(job.parameters['to'] ?? ''))}</p>;
    case 'index_files':
      return <NamesRead result={result} />;
    case 'doctor':
      return Array.isArray(result['checks']) ? <DoctorFindings report={result as DoctorReport} /> : null;
    default:
      return null;
  }
}

function NamesRead({ result }: { result: Fields }) {
  const { point, files, notes } = result;
  return (
    <p>
      {typeof files === 'number' && text.indexes.files(format.count(files))}
      {typeof notes === 'number' && notes > 0 && `, ${text.jobs.notes(notes)}`}{' '}
      {typeof point === 'string' && <a href={href('points', point)}>{text.jobs.openPoint}</a>}
    </p>
  );
}

function PointMade({ result }: { result: Fields }) {
  const point = result['point'];
  if (typeof point !== 'string') return null;
  const disks = listOf(result['disks']);
  const sum = (name: string) => disks.reduce((total, disk) => total + (typeof disk[name] === 'number' ? disk[name] : 0), 0);
  const comparison = comparisonOf(result['comparison']);
  return (
    <>
      <DisagreementNotice comparison={comparison} />
      <Facts
        rows={[
          [text.point.kind, `${result['kind'] === 'full' ? text.point.full : text.point.incremental}: ${String(result['reason'])}`],
          [text.point.consistency, text.consistencies[String(result['consistency'])] ?? text.common.unknown],
          [text.point.changed, format.bytes(sum('changed_bytes'))],
          [text.point.stored, format.bytes(sum('new_stored_bytes'))],
          ...comparisonRows(comparison),
        ]}
      />
      <p>
        <a class="button" href={href('points', point)}>
          {text.jobs.openPoint}
        </a>
      </p>
    </>
  );
}

function MachineRestored({ result }: { result: Fields }) {
  const vm = result['vm'] as Fields | undefined;
  const next = String(result['next'] ?? '');
  const label = (adapter: Fields) =>
    typeof adapter['switch'] === 'string'
      ? text.restoreVm.adapterOn(String(adapter['adapter']), adapter['switch'])
      : text.restoreVm.adapterOff(String(adapter['adapter']));
  return (
    <>
      <p>
        <Badge tone="good">{result['started'] === true ? text.restoreVm.running : text.restoreVm.off}</Badge>{' '}
        {text.restoreVm.done(String(vm?.['name']), String(result['host']))}
      </p>
      <Facts
        rows={[
          [
            text.restoreVm.id,
            <>
              <code>{String(vm?.['id'])}</code> ({result['kept_id'] === true ? text.restoreVm.keptId : text.restoreVm.newId})
            </>,
          ],
          [text.restoreVm.files, <code>{String(result['to'])}</code>],
          [text.restoreVm.onNetwork, listOf(result['network']).map(label).join(', ') || text.common.none],
        ]}
      />
      {next && <p class="muted">{next}</p>}
    </>
  );
}

function Removed({ job, result }: { job: Job; result: Fields }) {
  const freed = result['freed_bytes'];
  return (
    <p>
      {job.parameters['dry_run'] === true && <Badge tone="quiet">{text.jobs.dryRun}</Badge>}{' '}
      {job.kind === 'prune' &&
        `${text.jobs.kept(listOf(result['kept']).length)}, ${text.jobs.removed(Array.isArray(result['removed']) ? result['removed'].length : 0)}, `}
      {typeof freed === 'number' && text.jobs.freed(format.bytes(freed))}
    </p>
  );
}

function Verdicts({ result }: { result: Fields }) {
  const bad = listOf(result['points']).filter((point) => point['result'] !== 'sound');
  if (bad.length === 0)
    return (
      <p>
        <Badge tone="good">{text.point.sound}</Badge> {text.jobs.sound}
      </p>
    );
  return (
    <ul>
      {bad.map((point) => (
        <li key={String(point['id'])}>
          <Badge tone="bad">{text.point.damaged}</Badge>{' '}
          <a href={href('points', String(point['id']))}>
            <code>{format.shortId(String(point['id']))}</code>
          </a>
          <ul>
            {listOf(point['damage'])
              .slice(0, 20)
              .map((damage, index) => (
                <li key={index}>
                  {text.vm.disk} {String(damage['disk'])}, {String(damage['offset'])} + {String(damage['length'])}:{' '}
                  {String(damage['reason'])}
                </li>
              ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}
