// All machines: protected or not, newest point, last job, and the button that backs one up now.
import { useState } from 'preact/hooks';
import { loadAllVms } from '../api';
import { lacksPolicy } from '../concerns';
import type { Vm } from '../generated/api';
import { activeJobs, useLive } from '../live';
import { Badge, Empty, IfMay, JobBadge, Loaded, PageHead, When } from '../parts/basics';
import { BackupDialog } from '../parts/backup_dialog';
import { SelectField, TextField } from '../parts/forms';
import { Table } from '../parts/table';
import { useResource } from '../resource';
import { href, vmHref } from '../router';
import { text } from '../text';

const kShows = ['all', 'attention', 'unprotected'] as const;
type Show = (typeof kShows)[number];

export function needsAttention(vm: Vm): boolean {
  return vm.problems.length > 0 || lacksPolicy(vm) || vm.last_job?.state === 'failed';
}

export function Vms({ query }: { query: URLSearchParams }) {
  const vms = useResource(loadAllVms, [], 'live');
  const [target, setTarget] = useState<Vm | 'all' | null>(null);
  return (
    <>
      <PageHead title={text.vms.title}>
        {vms.data && vms.data.length > 0 && (
          <IfMay to="startBackups">
            <button type="button" onClick={() => setTarget('all')}>
              {text.vms.backUpAll}
            </button>
          </IfMay>
        )}
      </PageHead>
      <Loaded resource={vms}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={text.vms.empty} hint={text.vms.emptyHint}>
              <a class="button primary" href={href('hosts')}>
                {text.vms.addHost}
              </a>
            </Empty>
          ) : (
            <VmTable vms={rows} initial={kShows.find((show) => show === query.get('show')) ?? 'all'} onBackup={setTarget} />
          )
        }
      </Loaded>
      {target !== null && <BackupDialog target={target} onClose={() => setTarget(null)} />}
    </>
  );
}

function VmTable({ vms, initial, onBackup }: { vms: Vm[]; initial: Show; onBackup: (vm: Vm) => void }) {
  const [filter, setFilter] = useState('');
  const [show, setShow] = useState<Show>(initial);
  const wanted = filter.trim().toLowerCase();
  const rows = vms.filter((vm) => {
    if (show === 'unprotected' && !lacksPolicy(vm)) return false;
    if (show === 'attention' && !needsAttention(vm)) return false;
    return wanted === '' || vm.name.toLowerCase().includes(wanted) || vm.host.toLowerCase().includes(wanted);
  });
  const clear = () => {
    setFilter('');
    setShow('all');
  };
  return (
    <>
      <div class="filters" role="search">
        <TextField label={text.common.filter} type="search" value={filter} onChange={setFilter} />
        <SelectField
          label={text.vms.show}
          value={show}
          onChange={setShow}
          choices={[
            { value: 'all', label: text.vms.all },
            { value: 'attention', label: text.vms.attention },
            { value: 'unprotected', label: text.vms.unprotected },
          ]}
        />
        <p class="muted" role="status">
          {text.common.showing(rows.length, vms.length)}
        </p>
      </div>
      {rows.length === 0 ? (
        <Empty title={text.common.noMatch}>
          <button type="button" onClick={clear}>
            {text.common.clear}
          </button>
        </Empty>
      ) : (
        <Table
          label={text.vms.title}
          rows={rows}
          rowKey={(vm) => `${vm.host}/${vm.id}`}
          columns={[
            { title: text.vms.name, kind: 'main', cell: (vm) => <VmName vm={vm} /> },
            { title: text.vms.host, cell: (vm) => vm.host || <span class="muted">{text.vms.ingested}</span> },
            { title: text.vms.state, cell: (vm) => text.vmStates[vm.state] ?? vm.state },
            { title: text.vms.policy, cell: (vm) => <Protection vm={vm} /> },
            {
              title: text.vms.lastPoint,
              cell: (vm) =>
                vm.newest_point_time ? (
                  <When time={vm.newest_point_time} relative />
                ) : (
                  <span class="muted">{text.vms.noPoint}</span>
                ),
            },
            {
              title: text.vms.lastJob,
              cell: (vm) =>
                vm.last_job ? (
                  <a href={href('jobs', vm.last_job.id)}>
                    <JobBadge state={vm.last_job.state} />
                  </a>
                ) : (
                  <span class="muted">–</span>
                ),
            },
            {
              title: text.vms.actions,
              kind: 'actions',
              cell: (vm) => (vm.host ? <BackupButton vm={vm} onBackup={onBackup} /> : null),
            },
          ]}
        />
      )}
    </>
  );
}

function VmName({ vm }: { vm: Vm }) {
  return (
    <>
      <a href={vmHref(vm)}>
        <strong>{vm.name}</strong>
      </a>
      {vm.problems.map((problem) => (
        <span key={problem} class="row-note bad-text">
          {problem}
        </span>
      ))}
    </>
  );
}

export function Protection({ vm }: { vm: Vm }) {
  if (vm.protected) return <span>{vm.policies.join(', ')}</span>;
  return vm.host === '' ? <span class="muted">–</span> : <Badge tone="warning">{text.vms.notProtected}</Badge>;
}

export function BackupButton({ vm, onBackup }: { vm: Vm; onBackup: (vm: Vm) => void }) {
  useLive();
  const running = activeJobs().find(
    (job) => job.kind === 'backup' && (job.id === vm.last_job?.id || (job.parameters['vm'] === vm.id && job.parameters['host'] === vm.host_id)),
  );
  if (running)
    return (
      <a class="button" href={href('jobs', running.id)}>
        {text.vms.running}
      </a>
    );
  return (
    <IfMay to="startBackups">
      <button type="button" onClick={() => onBackup(vm)} aria-label={text.backup.title(vm.name)}>
        {text.vms.backUp}
      </button>
    </IfMay>
  );
}
